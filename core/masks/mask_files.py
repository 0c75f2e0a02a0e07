"""The masks a person gives to the command: one PNG or a folder of them, and which frame each belongs to."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from core.errors import PCVOSError
from core.masks.frame_numbers import FootageNames, Numbering, place
from core.masks.label_map import RGB, ReadMask, object_ids, read_label_maps, sentences_on_reading
from core.masks.packed_labels import PackedLabels
from core.progress import UNWATCHED, Progress

_ASPECT_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class Annotation:
    """The content of one mask file about one frame.

    Attributes:
        frame: index of the frame, from 0.
        packed: the label map at the footage's size, compressed.
        objects: ids the file speaks for, ascending; one that is not in `labels` is absent from this frame. Objects not
            listed are carried through the frame.
        path: the file.
    """

    frame: int
    packed: PackedLabels
    objects: tuple[int, ...]
    path: Path

    @property
    def labels(self) -> np.ndarray:
        """uint8 (H, W), value = object id, 0 background; unpacked each time it is asked for."""
        return self.packed.unpack()


@dataclass(frozen=True)
class Masks:
    """All annotations, in order of their frames.

    Attributes:
        objects: the ids of all.
        notes: sentences on how the files were understood. warnings: sentences on what was changed or lost of them.
        colours: of colour PNGs, the colour that each id was read from; else empty.
    """

    annotations: tuple[Annotation, ...]
    objects: tuple[int, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    colours: Mapping[int, RGB] = field(default_factory=dict)


def load_masks(
    path: str | Path | Sequence[Path],
    stems: Sequence[str],
    size: tuple[int, int],
    *,
    start: int = 0,
    end: int | None = None,
    is_video: bool = False,
    backward: bool = False,
    mask_frame: int | None = None,
    numbering: Numbering | None = None,
    names: Collection[str] = (),
    complete: bool = False,
    may_be_empty: bool = False,
    progress: Progress = UNWATCHED,
) -> Masks:
    """Read the masks at `path` and find the frame that each belongs to.

    The frame of a file, by the first of these that applies:

    1. `mask_frame` (for a single file).
    2. What its name says, by the one rule that holds for all files: see `core.masks.frame_numbers`.
    3. For a single file whose name says nothing, the range's first frame, or its last when the run goes backward.

    Args:
        path: a PNG, a folder (its *.png, without subfolders and hidden files), or several PNGs.
        stems: the footage's frames by name, as many as it has frames (of a video only their count matters).
        size: (height, width) of the footage.
        start: first frame of the range. Masks of frames outside the range are read like the others.
        end: last frame of the range, inclusive; None for the footage's last.
        is_video: whether the footage is a video.
        backward: whether the run goes from `end` to `start`.
        mask_frame: the frame of a single file.
        numbering: how to read numbers in names, where the person has said so.
        names: of the other files of one import: the rule is found from these, too.
        complete: every file speaks for all objects found in any of them (`--masks-complete`). Without it a file speaks
            for the ids that occur in it.
        may_be_empty: files without an object are no error; without `complete` they speak for none.
        progress: how many files are read, of how many.

    Raises:
        UnclearNumberingError: the names can be read in several ways.
        PCVOSError: no such file; a folder without a PNG; a file that cannot be read (see `read_label_maps`), belongs to
            no frame, or to the frame of another file; a size whose aspect ratio is not the footage's within 1 %; no
            object in a file or, with `complete`, in any of them; `mask_frame` outside the footage or with a folder.
    """
    footage = FootageNames(stems, is_video)
    path, files = (Path(path), None) if isinstance(path, str | Path) else (path[0].parent, list(path))
    notes: list[str] = []
    if mask_frame is not None:
        placed = {_checked_mask_frame(mask_frame, path, len(stems)): path}
    else:
        is_single = files is None and not path.is_dir()
        files = files or ([path] if is_single else mask_pngs(path))
        last = len(stems) - 1 if end is None else end
        default = (last if backward else start) if is_single else None
        placed = _place(files, footage, numbering, names, default, notes)

    frames = sorted(placed)
    paths = [placed[frame] for frame in frames]
    masks = read_label_maps(paths, progress)
    notes = _colour_notes(masks) + notes
    fitted, warnings = fit_masks(paths, masks, size)
    warnings = [*sentences_on_reading([file.name for file in paths], masks), *warnings]
    ids = [mask.ids for mask in fitted]
    if not may_be_empty:
        _check_objects(path, paths, ids, complete)
    objects = tuple(sorted(set().union(*ids)))
    spoken_for = [objects] * len(ids) if complete else ids
    annotations = tuple(map(Annotation, frames, [mask.packed for mask in fitted], spoken_for, paths))
    colours = next((mask.colours for mask in masks if mask.colours is not None), {})
    return Masks(annotations, objects, tuple(notes), tuple(warnings), colours)


def mask_pngs(folder: Path) -> list[Path]:
    """The mask files of a folder, by name: its PNGs, however their suffix is written, without hidden files.

    Raises:
        PCVOSError: it cannot be read, or holds none.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".png" and file.is_file())
    except OSError as error:
        raise PCVOSError(f"The folder of masks {folder} cannot be read: {error.strerror or error}.") from error
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise PCVOSError(f"The folder of masks {folder} holds no PNG: put masks there that are named like the frames.")
    return files


def masks_fingerprint(path: str | Path) -> str:
    """SHA-256 (hex) over names and bytes of the mask files at `path`, to tell whether they changed between two runs.

    Raises:
        PCVOSError: no such file, a folder without a PNG, or one that cannot be read.
    """
    path = Path(path)
    digest = hashlib.sha256()
    for file in mask_pngs(path) if path.is_dir() else [path]:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise PCVOSError(f"The mask {file} cannot be read: {error.strerror or error}.") from error
        for part in (file.name.encode(errors="surrogateescape"), data):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _checked_mask_frame(mask_frame: int, path: Path, count: int) -> int:
    if path.is_dir():
        raise PCVOSError(f"A frame can be given for one PNG, but {path} is a folder: name its files like the frames.")
    if not 0 <= mask_frame < count:
        raise PCVOSError(f"The mask's frame {mask_frame} is outside the footage: its frames are 0 to {count - 1}.")
    return mask_frame


def _place(
    files: Sequence[Path],
    footage: FootageNames,
    numbering: Numbering | None,
    names: Collection[str],
    default: int | None,
    notes: list[str],
) -> dict[int, Path]:
    """The files by frame; `default` is the frame of a file whose name says nothing about one. Adds to `notes`."""
    placement = place([*(file.name for file in files), *names], footage, numbering)
    notes += placement.notes
    placed: dict[int, Path] = {}
    for file in files:
        frame = placement.frames[file.name]
        if frame is None and default is not None and not footage.says_frame(file.name):
            frame = default
            if file.stem[-1:].isdecimal():
                notes.append(f"The name of {file.name} does not say a frame for sure: it is for {footage.name(frame)}.")
        if frame is None:
            raise _no_frame(file, footage)
        if frame in placed:
            raise PCVOSError(f"{placed[frame]} and {file} are both masks of {footage.name(frame)}: remove one of them.")
        placed[frame] = file
    return placed


def _no_frame(file: Path, footage: FootageNames) -> PCVOSError:
    what = f"The mask {file} belongs to no frame: the footage's frames are {footage.range}"
    return PCVOSError(f"{what}; name it like one, or say which frame a single mask is for.", "no frame")


def _colour_notes(masks: Sequence[ReadMask]) -> list[str]:
    for mask in masks:
        if mask.colours is not None:
            pairs = ", ".join(f"#{r:02x}{g:02x}{b:02x} = {number}" for number, (r, g, b) in mask.colours.items())
            return [f"Colours of the masks as object ids: {pairs}."] if pairs else []
    return []


def fit_masks(
    paths: Sequence[Path], masks: Sequence[ReadMask], size: tuple[int, int]
) -> tuple[list[ReadMask], list[str]]:
    """The masks at the footage's size, and a warning for each other size and for each object lost on the way."""
    height, width = size
    fitted, warnings = [], []
    resized: dict[tuple[int, int], list[str]] = {}
    for path, mask in zip(paths, masks, strict=True):
        if mask.packed.shape != (height, width):
            mask_height, mask_width = mask.packed.shape
            if abs(mask_width * height / (mask_height * width) - 1) > _ASPECT_TOLERANCE:
                raise PCVOSError(
                    f"The mask {path} is {mask_width}x{mask_height}, but the footage is {width}x{height}: "
                    "give a mask of the footage's size or shape."
                )
            labels = cv2.resize(mask.labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
            resized.setdefault((mask_width, mask_height), []).append(path.name)
            left = object_ids(labels)
            if lost := set(mask.ids) - set(left):
                ids = ", ".join(map(str, sorted(lost)))
                warnings.append(f"{path.name}: too small to be left after resizing: object {ids}.")
            mask = ReadMask(PackedLabels(labels), left)
        fitted.append(mask)
    for (mask_width, mask_height), names in resized.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        warnings.append(f"{names[0]}{others}: resized from {mask_width}x{mask_height} to {width}x{height} by nearest.")
    return fitted, warnings


def _check_objects(path: Path, paths: Sequence[Path], ids: Sequence[tuple[int, ...]], complete: bool) -> None:
    if not any(ids):
        raise PCVOSError(
            f"No object in the masks of {path}: every pixel, at the footage's size, is background; mark an object."
        )
    if complete:
        return
    for file, found in zip(paths, ids, strict=True):
        if not found:
            raise PCVOSError(f"The mask {file} holds no object: remove it, or say that all are absent.", "all absent")
