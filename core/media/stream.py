"""One opened video file: its packets in the order of the file, its frames in the order of display.

Everything FFmpeg raises while reading or decoding ends here. A packet that cannot be decoded gives no frame, and notes
`damaged`; a file that cannot be read on ends there, and notes `broken_off`. Damaged video is decoded on one thread,
where an error belongs to exactly one packet, and where what the decoder puts in place of damage is the same each time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal, Self

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import PCVOSError
from core.media import ffv1_checksums
from core.media.clock import AS_WRITTEN, ClockPart, OneClock
from core.media.source import SQUARE

# Codecs whose frames depend on no others: what could not be read of one is whatever was in that memory before.
_EACH_BY_ITSELF = frozenset({"prores", "dnxhd", "mjpeg", "png", "huffyuv", "utvideo", "rawvideo"})
# Codecs without much to tell damage by, whose frames come out the same on several threads only if these share a frame.
_SAME_BY_SLICES = frozenset({"ffv1", "vp8"})
# Codecs whose decoders tell damage of key frames. Others, and those not known here, may fill it in without a word, with
# what they decoded before.
_TELL_DAMAGE = _EACH_BY_ITSELF | frozenset(
    {"h264", "hevc", "vp9", "av1", "libdav1d", "mpeg4", "mpeg1video", "mpeg2video", "jpeg2000", "magicyuv", "ffvhuff"}
)
# Codecs whose concealed frames never say that they are corrupt.
_ONLY_BY_ERRORS = frozenset({"hevc", "mjpeg"})
# Codecs of which several threads share a frame, and do not tell what one of them met; one is fast enough.
_ON_ONE_THREAD = frozenset({"mpeg1video", "mpeg2video"})
_MOST_STRETCHED = 16  # times; what says more is damaged
_HELP = "give a video file or a folder of images."


@dataclass(frozen=True)
class KeyPacket:
    """A packet at which decoding can begin.

    Attributes:
        pts, dts: presentation and decoding time, in units of the stream's time base.
        discard: whether its frame is decoded, but not shown: an edit list cuts it.
        pos: the byte at which it begins, where timestamps are not in the file, but counted: in a damaged one, seeking
            leads to other counts than reading.
    """

    pts: int
    dts: int | None
    discard: bool
    pos: int | None = None


class OpenVideo:
    """A video file and its first real video stream.

    Args:
        path: an existing file.
        threads: decode on several threads.
        strict: whether damage that a decoder finds is an error, or concealed without a word by most of them.
        parts: of a joined file, which puts its timestamps on one clock; None: it is not joined.

    Attributes:
        damaged: whether a packet could not be decoded. broken_off: whether the file could not be read to its end.
        lost: whether a packet was damaged, or could not be decoded, since this was set to False. lost_pts: the time
            stamp of the first such packet; on several threads, of one nearby.
        has_checksums: whether packets were met of which a checksum says that they are whole.
        wanted_from: a timestamp; frames before it that no other frame refers to need not be decoded, nor come out.
            None: all are. Heeded where the codec marks such frames reliably, which is H.264: in HEVC the mark counts
            only within a layer.

    Raises:
        PCVOSError: the file is no video; the sentence says what was found.
    """

    def __init__(
        self, path: Path, threads: bool = True, *, strict: bool = False, parts: Sequence[ClockPart] | None = None
    ):
        self.path = path
        self._strict, self._parts = strict, parts
        self.damaged = False
        self.broken_off = False
        self.lost = False
        self.lost_pts: int | None = None
        self.has_checksums = False
        self.wanted_from: int | None = None
        self._open(threads)

    @property
    def frames_depend(self) -> bool:
        """Whether frames may depend on others."""
        return self.stream.codec_context.name not in _EACH_BY_ITSELF

    @property
    def tells_damage(self) -> bool:
        """Whether a damaged key frame is told; else what it shows may depend on what was decoded before it."""
        return self.stream.codec_context.name in _TELL_DAMAGE

    @property
    def has_threads(self) -> bool:
        """Whether it is decoded on several threads."""
        return bool(self.stream.thread_type.value)

    @property
    def error_delay(self) -> int:
        """Frames that can come out between a damaged packet and its error: on several threads one for each."""
        return self.stream.codec_context.thread_count if self.has_threads else 0

    @property
    def counts_timestamps(self) -> bool:
        """Whether the file holds no timestamps, so that they are counted: in AVI."""
        return self._container.format.name == "avi"

    @property
    def is_joined(self) -> bool:
        """Whether it is read as one that is joined from several."""
        return self._parts is not None

    @property
    def can_be_joined(self) -> bool:
        """Whether files of this format, one after the other, are one of them."""
        return self._container.format.name in ("mpegts", "mpeg")

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the stream's clock."""
        assert self.stream.time_base is not None  # a stream that was opened has one
        return self.stream.time_base

    @property
    def duration(self) -> Fraction | None:
        """Length in seconds, if the file says it."""
        if self.stream.duration is not None:
            return self.stream.duration * self.time_base
        return Fraction(self._container.duration, av.time_base) if self._container.duration else None

    @property
    def start(self) -> Fraction:
        """Begin of the video, in seconds; negative where its clock runs over soon after."""
        return (self.stream.start_time or 0) * self.time_base

    @property
    def frame_count(self) -> int | None:
        """Number of frames, hidden ones too, if the file says it."""
        return self.stream.frames or None

    @property
    def byte_count(self) -> int:
        """The length of the file."""
        return self._container.size

    @property
    def rate(self) -> Fraction | None:
        """Frames per second on average, as the file tells, if it does."""
        return self.stream.average_rate or self.stream.guessed_rate

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width over height of a pixel, as stored; 1 if the file does not say, or says what cannot be."""
        ratio = self.stream.sample_aspect_ratio or SQUARE
        return ratio if 1 / _MOST_STRETCHED <= ratio <= _MOST_STRETCHED else SQUARE

    def packets(self, all_streams: bool = False) -> Iterator[Packet]:
        """The packets from here to the end; of sound and other streams too when `all_streams`."""
        demux: Iterator[Packet] = self._container.demux() if all_streams else self._container.demux(self.stream)
        clock = None if self._parts is None else OneClock(self._parts)
        while True:
            try:
                packet = next(demux)
            except (StopIteration, IndexError):  # the latter at the end, where PyAV looks for streams that came up late
                return
            except av.FFmpegError:
                self.broken_off = True
                return
            if clock is not None:
                clock.place(packet)
            if packet.size:  # empty ones stand for "nothing new", or for the end: decoding one would end the decoder
                yield packet

    def packets_from(self, key: KeyPacket) -> Iterator[Packet]:
        """The packets from exactly `key` on, by seeking or, where that does not lead there, by reading up to it."""
        for timestamp in (key.pts, key.dts) if self._parts is None else ():
            if timestamp is not None and self._seek(timestamp):
                packets = self.packets()
                for packet in packets:
                    if _matches(packet, key):
                        return chain([packet], packets)
                    if packet.is_keyframe and packet.pts is not None and packet.pts > key.pts:
                        break
        self.reopen()
        packets = self.packets()
        for packet in packets:
            if _matches(packet, key):
                return chain([packet], packets)
        return iter(())

    def frames(self, packets: Iterable[Packet]) -> Iterator[VideoFrame]:
        """The frames of consecutive packets. Afterwards decoding can go on only from `packets_from` or `reopen`."""
        for packet in packets:
            yield from self.decode(packet)
        yield from self.decode(None)

    def reopen(self, threads: bool | None = None) -> None:
        """Begin again at the start of the file, with or without threads (None: as before)."""
        if threads is None:
            threads = self.has_threads
        self._container.close()
        self._open(threads)

    def join(self, parts: Sequence[ClockPart]) -> None:
        """Begin again at the start of the file, as one that is joined from these parts."""
        self._parts = parts
        self.reopen()

    def close(self) -> None:
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, threads: bool) -> None:
        options = {} if self._parts is None else AS_WRITTEN
        self._container, self.stream = _open(self.path, threads, self._strict, options)

    def _seek(self, timestamp: int) -> bool:
        try:
            self._container.seek(timestamp, stream=self.stream)
        except av.FFmpegError:
            return False
        return True

    def decode(self, packet: Packet | None) -> list[VideoFrame]:
        self._skip(self._is_skippable(packet))
        if packet is not None and not self._is_whole(packet):
            self._lose(packet)
        try:
            frames = self.stream.decode(packet)
            if not self.frames_depend:
                self.damaged |= any(frame.is_corrupt for frame in frames)
                frames = [frame for frame in frames if not frame.is_corrupt]
            return frames
        except MemoryError:
            raise
        except av.FFmpegError:
            self.damaged = True
            self._lose(packet)
            return []

    def _is_whole(self, packet: Packet) -> bool:
        if self.stream.codec_context.name != "ffv1":
            return True
        holds = ffv1_checksums.holds(bytes(packet))
        self.has_checksums |= holds
        return holds or not self.has_checksums

    def _lose(self, packet: Packet | None) -> None:
        if not self.lost:
            self.lost, self.lost_pts = True, None if packet is None else packet.pts

    def _is_skippable(self, packet: Packet | None) -> bool:
        if self.wanted_from is None or packet is None or packet.pts is None:
            return False
        return packet.pts < self.wanted_from and self.stream.codec_context.name == "h264"

    def _skip(self, skip: bool) -> None:
        """Whether the decoder is to pass over frames that no other refers to."""
        context = self.stream.codec_context
        mode: Literal["NONREF", "DEFAULT"] = "NONREF" if skip else "DEFAULT"
        if context.skip_frame != mode:
            context.skip_frame = mode


def _matches(packet: Packet, key: KeyPacket) -> bool:
    if key.pos is not None and packet.pos != key.pos:
        return False
    return packet.is_keyframe and packet.pts == key.pts and packet.is_discard == key.discard


def _open(path: Path, threads: bool, strict: bool, options: dict[str, str]) -> tuple[InputContainer, VideoStream]:
    try:
        container = av.open(f"file:{path.absolute()}", metadata_errors="replace", options=options)
    except av.FFmpegError as error:
        raise PCVOSError(f"{path} is not a video but {_what_it_is(path)}; {_HELP}") from error
    try:
        stream = _video_stream(path, container)
        name = stream.codec_context.name
        threads = threads and name not in _ON_ONE_THREAD and (name != "ffv1" or _has_checksums(path))
        stream.thread_type = ("SLICE" if name in _SAME_BY_SLICES else "AUTO") if threads else "NONE"
        # Whether a concealed frame says that it is corrupt depends on codec and threads; an error does not.
        # Of decoders that do not tell all, some decode on otherwise when they are to tell; these run on one thread.
        if strict and name in _TELL_DAMAGE and (threads or name in _ON_ONE_THREAD or name in _ONLY_BY_ERRORS):
            stream.codec_context.options = {"err_detect": "explode"}
    except BaseException:
        container.close()
        raise
    return container, stream


def _has_checksums(path: Path) -> bool:
    """Whether FFV1 comes with checksums. Where it does not, what damage leaves differs between threads and none."""
    with av.open(f"file:{path.absolute()}", metadata_errors="replace") as container:
        packet = next(container.demux(video=0), None)
        return packet is not None and ffv1_checksums.holds(bytes(packet))


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    kind = container.format.name
    if kind == "tty":
        raise PCVOSError(f"{path} is not a video but a text file; {_HELP}")
    if kind == "webp_pipe" and _is_animated_webp(path):
        raise PCVOSError(f"{path} is an animated WebP, which cannot be read as a video; convert it to MP4 or GIF.")
    if kind == "image2" or kind.endswith("_pipe"):
        raise PCVOSError(f"{path} is a single image; give the folder it lies in, or a video file.")
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # the cover of a music file
            if stream.codec_context is None:
                raise PCVOSError(f"{path} is of a video format that cannot be decoded here; convert it to H.264.")
            return stream
    raise PCVOSError(f"{path} holds no video ({container.format.long_name}); {_HELP}")


def _is_animated_webp(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(21)
    return head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)  # libwebp's extended header and its flags


def _what_it_is(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(1024)
    if not head:
        return "an empty file"
    if head[4:8] == b"ftyp":
        return "an MP4 without its index, as a recording that broke off leaves it"
    if b"\0" not in head:
        return "a text file"
    return f"a file of unknown content ({path.suffix or 'no suffix'})"
