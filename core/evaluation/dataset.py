"""Folders of sequences in the layouts of the field: DAVIS, YouTube-VOS, MOSE.

- davis: `JPEGImages/[480p/|Full-Resolution/]SEQ/NNNNN.jpg`, `Annotations/` likewise, `ImageSets/…/NAME.txt`.
- ytvos: `JPEGImages/ID/`, `Annotations/ID/` (often every fifth frame only), `meta.json` with the frames of each object.
- mose: as ytvos, with a mask on every frame and `meta*.json`.

An object that is not in the first mask is given on the frame where it first appears, in every layout.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.errors import PCVOSError
from core.files import decoded
from core.media.images import natural_key

Layout = Literal["davis", "ytvos", "mose"]

_FRAMES, _MASKS, _SPLITS = "JPEGImages", "Annotations", "ImageSets"
_DAVIS_SIZES = ("480p", "Full-Resolution")


@dataclass(frozen=True)
class SequenceFolder:
    """Folders of one sequence.

    Attributes:
        frames, masks: folders of images and of mask PNGs that are named like them.
        first: stem of the frame on which each object first appears, as the data set's `meta.json` has it; empty where
            nothing says so.
    """

    name: str
    frames: Path
    masks: Path
    first: Mapping[int, str] = field(default_factory=dict)

    def count_frames(self) -> int:
        """Files in the folder of frames, without opening them."""
        with os.scandir(self.frames) as entries:
            return sum(not entry.name.startswith(".") for entry in entries)


def find_sequences(
    dataset: Path, layout: Layout = "davis", split: str | None = None, limit: int | None = None
) -> list[SequenceFolder]:
    """The sequences of a data set, in the order of the split, or of their names.

    Args:
        dataset: the folder that holds `JPEGImages` and `Annotations`.
        split: a text file with one sequence a line, or the name of one under `ImageSets` (`2017/val`); None: every
            folder that has both frames and masks.
        limit: only so many, the first ones.

    Raises:
        PCVOSError: not such a folder, no sequence, one of the split that is not there, or an unusable split or meta
            file.
    """
    frames, masks = _roots(dataset, layout)
    if limit is not None and limit < 1:
        raise PCVOSError(f"--limit {limit} leaves no sequence: give 1 or more.")
    names = _common_names(frames, masks) if split is None else _read_split(dataset, split)
    if not names:
        raise PCVOSError(f"No sequence has both a folder in {frames} and one in {masks}: check --layout {layout}.")
    names = names[:limit]
    for name in names:
        for root in (frames, masks):
            if not (root / name).is_dir():
                raise PCVOSError(f"There is no folder {root / name}: the sequence {name} of the split is not there.")
    appearances = {} if layout == "davis" else _read_meta(dataset)
    return [SequenceFolder(name, frames / name, masks / name, appearances.get(name, {})) for name in names]


def _roots(dataset: Path, layout: Layout) -> tuple[Path, Path]:
    """The folders whose folders are the sequences."""
    if not dataset.is_dir():
        raise PCVOSError(f"{dataset} is no folder: give the one that holds {_FRAMES} and {_MASKS}.")
    for name in (_FRAMES, _MASKS):
        if not (dataset / name).is_dir():
            below = sorted(path.parent.name for path in dataset.glob(f"*/{_FRAMES}"))
            hint = f", for example {dataset / below[0]}" if below else ""
            raise PCVOSError(f"{dataset} holds no folder {name}: give the folder that holds it{hint}.")
    for size in _DAVIS_SIZES if layout == "davis" else ():
        if (dataset / _FRAMES / size).is_dir() and (dataset / _MASKS / size).is_dir():
            return dataset / _FRAMES / size, dataset / _MASKS / size
    return dataset / _FRAMES, dataset / _MASKS


def _common_names(frames: Path, masks: Path) -> list[str]:
    return sorted({p.name for p in _folders(frames)} & {p.name for p in _folders(masks)}, key=natural_key)


def _folders(root: Path) -> Iterator[Path]:
    return (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _read_split(dataset: Path, split: str) -> list[str]:
    """The sequences a split names, each once. A line can also be DAVIS 2016's: `/JPEGImages/480p/bear/00000.jpg …`."""
    in_dataset = dataset / _SPLITS / split
    places = (Path(split), in_dataset, in_dataset.with_name(f"{in_dataset.name}.txt"))
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise PCVOSError(f"There is no split {split}, neither as a file nor in {dataset / _SPLITS}: name one of them.")
    try:
        lines = decoded(path.read_bytes()).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PCVOSError(f"{path} cannot be read as a split: give a text file with one sequence a line.") from error
    entries = [line.split()[0] for line in lines if line.strip()]
    names = [Path(entry).parent.name if Path(entry).suffix.lower() in (".jpg", ".png") else entry for entry in entries]
    if not names:
        raise PCVOSError(f"The split {path} is empty: write one sequence a line.")
    if wrong := next((name for name in names if Path(name).name != name or name in (".", "..")), None):
        raise PCVOSError(f"The split {path} holds {wrong!r}, which is no name of a sequence: write one a line.")
    return list(dict.fromkeys(names))


def _read_meta(dataset: Path) -> dict[str, dict[int, str]]:
    """The stem of the frame on which each object first appears, by sequence, from all `meta*.json`; often there is
    one."""
    stems: dict[str, dict[int, str]] = {}
    for path in sorted(dataset.glob("meta*.json")):
        try:
            videos: dict[str, Any] = json.loads(path.read_bytes())["videos"]
            for name, video in videos.items():
                stems.setdefault(name, {}).update(
                    {int(obj): str(item["frames"][0]) for obj, item in video["objects"].items() if item.get("frames")}
                )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PCVOSError(
                f"{path} is not like YouTube-VOS's (videos, objects, frames): mend it, or take it out of the folder."
            ) from error
    return stems
