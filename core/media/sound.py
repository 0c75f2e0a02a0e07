"""The sound of a video, cut to a range of its frames and brought along into another one.

Decisions:
- All its audio streams come along, in their order. Packets are copied as they are where the container can take them;
  what it cannot is encoded anew: AAC for MP4, uncompressed for QuickTime, Opus for WebM, FLAC for Matroska.
- The cut is by whole packets (some 20 ms): the first one begins with or after the first frame. Sound and picture keep
  their distance to the microsecond, whatever the clocks of the containers are.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

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
    """Part of a video's sound: from `start` up to, not including, `end`, seconds of the video's own clock."""

    path: Path
    start: Fraction
    end: Fraction


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

        self._source: InputContainer = av.open(f"file:{sound.path.absolute()}", metadata_errors="ignore")
        self._output, self._sound = output, sound
        self._tracks: dict[int, _Copied | _Encoded] = {}
        try:
            for stream in self._source.streams.audio:
                name = stream.codec_context.name if stream.codec_context else ""
                if name in _TAKEN[suffix]:
                    self._tracks[stream.index] = _Copied(stream, output, sound)
                elif _can_decode(name) and _can_encode(_ANEW[suffix]):
                    self._tracks[stream.index] = _Encoded(stream, output, sound, _ANEW[suffix])
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
        for packet in self._packets:
            self._tracks[packet.stream_index].take(packet)
            if seconds is not None and packet.pts * packet.time_base - self._sound.start >= seconds:
                return
        if seconds is None:
            for track in self._tracks.values():
                track.end()

    def close(self) -> None:
        self._source.close()

    def _in_range(self) -> Iterator["Packet"]:
        """Audio packets from the first that begins in the range to the last."""
        if not self._tracks:
            return
        import av

        streams = [self._source.streams[index] for index in self._tracks]
        begin = max(self._sound.start, Fraction(0))
        try:
            self._source.seek(int(begin * av.time_base), backward=True, any_frame=False)
        except av.FFmpegError as error:  # it cannot be sought in: read from the beginning
            _logger.info("%s: %s", self._sound.path, error)
        over: set[int] = set()
        for packet in self._source.demux(streams):
            if packet.pts is None:
                continue
            time = packet.pts * packet.time_base
            if time >= self._sound.end:
                over.add(packet.stream_index)
                if len(over) == len(streams):
                    return
            elif time >= self._sound.start:
                yield packet


class _Copied:
    """A track whose packets are taken as they are."""

    def __init__(self, stream, output: "OutputContainer", sound: Sound):
        self._output, self._shift = output, sound.start
        self._stream = output.add_stream_from_template(stream)

    def take(self, packet: "Packet") -> None:
        shift = round(self._shift / packet.time_base)
        packet.pts -= shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._stream
        self._output.mux(packet)

    def end(self) -> None:
        pass


class _Encoded:
    """A track that is encoded anew."""

    def __init__(self, stream, output: "OutputContainer", sound: Sound, encoder: str):
        from av.audio.resampler import AudioResampler

        self._output, self._sound = output, sound
        rate = _OPUS_RATE if encoder == "libopus" else stream.codec_context.rate
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        self._stream = output.add_stream(encoder, rate=rate, layout=layout)
        context = self._stream.codec_context
        context.open()
        self._resampler = AudioResampler(context.format, layout, rate, frame_size=context.frame_size or None)
        self._source = stream
        self._shift: int | None = None

    def take(self, packet: "Packet") -> None:
        for frame in packet.decode():
            self._encode(self._resampler.resample(frame))

    def end(self) -> None:
        self._encode(self._resampler.resample(None))
        self._output.mux(self._stream.encode(None))

    def _encode(self, frames) -> None:
        for frame in frames:
            if self._shift is None:
                self._shift = round(self._sound.start / frame.time_base)
            frame.pts -= self._shift
            self._output.mux(self._stream.encode(frame))


def _can_decode(name: str) -> bool:
    return _has_codec(name, "r")


def _can_encode(name: str) -> bool:
    return _has_codec(name, "w")


def _has_codec(name: str, mode: str) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        Codec(name, mode)
    except (UnknownCodecError, ValueError):
        return False
    return True
