"""Geometry of a run: from the footage's pixels to the network's by resizing and padding, and the way back."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.imagenet import normalise
from core.network.transfer import upload

Plane = TypeVar("Plane", np.ndarray, Tensor)

STRIDE = 16


class Geometry:
    """Sizes of one run: footage (H, W), resized (h, w), padded to multiples of 16, and the grid of memory positions.

    The shorter side becomes `resolution` and the longer one is scaled with it, rounded down; nothing happens when the
    shorter side is that long already. Padding is split evenly, the odd pixel going right and down.
    """

    def __init__(self, size: tuple[int, int], resolution: int | None):
        self.size = size
        short = min(size)
        if resolution is None or short == resolution:
            self.resized = size
        else:
            height, width = (resolution if n == short else int(resolution * n / short) for n in size)
            self.resized = height, width
        (top, bottom), (left, right) = (_split(-n % STRIDE) for n in self.resized)
        self.pad = (left, right, top, bottom)
        self.padded = (self.resized[0] + top + bottom, self.resized[1] + left + right)
        self.grid = (self.padded[0] // STRIDE, self.padded[1] // STRIDE)

    @property
    def window(self) -> tuple[int, int, int, int]:
        """(top, left, height, width) of the frame in what the network sees, pixels."""
        left, _, top, _ = self.pad
        return (top, left, *self.resized)

    def frame(self, frame: np.ndarray, device: torch.device) -> Tensor:
        """`frames` of a single one."""
        return self.frames([frame], device)

    def frames(self, frames: Sequence[np.ndarray], device: torch.device) -> Tensor:
        """uint8 (H, W, 3) RGB each to the network's input (B, 3, *padded): normalised, resized bicubically,
        zero-padded."""
        images = normalise(upload(frames, device).permute(0, 3, 1, 2))
        if self.resized != self.size:
            images = F.interpolate(images, self.resized, mode="bicubic", align_corners=False)
        return F.pad(images, self.pad).contiguous(memory_format=torch.channels_last)

    def masks(self, labels: np.ndarray, objects: Sequence[int], device: torch.device) -> Tensor:
        """Label map uint8 (H, W) to masks of `objects`, float32 (K, *padded), 0 or 1, resized by nearest."""
        label_map = upload([np.ascontiguousarray(labels)], device)[0]
        if self.resized != self.size:
            label_map = F.interpolate(label_map[None, None].float(), self.resized, mode="nearest")[0, 0].to(torch.uint8)
        ids = upload([np.array(objects, np.uint8)], device)[0].view(-1, 1, 1)
        return F.pad((label_map == ids).float(), self.pad)

    def crop(self, plane: Tensor) -> Tensor:
        """A plane (..., *padded) without its padding: a view."""
        left, _, top, _ = self.pad
        return plane[..., top : top + self.resized[0], left : left + self.resized[1]]

    def crop_small(self, plane: Plane) -> Plane:
        """A plane of the decoder's grid, (..., h, w) with a cell for 4 x 4 pixels, without its padding: a view."""
        top, left, height, width = self.window
        return plane[..., top // 4 : -(-(top + height) // 4), left // 4 : -(-(left + width) // 4)]

    def restore(self, plane: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """A plane (..., *padded) without its padding, enlarged bilinearly to the footage's size (or `size`)."""
        plane = self.crop(plane)
        size = size or self.size
        if size == self.resized:
            return plane
        flat = plane.reshape(1, -1, *self.resized)
        return F.interpolate(flat, size, mode="bilinear", align_corners=False).view(*plane.shape[:-2], *size)


def _split(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2
