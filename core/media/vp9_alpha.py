"""The alpha of VP9, exact.

A WebM frame carries its alpha as a second VP9 picture beside the first. FFmpeg's encoder makes both with the same
settings, so that alpha would be as coarse as the colours are. Here the alpha comes from an encoder of its own that
loses nothing, whose colours are blank, and takes the place of the other's in each packet.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.plane import VideoPlane

_SIDE_DATA: Final = "matroska_block_additional"
_OPTIONS = {"lossless": "1", "deadline": "good", "cpu-used": "5", "auto-alt-ref": "0", "row-mt": "1"}
_GREY = 128


class AlphaEncoder:
    """Encodes alpha beside the colours.

    Args:
        size: (height, width), even. options: of the colours' encoder; key frames must be at the same places.
    """

    def __init__(self, size: tuple[int, int], rate: Fraction, time_base: Fraction, options: Mapping[str, str]):
        from av.codec import CodecContext
        from av.video.frame import VideoFrame

        self._frame = lambda: VideoFrame(size[1], size[0], "yuva420p")
        self._context = CodecContext.create("libvpx-vp9", "w")
        self._context.width, self._context.height, self._context.pix_fmt = size[1], size[0], "yuva420p"
        self._context.framerate, self._context.time_base = rate, time_base
        self._context.options = _OPTIONS | {name: options[name] for name in ("g", "keyint_min")}
        self._time_base = time_base
        self._colours: dict[int, Packet] = {}  # by timestamp, until their alpha comes
        self._alphas: dict[int, Packet] = {}

    def join(self, packets: Iterable["Packet"], alpha: np.ndarray | None, tick: int = 0) -> list["Packet"]:
        """Packets of the colours with their alpha, as far as both are there, in their order.

        Args:
            packets: of the colours. alpha: uint8 (H, W) of the next frame, at `tick`; None: there is no other.
        """
        self._colours |= _by_time(packets)
        picture = None if alpha is None else self._picture(alpha, tick)
        self._alphas |= _by_time(self._context.encode(picture))
        done = []
        for pts in sorted(self._colours.keys() & self._alphas.keys()):
            done.append(_with_alpha(self._colours.pop(pts), self._alphas.pop(pts)))
        return done

    def _picture(self, alpha: np.ndarray, tick: int):
        picture = self._frame()
        planes = [_bytes_of(plane) for plane in picture.planes]
        for plane in planes[:3]:
            plane[:] = _GREY
        rows = planes[3].reshape(-1, picture.planes[3].line_size)
        rows[: alpha.shape[0], : alpha.shape[1]] = alpha
        picture.pts, picture.time_base = tick, self._time_base
        return picture


def _bytes_of(plane: "VideoPlane") -> np.ndarray:
    return np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # it is a buffer, which PyAV does not declare


def _by_time(packets: Iterable["Packet"]) -> dict[int, "Packet"]:
    by_time = {}
    for packet in packets:
        assert packet.pts is not None, "encoders date their packets"
        by_time[packet.pts] = packet
    return by_time


def _with_alpha(colours: "Packet", alpha: "Packet") -> "Packet":
    from av.packet import PacketSideData

    PacketSideData.from_packet(alpha, _SIDE_DATA).to_packet(colours)
    return colours
