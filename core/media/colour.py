"""Meaning of a picture's numbers as colours, by the code points of ITU-T H.273, as FFmpeg numbers them.

What a file leaves unsaid is taken as players take it: pictures of 720 lines or 1280 columns and more are BT.709,
smaller ones have BT.601's matrix (and those of broadcast, with 576, 480 or 486 lines, its primaries too); what has
BT.2020's primaries has its matrix.
"""

from dataclasses import dataclass

RGB = 0  # as a matrix: there is none
BT709 = 1
UNSPECIFIED = 2
BT470BG = 5  # BT.601 of 625 lines
SMPTE170M = 6  # BT.601 of 525 lines
BT2020 = 9
LIMITED, FULL = 1, 2

_LUMA_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}  # those swscale knows, as it numbers them
_HD_LINES, _HD_COLUMNS = 720, 1280
_PRIMARIES_OF_LINES = {576: BT470BG, 480: SMPTE170M, 486: SMPTE170M}


@dataclass(frozen=True)
class Colour:
    """Meaning of RGB numbers as colours: primaries and transfer."""

    primaries: int = BT709
    transfer: int = BT709

    @property
    def matrix(self) -> int:
        """The matrix that goes with the primaries, for RGB that is to be encoded as luma and chroma."""
        return self.primaries if self.primaries in (BT470BG, SMPTE170M, BT2020) else BT709


def colour_of(primaries: int, transfer: int, size: tuple[int, int]) -> Colour:
    """The colours of a picture by its tags and its (height, width)."""
    if primaries in (0, UNSPECIFIED):
        primaries = BT709 if _is_hd(size) else _PRIMARIES_OF_LINES.get(size[0], BT709)
    return Colour(primaries, BT709 if transfer in (0, UNSPECIFIED) else transfer)


def matrix_of(matrix: int, primaries: int, size: tuple[int, int]) -> int:
    """The matrix to decode a picture's luma and chroma by, as swscale numbers them: by tags and (height, width)."""
    if matrix in _LUMA_MATRICES:
        return _LUMA_MATRICES[matrix]
    if primaries == BT2020:
        return BT2020
    return BT709 if _is_hd(size) else BT470BG


def is_known_matrix(matrix: int) -> bool:
    """Whether `matrix_of` does as the tag says; for what has none, it is."""
    return matrix in _LUMA_MATRICES or matrix in (RGB, UNSPECIFIED)


def _is_hd(size: tuple[int, int]) -> bool:
    return size[0] >= _HD_LINES or size[1] >= _HD_COLUMNS
