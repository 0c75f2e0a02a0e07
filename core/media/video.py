"""A video file as footage: any frame, exactly as decoding the whole file in order would give it.

Decisions:
- Frame i is the i-th presentation timestamp of the index (see `video_index`). Reading on goes on decoding; any other
  frame is reached by decoding from the key packet its references begin at, until its own timestamp comes out.
- Frames decoded on the way are kept, as far as the byte budget goes, so that going backwards decodes each group of
  pictures once and not once a frame. Reading forwards needs, and keeps, only an eighth.
- For a person who jumps about (`interactive`), the frame that is asked for comes first: on the way to it, frames that
  no other refers to are passed over. What lies around it is decoded afterwards (`prepare`), and nothing is given away
  before the budget is full.
- What is decoded can be had without waiting for what is being decoded.
- Where a frame comes out damaged, those of its group of pictures are decoded anew, carefully (see `decoding`), from a
  place before that is sound, so that they are what decoding in order gives; a warning says where.
- Of codecs whose decoders do not tell damage, a key packet is tried before decoding begins at it (see `key_frames`).
- A frame that cannot be decoded never shifts the others: the nearest earlier one that can stands in, and a warning
  says so.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from core.errors import PCVOSError
from core.media.decoding_run import DamageMet, DecodingRun
from core.media.frame_cache import FrameCache, byte_count
from core.media.frame_index import file_identity, load_index, store_index
from core.media.key_frames import Key, KeyFrames
from core.media.pixels import Developer
from core.media.source import FrameNumbers, FrameSource, Timestamps
from core.media.video_index import build_index
from core.progress import UNWATCHED, Cancelled, Progress

_FORWARD_SHARE = 8  # reading forwards keeps one such part of the budget
_WORTH_A_SEEK = 8  # frames: decoding over a gap as short as this is cheaper than seeking
_FINGERPRINT_BYTES = 2**20
_KEPT_BEFORE = 3  # frames just before one that was jumped to
_BEHIND, _AHEAD = 12, 8  # frames that `prepare` sees to: half a second back, a third ahead
# Frames before damage, at least and at most, that careful decoding begins at: decoders fill in what is left in their
# buffers, those of H.264 from more than 16 frames back.
_BACK, _FAR_BACK = 48, 300
_TRIES = 8  # key packets in which decoding could not begin; more of them, and it begins with the file
_PATIENCE = 0.02  # seconds between two looks at whether to go on waiting


class VideoFile(FrameSource):
    """The frames of a video file.

    Args:
        path: an existing file.
        cache_bytes: how much memory decoded frames may take.
        interactive: whether a person looks at single frames, rather than a program at all of them in order.
        stored: a `stored_index` of this file; of any other it is ignored.
        progress: as `build_index` takes it.

    Raises:
        PCVOSError: not a video, or one without a frame. Cancelled: it is not wanted any more.
    """

    is_video = True

    def __init__(
        self,
        path: Path,
        cache_bytes: int,
        interactive: bool = False,
        stored: bytes | None = None,
        progress: Progress = UNWATCHED,
    ):
        self.path = path
        self._identity = file_identity(path)  # before the scan: should the file change meanwhile, they do not match
        index = load_index(stored, self._identity) if stored else None
        self._index = build_index(path, progress) if index is None else index
        self.stems = FrameNumbers(len(self._index))
        self.rate = self._index.rate
        self.timestamps = Timestamps(self._index.ticks, self._index.time_base)
        self.clock_parts = self._index.parts
        self.warnings = []
        if self._index.truncated:
            self.warnings.append(f"{path} is truncated: only the {len(self)} frames that are there can be used.")
        self._lock = threading.Lock()  # of everything that decodes; the cache and the developer have their own
        self._interactive = interactive
        self._cache = FrameCache(cache_bytes)
        self._room = 1  # about how many frames fit into the cache
        self._asked = 0  # the last frame that somebody wanted
        self._stand_in: dict[int, int] = {}
        self._can_pass_over = interactive and bool(self._index.keys) and not self._index.damaged
        self._run = DecodingRun(path, self._index, threads=not self._index.damaged)
        self._careful: DecodingRun | None = None  # until damage is met
        self._keys = KeyFrames(path, self._index, self._run.video.tells_damage)
        self._damaged: set[int] = set()  # numbers of the key packets whose groups of pictures are damaged
        self._unsound: set[int] = set()  # of those that take care, for this or another reason
        self._closed = False
        first = self._decoded(0, UNWATCHED)
        self._developer = Developer(first)
        self.size, self.colour = self._developer.size, self._developer.colour
        self.sample_aspect_ratio = self._developer.shown_aspect(self._run.video.sample_aspect_ratio)
        if not self._developer.is_exact:
            self.warnings.append(
                f"The colours of {path} are of a kind that cannot be shown exactly (matrix {first.colorspace} of ITU-T "
                "H.273); convert it to BT.709 if they matter."
            )
        self._room = max(1, cache_bytes // byte_count(first))

    def _read(self, index: int) -> np.ndarray:
        return self._read_unless(index, UNWATCHED)

    def _read_unless(self, index: int, progress: Progress) -> np.ndarray:
        if self._closed:
            raise ValueError(f"{self.path} has been closed.")
        frame = self._cache.get(self._stand_in.get(index, index))
        if frame is None:
            frame = self._decoded(index, progress)
        self._asked = index
        return self._developer.develop(frame)

    def nearest_decoded(self, index: int) -> tuple[int, np.ndarray] | None:
        near = self._cache.nearest(index)
        return None if near is None else (near[0], self._developer.develop(near[1]))

    def prepare(self, index: int, progress: Progress = UNWATCHED) -> None:
        if not self._interactive:
            return
        behind, ahead = min(_BEHIND, self._room // 4), min(_AHEAD, self._room // 4)
        try:
            self._fill(range(index + 1, min(index + ahead + 1, len(self))), index, progress)
            self._fill(range(max(0, index - behind), index), index, progress)
        except (Cancelled, PCVOSError):
            return

    def stored_index(self) -> bytes:
        return store_index(self._index, self._identity)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._run.close()
            if self._careful is not None:
                self._careful.close()
            self._cache.clear()

    def fingerprint(self) -> str:
        length = self.path.stat().st_size
        digest = hashlib.sha256(repr((self.size, len(self), length)).encode())
        with self.path.open("rb") as file:
            digest.update(file.read(_FINGERPRINT_BYTES))
            file.seek(max(0, length - _FINGERPRINT_BYTES))
            digest.update(file.read())
        return digest.hexdigest()

    @contextmanager
    def _decoding(self, progress: Progress) -> Iterator[None]:
        """One thread at a time decodes; waiting for that can be given up."""
        while not self._lock.acquire(timeout=_PATIENCE):
            progress.raise_if_cancelled()
        try:
            if self._closed:
                raise ValueError(f"{self.path} has been closed.")
            yield
        finally:
            self._lock.release()

    def _decoded(self, index: int, progress: Progress) -> VideoFrame:
        """The frame, or its stand-in, from the cache or by decoding."""
        with self._decoding(progress):
            index = self._stand_in.get(index, index)
            frame = self._cache.get(index)
            if frame is not None:
                return frame
            self._cache.focus(index)
            number, frame = self._quickly(index, progress)
            return frame if frame is not None and number == index else self._carefully(index, progress)

    def _quickly(self, index: int, progress: Progress) -> tuple[int, VideoFrame | None]:
        """Decode as `_decode_to` does; another frame, or none, where care is needed."""
        key = int(self._index.key[index])
        number, frame = -1, None
        while key not in self._unsound:
            begins = not self._is_ahead(index)
            try:
                number, frame = self._reach(index, index, self._first_to_keep(index), progress)
            except DamageMet as met:
                self._note(met)
                if begins and met.frame is not None:  # beginning once more would meet it again
                    self._unsound.add(key)
                continue
            if number == index:
                break
            self._run.position = -1
            if self._can_pass_over:  # it may itself have been passed over, on the way to another
                self._can_pass_over = False
            elif self._run.video.has_threads:  # an error may have taken it along
                self._run.video.reopen(threads=False)
            else:
                self._unsound.add(key)
        return number, frame

    def _note(self, met: DamageMet) -> None:
        if met.frame is None:
            self._run.video.reopen(threads=False)
            return
        key = int(self._index.key[met.frame])
        self._unsound.update(int(self._index.key[number]) for number in (met.frame, *met.near))
        if key not in self._damaged:
            self._damaged.add(key)
            self._tell(met.frame, key)

    def _tell(self, index: int, key: int) -> None:
        last = int(np.searchsorted(self._index.key, key, side="right")) - 1
        follow = f" and those that follow, up to frame {last}," if last > index else ""
        self.warnings.append(f"Frame {index} of {self.path} is damaged: it{follow} can look wrong.")

    def _carefully(self, index: int, progress: Progress) -> VideoFrame:
        """A frame of a group of pictures that is damaged, or one that did not come out."""
        if self._careful is None:
            self._careful = DecodingRun(self.path, self._index, careful=True)
        run, key = self._careful, int(self._index.key[index])
        self._cache.limit(1)
        nearest: int = -1
        frame: VideoFrame | None = None
        if 0 <= run.position < index and key - int(self._index.key[run.position]) <= 1:
            nearest, frame = self._decode_to(run, index, progress)
        if nearest != index:
            nearest, frame = self._begun_before(run, index, progress)
        if nearest != index or frame is None:
            return self._stood_in(run, index, nearest, frame)
        if self._run.video.lost and not run.video.frames_depend and key not in self._damaged:
            self._damaged.add(key)
            self._tell(index, key)
        return frame

    def _begun_before(self, run: DecodingRun, index: int, progress: Progress) -> tuple[int, VideoFrame | None]:
        """Decode to a frame from a place before its group of pictures, and sound; as `_decode_to`."""
        own_first = int(np.searchsorted(self._index.key, self._index.key[index]))
        left = _TRIES
        for key in range(max(0, int(self._index.key[index]) - 1), -1, -1):
            first = int(np.searchsorted(self._index.key, key))
            is_far = key == 0 or (index - first >= _FAR_BACK and self._keys.are_trusted)
            if not is_far and (key in self._damaged or own_first - first < _BACK or not left):
                continue
            if self._keys[key] != Key.SOUND:
                left -= 1
                continue
            run.start(key, sound_until=None if is_far else first + _BACK)
            try:
                nearest, frame = self._decode_to(run, index, progress)
            except DamageMet:
                continue
            if frame is not None:
                return nearest, frame
        return -1, None

    def _stood_in(self, run: DecodingRun, index: int, nearest: int, frame: VideoFrame | None) -> VideoFrame:
        """An earlier frame for one that cannot be decoded."""
        if frame is None:
            raise PCVOSError(
                f"Frame {index} of {self.path} cannot be decoded any more; check that the file is unchanged."
            )
        last = max(index, run.position - 1)
        self._stand_in.update(dict.fromkeys(range(nearest + 1, last + 1), nearest))
        frames = f"Frame {index}" if last == nearest + 1 else f"Frames {nearest + 1} to {last}"
        self.warnings.append(f"{frames} of {self.path} cannot be decoded; frame {nearest} stands in.")
        return frame

    def _first_to_keep(self, index: int) -> int:
        """From which frame on to decode all, on the way to this one: those that fit for a step, few for a jump."""
        return index - (self._room // 2 if abs(index - self._asked) <= _WORTH_A_SEEK else _KEPT_BEFORE)

    def _fill(self, frames: range, around: int, progress: Progress) -> None:
        """Decode those of consecutive frames that are not in the cache; damaged ones only when they are asked for."""
        missing = [
            number
            for number in frames
            if self._stand_in.get(number, number) not in self._cache and self._index.key[number] not in self._unsound
        ]
        if missing:
            with self._decoding(progress):
                self._cache.focus(around)
                try:
                    self._reach(missing[0], missing[-1], around - self._room // 2, progress)
                except DamageMet as met:
                    self._note(met)

    def _reach(self, first: int, last: int, keep_from: int, progress: Progress) -> tuple[int, VideoFrame | None]:
        """Decode quickly from `first`, or from before it, to `last`; as `_decode_to`."""
        ahead = self._is_ahead(first)
        self._cache.limit(_FORWARD_SHARE if ahead and not self._interactive else 1)
        wanted = int(self._index.ticks[max(0, keep_from)]) if self._can_pass_over else None
        self._run.video.wanted_from = wanted
        if not ahead:
            self._begin(first)
        return self._decode_to(self._run, last, progress)

    def _begin(self, index: int) -> None:
        """Begin a quick run at the key packet of a frame, if decoding can begin there."""
        key = int(self._index.key[index])
        found = self._keys[key]
        if found != Key.SOUND:
            if found == Key.NO_KEY:
                self._damaged.add(key)  # nothing is to be told
            raise DamageMet(int(np.searchsorted(self._index.key, key)), [])
        self._run.start(key)

    def _is_ahead(self, index: int) -> bool:
        """Whether to go on decoding rather than begin anew for this frame."""
        position = self._run.position
        if index <= position or position < 0:
            return False
        return index - position <= _WORTH_A_SEEK or self._index.key[index] <= self._index.key[position]

    def _decode_to(self, run: DecodingRun, index: int, progress: Progress) -> tuple[int, VideoFrame | None]:
        """Go on until the frame is there, or passed: the last one up to it, with its index; (-1, None) without one.

        However soon it is to stop, one frame comes out of it: whoever drags along the film sees something of it.
        """
        nearest: tuple[int, VideoFrame | None] = (-1, None)
        wanted = run.video.wanted_from
        for number, frame in run:
            is_before_wanted = wanted is not None and frame.pts is not None and frame.pts < wanted
            if not (is_before_wanted and frame.interlaced_frame):  # one of its fields may be missing
                self._cache.put(number, frame)
            if number <= index:
                nearest = number, frame
            if number >= index:
                break
            progress.raise_if_cancelled()
        return nearest
