"""Rows out of a damaged SQLite file, page by page, without the trees that lead to them.

After https://www.sqlite.org/fileformat2.html: sections 1.3 (header), 1.5 (freelist), 1.6 (pages), 2.1 (records), and 4
(write-ahead log).
"""

import struct
from collections import deque
from collections.abc import Iterator
from typing import Any

_HEADER = 100
_LEAF = 0x0D  # a page with rows of a table
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # serial type: bytes


class _Nonsense(ValueError):  # noqa: N818
    """Raised for bytes that are no row."""


def apply_log(pages: bytearray, log: bytes, page_size: int) -> None:
    """Bring the committed pages of a write-ahead log into the file's bytes, in place.

    Checksums are not looked at: SQLite drops all that comes after a damaged frame, but here a later one may be whole.
    """
    frame = struct.Struct(">IIII8x")  # page, size of the file after a commit (else 0), salts
    starts = range(32, len(log) - frame.size - page_size + 1, frame.size + page_size)
    heads = [(start, *frame.unpack_from(log, start)) for start in starts]
    if not heads:
        return
    # Frames of before the last reset have other salts. If the header is damaged, the first frame knows.
    salts = struct.unpack_from(">II", log, 16)
    if salts != heads[0][3:]:
        salts = heads[0][3:]
    heads = [head for head in heads if head[3:] == salts]
    while heads and not heads[-1][2]:
        heads.pop()  # not committed
    limit = max((head[2] for head in heads), default=0)
    for start, page, _, *_ in heads:
        if 0 < page <= limit:
            end = page * page_size
            if len(pages) < end:
                pages.extend(bytes(end - len(pages)))
            pages[end - page_size : end] = log[start + frame.size : start + frame.size + page_size]


def free_pages(pages: bytes | bytearray, page_size: int) -> set[int]:
    """Pages that hold only what was deleted, as far as that can be told."""
    free: set[int] = set()
    (trunk,) = struct.unpack_from(">I", pages, 32)
    while 0 < trunk <= len(pages) // page_size and trunk not in free:
        free.add(trunk)
        start = (trunk - 1) * page_size
        following, count = struct.unpack_from(">II", pages, start)
        if count > page_size // 4 - 2:
            break
        free.update(struct.unpack_from(f">{count}I", pages, start + 8))
        trunk = following
    return free


def rows(pages: bytes | bytearray, page_size: int, passed_over: set[int]) -> Iterator[tuple[int, list[Any]]]:
    """Every row of every table that can be made sense of: its rowid and its columns, in no order."""
    for number in range(1, len(pages) // page_size + 1):
        start = (number - 1) * page_size
        head = start + (_HEADER if number == 1 else 0)
        if number in passed_over or pages[head] != _LEAF:
            continue
        (count,) = struct.unpack_from(">H", pages, head + 3)
        for place in range(head + 8, min(head + 8 + 2 * count, start + page_size - 1), 2):
            offset = struct.unpack_from(">H", pages, place)[0]
            try:
                yield _row(pages, start, offset, page_size)
            except (_Nonsense, struct.error, IndexError, UnicodeDecodeError):
                continue


def _row(pages: bytes | bytearray, start: int, offset: int, page_size: int) -> tuple[int, list[Any]]:
    if not 8 <= offset < page_size - 2:
        raise _Nonsense
    size, place = _varint(pages, start + offset)
    rowid, place = _varint(pages, place)
    if size > len(pages):
        raise _Nonsense
    return rowid, _columns(_payload(pages, place, size, start + page_size, page_size))


def _payload(pages: bytes | bytearray, place: int, size: int, end: int, page_size: int) -> bytes:
    """The bytes of a row: those on its leaf, and then on a chain of overflow pages."""
    most, least = page_size - 35, (page_size - 12) * 32 // 255 - 23
    local = size
    if size > most:
        local = least + (size - least) % (page_size - 4)
        local = local if local <= most else least
    if place + local > end:
        raise _Nonsense
    parts, left = [pages[place : place + local]], size - local
    following = struct.unpack_from(">I", pages, place + local)[0] if left else 0
    while left:
        if not 0 < following <= len(pages) // page_size:
            raise _Nonsense
        begin = (following - 1) * page_size
        (following,) = struct.unpack_from(">I", pages, begin)
        parts.append(pages[begin + 4 : begin + 4 + min(left, page_size - 4)])
        left -= len(parts[-1])
    return b"".join(parts)


def _columns(record: bytes | bytearray) -> list[Any]:
    length, place = _varint(record, 0)
    types: deque[int] = deque()
    while place < length:
        serial, place = _varint(record, place)
        types.append(serial)
    columns = []
    for serial in types:
        size = _INTEGERS.get(serial, 8 if serial == 7 else max(0, serial - 12) // 2)
        value = record[place : place + size]
        if len(value) < size:
            raise _Nonsense
        columns.append(_value(serial, value))
        place += size
    return columns


def _value(serial: int, data: bytes | bytearray) -> object:
    if serial == 0:
        return None
    if serial in _INTEGERS:
        return int.from_bytes(data, "big", signed=True)
    if serial == 7:
        return struct.unpack(">d", data)[0]
    if serial in (8, 9):
        return serial - 8
    if serial < 12:
        raise _Nonsense
    return data.decode() if serial % 2 else bytes(data)


def _varint(data: bytes | bytearray, place: int) -> tuple[int, int]:
    value = 0
    for i in range(8):
        byte = data[place + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + i + 1
    return value << 8 | data[place + 8], place + 9
