"""The frames that a video has.

A frame is identified by its presentation timestamp, never by counting packets or by time times rate: frames can last
differently long, be stored in another order than shown, or be hidden by an edit list.

Decisions:
- The packets alone tell the frames of a healthy file of a common codec, without decoding: their timestamps, sorted.
  This is believed only if all have one, none twice, none is marked discarded or corrupt, and decoding the beginning
  and the last two groups of pictures gives the very same timestamps. What the end promises but does not decode to is
  dropped, as truncated.
- Otherwise everything is decoded once, and the frames are what comes out.
- If those have no ascending timestamps (raw streams, some AVI), a frame is its place in the order of decoding, and
  reading backwards begins again at the start of the file: slow, but right.
- Where the clock of a file begins anew, its packets are put on one clock first (see `clock`); after that they are as
  any others, but that they are reached by reading the file up to them.
- For each frame the index knows the key packet that decoding must begin from, so that every reference it can have is
  there; the leading frames of an open group of pictures belong to the key before.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from core.errors import PCVOSError
from core.media.clock import find_jumps, find_parts
from core.media.frame_index import FrameIndex
from core.media.rates import simple_rate
from core.media.stream import KeyPacket, OpenVideo
from core.progress import UNWATCHED, Progress

# Codecs of which a packet is a frame. Elsewhere (VP8, MPEG-4, MPEG-2) one can be hidden, empty, or half a frame.
_FRAME_A_PACKET = frozenset(
    {"h264", "hevc", "vp9", "av1", "libdav1d", "mjpeg", "prores", "dnxhd", "ffv1", "rawvideo", "png"}
)
_HEAD = 16  # frames: more than any codec reorders over
DEFAULT_VIDEO_RATE = Fraction(25)
_SAME_RATE = 0.01  # timestamps are rounded, to milliseconds in Matroska
_SLACK = Fraction(1, 4)  # seconds by which a healthy file's stated duration can exceed its last frame
_PACKETS_SHARE = 0.95  # of the work, where the packets tell everything; what remains is decoding both ends


@dataclass
class _PacketTable:
    """A row for each packet of the file that gives a frame to show.

    Attributes:
        pts, key: timestamp of each such packet, and number of the key packet it needs (-1: none before it).
        dts: decoding times of those that have one.
        keys: the key packets.
        suspicious: whether something speaks against one frame a packet.
        cut: whether the last packet is only half there.
        end: when the last packet of any stream ends, in seconds.
        counted: whether timestamps are not in the file, but counted while it is read.
    """

    pts: list[int | None] = field(default_factory=list)
    key: list[int] = field(default_factory=list)
    dts: list[int] = field(default_factory=list)
    keys: list[KeyPacket] = field(default_factory=list)
    suspicious: bool = False
    cut: bool = False
    end: Fraction = Fraction(0)
    counted: bool = False

    def add(self, packet: Packet) -> None:
        if packet.is_keyframe and packet.pts is not None:
            pos = packet.pos if self.counted else None
            self.keys.append(KeyPacket(packet.pts, packet.dts, packet.is_discard, pos))
        if packet.is_discard:
            self.suspicious = True
            return
        key = len(self.keys) - 1
        if key >= 0 and packet.pts is not None and packet.pts < self.keys[key].pts:
            key -= 1
        self.suspicious |= packet.pts is None or key < 0
        self.pts.append(packet.pts)
        if packet.dts is not None:
            self.dts.append(packet.dts)
        self.key.append(key)


def build_index(path: Path, progress: Progress = UNWATCHED) -> FrameIndex:
    """Find the frames of the video at `path`.

    Args:
        path: the file.
        progress: how much of the file has been read. It begins again at 0 where the packets turn out not to tell the
            frames.

    Raises:
        PCVOSError: not a video, or a video without a frame. Cancelled: it is not wanted any more.
    """
    index = _build(path, True, progress)
    if index.damaged:  # with threads, an error can take good frames along
        index = _build(path, False, progress)
    if not len(index):
        raise PCVOSError(f"{path} has no frame that can be decoded; check that the video plays.")
    progress.say(1, 1)
    return index


def _build(path: Path, threads: bool, progress: Progress) -> FrameIndex:
    with OpenVideo(path, threads, strict=threads) as video:
        table, parts = _read_packets(video, progress), None
        if len(find_jumps(table.dts, video.time_base, video.can_be_joined)[0]):
            video.join(())
            parts = find_parts(video.packets(all_streams=True), video.stream.index, video.can_be_joined)
            video.join(parts)
            table = _read_packets(video, progress)
        believable = not table.suspicious and video.stream.codec_context.name in _FRAME_A_PACKET
        index = _from_packets(video, table, progress) if believable else None
        return replace(_from_decoding(video, table, progress) if index is None else index, parts=parts)


def _read_packets(video: OpenVideo, progress: Progress) -> _PacketTable:
    table = _PacketTable(counted=video.counts_timestamps)
    reached = 0  # streams that are not interleaved jump to and fro
    corrupt = False
    ends: dict[int, int] = {}  # by stream, in ticks of its own clock
    time_bases: dict[int, Fraction] = {}
    for packet in video.packets(all_streams=True):
        reached = max(reached, packet.pos or 0)
        progress.say(round(_PACKETS_SHARE * reached), max(1, video.byte_count))
        stream = packet.stream_index
        if packet.pts is not None:
            if stream not in time_bases:  # making fractions for every packet would double the time
                time_bases[stream] = packet.time_base
            end = packet.pts + (packet.duration or 0)
            ends[stream] = max(end, ends.get(stream, end))
        if stream == video.stream.index:
            table.suspicious |= corrupt
            corrupt = packet.is_corrupt
            table.add(packet)
    table.end = max((time_bases[stream] * end for stream, end in ends.items()), default=Fraction(0))
    table.cut = corrupt  # half of the last packet: what it decodes to is seen when the end is checked
    return table


def _from_packets(video: OpenVideo, table: _PacketTable, progress: Progress) -> FrameIndex | None:
    """The index by timestamps alone, checked at both ends; None if it does not hold."""
    ticks = np.array(table.pts, dtype=np.int64)
    order = np.argsort(ticks, kind="stable")
    ticks, key = ticks[order], np.array(table.key, dtype=np.int32)[order]
    if not len(ticks) or (np.diff(ticks) <= 0).any():
        return None
    if not _begins_as_decoded(video, table.keys[0], ticks):
        return None
    last_keys = max(0, int(key[-1]) - 1)
    tail = _watched(video.frames(video.packets_from(table.keys[last_keys])), progress)
    decoded = np.isin(ticks, [frame.pts for frame in tail if frame.pts is not None])
    if not decoded.any():
        return None
    after_the_end = np.arange(len(ticks)) > np.flatnonzero(decoded)[-1]
    gone = ~decoded & (after_the_end | (table.cut & (ticks == table.pts[-1])))
    return _index(video, table, ticks[~gone], key[~gone], lost=bool(gone.any()))


def _begins_as_decoded(video: OpenVideo, first: KeyPacket, ticks: np.ndarray) -> bool:
    """Whether decoding gives the first timestamps, and no others; only damage excuses one that is missing."""
    frames = list(islice(video.frames(video.packets_from(first)), _HEAD))
    decoded = [frame.pts for frame in frames if frame.pts is not None]
    if not decoded or len(decoded) < len(frames) or decoded[0] != ticks[0]:
        return False
    expected = ticks[: min(_HEAD, len(ticks))].tolist()
    known = video.damaged and bool(np.isin(decoded, ticks).all())
    return decoded == expected or (known and decoded == sorted(decoded))


def _watched(frames: Iterable[VideoFrame], progress: Progress, expected: int | None = None) -> Iterator[VideoFrame]:
    """Pass frames on until it is cancelled; progress is told if it is known how many they will be."""
    for number, frame in enumerate(frames):
        if expected:
            progress.say(number, expected)
        else:
            progress.raise_if_cancelled()
        yield frame


def _from_decoding(video: OpenVideo, table: _PacketTable, progress: Progress) -> FrameIndex:
    """The index by decoding everything."""
    video.reopen()
    decoded = [frame.pts for frame in _watched(video.frames(video.packets()), progress, len(table.pts))]
    key_of: dict[int | None, int] = {}
    for pts, key in zip(table.pts, table.key, strict=True):
        key_of.setdefault(pts, key)
    keys = [key_of.get(pts, -1) for pts in decoded]
    times = [pts for pts in decoded if pts is not None]
    ascending = len(times) == len(decoded) and all(a < b for a, b in pairwise(times))
    lost = ascending and max((pts for pts in table.pts if pts is not None), default=None) not in decoded[-1:]
    if not ascending or -1 in keys:
        table.keys.clear()
        keys = [0] * len(decoded)
    ticks = np.array(decoded, np.int64) if ascending else np.arange(len(decoded), dtype=np.int64)
    return _index(video, table, ticks, np.array(keys, dtype=np.int32), lost, ascending)


def _index(
    video: OpenVideo,
    table: _PacketTable,
    ticks: np.ndarray,
    key: np.ndarray,
    lost: bool = False,
    timed: bool = True,
) -> FrameIndex:
    rate = _rate(video, ticks if timed else ticks[:1])
    stated = Fraction(0) if video.is_joined else video.duration or Fraction(0)  # that of joined files is of no use
    missing = stated + min(video.start, Fraction(0)) - table.end
    return FrameIndex(
        ticks=ticks,
        time_base=video.time_base if timed else 1 / rate,
        key=key,
        keys=tuple(table.keys),
        rate=rate,
        truncated=lost or video.broken_off or table.cut or missing > max(3 / rate, _SLACK),
        damaged=video.damaged or lost,
        reorder=_reorder(table, ticks) if timed else _HEAD,
    )


def _reorder(table: _PacketTable, ticks: np.ndarray) -> int:
    """Most frames that are decoded before one and shown after it: by the order of the packets in the file."""
    places = np.searchsorted(ticks, [pts for pts in table.pts if pts is not None])
    return min(_HEAD, int((np.maximum.accumulate(places) - places).max(initial=0)))


def _rate(video: OpenVideo, ticks: np.ndarray) -> Fraction:
    stated = video.rate or DEFAULT_VIDEO_RATE
    if len(ticks) < 2:
        return stated
    measured = (len(ticks) - 1) / (int(ticks[-1] - ticks[0]) * video.time_base)
    return stated if abs(stated / measured - 1) < _SAME_RATE else simple_rate(measured)
