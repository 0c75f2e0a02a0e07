"""Checksums of FFV1: FFmpeg's decoder conceals slices whose checksum does not hold, and tells nobody.

A packet is a row of slices. Since version 3 each ends with 3 bytes that say how long it is and, where the encoder was
told so, with 5 more, of which 4 are a CRC-32 of all of it (RFC 9043, 4.9).
"""

import zlib

_TRAILER = 8
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def holds(packet: bytes) -> bool:
    """Whether all slices of a packet have a checksum, and it holds."""
    end = len(packet)
    while end > 0:
        begin = end - _TRAILER - int.from_bytes(packet[max(0, end - _TRAILER) : end - _TRAILER + 3], "big")
        if end < _TRAILER or begin < 0 or _remainder(packet[begin:end]) != 0:
            return False
        end = begin
    return True


def _remainder(data: bytes) -> int:
    """The CRC-32 of IEEE 802.3, most significant bit first, begun at 0: 0 over what ends with its own."""
    return zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
