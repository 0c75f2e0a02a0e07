"""The worst frames of an evaluation, truth and prediction side by side."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from core.evaluation.scores import SequenceScores
from core.evaluation.truth import Truth
from core.masks.overlay import draw_overlay
from core.masks.packed_labels import PackedLabels
from core.masks.palette import DISPLAY_PALETTE
from core.media.source import FrameSource

PER_SEQUENCE = 2
_HEIGHT = 240
_QUALITY = 85
_APART = 10  # frames between two of one sequence: neighbours look the same


@dataclass(frozen=True)
class Picture:
    """One frame: its mean J over the objects that count there, and a JPEG, truth left and prediction right."""

    sequence: str
    stem: str
    j: float
    jpeg: bytes

    @property
    def words(self) -> str:
        return f"{self.sequence}, frame {self.stem}: J {self.j:.3f}"

    @property
    def base64(self) -> str:
        """The JPEG, as a page holds it."""
        return base64.b64encode(self.jpeg).decode()


def picture_worst(
    scores: SequenceScores, masks: Mapping[int, PackedLabels], truth: Truth, media: FrameSource
) -> list[Picture]:
    """The frames of lowest mean J of a sequence, at most `PER_SEQUENCE`, worst first.

    Args:
        masks: what was predicted, by frame.
    """
    means = dict(zip(scores.frames, scores.frame_means(counted=True), strict=True))
    chosen: list[int] = []
    for frame in sorted((f for f, j in means.items() if not np.isnan(j)), key=means.__getitem__):
        if len(chosen) < PER_SEQUENCE and all(abs(frame - other) >= _APART for other in chosen):
            chosen.append(frame)
    return [
        Picture(
            scores.sequence,
            media.stems[frame],
            float(means[frame]),
            side_by_side(media.read(frame), truth.labels(frame), masks[frame].unpack()),
        )
        for frame in chosen
    ]


def side_by_side(image: np.ndarray, *maps: np.ndarray, palette: np.ndarray = DISPLAY_PALETTE) -> bytes:
    """A JPEG: `image` uint8 (H, W, 3) RGB with each of some label maps, uint8 (H, W), drawn over it; palette uint8
    (256, 3) RGB."""
    height, width = image.shape[:2]
    size = (max(1, round(width * _HEIGHT / height)), _HEIGHT)
    gap = np.full((_HEIGHT, 6, 3), 255, np.uint8)
    parts: list[np.ndarray] = []
    for labels in maps:
        drawn = draw_overlay(image, labels, palette=palette)
        parts += [gap] * bool(parts) + [cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)]
    joined = cv2.cvtColor(np.hstack(parts), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", joined, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
