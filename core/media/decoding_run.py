"""A run of decoding: the frames of a video from a key packet on, in the order in which they are shown.

Two ways to run, for files of which a part is damaged:
- Quick: on several threads, from the nearest key packet. Where a frame comes out damaged, the run ends with
  `DamageMet`: what a decoder puts in place of what it could not read depends on what it decoded before, and on threads.
- Careful: on one thread, whatever comes out. Begun early enough, it gives what decoding the whole file in order gives.

A frame can depend on ones that are decoded before and shown after it, and on several threads the error of a packet
comes later, so a quick run holds frames back until it has seen those, too. Which frames are damaged is what FFmpeg's
decoders say when they are strict.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from av.video.frame import VideoFrame

from core.media.frame_index import FrameIndex
from core.media.stream import OpenVideo

NumberedFrame = tuple[int, VideoFrame]


class DamageMet(Exception):  # noqa: N818 - caught by who began the run
    """A frame came out damaged, or did not come out although others may depend on it.

    Attributes:
        frame: its number; None: several threads were at work, so that it cannot be told which one it is.
        near: numbers of the frames that were held back, which can depend on it.
    """

    def __init__(self, frame: int | None, near: list[int]):
        super().__init__(frame)
        self.frame, self.near = frame, near


class DecodingRun:
    """One open file, being decoded.

    Args:
        careful: see above. threads: whether a quick run uses several.

    Attributes:
        video: the file.
        position: the last frame that came out; -1: none yet.
    """

    def __init__(self, path: Path, index: FrameIndex, *, careful: bool = False, threads: bool = True):
        self.video = OpenVideo(path, threads=threads and not careful, strict=not careful, parts=index.parts)
        self.position = -1
        self._index, self._careful = index, careful
        self._frames: Iterator[NumberedFrame] = iter(())

    def start(self, key: int, sound_until: int | None = None) -> None:
        """Begin anew at a key packet.

        Args:
            sound_until: number of a frame; a careful run, too, raises `DamageMet` where one before it is damaged, or
                where it begins no earlier.
        """
        self.position = -1
        frames = self._from_key(key)
        if not self._careful:
            frames = self._undamaged(frames)
        elif sound_until is not None:
            frames = self._begun_soundly(frames, sound_until)
        self._frames = frames

    def __iter__(self) -> Iterator[NumberedFrame]:
        """The next item. After a break, going on is possible.

        Raises:
            DamageMet: in a quick run, which then is over.
        """
        for number, frame in self._frames:
            self.position = number
            yield number, frame

    def _begun_soundly(self, frames: Iterator[NumberedFrame], until: int) -> Iterator[NumberedFrame]:
        first = None
        self.video.lost = False
        for number, frame in frames:
            first = number if first is None else first
            if first >= until or (number < until and (frame.is_corrupt or self.video.lost)):
                self.position = -1
                raise DamageMet(number, [])
            yield number, frame

    def close(self) -> None:
        self.video.close()

    def _from_key(self, key: int) -> Iterator[NumberedFrame]:
        """(index, frame) from a key packet on. Leading frames that need an earlier key are passed over."""
        index = self._index
        if not index.keys:
            self.video.reopen()
            yield from enumerate(self.video.frames(self.video.packets()))
            return
        begin = index.keys[key]
        trusted = None
        for frame in self.video.frames(self.video.packets_from(begin)):
            number = index.find(frame.pts)
            if number is None or frame.pts is None or frame.pts < begin.pts:
                continue
            if trusted is None:  # a key that does not show itself begins a gradual refresh, complete by the next key
                trusted = key if frame.pts == begin.pts or begin.discard or key == 0 else key + 1
            if index.key[number] >= trusted:
                yield number, frame

    def _undamaged(self, frames: Iterator[NumberedFrame]) -> Iterator[NumberedFrame]:
        held: deque[NumberedFrame] = deque()
        self.video.lost = False
        for number, frame in frames:
            is_lost = self.video.lost and self.video.frames_depend
            held.append((number, frame))
            if is_lost or frame.is_corrupt:
                self.position = -1
                near = [one for one, _ in held]
                if is_lost and self.video.has_threads:
                    raise DamageMet(None, near)
                lost = self._index.find(self.video.lost_pts) if is_lost else None
                raise DamageMet(number if lost is None else lost, near)
            if len(held) > self._index.reorder + self.video.error_delay:
                yield held.popleft()
        yield from held
