"""Masks of one frame that share pixels. Only those whose boxes meet are unpacked: of 4K, masks are many pixels."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from core.masks.packed_mask import PackedMask

Area = tuple[slice, slice]


def without(mask: PackedMask, others: Iterable[PackedMask]) -> PackedMask:
    """`mask` without the pixels of `others`; the same object if they share none."""
    meetings = [(other, meeting) for other in others if (meeting := _meeting(mask, other)) is not None]
    if not meetings:
        return mask
    inside, shared = mask.inside(), False
    for other, (mine, theirs) in meetings:
        taken = other.inside()[theirs]
        shared = shared or bool((inside[mine] & taken).any())
        inside[mine] &= ~taken
    return PackedMask.pack_part(inside, mask.size, *mask.box[:2]) if shared else mask


def common(one: PackedMask, other: PackedMask) -> PackedMask:
    """The pixels that both have."""
    rest = without(one, [other])
    return PackedMask.empty(one.size) if rest is one else without(one, [rest])


def united(mask: PackedMask, others: Iterable[PackedMask]) -> PackedMask:
    """The pixels that any of them has; the same object if the others are empty."""
    more = [other for other in others if not other.is_empty]
    if not more:
        return mask
    plane = np.zeros(mask.size, np.uint8)
    for one in (mask, *more):
        one.draw(plane, 1)
    return PackedMask.pack(plane)


def without_hidden(masks: Mapping[int, PackedMask]) -> tuple[dict[int, PackedMask], bool]:
    """Masks that overlap, such that the higher id is in front of the lower one.

    Most stay whole, also where another one hides them. Only a mask behind that of a lower id loses what that one hides.

    Args:
        masks: by id, from the one at the back to the one in front.

    Returns:
        The masks, in the same order, and whether any share pixels.
    """
    pairs = list(_meeting_pairs(masks))
    if not _share_pixels([masks[id] for id in {id for pair in pairs for id in pair}]):
        return dict(masks), False
    hiding: dict[int, list[PackedMask]] = {}
    for behind, before in pairs:
        if behind > before:
            hiding.setdefault(behind, []).append(masks[before])
    return {id: without(mask, hiding.get(id, ())) for id, mask in masks.items()}, True


def _share_pixels(masks: list[PackedMask]) -> bool:
    """Whether any two of them do."""
    if not masks:
        return False
    taken = np.zeros(masks[0].size, bool)
    for mask in masks:
        top, left, height, width = mask.box
        here, inside = taken[top : top + height, left : left + width], mask.inside()
        if (here & inside).any():
            return True
        here |= inside
    return False


def _meeting_pairs(masks: Mapping[int, PackedMask]) -> Iterator[tuple[int, int]]:
    """The ids of those whose boxes meet: the one that comes first, then the other."""
    ids = [id for id, mask in masks.items() if not mask.is_empty]
    boxes = np.array([masks[id].box for id in ids], np.int64).reshape(-1, 4)
    (top, left), (bottom, right) = boxes[:, :2].T, (boxes[:, :2] + boxes[:, 2:]).T
    meet = (top[:, None] < bottom) & (top < bottom[:, None]) & (left[:, None] < right) & (left < right[:, None])
    for first, second in np.argwhere(np.triu(meet, 1)).tolist():
        yield ids[first], ids[second]


def _meeting(one: PackedMask, other: PackedMask) -> tuple[Area, Area] | None:
    """The rectangle where two boxes meet, as seen from the corner of either; None: nowhere."""
    top, left = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    bottom = min(one.box[0] + one.box[2], other.box[0] + other.box[2])
    right = min(one.box[1] + one.box[3], other.box[1] + other.box[3])
    if top >= bottom or left >= right:
        return None
    areas = [
        (slice(top - mask.box[0], bottom - mask.box[0]), slice(left - mask.box[1], right - mask.box[1]))
        for mask in (one, other)
    ]
    return areas[0], areas[1]
