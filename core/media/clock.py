"""Clocks that begin anew: a file joined from several recordings has parts, each with timestamps of its own.

FFmpeg takes what jumps back far for a clock of 33 bits that ran over, and adds 26.5 hours. Where timestamps jump, a
file is therefore read with those that are written in it, and its parts are put one after the other by the places in the
file at which they begin: so all its streams stay together. What does run over there is counted on.

In streams that are made to be joined, a jump forth is a new part, too, if it is of more than 10 seconds, as in FFmpeg's
own tool, far longer than frames last, and in the sound as well: else frames are missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av.packet import Packet

AS_WRITTEN = {"correct_ts_overflow": "0"}
"""FFmpeg's option for the timestamps that are in the file."""
_TURN = 2**33  # ticks
_BACK = 0.1  # seconds; what goes back less is jitter
_FORTH = 10  # seconds; also the most that a clock passes over while it runs over
_EXCEPTIONAL = 100  # times as long as frames last


@dataclass(frozen=True)
class ClockPart:
    """A part of a joined file.

    Attributes:
        pos: the byte at which it begins.
        shift: what is added to its timestamps, in seconds.
        end: when its last frame is over, with that; None: it is the last part.
    """

    pos: int
    shift: Fraction
    end: Fraction | None


class OneClock:
    """Puts the packets of a joined file, taken in order from its begin and with timestamps as written, on one clock.

    Args:
        parts: of the file, in order; none: packets keep their clocks, and are only counted on.
    """

    def __init__(self, parts: Sequence[ClockPart]):
        self._parts = parts
        self._before: dict[int, int] = {}  # by stream: its last decoding time, counted on
        self._part: dict[int, int] = {}

    def place(self, packet: "Packet") -> int:
        """Change the packet's timestamps; the number of its part."""
        stream = packet.stream_index
        part = self._part.get(stream, 0)
        while packet.pos is not None and part + 1 < len(self._parts) and packet.pos >= self._parts[part + 1].pos:
            part += 1
        self._part[stream] = part
        written = packet.pts if packet.dts is None else packet.dts
        if written is None:
            return part
        before = self._before.get(stream, written)
        counted = written + round((before - written) / _TURN) * _TURN
        if abs(counted - before) * packet.time_base > _FORTH:
            counted = written
        self._before[stream] = counted
        shift = round(self._parts[part].shift / packet.time_base) if self._parts else 0
        if packet.pts is not None:
            delay = (packet.pts - written + _TURN // 2) % _TURN - _TURN // 2  # one may have run over, not yet the other
            if abs(delay) * packet.time_base > _FORTH and part + 1 < len(self._parts):
                packet.pts += round(self._parts[part + 1].shift / packet.time_base)  # FFmpeg's guess from what follows
            else:
                packet.pts = counted + shift + delay
        if packet.dts is not None:
            packet.dts = counted + shift
        return part


@dataclass
class _Stamps:
    """Timestamps of one stream's packets, in the order of the file."""

    time_base: Fraction
    pos: list[int] = field(default_factory=list)
    pts: list[int] = field(default_factory=list)
    dts: list[int] = field(default_factory=list)


def find_jumps(dts: Sequence[int], time_base: Fraction, forth: bool) -> tuple[np.ndarray, np.ndarray]:
    """Packets at which the clock of a stream begins anew.

    Args:
        dts: decoding times, in the order of the file. time_base: seconds per tick.
        forth: whether jumps forth count.

    Returns:
        The number of the first packet after each; and how far it goes, in seconds.
    """
    gaps: np.ndarray = np.diff(np.array(dts, np.int64)) * float(time_base)
    least = max(_FORTH, _EXCEPTIONAL * float(np.median(np.abs(gaps)))) if forth and len(gaps) else np.inf
    (places,) = np.nonzero((gaps < -_BACK) | (gaps > least))
    return places + 1, gaps[places]


def find_parts(packets: "Iterable[Packet]", video: int, forth: bool) -> tuple[ClockPart, ...]:
    """The parts of a joined file.

    Args:
        packets: of its sound and pictures at the least, on no other clock than that of the file, counted on.
        video: the stream whose frames are to follow one another.
        forth: whether jumps forth count.
    """
    streams: dict[int, _Stamps] = {}
    for packet in packets:
        if packet.stream.type in ("video", "audio") and packet.pts is not None and packet.dts is not None:
            stamps = streams.setdefault(packet.stream_index, _Stamps(packet.time_base))
            stamps.pos.append(packet.pos or (stamps.pos or [0])[-1])  # program streams give it for some
            stamps.pts.append(packet.pts)
            stamps.dts.append(packet.dts)
    if video not in streams:
        return ()
    frames = streams.pop(video)
    others = [
        (stamps.pos[place], by)
        for stamps in streams.values()
        for place, by in zip(*find_jumps(stamps.dts, stamps.time_base, forth), strict=True)
    ]
    places, begins = [0], [0]
    for place, by in zip(*find_jumps(frames.dts, frames.time_base, forth), strict=True):
        alike = [pos for pos, other in others if abs(other - by) < _FORTH]
        if by > 0 and streams and not alike:
            continue
        between = [pos for pos in alike if frames.pos[place - 1] < pos < frames.pos[place]]
        places.append(int(place))
        begins.append(min(between, default=frames.pos[place]))
    return _in_a_row(frames, places, begins)


def _in_a_row(frames: _Stamps, places: list[int], begins: list[int]) -> tuple[ClockPart, ...]:
    """One part after the other.

    Args:
        frames: all packets of the video. places, begins: for each part the number of its first one, and its first byte.
    """
    pts, dts, last = np.array(frames.pts), np.array(frames.dts), len(frames.pts)
    step = int(np.median(np.abs(np.diff(dts)))) if last > 1 else 0
    is_guessed = np.abs(pts - dts) > _FORTH / float(frames.time_base)
    parts: list[ClockPart] = []
    end: int | None = None
    for pos, first, after in zip(begins, places, [*places[1:], last], strict=True):
        own = np.where(is_guessed[first:after], dts[after - 1] + step, pts[first:after])
        low, high = int(own.min()), int(own.max())
        shift = 0 if end is None else end - low
        end = high + shift + step
        parts.append(ClockPart(pos, shift * frames.time_base, None if after == last else end * frames.time_base))
    return tuple(parts)
