"""Whether decoding can begin at a key packet, of codecs whose decoders do not tell damage.

Where such a decoder cannot read all of a key frame, it leaves there what it decoded before, and says nothing. Such a
frame comes out otherwise from a decoder that begins with it than from one that was at another place, or decoded others
first: by that it is found. A few frames after it are compared as well, for what it sets beside its picture.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from itertools import chain, islice
from pathlib import Path

from av.packet import Packet
from av.video.frame import PictureType

from core.media.frame_index import FrameIndex
from core.media.stream import OpenVideo

_COMPARED = 3  # frames
_OTHERS = 2  # key frames before it: one of them may be damaged as well
_DEPENDENT = (PictureType.P, PictureType.B)


class Key(Enum):
    """A key packet, as a place to begin decoding at."""

    SOUND = auto()
    DAMAGED = auto()
    NO_KEY = auto()  # the file calls it one, but it holds a frame that depends on others


class KeyFrames:
    """The key packets of a file, tried when they are asked for.

    Args:
        path, index: of the file.
        tells_damage: whether its decoder does, so that nothing is to be tried.

    Attributes:
        are_trusted: whether all are sound that no decoder complains about.
    """

    def __init__(self, path: Path, index: FrameIndex, tells_damage: bool):
        self._path, self._index = path, index
        self._found: dict[int, Key] = {}
        self.are_trusted = tells_damage or not index.keys

    def __getitem__(self, key: int) -> Key:
        if self.are_trusted or key == 0:
            return Key.SOUND
        if key not in self._found:
            self._found[key] = self._try(key)
        return self._found[key]

    def _try(self, key: int) -> Key:
        keys = self._index.keys
        alone, is_key, is_proven = self._decoded(lambda video: video.packets_from(keys[key]), key)
        ways: list[Callable[[OpenVideo], Iterable[Packet]]] = [
            lambda video: chain(islice(video.packets_from(keys[0]), 1), video.packets_from(keys[key])),
            lambda video: video.packets_from(keys[max(0, key - _OTHERS)]),
        ]
        if is_proven or (alone is not None and all(self._decoded(way, key)[0] == alone for way in ways)):
            return Key.SOUND
        return Key.DAMAGED if is_key else Key.NO_KEY

    def _decoded(self, way: Callable[[OpenVideo], Iterable[Packet]], key: int) -> tuple[list[bytes] | None, bool, bool]:
        """The pixels of some frames from a key packet on; None where one is damaged.

        Args:
            way: the packets up to there. Of those before it, key packets are decoded.

        Whether the first of them is what the file calls it, a frame that depends on no others, comes with them; and
        whether checksums say that they are whole.
        """
        begin, is_key = self._index.keys[key].pts, True
        frames: list[bytes] = []
        with OpenVideo(self._path, threads=False, parts=self._index.parts) as video:
            for frame in video.frames(self._chosen(video, way(video), begin)):
                if frame.pts is not None and frame.pts >= begin:
                    is_key = is_key if frames else frame.pict_type not in _DEPENDENT
                    frames.append(frame.to_ndarray(format="rgb24").tobytes())
            return (None if video.lost or not frames else frames), is_key, video.has_checksums and not video.lost

    @staticmethod
    def _chosen(video: OpenVideo, packets: Iterable[Packet], begin: int) -> Iterator[Packet]:
        """Key packets among some packets before a time, and a few from it on, before the next key packet."""
        count = 0
        for packet in packets:
            if not count and (packet.pts is None or packet.pts < begin):
                if packet.is_keyframe:
                    yield packet
                continue
            if count == _COMPARED or (count and packet.is_keyframe):
                return
            if not count:
                video.lost = False
            count += 1
            yield packet
