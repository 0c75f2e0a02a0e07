"""Sequences that are harder than those they are made of: more objects, look-alikes, objects that leave and return.

Nothing here is random: the same sequences always give the same ones.
"""

from collections.abc import Callable

import cv2
import numpy as np

from core.media.arrays import LabelledSequence

LOOK_ALIKE_DELAY = 8
"""Frames a look-alike lags behind the object that it is a copy of."""

SLIDE, HOLD = 6, 8
"""Frames in which a board slides over an object, and again off it; and in which it hides the object."""


def two_objects(sequences: list[LabelledSequence]) -> list[LabelledSequence]:
    """Each sequence with the object of the next one pasted over it: mirrored, half the size, moving as it moves.

    Object 1 is the sequence's own, object 2 the pasted one. The place is the quarter of the picture that object 1
    covers least on the first frame; object 2 hides what is behind it. As long as the shorter of the two.
    """
    return [_with_others(sequences, i, 1) for i in range(len(sequences))]


def three_objects(sequences: list[LabelledSequence]) -> list[LabelledSequence]:
    """Sequences of `two_objects` with one object more, object 3, in the quarter that is then freest."""
    return [_with_others(sequences, i, 2) for i in range(len(sequences))]


def look_alikes(sequences: list[LabelledSequence]) -> list[LabelledSequence]:
    """Each sequence with a mirrored copy of its object in it, at three quarters of its size, `LOOK_ALIKE_DELAY` frames
    late; it lies behind the object, and is nothing that was asked for."""
    return [_with_copy(sequence) for sequence in sequences]


def reappearances(sequences: list[LabelledSequence]) -> list[LabelledSequence]:
    """Each sequence with a board that slides over its object a third of the way on, stays, and slides off again.

    The board is a piece of the next sequence's first frame, larger than the object; it goes where the object goes. The
    object comes out where it is by then: `HOLD` frames later, and the slides."""
    return [_with_board(own, sequences[(i + 1) % len(sequences)]) for i, own in enumerate(sequences)]


PASTED: dict[str, Callable[[list[LabelledSequence]], list[LabelledSequence]]] = {
    "two": two_objects,
    "three": three_objects,
    "look-alikes": look_alikes,
    "reappearance": reappearances,
}
"""Harder sequences made of those with one object each, by name."""


def _with_others(sequences: list[LabelledSequence], index: int, count: int) -> LabelledSequence:
    own = sequences[index]
    others = [sequences[(index + n) % len(sequences)] for n in range(1, count + 1)]
    length = min(len(sequence.frames) for sequence in (own, *others))
    frames, labels = own.frames[:length].copy(), own.labels[:length].copy()
    height, width = labels.shape[1:]
    half = (height // 2, width // 2)
    for number, other in enumerate(others, 2):
        place = _freest_corner(labels[0] > 0, half)
        for frame, own_labels, image, mask in zip(
            frames, labels, other.frames[:, :, ::-1], other.labels[:, :, ::-1], strict=False
        ):
            small = cv2.resize(np.ascontiguousarray(image), half[::-1], interpolation=cv2.INTER_AREA)
            shown = cv2.resize(np.ascontiguousarray(mask), half[::-1], interpolation=cv2.INTER_NEAREST) == 1
            frame[place][shown] = small[shown]
            own_labels[place][shown] = number
    return LabelledSequence(" + ".join(sequence.name for sequence in (own, *others)), frames, labels)


def _freest_corner(taken: np.ndarray, size: tuple[int, int]) -> tuple[slice, slice]:
    """The corner of the four of `size` with the fewest pixels of `taken` (H, W)."""
    height, width = taken.shape
    corners = [
        (slice(y, y + size[0]), slice(x, x + size[1])) for y in (0, height - size[0]) for x in (0, width - size[1])
    ]
    return min(corners, key=lambda corner: np.count_nonzero(taken[corner]))


def _with_copy(own: LabelledSequence) -> LabelledSequence:
    """Mirrored about the picture's middle, so that the copy starts where the object is not."""
    frames, labels = own.frames.copy(), own.labels.copy()
    height, width = labels.shape[1:]
    # x' = w / 2 - 0.75 (x - w / 2), y' = h / 2 + 0.75 (y - h / 2)
    matrix = np.array([[-0.75, 0, 0.875 * width], [0, 0.75, 0.125 * height]], np.float32)
    for i in range(len(frames)):
        late = max(0, i - LOOK_ALIKE_DELAY)
        image = cv2.warpAffine(own.frames[late], matrix, (width, height), flags=cv2.INTER_AREA)
        shown = cv2.warpAffine(own.labels[late], matrix, (width, height), flags=cv2.INTER_NEAREST) == 1
        shown &= labels[i] != 1
        frames[i][shown] = image[shown]
    return LabelledSequence(f"{own.name} and its copy", frames, labels)


def _with_board(own: LabelledSequence, other: LabelledSequence) -> LabelledSequence:
    frames, labels = own.frames.copy(), own.labels.copy()
    height, width = labels.shape[1:]
    begin = len(frames) // 3
    board = None
    for i in range(begin, min(len(frames), begin + 2 * SLIDE + HOLD)):
        box = _box(own.labels[i] == 1)
        if box is None:
            continue
        (top, bottom), (left, right) = box
        board = (max(board[0], bottom - top), max(board[1], right - left)) if board else (bottom - top, right - left)
    if board is None:
        return LabelledSequence(f"{own.name} behind a board", frames, labels)
    board_size = (min(height, int(1.2 * board[0])), min(width, int(1.2 * board[1])))
    picture = cv2.resize(other.frames[0], board_size[::-1], interpolation=cv2.INTER_LINEAR)
    centre = np.zeros(2)
    for i in range(begin, min(len(frames), begin + 2 * SLIDE + HOLD)):
        box = _box(own.labels[i] == 1)
        centre = np.array([sum(side) / 2 for side in box]) if box else centre
        aside = _slide(i - begin) * 1.2 * board_size[1]
        top, left = int(centre[0] - board_size[0] / 2), int(centre[1] + aside - board_size[1] / 2)
        y, x = slice(max(0, top), max(0, top + board_size[0])), slice(max(0, left), max(0, left + board_size[1]))
        shown = frames[i][y, x].shape
        part = picture[y.start - top :, x.start - left :][: shown[0], : shown[1]]
        frames[i][y, x] = part
        labels[i][y, x] = 0
    return LabelledSequence(f"{own.name} behind a board", frames, labels)


def _slide(step: int) -> float:
    """Distance of the board from the object, in its widths: 1 at first, 0 while it hides the object, -1 at the end."""
    if step < SLIDE:
        return 1 - step / SLIDE
    return -max(0, step - SLIDE - HOLD + 1) / SLIDE


def _box(mask: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """First and last + 1 row and column of a mask (H, W); None if it is empty."""
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    return ((rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)) if len(rows) else None
