"""Whether a picture was once a JPEG, and so holds values at edges that nobody painted.

JPEG rounds what each block of 8 x 8 pixels is made of, its cosine waves, to multiples of a table (ITU-T T.81, K.1,
which libjpeg scales by a quality). A picture that went through it once goes through it again unchanged. One that did
not is changed, but for what is plain, and for simple shapes at high qualities: there specks must be seen as well. The
shares below were found on label maps of data sets and drawn ones, as they are and after JPEG of qualities 30 to 95.
"""

import cv2
import numpy as np

_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
_COARSE, _FINE = range(20, 86), range(86, 97)  # qualities
_ROUNDS = 8
_DEEP = 20  # what is no higher goes hardly below 0, either
_BLOCKS, _FEW = 48, 12  # that are looked at, and at first
_FEWEST, _FEWEST_FINE = 3, 12
_ALONG = 6
_ACROSS = 0.25  # blocks with an edge in them, for each edge along one
# Of the blocks, at coarse and fine qualities: of label maps at most 0.33, or 0.67 where they are enlarged four times,
# and 0.47; where there are steps of more than 1, hardly any.
_UNCHANGED, _UNCHANGED_FINE = 0.7, 0.6
_STEEP_UNCHANGED, _STEEP_UNCHANGED_FINE = 0.45, 0.3
_FLATTER = 0.8  # a block whose values come so much nearer to each other is changed, too
_SPECKS = 0.01  # of the pixels: with fewer than two neighbours of their value
_WAVES = cv2.dct(np.eye(8), flags=cv2.DCT_ROWS).T  # one a row


def was_jpeg(values: np.ndarray) -> bool:
    """Whether the values of a picture, uint8 (H, W), as whole as it was saved, are what JPEG leaves of one."""
    if _goes_along_blocks(values):
        return True
    blocks = _with_edges(values)
    steep = blocks[_steepest(blocks) > 1]
    if _is_unchanged(steep, _COARSE, _STEEP_UNCHANGED) or _is_unchanged(blocks, _COARSE, _UNCHANGED):
        return True
    if _has_specks(steep, _SPECKS) and _is_unchanged(steep, _FINE, _STEEP_UNCHANGED_FINE):
        return True
    return len(blocks) >= _FEWEST_FINE and _has_specks(blocks, 0) and _is_unchanged(blocks, _FINE, _UNCHANGED_FINE)


def is_all_blocks(values: np.ndarray) -> bool:
    """Whether a picture, uint8 (H, W), is nothing but blocks of one value each, as what is enlarged is, too."""
    blocks = _all_blocks(values)
    return bool((blocks == blocks[..., :1, :1]).all())


def _is_unchanged(blocks: np.ndarray, qualities: range, least: float) -> bool:
    """Whether JPEG of one of these qualities leaves so many of the blocks as they are."""
    if len(blocks) < _FEWEST:
        return False
    tables = np.stack([_table(quality) for quality in qualities])
    tables = tables[_share_unchanged(blocks[:: -(-len(blocks) // _FEW)], tables, 2) > 0]
    return bool((_share_unchanged(blocks, tables) >= least).any())


def _goes_along_blocks(values: np.ndarray) -> bool:
    """Whether edges go along blocks, but for a few: of small ids low qualities leave not much more than blocks."""
    blocks = _all_blocks(values)
    low, high = blocks.min(axis=(2, 3)), blocks.max(axis=(2, 3))
    is_plain = low == high
    along = sum(
        np.count_nonzero(is_plain[one] & is_plain[other] & (low[one] != low[other]))
        for one, other in (
            ((slice(1, None),), (slice(None, -1),)),
            ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        )
    )
    return bool(0 < np.count_nonzero(~is_plain) <= _ACROSS * along and along >= _ALONG)


def _table(quality: int) -> np.ndarray:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.maximum(1, (_TABLE * scale + 50) // 100)


def _through_jpeg(blocks: np.ndarray, tables: np.ndarray, rounds: int) -> np.ndarray:
    """Blocks (n, 8, 8) once more through JPEG by each table: (tables, n, 8, 8).

    What it had cut off below 0 is guessed in rounds.
    """
    guess = again = blocks.astype(float)
    is_cut = (blocks == 0) & (blocks.max(axis=(1, 2), keepdims=True) > _DEEP)
    for _ in range(rounds if is_cut.any() else 1):
        amounts = _WAVES @ (guess - 128) @ _WAVES.T
        again = _WAVES.T @ (np.round(amounts / tables[:, None]) * tables[:, None]) @ _WAVES + 128
        guess = np.where(is_cut & (again < 0), again, blocks)
    return again.clip(0, 255)


def _share_unchanged(blocks: np.ndarray, tables: np.ndarray, rounds: int = _ROUNDS) -> np.ndarray:
    """(tables,)"""
    again = _through_jpeg(blocks, tables, rounds)
    unchanged = (np.abs(again - blocks) < 0.55).all(axis=(2, 3))
    is_flatter = np.ptp(again, axis=(2, 3)) <= np.ptp(blocks, axis=(1, 2)) - _FLATTER
    return (unchanged & ~is_flatter).mean(axis=1)


def _all_blocks(values: np.ndarray) -> np.ndarray:
    """(rows, columns, 8, 8): all that are whole."""
    height, width = (side // 8 for side in values.shape)
    return values[: height * 8, : width * 8].reshape(height, 8, width, 8).swapaxes(1, 2)


def _with_edges(values: np.ndarray) -> np.ndarray:
    """(n, 8, 8): blocks, of those that hold more than one value; of equal ones one."""
    blocks = _all_blocks(values).reshape(-1, 64)
    distinct = np.unique(blocks[blocks.min(axis=1) != blocks.max(axis=1)], axis=0)
    return distinct[:: -(-len(distinct) // _BLOCKS) or 1].reshape(-1, 8, 8)


def _steepest(blocks: np.ndarray) -> np.ndarray:
    """(n,): the largest difference of neighbours in each block."""
    steps = [np.abs(np.diff(blocks.astype(np.int16), axis=axis)).max(axis=(1, 2)) for axis in (1, 2)]
    return np.maximum(*steps)


def _has_specks(blocks: np.ndarray, least: float) -> bool:
    padded = np.pad(blocks.astype(np.int16), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    alike = sum(
        (padded[:, 1 + y : 9 + y, 1 + x : 9 + x] == blocks) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)
    )
    inner = np.asarray(alike)[:, 1:-1, 1:-1]
    return len(blocks) > 0 and bool((inner < 2).mean() > least)
