"""Tiny data sets in every layout: a striped disc that wanders over dark noise, and a square that comes later."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from core.masks.label_map import write_label_map

SIZE = (48, 64)


def disc_and_square(frames: int = 9, square_from: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (T, H, W, 3) and labels (T, H, W): a disc (1), and a square (2) from frame `square_from` on."""
    height, width = SIZE
    rng = np.random.default_rng(seed)
    ground = rng.integers(20, 80, (height, width, 3)).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    images, labels = [], []
    for t in range(frames):
        own = np.uint8((y - 16) ** 2 + (x - 14 - 2 * t) ** 2 < 100)
        if square_from is not None and t >= square_from:
            own[34:46, 44 - t : 56 - t] = 2
        image = ground.copy()
        image[own == 1] = (240, 180, 60)
        image[own == 2] = (60, 120, 240)
        images.append(image)
        labels.append(own)
    return np.stack(images), np.stack(labels)


def write_sequence(
    root: Path,
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    masked: Iterable[int] | None = None,
    below: str = "",
    step: int = 1,
) -> None:
    """Frames as JPEGs named 00000, 00000 + step, …; masks of the frames `masked` (all, if None)."""
    frames, masks = root / "JPEGImages" / below / name, root / "Annotations" / below / name
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(frames / f"{i * step:05d}.jpg", quality=95)
    for i in range(len(images)) if masked is None else masked:
        write_label_map(masks / f"{i * step:05d}.png", labels[i])


def write_meta(root: Path, first: dict[str, dict[int, str]], name: str = "meta.json") -> None:
    """First frames of objects, by sequence."""
    videos = {
        video: {"objects": {str(obj): {"category": "thing", "frames": [stem]} for obj, stem in objects.items()}}
        for video, objects in first.items()
    }
    (root / name).write_text(json.dumps({"videos": videos}))


def write_predictions(folder: Path, name: str, labels: np.ndarray, frames: Iterable[int], step: int = 1) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    for i in frames:
        write_label_map(folder / name / f"{i * step:05d}.png", labels[i])
