"""Effects that hide an object without covering it: blur along its motion, and dust, smoke or spray before it."""

import cv2
import numpy as np

from core.training.data import IGNORE

LONGEST_BLUR = 0.12
"""Longest smear, in sides of the frame."""


def line_kernel(offset: np.ndarray) -> np.ndarray:
    """A float32 filter kernel that smears pixels over `offset` (x, y), centred; sums to 1."""
    length = max(1, int(np.ceil(np.hypot(*offset)))) | 1
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    start, end = (middle - offset / 2).round().astype(int), (middle + offset / 2).round().astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    return kernel / kernel.sum()


def blur_along_motion(frames: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> None:
    """Smear the first object along its way, or the whole frame as a camera that follows nothing does; in place.

    Args:
        frames: uint8 (T, S, S, 3). labels: uint8 (T, S, S); they stay, as a person would mark the middle of the smear.
    """
    centres = [np.argwhere(m).mean(0)[::-1] if (m := labels[i] == 1).any() else None for i in range(len(labels))]
    exposure, whole = rng.uniform(0.2, 0.7), rng.random() < 0.4
    longest = LONGEST_BLUR * labels.shape[-1]
    for i in range(1, len(frames)):
        here, before = centres[i], centres[i - 1]
        if here is None or before is None:
            continue
        offset = (here - before) * exposure
        offset *= min(1.0, longest / max(np.hypot(*offset), 1e-6))
        if np.hypot(*offset) < 2:
            continue
        kernel = line_kernel(offset)
        smeared = cv2.filter2D(frames[i], -1, kernel)
        if whole:
            frames[i] = smeared
        else:
            alpha = cv2.filter2D((labels[i] == 1).astype(np.float32), -1, kernel)[..., None]
            frames[i] = frames[i] + alpha * (smeared.astype(np.float32) - frames[i])


def add_smoke(frames: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> None:
    """Draw a drifting cloud, half transparent, over an object on the frames after the first; in place.

    Args:
        frames: uint8 (T, S, S, 3). labels: uint8 (T, S, S); they stay.
    """
    size = labels.shape[-1]
    noise = sum(
        cv2.resize(rng.random((n, n), np.float32), (2 * size, 2 * size), interpolation=cv2.INTER_CUBIC) / n
        for n in (4, 8, 16, 32)
    )
    cloud = np.asarray(np.clip((noise - np.quantile(noise, 0.3)) / np.ptp(noise) * 2, 0, 1))
    grey = rng.uniform(90, 240)
    colour = np.clip(grey + rng.normal(size=3) * 15, 0, 255).astype(np.float32)
    most, drift = rng.uniform(0.3, 0.85), rng.normal(size=2) * 0.03 * size
    axis = np.arange(size, dtype=np.float32)
    for i in range(1, len(frames)):
        ys, xs = np.nonzero((labels[i] > 0) & (labels[i] != IGNORE))
        if not len(xs):
            continue
        spread = max(np.ptp(xs), np.ptp(ys), size // 8) * 0.7
        across, down = (np.exp(-(((axis - places.mean()) / spread) ** 2)) for places in (xs, ys))
        left, top = (np.array([0.5, 0.5]) * size + drift * i).astype(int).clip(0, size).tolist()
        alpha = (most * np.outer(down, across) * cloud[top : top + size, left : left + size])[..., None]
        frames[i] = frames[i] + alpha * (colour - frames[i])
