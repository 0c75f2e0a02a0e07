"""The true masks of a sequence, and on which frame each object's mask is given."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from core.errors import PCVOSError
from core.evaluation.dataset import SequenceFolder
from core.masks.label_map import object_ids, read_label_maps, sentences_on_reading
from core.masks.mask_files import mask_pngs
from core.masks.packed_labels import PackedLabels
from core.media.source import FrameSource


def _to_nobody(sentence: str) -> None:
    """Takes a sentence that nobody wants to know."""


@dataclass(frozen=True, eq=False)
class Truth:
    """True label maps of the frames that have one, compressed.

    Attributes:
        masks: by frame, ascending.
        given: the frame on which each object's mask is given: where it first appears; by id, ascending.
    """

    masks: Mapping[int, PackedLabels]
    given: Mapping[int, int]

    @classmethod
    def from_array(cls, labels: np.ndarray) -> Self:
        """From label maps uint8 (T, H, W) of all frames."""
        ids = {frame: object_ids(own) for frame, own in enumerate(labels)}
        return cls({frame: PackedLabels(own) for frame, own in enumerate(labels)}, first_frames(ids))

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames that have a mask."""
        return tuple(self.masks)

    @property
    def objects(self) -> tuple[int, ...]:
        return tuple(self.given)

    def labels(self, frame: int) -> np.ndarray:
        """uint8 (H, W)."""
        return self.masks[frame].unpack()

    def known(self, frame: int) -> frozenset[int]:
        """Objects that are given on `frame` or before it."""
        return frozenset(obj for obj, first in self.given.items() if first <= frame)

    def given_frames(self) -> dict[int, frozenset[int]]:
        """The objects given on each frame on which some are."""
        frames: dict[int, set[int]] = defaultdict(set)
        for obj, frame in self.given.items():
            frames[frame].add(obj)
        return {frame: frozenset(objects) for frame, objects in sorted(frames.items())}


def read_truth(sequence: SequenceFolder, media: FrameSource, warn: Callable[[str], None] = _to_nobody) -> Truth:
    """Read the masks of a sequence.

    Args:
        warn: takes sentences on masks that were not read by the plain rules of `read_label_maps`.

    Raises:
        PCVOSError: no mask or a damaged one, one that belongs to no frame or has another size, or no object.
    """
    masks, ids = read_masks(sequence.masks, sequence.name, media, warn)
    frames = {media.stems[frame]: frame for frame in masks}
    given = first_frames(ids)
    for obj, stem in sequence.first.items():
        if obj in ids.get(frames.get(stem, -1), ()):  # what meta.json says counts where the mask bears it out
            given[obj] = frames[stem]
    if not given:
        raise PCVOSError(f"No mask in {sequence.masks} has an object: take {sequence.name} out of the split.")
    return Truth(masks, given)


def read_masks(
    folder: Path, name: str, media: FrameSource, warn: Callable[[str], None] = _to_nobody
) -> tuple[dict[int, PackedLabels], dict[int, tuple[int, ...]]]:
    """Label maps and ids by frame, from the PNGs of a folder that are named like frames of the sequence `name`.

    Args:
        warn: as `read_truth`.

    Raises:
        PCVOSError: as `read_truth`.
    """
    by_stem = {stem: frame for frame, stem in enumerate(media.stems)}
    files: dict[str, Path] = {}
    for path in mask_pngs(folder):
        if files.setdefault(path.stem, path) != path:
            raise PCVOSError(f"{files[path.stem]} and {path} are both masks of one frame: remove one of them.")
    if stray := sorted(files.keys() - by_stem.keys()):
        raise PCVOSError(
            f"The mask {files[stray[0]]} belongs to no frame of {name}, whose frames are {media.stems[0]} to "
            f"{media.stems[-1]}: name it like one of them, or take it away."
        )
    frames = sorted(by_stem[stem] for stem in files)
    paths = [files[media.stems[frame]] for frame in frames]
    masks = dict(zip(frames, read_label_maps(paths), strict=True))
    for sentence in sentences_on_reading([f"{name}/{path.name}" for path in paths], list(masks.values())):
        warn(sentence)
    for path, mask in zip(paths, masks.values(), strict=True):
        if mask.packed.shape != media.size:
            (height, width), (rows, columns) = media.size, mask.packed.shape
            raise PCVOSError(
                f"The mask {path} is {columns}x{rows}, but the frames of {name} are {width}x{height}: they have to "
                "be of one size."
            )
    return {f: mask.packed for f, mask in masks.items()}, {f: mask.ids for f, mask in masks.items()}


def first_frames(ids: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    """The first frame of each object, by id ascending."""
    first: dict[int, int] = {}
    for frame in sorted(ids):
        for obj in ids[frame]:
            first.setdefault(obj, frame)
    return dict(sorted(first.items()))
