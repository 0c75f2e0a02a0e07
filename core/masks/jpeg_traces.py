"""Whether a picture was once a JPEG, and so holds values at edges that nobody painted.

JPEG rounds what each block of 8 x 8 pixels is made of, its cosine waves, to multiples of a table (ITU-T T.81, K.1,
which libjpeg scales by a quality). A picture that went through it once goes through it again unchanged. One that did
not is changed, but for what is plain, and for the smallest steps at high qualities: there specks must be seen as well.
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
_SURE, _ALL = range(20, 81), range(20, 97)  # qualities; of these few are looked into
_LIKELY = 6
_ROUNDS = 8
_DEEP = 20  # what is no higher goes hardly below 0, either
_BLOCKS = 48  # that are looked at
_FEWEST = 6
_ACROSS = 0.25  # blocks with an edge in them, for each edge along one
_UNCHANGED, _WITH_SPECKS = 0.45, 0.3  # of them; of a label map at most 0.2, or where it is steep 0.4
_SPECKS = 0.01  # of the pixels: with fewer than two neighbours of their value
_WAVES = cv2.dct(np.eye(8), flags=cv2.DCT_ROWS).T  # one a row


def was_jpeg(values: np.ndarray) -> bool:
    """Whether the values of a picture, uint8 (H, W), as whole as it was saved, are what JPEG leaves of one."""
    if _goes_along_blocks(values):
        return True
    blocks = _with_edges(values)
    blocks = blocks[_steepest(blocks) > 1]  # steps of 1 can go through unchanged
    has_specks = len(blocks) > 0 and _has_specks(blocks)
    return _went_through(blocks, _ALL if has_specks else _SURE, _WITH_SPECKS if has_specks else _UNCHANGED)


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
    return bool(0 < np.count_nonzero(~is_plain) <= _ACROSS * along and along >= _FEWEST)


def _went_through(blocks: np.ndarray, qualities: range, least: float) -> bool:
    if len(blocks) < _FEWEST:
        return False
    inside = blocks > 0

    def change(table: np.ndarray) -> float:
        return float(np.abs(_through_jpeg(blocks, table, 2) - blocks)[inside].mean())

    likely = sorted((_table(quality) for quality in qualities), key=change)[:_LIKELY]
    return any(_share_unchanged(blocks, table) >= least for table in likely)


def _table(quality: int) -> np.ndarray:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.maximum(1, (_TABLE * scale + 50) // 100)


def _through_jpeg(blocks: np.ndarray, table: np.ndarray, rounds: int) -> np.ndarray:
    """Blocks (n, 8, 8) once more through JPEG; what it had cut off below 0 is guessed in rounds."""
    guess = again = blocks.astype(float)
    is_cut = (blocks == 0) & (blocks.max(axis=(1, 2), keepdims=True) > _DEEP)
    for _ in range(rounds):
        amounts = _WAVES @ (guess - 128) @ _WAVES.T
        again = _WAVES.T @ (np.round(amounts / table) * table) @ _WAVES + 128
        guess = np.where(is_cut & (again < 0), again, blocks)
    return again.clip(0, 255)


def _share_unchanged(blocks: np.ndarray, table: np.ndarray) -> float:
    unchanged = np.abs(_through_jpeg(blocks, table, _ROUNDS) - blocks) < 0.6
    return float(unchanged.all(axis=(1, 2)).mean())


def _all_blocks(values: np.ndarray) -> np.ndarray:
    """(rows, columns, 8, 8): all that are whole."""
    height, width = (side // 8 for side in values.shape)
    return values[: height * 8, : width * 8].reshape(height, 8, width, 8).swapaxes(1, 2)


def _with_edges(values: np.ndarray) -> np.ndarray:
    """(n, 8, 8): blocks, of those that hold more than one value."""
    blocks = _all_blocks(values).reshape(-1, 8, 8)
    found = np.flatnonzero(blocks.min(axis=(1, 2)) != blocks.max(axis=(1, 2)))
    return blocks[found[:: -(-len(found) // _BLOCKS) or 1]]


def _steepest(blocks: np.ndarray) -> np.ndarray:
    """(n,): the largest difference of neighbours in each block."""
    steps = [np.abs(np.diff(blocks.astype(np.int16), axis=axis)).max(axis=(1, 2)) for axis in (1, 2)]
    return np.maximum(*steps)


def _has_specks(blocks: np.ndarray) -> bool:
    padded = np.pad(blocks.astype(np.int16), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    alike = sum(
        (padded[:, 1 + y : 9 + y, 1 + x : 9 + x] == blocks) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)
    )
    inner = np.asarray(alike)[:, 1:-1, 1:-1]
    return bool((inner < 2).mean() > _SPECKS)
