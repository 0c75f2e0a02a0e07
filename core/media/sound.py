"""The sound of a video, cut to a range of its frames and brought along into another one.

Decisions:
- All its audio streams come along, in their order. Packets are copied as they are where the container can take them;
  what it cannot is encoded anew: AAC for MP4, uncompressed for QuickTime, Opus for WebM, FLAC for Matroska.
- The cut is by whole packets (some 20 ms): the first one begins with or after the first frame. Sound and picture keep
  their distance, to a tick of the sound's clock.
- Where the clock of a file begins anew, its sound goes the way of its frames: part by part onto their clock. Sound of a
  part that outlasts its pictures is left out.
- Packets that are damaged are left out.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.media.clock import AS_WRITTEN, ClockPart, OneClock

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

_logger = logging.getLogger(__name__)

_PCM = {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_u8", "pcm_s8"}
_TAKEN = {
    ".mp4": {"aac", "mp3", "ac3", "eac3", "alac"},
    ".mov": {"aac", "mp3", "ac3", "eac3", "alac"} | _PCM,
    ".webm": {"opus", "vorbis"},
    ".mkv": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "vorbis", "flac", "dts", "truehd", "mp2"} | _PCM,
}
_ANEW = {".mp4": "aac", ".mov": "pcm_s16le", ".webm": "libopus", ".mkv": "flac"}
_NAMES = {"aac": "AAC", "pcm_s16le": "PCM", "libopus": "Opus", "flac": "FLAC"}  # of those, for people
_OPUS_RATE = 48_000


@dataclass(frozen=True)
class Sound:
    """Part of a video's sound: from `start` up to, not including, `end`, seconds of its frames' clock.

    Attributes:
        clock_parts: as `FrameSource` tells them.
    """

    path: Path
    start: Fraction
    end: Fraction
    clock_parts: tuple[ClockPart, ...] | None = None


def describe_sound(path: Path, suffix: str) -> tuple[str, ...]:
    """Sentences on what becomes of a video's sound in a container; none if it is copied, or there is none."""
    if path.is_dir():
        return ()
    import av

    try:
        with av.open(f"file:{path.absolute()}", metadata_errors="ignore") as container:
            names = [stream.codec_context.name if stream.codec_context else "" for stream in container.streams.audio]
    except (av.FFmpegError, OSError):
        return ()
    changed = [name for name in dict.fromkeys(names) if name not in _TAKEN[suffix]]
    return tuple(
        f"Sound of the kind {name or 'unknown'} does not fit into {suffix}: it becomes {_NAMES[_ANEW[suffix]]}."
        if _can_decode(name) and _can_encode(_ANEW[suffix])
        else f"Sound of the kind {name or 'unknown'} does not fit into {suffix}: it is left out."
        for name in changed
    )


class SoundCopier:
    """Puts a `Sound` into a container that is being written, as its pictures go on.

    Args:
        suffix: of the file, which tells what it can take.
    """

    def __init__(self, sound: Sound, output: "OutputContainer", suffix: str):
        import av

        options = {} if sound.clock_parts is None else AS_WRITTEN
        self._source: InputContainer = av.open(
            f"file:{sound.path.absolute()}", metadata_errors="ignore", options=options
        )
        self._output, self._sound = output, sound
        self._tracks: dict[int, _Copied | _Encoded] = {}
        try:
            for stream in self._source.streams.audio:
                name = stream.codec_context.name if stream.codec_context else ""
                if name in _TAKEN[suffix]:
                    self._tracks[stream.index] = _Copied(stream, output)
                elif _can_decode(name) and _can_encode(_ANEW[suffix]):
                    self._tracks[stream.index] = _Encoded(stream, output, _ANEW[suffix])
                else:
                    _logger.info("Sound %s of %s is left out of %s", name, sound.path, suffix)
            self._packets = self._in_range()
        except BaseException:
            self._source.close()
            raise

    def up_to(self, seconds: Fraction | None) -> None:
        """Write what sounds before this time from the beginning of the new file; None: all that is left."""
        if not self._tracks:
            return
        for packet, begins in self._packets:
            self._tracks[packet.stream_index].take(packet)
            if seconds is not None and begins >= seconds:
                return
        if seconds is None:
            for track in self._tracks.values():
                track.end()

    def close(self) -> None:
        self._source.close()

    def _in_range(self) -> Iterator[tuple["Packet", Fraction]]:
        """Audio packets from the first that begins in the range to the last, and when they begin, in the new clock."""
        if not self._tracks:
            return
        over: set[int] = set()
        earliest: dict[int, Fraction] = {}  # that the next packet of a stream may begin
        for packet, begins in self._in_one_clock():
            if begins >= self._sound.end - self._sound.start:
                over.add(packet.stream_index)
                if len(over) == len(self._tracks):
                    return
            elif begins >= earliest.get(packet.stream_index, Fraction(0)):
                earliest[packet.stream_index] = begins + max(packet.duration or 0, 1) * packet.time_base / 2
                yield packet, begins

    def _in_one_clock(self) -> Iterator[tuple["Packet", Fraction]]:
        """Audio packets with timestamps from the beginning of the new file on, and these in seconds."""
        parts = self._sound.clock_parts
        clock = None if parts is None else OneClock(parts)
        for packet in self._all_packets():
            part = 0 if clock is None else clock.place(packet)
            assert packet.pts is not None, "others are left out"
            end = parts[part].end if parts else None
            is_over = end is not None and packet.pts * packet.time_base >= end
            packet.pts = packet.dts = packet.pts - round(self._sound.start / packet.time_base)
            if not is_over:
                yield packet, packet.pts * packet.time_base

    def _all_packets(self) -> Iterator["Packet"]:
        """Audio packets that have a timestamp, from the range on or from before it."""
        import av

        if self._sound.clock_parts is None:  # else a time can be found in several places
            try:
                self._source.seek(int(self._sound.start * av.time_base), backward=True, any_frame=False)
            except av.FFmpegError as error:  # it cannot be sought in: read from the beginning
                _logger.info("%s: %s", self._sound.path, error)
        demux = self._source.demux([self._source.streams[index] for index in self._tracks])
        while True:
            try:
                packet = next(demux, None)
            except IndexError:  # as in `OpenVideo.packets`
                return
            except av.FFmpegError as error:
                _logger.warning("The sound of %s ends early: %s", self._sound.path, error)
                return
            if packet is None:
                return
            if packet.pts is not None:
                yield packet


class _Copied:
    """A track whose packets are taken as they are."""

    def __init__(self, stream, output: "OutputContainer"):
        self._output = output
        self._stream = output.add_stream_from_template(stream)

    def take(self, packet: "Packet") -> None:
        import av

        packet.stream = self._stream
        try:
            self._output.mux(packet)
        except av.InvalidDataError as error:
            _logger.warning("Damaged sound is left out: %s", error)

    def end(self) -> None:
        pass


class _Encoded:
    """A track that is encoded anew."""

    def __init__(self, stream, output: "OutputContainer", encoder: str):
        from av.audio.resampler import AudioResampler
        from av.audio.stream import AudioStream

        self._output = output
        rate = _OPUS_RATE if encoder == "libopus" else stream.codec_context.rate
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        added = output.add_stream(encoder, rate=rate, layout=layout)
        assert isinstance(added, AudioStream), "so is the encoder"
        self._stream, context = added, added.codec_context
        context.open()
        self._resampler = AudioResampler(context.format, layout, rate, frame_size=context.frame_size or None)

    def take(self, packet: "Packet") -> None:
        import av
        from av.audio.frame import AudioFrame

        try:
            frames = packet.decode()
        except av.InvalidDataError as error:
            _logger.warning("Damaged sound is left out: %s", error)
            return
        for frame in frames:
            assert isinstance(frame, AudioFrame), "the packet is of sound"
            self._encode(self._resampler.resample(frame))

    def end(self) -> None:
        self._encode(self._resampler.resample(None))
        self._output.mux(self._stream.encode(None))

    def _encode(self, frames) -> None:
        for frame in frames:
            self._output.mux(self._stream.encode(frame))


def _can_decode(name: str) -> bool:
    return _has_codec(name, "r")


def _can_encode(name: str) -> bool:
    return _has_codec(name, "w")


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        Codec(name, mode)
    except (UnknownCodecError, ValueError):
        return False
    return True
