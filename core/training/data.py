"""Training data, decoded once and held in memory: photos with masks, and video sequences with a mask on every frame."""

import logging
import re
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from core.errors import PCVOSError

log = logging.getLogger(__name__)

VALIDATION_SEQUENCES = ("bmx-bumps", "breakdance-flare", "dog-agility", "horsejump-low", "mallard-fly", "scooter-gray")
"""Held out of training, always."""

IGNORE = 255
"""Label of pixels that no loss sees."""

REGION_SETS = {"bsds"}
"""Sets whose masks are maps of regions without a background: a region of middling size serves as an object."""

FRAMES = "video"
"""The set of photos that the frames of the training sequences make."""

_VIDEO = re.compile(r"^(JPEGImages|Annotations)/([^/]+)/(\d+)\.(jpg|png)$")
_ANY_IMAGE = re.compile(r".*\.(jpg|png)$")
_PHOTO = re.compile(r"^([^/]+)/([^/]+)\.(jpg|png)$")


@dataclass(frozen=True)
class Photo:
    """One photo: image uint8 (H, W, 3) RGB, labels uint8 (H, W) with IGNORE, and the ids that can serve as objects."""

    image: np.ndarray
    labels: np.ndarray
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Sequence:
    """One video: frames uint8 (T, H, W, 3) RGB, labels uint8 (T, H, W), one object with id 1."""

    name: str
    frames: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class TrainingData:
    """Photos by set, the frames of the sequences among them, and sequences; those of the validation split apart."""

    photos: dict[str, list[Photo]] = field(default_factory=dict)
    sequences: list[Sequence] = field(default_factory=list)
    validation: list[Sequence] = field(default_factory=list)


def load_training_data(folder: str | Path) -> TrainingData:
    """Read every tar in `folder` (layouts: `<set>/X.jpg|png`, `JPEGImages/<seq>/N.jpg`, `Annotations/<seq>/N.png`).

    Raises:
        PCVOSError: there is no tar or a damaged one, no photo, no sequence, or a set that yields no object at all (a
            mask read wrongly empties a set in silence).
    """
    photos: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    videos: dict[str, dict[tuple[str, int], np.ndarray]] = {}
    for name, image in _decoded(folder):
        if match := _VIDEO.match(name):
            kind, sequence, index, _ = match.groups()
            videos.setdefault(sequence, {})[kind, int(index)] = image
        elif match := _PHOTO.match(name):
            group, stem, suffix = match.groups()
            photos.setdefault((group, stem), {})[suffix] = image
    data = TrainingData()
    for (group, _), pair in photos.items():
        if len(pair) == 2 and (photo := _photo(group, pair["jpg"], pair["png"])) is not None:
            data.photos.setdefault(group, []).append(photo)
    for group in {group for group, _ in photos} - set(data.photos):
        raise PCVOSError(f"No photo of the set {group} in {folder} has an object: its masks are not label maps.")
    for name, images in sorted(videos.items()):
        target = data.validation if name in VALIDATION_SEQUENCES else data.sequences
        target.append(_sequence(name, images))
    for kind, found in (("photos", data.photos), ("sequences", data.sequences)):
        if not found:
            raise PCVOSError(f"{folder} holds no {kind} to train on, and both photos and video are needed.")
    stills = [_photo(FRAMES, *pair) for s in data.sequences for pair in zip(s.frames, s.labels, strict=True)]
    data.photos.setdefault(FRAMES, []).extend(still for still in stills if still is not None)
    log.info(
        "training data: %s; %d sequences, %d for validation",
        ", ".join(f"{group} {len(items)}" for group, items in sorted(data.photos.items())),
        len(data.sequences),
        len(data.validation),
    )
    return data


def load_validation_sequences(folder: str | Path) -> list[Sequence]:
    """The held-out sequences alone, by name; raises as `load_training_data` does."""
    videos: dict[str, dict[tuple[str, int], np.ndarray]] = {}
    held_out = re.compile(rf"^(JPEGImages|Annotations)/({'|'.join(VALIDATION_SEQUENCES)})/(\d+)\.(jpg|png)$")
    for name, image in _decoded(folder, held_out):
        kind, sequence, index, _ = held_out.match(name).groups()
        videos.setdefault(sequence, {})[kind, int(index)] = image
    if not videos:
        raise PCVOSError(f"{folder} holds none of the held-out sequences: name the folder that does with --data.")
    return [_sequence(name, images) for name, images in sorted(videos.items())]


def _decoded(folder: str | Path, wanted: re.Pattern[str] = _ANY_IMAGE) -> Iterator[tuple[str, np.ndarray]]:
    """Name and pixels of the images in the tars of a folder: RGB for JPEGs, values as stored for PNGs."""
    tars = sorted(Path(folder).glob("*.tar"))
    if not tars:
        raise PCVOSError(f"{folder} holds no .tar with training data: name the folder that does with --data.")
    with ThreadPoolExecutor(4) as pool:
        for path in tars:
            try:
                with tarfile.open(path) as tar:
                    images = (m for m in tar if m.isfile() and wanted.match(m.name))
                    yield from pool.map(_decode, ((m.name, tar.extractfile(m).read()) for m in images))
            except tarfile.TarError as error:
                raise PCVOSError(f"{path} cannot be read as a tar: fetch the training data again.") from error


def _decode(item: tuple[str, bytes]) -> tuple[str, np.ndarray]:
    name, data = item
    flag = cv2.IMREAD_COLOR_RGB if name.endswith(".jpg") else cv2.IMREAD_GRAYSCALE
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None:
        raise PCVOSError(f"{name} in the training data cannot be decoded: fetch the data again.")
    return name, image


def _photo(group: str, image: np.ndarray, labels: np.ndarray) -> Photo | None:
    low, high = (0.03, 0.5) if group in REGION_SETS else (0.005, 0.7)
    ids, counts = np.unique(labels, return_counts=True)
    share = counts / labels.size
    objects = tuple(int(i) for i, s in zip(ids, share, strict=True) if i not in (0, IGNORE) and low <= s <= high)
    return Photo(image, labels, objects) if objects and labels.shape == image.shape[:2] else None


def _sequence(name: str, images: dict[tuple[str, int], np.ndarray]) -> Sequence:
    indices = sorted({index for _, index in images})
    frames, masks = ([images.get((kind, i)) for i in indices] for kind in ("JPEGImages", "Annotations"))
    sizes = {None if image is None else image.shape[:2] for image in (*frames, *masks)}
    if None in sizes or len(sizes) > 1:
        raise PCVOSError(f"Frames and masks of the sequence {name} do not pair up: fetch the training data again.")
    labels = np.stack(masks)
    if not (labels == 1).any():
        raise PCVOSError(f"The sequence {name} has no object on any frame: its masks are not label maps.")
    return Sequence(name, np.stack(frames), labels)
