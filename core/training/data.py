"""Training data, held encoded in memory: photos with masks, and video sequences with masks on their frames."""

import io
import logging
import os
import re
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.errors import PCVOSError
from core.media.arrays import LabelledSequence
from core.training.hard_clips import HARD_CLIPS, frames_to_train_on

log = logging.getLogger(__name__)

VALIDATION_SEQUENCES = ("bmx-bumps", "breakdance-flare", "dog-agility", "horsejump-low", "mallard-fly", "scooter-gray")
"""Held out of training, always."""

IGNORE = 255
"""Label of pixels that no loss sees."""

REGION_SETS = {"bsds"}
"""Sets whose masks are maps of regions without a background: a region of middling size serves as an object."""

FRAMES = "video"
"""The set of photos that the frames of the training sequences make."""

_VIDEO = re.compile(r"^(?:.*/)?(JPEGImages|Annotations)/(?:480p/|1080p/|Full-Resolution/)?([^/]+)/(\d+)\.(jpg|png)$")
_ANY_IMAGE = re.compile(r".*\.(jpg|png)$")
_PHOTO = re.compile(r"^([^/]+)/([^/]+)\.(jpg|png)$")


@dataclass(frozen=True)
class EncodedImage:
    """A JPEG (`is_labels` False) or a PNG of labels, decoded each time it is asked for.

    `source`: the bytes of the file, or where it lies. `name`: its path in the tar or folder.
    """

    name: str
    source: bytes | Path
    is_labels: bool

    def decode(self) -> np.ndarray:
        """uint8 (H, W, 3) RGB, or (H, W) label values: of a palette the indices, else the grey values.

        Raises:
            PCVOSError: it cannot be decoded.
        """
        if self.is_labels:
            try:
                with Image.open(self._file()) as image:
                    return np.array(image if image.mode in ("P", "L") else image.convert("L"))
            except (OSError, ValueError, SyntaxError) as error:
                raise self._unreadable() from error
        data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise self._unreadable()
        return pixels

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, from the header.

        Raises:
            PCVOSError: there is none.
        """
        try:
            with Image.open(self._file()) as image:
                return image.size[::-1]
        except (OSError, ValueError) as error:
            raise self._unreadable() from error

    def _file(self) -> io.BytesIO | Path:
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source

    def _unreadable(self) -> PCVOSError:
        return PCVOSError(f"{self.name} in the training data cannot be decoded: fetch the data again.")


@dataclass(frozen=True)
class Photo:
    """One photo: image uint8 (H, W, 3) RGB, labels uint8 (H, W) with IGNORE, both encoded, and the ids that can serve
    as objects. `weight`: how often it is drawn, relative to the others."""

    encoded_image: EncodedImage
    encoded_labels: EncodedImage
    objects: tuple[int, ...]
    weight: float = 1.0

    @property
    def image(self) -> np.ndarray:
        return self.encoded_image.decode()

    @property
    def labels(self) -> np.ndarray:
        return self.encoded_labels.decode()

    @staticmethod
    def encode(image: np.ndarray, labels: np.ndarray, objects: tuple[int, ...]) -> "Photo":
        """A photo of pixels in memory, without loss."""
        png = lambda pixels: cv2.imencode(".png", pixels)[1].tobytes()  # noqa: E731
        return Photo(
            EncodedImage("image", png(image[..., ::-1]), is_labels=False),
            EncodedImage("labels", png(labels), is_labels=True),
            objects,
        )


class EncodedFrames:
    """Frames or label maps of one sequence, each decoded when it is indexed; a label map that is missing says nothing
    (IGNORE everywhere)."""

    def __init__(self, images: list[EncodedImage | None], size: tuple[int, int]):
        self.images, self.size = images, size

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        image = self.images[index]
        return np.full(self.size, IGNORE, np.uint8) if image is None else image.decode()


@dataclass(frozen=True)
class Sequence:
    """One video.

    Attributes:
        frames: uint8 (T, H, W, 3) RGB. labels: uint8 (T, H, W), 0 background, objects from 1, IGNORE. Both are arrays,
            or encoded.
        labelled: indices of the frames that have a mask, in order; None: all of them.
        weight: how often the sequence is drawn, relative to the others of its length.
    """

    name: str
    frames: np.ndarray | EncodedFrames
    labels: np.ndarray | EncodedFrames
    labelled: tuple[int, ...] | None = None
    weight: float = 1.0

    @cached_property
    def is_sparse(self) -> bool:
        """Whether some frames have no mask."""
        return self.labelled is not None and len(self.labelled) < len(self.frames)


@dataclass(frozen=True)
class TrainingData:
    """Photos by set, the frames of the sequences among them, and sequences; those of the validation split apart."""

    photos: dict[str, list[Photo]] = field(default_factory=dict)
    sequences: list[Sequence] = field(default_factory=list)
    validation: list[LabelledSequence] = field(default_factory=list)


@dataclass(frozen=True)
class DataFolder:
    """A folder of tars, and how often what it holds is drawn, relative to other folders of the same contents."""

    path: Path
    weight: float = 1.0

    @staticmethod
    def parse(text: str) -> "DataFolder":
        """`FOLDER` or `FOLDER=WEIGHT`.

        Raises:
            PCVOSError: the weight is not above 0 and finite.
        """
        path, equals, number = text.rpartition("=")
        if not equals or Path(text).is_dir():
            return DataFolder(Path(text))
        try:
            weight = float(number)
        except ValueError:
            weight = 0.0
        if not 0 < weight < float("inf"):
            raise PCVOSError(f"The weight {number} of the folder {path} is not a number above 0: give FOLDER=WEIGHT.")
        return DataFolder(Path(path), weight)


def load_training_data(*folders: str | Path | DataFolder) -> TrainingData:
    """Read every tar in the folders, or what lies in them as files where there is no tar.

    Photos are `<set>/X.jpg` and `<set>/X.png`; videos `JPEGImages/<seq>/N.jpg` and `Annotations/<seq>/N.png`, as
    YouTube-VOS and DAVIS (with `480p/` or `Full-Resolution/` between) have them. Frames without a mask are kept: a
    network passes through them, and no loss sees them.

    Raises:
        PCVOSError: there is no tar or a damaged one, no photo, no sequence, or a set that yields no object at all (a
            mask read wrongly empties a set in silence).
    """
    data = TrainingData()
    for folder in folders:
        _add_folder(data, folder if isinstance(folder, DataFolder) else DataFolder(Path(folder)))
    named = " and ".join(str(f.path if isinstance(f, DataFolder) else f) for f in folders)
    for kind, found in (("photos", data.photos), ("sequences", data.sequences)):
        if not found:
            raise PCVOSError(f"{named} holds no {kind} to train on, and both photos and video are needed.")
    for sequence in data.sequences:
        data.photos.setdefault(FRAMES, []).extend(_photos_of(sequence))
    log.info(
        "training data: %s; %d sequences, %d for validation",
        ", ".join(f"{group} {len(items)}" for group, items in sorted(data.photos.items())),
        len(data.sequences),
        len(data.validation),
    )
    return data


def _add_folder(data: TrainingData, folder: DataFolder) -> None:
    """Add what one folder holds to `data`, in place."""
    photos: dict[tuple[str, str], dict[str, EncodedImage]] = {}
    videos: dict[str, _Images] = {}
    for image in _encoded(folder.path):
        if match := _VIDEO.match(image.name):
            kind, sequence, index, _ = match.groups()
            videos.setdefault(sequence, {})[kind, int(index)] = image
        elif match := _PHOTO.match(image.name):
            group, stem, suffix = match.groups()
            photos.setdefault((group, stem), {})[suffix] = image
    pairs = [(group, pair["jpg"], pair["png"]) for (group, _), pair in photos.items() if len(pair) == 2]
    with ThreadPoolExecutor(4) as pool:
        made = pool.map(lambda pair: _photo(pair[0], pair[1], pair[2], folder.weight), pairs)
        for (group, *_), photo in zip(pairs, made, strict=True):
            if photo is not None:
                data.photos.setdefault(group, []).append(photo)
    for group in {group for group, _ in photos} - set(data.photos):
        raise PCVOSError(f"No photo of the set {group} in {folder.path} has an object: its masks are not label maps.")
    for name, images in sorted(videos.items()):
        if name in VALIDATION_SEQUENCES:
            data.validation.append(_decoded_sequence(name, images))
        elif (sequence := _encoded_sequence(name, images, folder.weight)) is not None:
            data.sequences.append(sequence)


def load_validation_sequences(folder: str | Path) -> list[LabelledSequence]:
    """The held-out sequences alone, by name; raises as `load_training_data` does."""
    videos: dict[str, _Images] = {}
    held_out = re.compile(
        rf"^(?:.*/)?(JPEGImages|Annotations)/(?:480p/)?({'|'.join(VALIDATION_SEQUENCES)})/(\d+)\.(jpg|png)$"
    )
    for image in _encoded(folder, held_out):
        if match := held_out.match(image.name):
            kind, sequence, index, _ = match.groups()
            videos.setdefault(sequence, {})[kind, int(index)] = image
    if not videos:
        raise PCVOSError(f"{folder} holds none of the held-out sequences: name the folder that does with --data.")
    return [_decoded_sequence(name, images) for name, images in sorted(videos.items())]


def load_hard_sequences(*folders: str | Path) -> dict[str, tuple[list[np.ndarray], list[np.ndarray]]]:
    """Frames and label maps of the hard clips that the folders hold, by the name of their sequence: the ends that
    training does not see, whole (`HARD_CLIPS`).

    Raises:
        PCVOSError: there is no tar or a damaged one; frames and masks do not pair up.
    """
    videos: dict[str, _Images] = {}
    wanted = re.compile(
        rf"^(JPEGImages|Annotations)/({'|'.join(clip.sequence for clip in HARD_CLIPS)})/(\d+)\.(jpg|png)$"
    )
    for folder in folders:
        for image in _encoded(folder, wanted):
            if match := wanted.match(image.name):
                kind, sequence, index, _ = match.groups()
                videos.setdefault(sequence, {})[kind, int(index)] = image
    sequences = {}
    for name, images in videos.items():
        indices = sorted({index for _, index in images})
        indices = indices[frames_to_train_on(name, len(indices)) :]
        kinds = ("JPEGImages", "Annotations")
        if any((kind, i) not in images for kind in kinds for i in indices):
            raise _does_not_pair(name)
        frames, labels = ([images[kind, i].decode() for i in indices] for kind in kinds)
        sequences[name] = frames, labels
    return sequences


_Images = dict[tuple[str, int], EncodedImage]
"""One sequence's files in the tars: by kind (JPEGImages, Annotations) and number."""


def _encoded(folder: str | Path, wanted: re.Pattern[str] = _ANY_IMAGE) -> Iterator[EncodedImage]:
    """The images in the tars of a folder, or, where it holds none, in the folder itself."""
    tars = sorted(Path(folder).glob("*.tar"))
    if not tars:
        paths = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
        files = sorted((path.relative_to(folder).as_posix(), path) for path in paths)
        images = [EncodedImage(name, path, name.endswith(".png")) for name, path in files if wanted.match(name)]
        if not images:
            raise PCVOSError(f"{folder} holds neither .tar files nor images to train on: name the folder that does.")
        yield from images
    for path in tars:
        try:
            with tarfile.open(path) as tar:
                for member in tar:
                    if member.isfile() and wanted.match(member.name):
                        file = tar.extractfile(member)
                        assert file is not None  # it is a file
                        yield EncodedImage(member.name, file.read(), member.name.endswith(".png"))
        except tarfile.TarError as error:
            raise PCVOSError(f"{path} cannot be read as a tar: fetch the training data again.") from error


def _photo(group: str, image: EncodedImage, encoded_labels: EncodedImage, weight: float = 1.0) -> Photo | None:
    low, high = (0.03, 0.5) if group in REGION_SETS else (0.005, 0.7)
    labels = encoded_labels.decode()
    ids, counts = np.unique(labels, return_counts=True)
    share = counts / labels.size
    objects = tuple(int(i) for i, s in zip(ids, share, strict=True) if i not in (0, IGNORE) and low <= s <= high)
    if not objects or labels.shape != image.size:
        return None
    return Photo(image, encoded_labels, objects, weight)


def _photos_of(sequence: Sequence) -> Iterator[Photo]:
    """The labelled frames of a training sequence that show an object of middling size, as photos."""
    frames, masks = sequence.frames, sequence.labels
    assert isinstance(frames, EncodedFrames) and isinstance(masks, EncodedFrames)
    for image, labels in zip(frames.images, masks.images, strict=True):
        photo = None if image is None or labels is None else _photo(FRAMES, image, labels, sequence.weight)
        if photo is not None:
            yield photo


def _encoded_sequence(name: str, images: _Images, weight: float) -> Sequence | None:
    """A sequence to train on: its frames stay encoded, and masks may be missing on some of them.

    What `HARD_CLIPS` takes from its end is left out; None where nothing remains.
    """
    indices = sorted({index for _, index in images})
    indices = indices[: frames_to_train_on(name, len(indices))]
    if not indices:
        return None
    frames, masks = ([images.get((kind, i)) for i in indices] for kind in ("JPEGImages", "Annotations"))
    labelled = tuple(i for i, mask in enumerate(masks) if mask is not None)
    label_maps = [mask.decode() for mask in masks if mask is not None]
    sizes = {None if image is None else image.size for image in frames}
    if None in sizes or len(sizes | {mask.shape for mask in label_maps}) > 1:
        raise _does_not_pair(name)
    if not any(((mask > 0) & (mask != IGNORE)).any() for mask in label_maps):
        raise _has_no_object(name)
    (size,) = {image.size for image in frames if image is not None}
    return Sequence(name, EncodedFrames(frames, size), EncodedFrames(masks, size), labelled, weight)


def _decoded_sequence(name: str, images: _Images) -> LabelledSequence:
    """A sequence to validate on: decoded, with one object, id 1, and a mask on every frame."""
    indices = sorted({index for _, index in images})
    kinds = ("JPEGImages", "Annotations")
    if any((kind, i) not in images for kind in kinds for i in indices):
        raise _does_not_pair(name)
    with ThreadPoolExecutor(4) as pool:
        frames, masks = (list(pool.map(EncodedImage.decode, [images[kind, i] for i in indices])) for kind in kinds)
    if len({image.shape[:2] for image in (*frames, *masks)}) > 1:
        raise _does_not_pair(name)
    labels = np.stack(masks)
    if not (labels == 1).any():
        raise _has_no_object(name)
    return LabelledSequence(name, np.stack(frames), labels)


def _does_not_pair(name: str) -> PCVOSError:
    return PCVOSError(f"Frames and masks of the sequence {name} do not pair up: fetch the training data again.")


def _has_no_object(name: str) -> PCVOSError:
    return PCVOSError(f"The sequence {name} has no object on any frame: its masks are not label maps.")
