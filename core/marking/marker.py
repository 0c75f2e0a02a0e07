"""From marks on a frame to a mask at the footage's size, by the marking network.

The frame is looked at as the propagation network sees it, on features that are known or found once. Then the object's
surroundings are looked at again, as large as the network was trained to see things: small things gain most by it.
"""

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import torch

from core.annotation.soft_mask import SoftMask
from core.errors import PCVOSError
from core.marking.local import local_change, touching
from core.marking.marks import Marks, Stroke
from core.marking.planes import draw_box, draw_stroke
from core.network.marking import PLANES, STRIDE, MarkingNetwork
from core.network.pcvos import PCVOS, KeyFeatures
from core.propagation.geometry import Geometry

RESOLUTION = 480
"""The shorter side of what the network sees of a whole frame, pixels."""

Region = tuple[int, int, int, int]

_SIDE = 320  # of the second look, pixels of the network: the longer side
_AROUND = 1.4  # the second look's extent in extents of the object
_LEAST = 0.25  # the least extent of the second look, of the frame's shorter side
_CLOSER = 1.2  # how much larger than on the first look the object has to come out for a second one
_LARGEST = 2.5  # pixels of the network to one of the footage, on the second look
_SAME = 1.6  # as long as the object fits into the last second look, and that is no more too large, it is used again


@dataclass(frozen=True)
class _Look:
    """A region (top, left, height, width) of a frame as the network sees it."""

    region: Region
    geometry: Geometry
    features: KeyFeatures

    @property
    def scale(self) -> float:
        """Pixels of the network to one of the footage."""
        return self.geometry.resized[0] / self.region[2]


@dataclass
class SeenFrame:
    """A frame and what the network knows of it: marks after the first one cost less.

    Attributes:
        image: uint8 (H, W, 3) RGB.
    """

    image: np.ndarray
    whole: _Look = field(repr=False)
    closer: _Look | None = field(default=None, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[:2]


@dataclass(frozen=True)
class MarkedMask:
    """What is meant by marks: `label` bool (H, W), and `soft`, the network's probabilities on the grid of the frame."""

    label: np.ndarray
    soft: SoftMask


class Marker:
    """Makes masks from marks."""

    def __init__(self, network: PCVOS, marking: MarkingNetwork):
        """
        Args:
            network: whose key features are used, as `load_network` gives it.
            marking: as `load_marking` gives it.

        Raises:
            PCVOSError: the marking weights were trained on the features of another network.
        """
        if marking.features != getattr(network, "features_fingerprint", None):
            raise PCVOSError(
                "The marking weights belong to other weights of the network than those in use: choose marking weights "
                "that were trained on them.",
                command="The marking weights belong to other weights of the network than those in use: give the pair "
                "that belongs together with --weights and --marking-weights.",
            )
        self.network, self.marking = network, marking
        self.device = next(network.parameters()).device
        self.marking.to(self.device)

    def see(self, image: np.ndarray) -> SeenFrame:
        """Find a frame's features: uint8 (H, W, 3) RGB."""
        height, width = image.shape[:2]
        return SeenFrame(image, self._look(image, (0, 0, height, width), RESOLUTION))

    def mask(
        self,
        frame: np.ndarray | SeenFrame,
        marks: Marks,
        previous: np.ndarray | None = None,
        estimate: np.ndarray | SoftMask | None = None,
    ) -> MarkedMask:
        """The mask that a person means.

        Args:
            frame: uint8 (H, W, 3) RGB; or what `see` gave for it, which spares its features.
            marks: all marks of the object on this frame.
            previous: bool (H, W), the object's mask so far. It changes only where what changes is connected with a mark
                that asks for it.
            estimate: where memory expects the object: probabilities, float (H, W) or a soft mask; or bool (H, W).

        Raises:
            PCVOSError: nothing is marked, a point is outside of the frame, the box has no extent, or a mask is of
                another size.
        """
        seen = frame if isinstance(frame, SeenFrame) else self.see(frame)
        marks.check(seen.size)
        known = _Known(marks, _plane(previous, seen.size, "mask so far"), _plane(estimate, seen.size, "estimate"))
        with torch.inference_mode():
            whole = self._logits(seen.whole, known)
            found = _enlarged(whole, seen.whole, seen.size)
            look, fine = seen.whole, whole
            region = _around(found > 0, known, seen.size)
            closer = self._closer(seen, region)
            if closer is not None:
                top, left, height, width = closer.region
                inside = np.s_[top : top + height, left : left + width]
                if previous is None:
                    known = replace(known, previous=_probability(found))
                look, fine = closer, self._logits(closer, known)
                found[inside] = _enlarged(fine, closer, (height, width))
        label = _refined(seen.image, found, look)
        label = _as_asked(label, known, previous, seen)
        return MarkedMask(label, _soft_mask(found, label, seen))

    def _closer(self, seen: SeenFrame, region: Region) -> _Look | None:
        """A second look at a region; None where it would not be closer than the first."""
        top, left, height, width = region
        scale = min(_SIDE / max(height, width), _LARGEST)
        if scale < _CLOSER * seen.whole.scale:
            return None
        known = seen.closer
        if known is not None:
            inside = (
                known.region[0] <= top
                and known.region[1] <= left
                and top + height <= known.region[0] + known.region[2]
                and left + width <= known.region[1] + known.region[3]
            )
            if inside and scale <= _SAME * known.scale:
                return known
        seen.closer = self._look(seen.image, region, max(16, round(scale * min(height, width))))
        return seen.closer

    def _look(self, image: np.ndarray, region: Region, resolution: int) -> _Look:
        top, left, height, width = region
        geometry = Geometry((height, width), resolution)
        pixels = np.ascontiguousarray(image[top : top + height, left : left + width])
        if min(height, width) > 2 * resolution:  # bicubic alone would skip pixels
            pixels = cv2.resize(pixels, geometry.resized[::-1], interpolation=cv2.INTER_AREA)
            geometry_of_small = Geometry(geometry.resized, None)
            with torch.inference_mode():
                return _Look(region, geometry, self.network.encode_key(geometry_of_small.frame(pixels, self.device)))
        with torch.inference_mode():
            return _Look(region, geometry, self.network.encode_key(geometry.frame(pixels, self.device)))

    def _logits(self, look: _Look, known: "_Known") -> np.ndarray:
        """Mask logits float32 (h/4, w/4), padding included."""
        planes = torch.from_numpy(known.planes(look)).to(self.device).float().div_(255).unsqueeze(0)
        planes = planes.contiguous(memory_format=torch.channels_last)
        return self.marking(look.features, planes)[0, 0].float().cpu().numpy()


@dataclass(frozen=True)
class _Known:
    """What is known before a look: marks, and planes float32 (H, W) or None."""

    marks: Marks
    previous: np.ndarray | None
    estimate: np.ndarray | None

    def planes(self, look: _Look) -> np.ndarray:
        """As the network takes them, uint8 (5, h, w)."""
        left, _, top, _ = look.geometry.pad
        height, width = look.geometry.resized
        planes = np.zeros((len(PLANES), *look.geometry.padded), np.uint8)
        positive, negative, previous, box, estimate = planes
        for stroke in self.marks.strokes:
            draw_stroke(positive if stroke.is_object else negative, self._moved(stroke, look))
        if self.marks.box is not None:
            corners = [
                (n - look.region[1 - i % 2]) * look.scale + look.geometry.pad[0 if i % 2 == 0 else 2]
                for i, n in enumerate(self.marks.box)
            ]
            draw_box(box, corners)
        inside = np.s_[top : top + height, left : left + width]
        for plane, given in ((previous, self.previous), (estimate, self.estimate)):
            if given is not None:
                y, x, rows, columns = look.region
                cut = given[y : y + rows, x : x + columns]
                way = cv2.INTER_AREA if rows > height else cv2.INTER_LINEAR
                plane[inside] = np.rint(cv2.resize(cut, (width, height), interpolation=way) * 255)
        return planes

    @staticmethod
    def _moved(stroke: Stroke, look: _Look) -> list[tuple[float, float]]:
        """A stroke's points in the network's pixels; far-off ones are held near the picture."""
        top, left, height, width = look.region
        rows, columns = look.geometry.resized
        pad_left, _, pad_top, _ = look.geometry.pad
        return [
            (
                float(np.clip((x - left + 0.5) * columns / width - 0.5 + pad_left, -1000, 5000)),
                float(np.clip((y - top + 0.5) * rows / height - 0.5 + pad_top, -1000, 5000)),
            )
            for x, y in stroke.points
        ]

    def drawn(self, size: tuple[int, int], radius: float) -> tuple[np.ndarray, np.ndarray]:
        """ "This" and "not this" at the footage's size, bool (H, W) each."""
        drawn = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        width = max(1, round(2 * radius))
        for stroke in self.marks.strokes:
            points = np.rint(np.array(stroke.points)).astype(np.int32)
            plane = drawn[0 if stroke.is_object else 1]
            cv2.polylines(plane, [points.reshape(-1, 1, 2)], False, 1, width)
            for x, y in points.tolist():
                cv2.circle(plane, (x, y), width // 2, 1, -1)
        return drawn[0] > 0, drawn[1] > 0


def _plane(given: np.ndarray | SoftMask | None, size: tuple[int, int], what: str) -> np.ndarray | None:
    """float32 (H, W), 0 to 1."""
    if given is None:
        return None
    plane = given.enlarged(size) if isinstance(given, SoftMask) else given
    if plane.shape != size:
        (rows, columns), (height, width) = plane.shape, size
        raise PCVOSError(
            f"The {what} is {columns}x{rows}, but the frame is {width}x{height}: they have to be of one size."
        )
    return plane.astype(np.float32)


def _enlarged(logits: np.ndarray, look: _Look, size: tuple[int, int]) -> np.ndarray:
    """Logits (h/4, w/4) of a look at the size of its region, float32 (H, W)."""
    geometry = look.geometry
    left, _, top, _ = geometry.pad
    rows, columns = geometry.resized
    y = ((np.arange(size[0]) + 0.5) * (rows / size[0]) + top) / STRIDE - 0.5
    x = ((np.arange(size[1]) + 0.5) * (columns / size[1]) + left) / STRIDE - 0.5
    matrix = np.array([[x[1] - x[0] if len(x) > 1 else 1, 0, x[0]], [0, y[1] - y[0] if len(y) > 1 else 1, y[0]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(logits, matrix, size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))


def _around(mask: np.ndarray, known: _Known, size: tuple[int, int]) -> Region:
    """(top, left, height, width) of what is looked at closer: what was found and is connected with a mark, the mask so
    far, and all marks, with a margin."""
    this, not_this = known.drawn(size, 1)
    before = known.previous > 0.5 if known.previous is not None else np.zeros(size, bool)
    what = (touching(mask, this | before) if this.any() or before.any() else mask) | before | this | not_this
    left, top, width, height = cv2.boundingRect(what.view(np.uint8))
    if known.marks.box is not None:
        x0, y0, x1, y1 = known.marks.box
        right, bottom = max(left + width, math.ceil(x1)), max(top + height, math.ceil(y1))
        left, top = min(left, math.floor(x0)), min(top, math.floor(y0))
        width, height = right - left, bottom - top
    least = max(0.5 * _AROUND * max(width, height), _LEAST * min(size))
    give_x, give_y = ((max(_AROUND * n, least) - n) / 2 for n in (width, height))
    right, bottom = min(size[1], math.ceil(left + width + give_x)), min(size[0], math.ceil(top + height + give_y))
    left, top = max(0, math.floor(left - give_x)), max(0, math.floor(top - give_y))
    return top, left, bottom - top, right - left


def _refined(image: np.ndarray, logits: np.ndarray, look: _Look) -> np.ndarray:
    """The mask at full size, bool (H, W), its edge drawn to the picture's."""
    return logits > 0


def _as_asked(label: np.ndarray, known: _Known, previous: np.ndarray | None, seen: SeenFrame) -> np.ndarray:
    """A mask that holds what the marks say, and changes nothing that they do not ask for."""
    pixel = 1 / seen.whole.scale
    this, not_this = known.drawn(seen.size, pixel)
    if previous is not None:
        asked = [part & (previous != value) for part, value in ((this, True), (not_this, False))]
        label = local_change(label, previous.astype(bool), *asked, max(2, round(2 * pixel)))
    label = label | this
    return label & ~not_this


def _soft_mask(logits: np.ndarray, label: np.ndarray, seen: SeenFrame) -> SoftMask:
    """Probabilities on the grid of the whole frame; where the label says otherwise it counts."""
    geometry = seen.whole.geometry
    p = _probability(logits)
    p = np.where((p > 0.5) == label, p, label).astype(np.float32)
    small = cv2.resize(p, geometry.resized[::-1], interpolation=cv2.INTER_AREA)
    left, right, top, bottom = geometry.pad
    padded = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_REPLICATE)
    grid = cv2.resize(padded, (padded.shape[1] // STRIDE, padded.shape[0] // STRIDE), interpolation=cv2.INTER_AREA)
    return SoftMask.pack(np.rint(grid * 255).astype(np.uint8), geometry.window)
