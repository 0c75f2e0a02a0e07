"""Sequences with two objects, made from pairs of sequences with one."""

import cv2
import numpy as np

from core.training.data import Sequence


def paste_next(sequences: list[Sequence]) -> list[Sequence]:
    """Each sequence with the object of the next one pasted over it: mirrored, half the size, moving as it moves.

    Object 1 is the sequence's own, object 2 the pasted one. The place is the quarter of the picture that object 1
    covers least on the first frame; object 2 hides what is behind it. As long as the shorter of the two.
    """
    return [_paste(own, sequences[(i + 1) % len(sequences)]) for i, own in enumerate(sequences)]


def _paste(own: Sequence, other: Sequence) -> Sequence:
    count = min(len(own.frames), len(other.frames))
    height, width = own.labels.shape[1:]
    half = (height // 2, width // 2)
    corners = [(y, x) for y in (0, height - half[0]) for x in (0, width - half[1])]
    y, x = min(corners, key=lambda c: np.count_nonzero(own.labels[0, c[0] : c[0] + half[0], c[1] : c[1] + half[1]]))
    frames, labels = own.frames[:count].copy(), own.labels[:count].copy()
    for i in range(count):
        image = cv2.resize(other.frames[i, :, ::-1], half[::-1], interpolation=cv2.INTER_AREA)
        mask = cv2.resize(other.labels[i, :, ::-1], half[::-1], interpolation=cv2.INTER_NEAREST) == 1
        frames[i, y : y + half[0], x : x + half[1]][mask] = image[mask]
        labels[i, y : y + half[0], x : x + half[1]][mask] = 2
    return Sequence(f"{own.name} + {other.name}", frames, labels)
