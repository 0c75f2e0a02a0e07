"""Sums of masks that stay packed where nothing is to be done."""

from collections.abc import Iterable

import numpy as np

from core.annotation.packed_mask import PackedMask


def without(mask: PackedMask, kept: Iterable[PackedMask]) -> PackedMask:
    """A mask without the pixels of others."""
    labels = None
    for other in kept:
        if labels is None:
            labels = mask.unpack().view(np.uint8)
        other.draw(labels, 0)
    return mask if labels is None else PackedMask.pack(labels.view(bool))
