"""Looks at a frame: a region of it as the network sees it, and marks and masks as planes for the network."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from core.marking.marks import Marks, draw_box, draw_stroke
from core.network.marking import PLANES, STRIDE, MarkingNetwork
from core.network.pcvos import PCVOS, KeyFeatures
from core.propagation.geometry import Geometry

Region = tuple[int, int, int, int]
"""(top, left, height, width) in pixels of the footage."""

Slices = tuple[slice, slice]

_NOTHING = -20.0  # a logit


@dataclass(frozen=True)
class Look:
    """A region of a frame as the network sees it, and what it knows of that without any mark.

    Attributes:
        mirrored: whether left and right are exchanged in the features: planes for the network have to be, too.
    """

    region: Region
    geometry: Geometry
    features: KeyFeatures
    mirrored: bool = False

    @property
    def scale(self) -> float:
        """Pixels of the network to one of the footage."""
        return self.geometry.resized[0] / self.region[2]

    @property
    def inside(self) -> Slices:
        """The region in planes of the footage's size."""
        return slices(self.region)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A pixel of the footage in the network's pixels, both by their centres."""
        top, left, height, width = self.region
        rows, columns = self.geometry.resized
        pad_left, _, pad_top, _ = self.geometry.pad
        return (x - left + 0.5) * columns / width - 0.5 + pad_left, (y - top + 0.5) * rows / height - 0.5 + pad_top

    def on_grid(self, mask: np.ndarray) -> np.ndarray:
        """A plane of the footage's size on the network's grid, float32 (h/4, w/4); 0 in the padding."""
        height, width = self.geometry.padded
        return cv2.resize(self.plane(mask), (width // STRIDE, height // STRIDE), interpolation=cv2.INTER_AREA)

    def plane(self, mask: np.ndarray) -> np.ndarray:
        """A plane of the footage's size, 0 to 1, as the network sees it, float32 (h, w); 0 in the padding."""
        rows, columns = self.geometry.resized
        left, _, top, _ = self.geometry.pad
        way = cv2.INTER_AREA if self.region[2] > rows else cv2.INTER_LINEAR
        plane = np.zeros(self.geometry.padded, np.float32)
        cut = np.ascontiguousarray(mask[self.inside], np.float32)
        plane[top : top + rows, left : left + columns] = cv2.resize(cut, (columns, rows), interpolation=way)
        return plane

    def enlarged(self, grid: np.ndarray, region: Region) -> np.ndarray:
        """Probabilities of the network, float32 (h/4, w/4), at the footage's size in a region of it, between cells
        linearly; beyond the look its border goes on."""
        top, left, height, width = region
        return self._sampled(grid, (left, top), (1.0, 1.0), (width, height), cv2.BORDER_REPLICATE)

    def on_other_grid(self, grid: np.ndarray, other: "Look") -> np.ndarray:
        """Logits float32 (h/4, w/4) on the grid of another look at the frame; beyond this look certainly nothing, but
        if the other is at the same region the border goes on."""
        top, left, rows, columns = other.region
        pad_left, _, pad_top, _ = other.geometry.pad
        step = columns * STRIDE / other.geometry.resized[1], rows * STRIDE / other.geometry.resized[0]
        x, y = (
            (STRIDE / 2 - pad) * cell / STRIDE - 0.5 + edge
            for pad, cell, edge in zip((pad_left, pad_top), step, (left, top), strict=True)
        )
        height, width = other.geometry.padded
        border = cv2.BORDER_REPLICATE if self.region == other.region else cv2.BORDER_CONSTANT
        return self._sampled(grid, (x, y), step, (width // STRIDE, height // STRIDE), border)

    def _sampled(
        self,
        grid: np.ndarray,
        begin: tuple[float, float],
        step: tuple[float, float],
        size: tuple[int, int],
        border: int,
    ) -> np.ndarray:
        """The grid at places of the footage: from (x, y) `begin` in steps (x, y), (columns, rows) of them."""
        first, second = self.place(*begin), self.place(begin[0] + step[0], begin[1] + step[1])
        (x0, x1), (y0, y1) = (
            ((a + 0.5) / STRIDE - 0.5, (b + 0.5) / STRIDE - 0.5) for a, b in zip(first, second, strict=True)
        )
        matrix = np.array([[x1 - x0, 0, x0], [0, y1 - y0, y0]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(grid, matrix, size, flags=flags, borderMode=border, borderValue=_NOTHING)

    def on_footage(self, box: Region) -> Region:
        """Cells of the grid as a region of the footage, held within the look."""
        top, left, height, width = box
        pad_left, _, pad_top, _ = self.geometry.pad
        y0, y1 = ((n * STRIDE - pad_top) / self.scale for n in (top, top + height))
        x0, x1 = ((n * STRIDE - pad_left) / self.scale for n in (left, left + width))
        rows, columns = self.region[2:]
        y0, y1 = (int(np.clip(round(n), 0, rows)) for n in (y0, y1))
        x0, x1 = (int(np.clip(round(n), 0, columns)) for n in (x0, x1))
        return self.region[0] + y0, self.region[1] + x0, y1 - y0, x1 - x0


def look_at(
    network: PCVOS,
    image: np.ndarray,
    region: Region,
    resolution: int,
    dtype: torch.dtype,
    mirrored: bool = False,
) -> Look:
    """Find the features of a region of uint8 (H, W, 3) RGB, its shorter side as `resolution` pixels, as `dtype`."""
    geometry = Geometry(region[2:], resolution)
    pixels = np.ascontiguousarray(image[slices(region)])
    framing = geometry
    if min(region[2:]) > 2 * resolution:  # a bicubic kernel of the smaller size would skip pixels
        pixels = cv2.resize(pixels, geometry.resized[::-1], interpolation=cv2.INTER_AREA)
        framing = Geometry(geometry.resized, None)
    with torch.inference_mode():
        device = next(network.parameters()).device
        frame = framing.frame(pixels, device)
        if mirrored:
            frame = frame.flip(-1).contiguous(memory_format=torch.channels_last)
        features = network.encode_key(frame)
        return Look(region, geometry, features.each(lambda plane: plane.to(dtype)), mirrored)


@dataclass(frozen=True)
class Known:
    """The inputs of a look: marks, and planes float32 (H, W) of the footage's size, 0 to 1, or None."""

    marks: Marks
    previous: np.ndarray | None = None
    estimate: np.ndarray | None = None

    def planes(self, look: Look) -> np.ndarray:
        """As the network takes them, float32 (5, h, w)."""
        drawn = np.zeros((3, *look.geometry.padded), np.uint8)
        positive, negative, box = drawn
        for stroke in self.marks.strokes:
            draw_stroke(positive if stroke.is_object else negative, [look.place(*p) for p in stroke.points])
        if self.marks.box is not None:
            left, top, right, bottom = self.marks.box
            draw_box(box, (*look.place(left - 0.5, top - 0.5), *look.place(right - 0.5, bottom - 0.5)))
        nothing = np.zeros(look.geometry.padded, np.float32)
        previous, estimate = (nothing if p is None else look.plane(p) for p in (self.previous, self.estimate))
        positive, negative, box = drawn.astype(np.float32) / 255
        planes = {
            "positive": positive,
            "negative": negative,
            "previous": previous,
            "box": box,
            "estimate": estimate,
        }
        return np.stack([planes[name] for name in PLANES])


def mask_logits(marking: MarkingNetwork, look: Look, known: Known) -> np.ndarray:
    """Mask logits float32 (h/4, w/4), padding included; those of a mirrored look as if it were not."""
    with torch.inference_mode():
        planes = torch.from_numpy(known.planes(look)).to(look.features.f4).unsqueeze(0)
        if look.mirrored:
            planes = planes.flip(-1)
        logits = marking(look.features, planes.contiguous(memory_format=torch.channels_last))[0, 0].float()
        return (logits.flip(-1) if look.mirrored else logits).cpu().numpy()


def slices(region: Region) -> Slices:
    """A region as slices of rows and columns."""
    top, left, height, width = region
    return slice(top, top + height), slice(left, left + width)
