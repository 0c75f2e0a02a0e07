"""Training data out of footage on which a person has corrected some frames."""

from collections.abc import Iterable

import cv2
import numpy as np

from core.training.data import EncodedFrames, EncodedImage
from core.training.data import Sequence as VideoSequence

SHORTER_SIDE = 480
"""Pixels; larger footage is learned from at this size."""

_JPEG_QUALITY = 93


def annotated_sequence(name: str, frames: Iterable[tuple[np.ndarray, np.ndarray | None]]) -> VideoSequence:
    """A sequence of images uint8 (H, W, 3) RGB with label maps uint8 (H, W), 255 where nothing is known; None: no mask
    was given there. Held encoded, its shorter side `SHORTER_SIDE` at most."""
    images: list[EncodedImage | None] = []
    masks: list[EncodedImage | None] = []
    size = (0, 0)
    for image, labels in frames:
        scale = min(1.0, SHORTER_SIDE / min(image.shape[:2]))
        size = round(scale * image.shape[0]), round(scale * image.shape[1])
        small = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
        images.append(EncodedImage(f"{name}, frame {len(images)}", data, is_labels=False))
        if labels is not None:
            mapped = cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
            data = cv2.imencode(".png", mapped)[1].tobytes()
        masks.append(None if labels is None else EncodedImage(f"{name}, mask {len(masks)}", data, is_labels=True))
    labelled = tuple(i for i, mask in enumerate(masks) if mask is not None)
    return VideoSequence(name, EncodedFrames(images, size), EncodedFrames(masks, size), labelled)
