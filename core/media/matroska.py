"""The sample aspect ratio of Matroska and WebM files.

They tell it by the size at which the picture is to be displayed, which FFmpeg's muxer takes from a field that PyAV
cannot set (AVStream.sample_aspect_ratio; in PyAV 18.1 it is read-only). So the finished file is mended here: the first
track is a video whose name is a placeholder (`PLACEHOLDER`), and the place of that name is given to the display size.
The file keeps its length, and nothing else in it moves.
"""

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

PLACEHOLDER = {"title": "-" * 24}
"""Metadata of the stream that makes room for the display size."""

_SEGMENT, _TRACKS, _TRACK_ENTRY, _VIDEO = b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe0"
_NAME, _VOID, _CRC32 = b"\x53\x6e", b"\xec", b"\xbf"
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = b"\x54\xb0", b"\x54\xba", b"\x54\xb2"
_HEAD = 2**16  # bytes: the tracks are told near the beginning


def set_sample_aspect_ratio(path: Path, size: tuple[int, int], ratio: Fraction) -> None:
    """Have the first track of a Matroska file, written with `PLACEHOLDER`, displayed at another width.

    Args:
        path: the file, which is changed in place. size: (height, width) of its pixels. ratio: of a pixel, width over
            height.

    Raises:
        ValueError: the file is not as FFmpeg writes it.
    """
    with path.open("r+b") as file:
        head = file.read(_HEAD)
        segment = _child(head, range(len(head)), _SEGMENT)
        tracks = _child(head, segment, _TRACKS)
        entry = _child(head, tracks, _TRACK_ENTRY)
        height, width = size
        changed = head[: entry.start] + _with_display(head, entry, round(width * ratio), height) + head[entry.stop :]
        if head.startswith(_CRC32, tracks.start):  # of all that follows in the tracks; WebM has none
            checksum = _child(head, tracks, _CRC32)
            sum = zlib.crc32(changed[checksum.stop : tracks.stop]).to_bytes(4, "little")
            changed = changed[: checksum.start] + sum + changed[checksum.stop :]
        file.seek(0)
        file.write(changed)


def _with_display(head: bytes, entry: range, width: int, height: int) -> bytes:
    """The content of a track's entry, as long as before, with a display size in place of the name."""
    video = _child(head, entry, _VIDEO)
    display = _element(_DISPLAY_WIDTH, width.to_bytes(4, "big")) + _element(_DISPLAY_HEIGHT, height.to_bytes(4, "big"))
    others = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    video_content = b"".join(_whole(head, part) for part in _parts(head, video) if part[0] not in others) + display
    content = b"".join(
        _element(_VIDEO, video_content) if part[0] == _VIDEO else _whole(head, part)
        for part in _parts(head, entry)
        if part[0] != _NAME
    )
    left = len(entry) - len(content) - 2  # a Void of a size of one byte
    if not 0 <= left < 127:
        raise ValueError("The track has no room for a display size.")
    return content + _VOID + bytes([0x80 | left]) + bytes(left)


_Part = tuple[bytes, int, range]  # id, where it begins, where its content is


def _parts(data: bytes, within: range) -> Iterator[_Part]:
    """The elements of a master element."""
    at = within.start
    while at < within.stop:
        id_length = 9 - data[at].bit_length()
        size_at = at + id_length
        size_length = 9 - data[size_at].bit_length()
        start = size_at + size_length
        size = int.from_bytes(data[size_at:start], "big") & ((1 << 7 * size_length) - 1)
        content = range(start, min(start + size, within.stop))  # of the segment only the head is here
        yield data[at:size_at], at, content
        at = start + size


def _whole(data: bytes, part: _Part) -> bytes:
    return data[part[1] : part[2].stop]


def _child(data: bytes, within: range, id: bytes) -> range:
    """Bytes of the content of the first element of this kind."""
    for kind, _, content in _parts(data, within):
        if kind == id:
            return content
    raise ValueError(f"The file has no element {id.hex()} where FFmpeg writes it.")


def _element(id: bytes, content: bytes) -> bytes:
    return id + (len(content) | 1 << 14).to_bytes(2, "big") + content  # a track's elements are far below 16 KiB
