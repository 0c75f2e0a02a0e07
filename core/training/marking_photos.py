"""Photos and video frames with masks for training on single frames: kept as they lie in the tars, decoded when drawn.

Decoded, all of them would take some 12 GB; encoded they take less than one.
"""

import logging
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from core.errors import PCVOSError
from core.training.data import REGION_SETS, VALIDATION_SEQUENCES

log = logging.getLogger(__name__)

VIDEO_STRIDE = 2
"""The step between used frames of a sequence with masks: neighbours are nearly the same."""

SHORT = 20
"""The most masks of a sequence of which all are used: such masks are often far apart."""

VIDEO_WEIGHT = 4.0
"""Odds of a set of video frames to be drawn, against a set of as many photos: footage is what is marked."""

_PHOTO = re.compile(r"^([^/]+)/([^/]+)\.(jpg|png)$")
_VIDEO = re.compile(r"^(JPEGImages|Annotations)/([^/]+)/(\d+)\.(jpg|png)$")


class PhotoStore:
    """Pairs of image and label map, in sets. A set of photos is drawn by its size to the power of three quarters, all
    video frames as one such set, and within these a sequence by the root of its length."""

    def __init__(self, folders: Sequence[str | Path]):
        """Read every tar in `folders`; the held-out sequences are left out.

        Raises:
            PCVOSError: there is no tar, a damaged one, or no pair in any.
        """
        files: dict[str, dict[str, dict[str, bytes]]] = {}
        for folder in folders:
            tars = sorted(Path(folder).glob("*.tar"))
            if not tars:
                raise PCVOSError(f"{folder} holds no .tar with training data: name the folder that does with --data.")
            for path in tars:
                self._read(path, files)
        self.sets: dict[str, list[tuple[bytes, bytes]]] = {}
        for name, items in files.items():
            pairs = [(pair["jpg"], pair["png"]) for _, pair in sorted(items.items()) if len(pair) == 2]
            if name.startswith("video/") and len(pairs) > SHORT:
                pairs = pairs[::VIDEO_STRIDE]
            if pairs:
                self.sets[name] = pairs
        if not self.sets:
            raise PCVOSError(f"{folders[0]} holds no pair of image and mask: name the folder that does with --data.")
        self.names = list(self.sets)
        video = sum(len(pairs) for name, pairs in self.sets.items() if name.startswith("video/"))
        video_weight = VIDEO_WEIGHT * video**0.75
        roots = sum(len(pairs) ** 0.5 for name, pairs in self.sets.items() if name.startswith("video/"))
        weights = [
            video_weight * len(pairs) ** 0.5 / roots if name.startswith("video/") else len(pairs) ** 0.75
            for name, pairs in self.sets.items()
        ]
        self.weights = np.array(weights) / np.sum(weights)
        log.info("%d photos in %d sets, %d of them video frames", len(self), len(self.sets), video)

    def __len__(self) -> int:
        return sum(len(pairs) for pairs in self.sets.values())

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, bool]:
        """A random image uint8 (H, W, 3) RGB, its labels uint8 (H, W), and whether these are regions of one picture
        rather than objects on a background.

        Raises:
            PCVOSError: it cannot be decoded.
        """
        name = self.names[rng.choice(len(self.names), p=self.weights)]
        pairs = self.sets[name]
        image_data, label_data = pairs[rng.integers(len(pairs))]
        image = cv2.imdecode(np.frombuffer(image_data, np.uint8), cv2.IMREAD_COLOR_RGB)
        labels = cv2.imdecode(np.frombuffer(label_data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if image is None or labels is None or labels.shape != image.shape[:2]:
            raise PCVOSError(f"A photo of the set {name} cannot be decoded: fetch the training data again.")
        return image, labels, name in REGION_SETS

    @staticmethod
    def _read(path: Path, found: dict[str, dict[str, dict[str, bytes]]]) -> None:
        try:
            with tarfile.open(path) as tar:
                for member in tar:
                    if match := _VIDEO.match(member.name):
                        _, sequence, index, suffix = match.groups()
                        if sequence in VALIDATION_SEQUENCES:
                            continue
                        group, stem = f"video/{sequence}", index
                    elif match := _PHOTO.match(member.name):
                        group, stem, suffix = match.groups()
                    else:
                        continue
                    if (file := tar.extractfile(member)) is not None:
                        found.setdefault(group, {}).setdefault(stem, {})[suffix] = file.read()
        except tarfile.TarError as error:
            raise PCVOSError(f"{path} cannot be read as a tar: fetch the training data again.") from error
