"""Footage made for the tests: small, moving, every frame unlike every other; and what straight decoding gives."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICK = Fraction(1, 1000)

COUNT = 40
IRREGULAR = np.cumsum([(3 + i * i * 17) % 97 + 1 for i in range(COUNT)]).tolist()

# name: settings for `write_video`; COUNT frames each
CLIPS = {
    "b-frames.mp4": {},
    "b-frames.mkv": {},
    "b-frames.ts": {},
    "long-gop.mp4": {"keyframes": 250, "options": {"x264-params": "bframes=8:b-adapt=0:b-pyramid=normal:ref=6"}},
    "open-gop.mp4": {"options": {"x264-params": "open-gop=1:bframes=3:keyint=10:min-keyint=10:scenecut=0"}},
    "open-gop.ts": {"options": {"x264-params": "open-gop=1:bframes=3:keyint=10:min-keyint=10:scenecut=0"}},
    "variable-rate.mp4": {"times": IRREGULAR},
    "variable-rate.mkv": {"times": IRREGULAR},
    "interlaced.mp4": {"options": {"x264-params": "tff=1:bframes=3:keyint=20:min-keyint=20:scenecut=0"}},
    "intra-only.mp4": {"keyframes": 1},
    "fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "no-edit-list.mp4": {"container": {"use_editlist": "0"}},
    "10-bit.mp4": {"pixels": "yuv420p10le"},
    "odd-size.mp4": {"pixels": "yuv444p", "size": (49, 67)},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=10:open-gop=1:bframes=4:log-level=none"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"lag-in-frames": "16", "cpu-used": "5"}},
    "hidden-frames.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16"}},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "no-timestamps.avi": {},
    "no-container.h264": {"container_format": "h264"},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "rgb.mov": {"codec": "png", "pixels": "rgb24"},
}


def picture(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """uint8 (H, W, 3): a texture that moves, with a corner that tells the frame."""
    texture = np.random.default_rng(7).integers(0, 256, (height + 64, width + 64, 3), dtype=np.uint8)
    texture = texture[::8, ::8].repeat(8, 0).repeat(8, 1)
    y, x = index * 3 % 56, index * 2 % 60
    frame = texture[y : y + height, x : x + width].copy()
    frame[:16, :16] = index * 37 % 256, index * 91 % 256, index * 53 % 256
    return frame


def write_video(
    path: Path,
    count: int = 40,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    size: tuple[int, int] = (48, 64),
    container: dict[str, str] | None = None,
    container_format: str | None = None,
    keyframes: int = 12,
    aspect: Fraction | None = None,
) -> Path:
    """Encode `picture(0)`, `picture(1)`, ...; `times` are in milliseconds, otherwise 25 frames a second."""
    with av.open(str(path), "w", format=container_format, options=container or {}) as output:
        stream = output.add_stream(codec, rate=25)
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        stream.options = options or {}
        stream.codec_context.gop_size = keyframes
        if times is not None:
            stream.codec_context.time_base = TICK
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24").reformat(format=pixels)
            if times is not None:
                frame.pts, frame.time_base = times[index], TICK
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def decode_straight(path: Path, threads: bool = True) -> tuple[list[Fraction | None], list[np.ndarray]]:
    """Presentation times and RGB of every frame, by decoding the file from its start to its end."""
    times, frames = [], []
    with av.open(str(path)) as container:
        if not threads:
            container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            times.append(None if frame.pts is None else frame.pts * frame.time_base)
            frames.append(frame.to_ndarray(format="rgb24"))
    return times, frames


def packet_bytes(path: Path) -> list[bytes]:
    """The packets of the first video stream, in the order of the file."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def flip_bytes(path: Path, numbers: Sequence[int], seed: int = 3) -> Path:
    """Spoil six bytes in the middle of each of these packets, in the order of the file."""
    random, data = np.random.default_rng(seed), bytearray(path.read_bytes())
    packets = packet_bytes(path)
    for number in numbers:
        length = len(packets[number])
        begin = bytes(data).index(packets[number]) + length // 4
        for place in random.integers(begin, begin + length // 2, 6):
            data[place] ^= int(random.integers(1, 256))
    path.write_bytes(data)
    return path


def cut_out(path: Path, key: int) -> Path:
    """Take a packet of the transport stream, 188 bytes, out of the middle of a key frame."""
    with av.open(str(path)) as container:
        keys = [packet.pos for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
    data = path.read_bytes()
    begin = keys[key] + 3 * 188
    path.write_bytes(data[:begin] + data[begin + 188 :])
    return path


def set_edits(path: Path, edits: Sequence[tuple[int, int]]) -> Path:
    """Replace the edit list of an MP4 by (duration in ms, first media tick) entries."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") - 4
    old = struct.unpack_from(">I", data, at)[0]
    entries = b"".join(struct.pack(">IiI", duration, start, 1 << 16) for duration, start in edits)
    body = b"elst" + bytes(4) + struct.pack(">I", len(edits)) + entries
    data[at : at + old] = struct.pack(">I", len(body) + 4) + body
    for box in (b"edts", b"trak", b"moov"):  # they come after the media data, so nothing else moves
        place = data.index(box) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(body) + 4 - old)
    path.write_bytes(data)
    return path


def set_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Set the display matrix in the track header of an MP4: (x, y) is shown at (a x + c y, b x + d y)."""
    data = bytearray(path.read_bytes())
    matrix = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, *matrix)
    path.write_bytes(data)
    return path
