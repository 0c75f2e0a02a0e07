"""From marks on a frame to a mask at the footage's size, by the marking network.

The frame is looked at as the propagation network sees it, on features that are known or found once, and for a first
mark of which memory knows nothing as its mirror image at half that size too, where large things are no larger than in
training crops; the mean of both counts. Then the object's surroundings are looked at again, as large as the network was
trained to see things: small things gain most by it. Where there is a mask already, the second look does alone. Edges
are drawn to the picture's by a guided filter.
"""

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from core.errors import PCVOSError
from core.marking.local import local_change, near, touching
from core.marking.marks import Marks
from core.marking.regions import Known, Look, Region, look_at, mask_logits, slices
from core.masks.matte import guided
from core.masks.soft_mask import SoftMask
from core.network.choices import MarkingWay
from core.network.marking import STRIDE, MarkingNetwork
from core.network.marking_weights import in_way
from core.network.pcvos import PCVOS, KeyFeatures
from core.propagation.feature_cache import FrameFeatures
from core.propagation.geometry import Geometry

RESOLUTION = 480
"""The shorter side of what the network sees of a whole frame, pixels."""

_SMALL = 240  # the same, of its mirror image
_SIDE = 352  # of the second look, pixels of the network: the longer side at most
_AROUND = 1.4  # the second look's extent in extents of the object
_LEAST = 0.25  # the least extent of the second look, of the frame's shorter side
_CLOSER = 1.2  # how much larger than on the first look the object has to come out for a second one
_LARGEST = 2.5  # pixels of the network to one of the footage, on the second look
_SAME = 1.6  # a second look is used again as long as a new one would not show the object this much larger
_BAND = 1.0  # cells to either side of an edge, in which it is drawn to the picture's
_SHY = 0.25  # a logit: by how much too seldom the network says "object" on a first look
_GAP = 0.05  # extents: what is farther from everything marked is no part of a proposal
_DOUBT = 1.0  # a logit: how much surer than even the network is that a mask which was there is wrong, where it changes
_TRUST = 0.25  # logits: the same of a proposal, for each mark after its first one, up to the above
_FINE = 2.0  # pixels of the footage to a cell: finer edges stay as the network has them


@dataclass
class SeenFrame:
    """A frame and what the network knows of it: marks after the first one cost less.

    Attributes:
        image: uint8 (H, W, 3) RGB.
    """

    image: np.ndarray
    whole: Look = field(repr=False)
    small: Look = field(repr=False)
    closer: Look | None = field(default=None, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[:2]


@dataclass(frozen=True, eq=False)
class MarkedMask:
    """The mask that marks mean.

    Attributes:
        label: bool (H, W).
        soft: the network's probabilities on the grid of the frame; where they contradict the label it counts.
        is_proposal: it comes from marks alone: no mask was there before, so that a further mark may change all of it.
    """

    label: np.ndarray
    soft: SoftMask
    is_proposal: bool


class Marker:
    """Makes masks from marks."""

    def __init__(self, network: PCVOS, marking: MarkingNetwork, way: MarkingWay | None = None):
        """
        Args:
            network: whose key features are used, as `load_network` gives it.
            marking: as `load_marking` gives it, on the same device; it runs as `network.choices` say.
            way: on a CPU, to run otherwise.

        Raises:
            PCVOSError: the marking weights were trained on the features of another network.
        """
        if not network.features_fingerprint or marking.features != network.features_fingerprint:
            what = "The marking weights belong to other weights of the network than those in use"
            raise PCVOSError(f"{what}: choose weights that belong together.", "mismatched weights")
        self.network, self.marking = network, in_way(marking, way or network.choices.marking)
        self._dtype = next(self.marking.parameters()).dtype
        self._last: tuple[Marks, MarkedMask] | None = None

    def see(self, image: np.ndarray) -> SeenFrame:
        """Find a frame's features: uint8 (H, W, 3) RGB."""
        look = look_at(self.network, image, (0, 0, *image.shape[:2]), RESOLUTION, self._dtype)
        return SeenFrame(image, look, self._small(image))

    def seen(self, image: np.ndarray, features: FrameFeatures, geometry: Geometry) -> SeenFrame:
        """A frame whose features propagation has found, its trunk features among them; `geometry` is that run's."""
        rows, columns = features.trunk[2].shape[-2:]
        key = features.key.mT.reshape(1, -1, rows, columns)
        named = {name: getattr(features, name) for name in ("f4", "f16", "thin", "skip8", "skip4")}
        planes = {name: plane.to(self._dtype) for name, plane in {**named, "key": key}.items()}
        look = Look((0, 0, *image.shape[:2]), geometry, KeyFeatures(**planes, local=None))
        return SeenFrame(image, look, self._small(image))

    def _small(self, image: np.ndarray) -> Look:
        return look_at(self.network, image, (0, 0, *image.shape[:2]), _SMALL, self._dtype, mirrored=True)

    def mask(
        self,
        frame: np.ndarray | SeenFrame,
        marks: Marks,
        previous: np.ndarray | MarkedMask | None = None,
        estimate: np.ndarray | SoftMask | None = None,
    ) -> MarkedMask:
        """The mask that a person means.

        Args:
            frame: uint8 (H, W, 3) RGB; or what `see` gave for it, which spares its features.
            marks: all marks of the object on this frame.
            previous: the object's mask so far, bool (H, W), or what this gave for the marks before. A mask changes only
                where what changes is connected with a mark that asks for it; a proposal, which comes from marks alone,
                may change all over, less easily with each further mark. An array with the pixels of the last proposal
                of this marker is that proposal, if `marks` go on from its own: those that begin anew correct a mask.
            estimate: where memory expects the object: probabilities, float (H, W) or a soft mask; or bool (H, W).

        Raises:
            PCVOSError: nothing is marked, a point is outside of the frame, the box has no extent, or a mask is of
                another size.
        """
        seen = frame if isinstance(frame, SeenFrame) else self.see(frame)
        marks.check(seen.size)
        given = self._as_given(previous, marks)
        before = None if given is None else _plane(given.label if isinstance(given, MarkedMask) else given, seen.size)
        known = Known(marks, before, None if estimate is None else _plane(estimate, seen.size))
        is_proposal = given is None or (isinstance(given, MarkedMask) and given.is_proposal)
        look, grid, region = self._look(seen, known)
        if before is not None:
            doubt = min(_DOUBT, _TRUST * (marks.count - 1)) if is_proposal else _DOUBT
            grid += doubt * (2 * look.on_grid(before) - 1)
        label = _label(seen, look, grid, region, before)
        label = _as_asked(label, known, is_proposal, seen)
        found = MarkedMask(label, _soft_mask(look, grid, label, seen), is_proposal)
        self._last = marks, found
        return found

    def _as_given(self, previous: np.ndarray | MarkedMask | None, marks: Marks) -> np.ndarray | MarkedMask | None:
        if isinstance(previous, np.ndarray) and self._last is not None:
            before, found = self._last
            if marks.goes_on_from(before) and np.array_equal(previous, found.label):
                return found
        return previous

    def _look(self, seen: SeenFrame, known: Known) -> tuple[Look, np.ndarray, Region]:
        """The evidence: a look, the logits of its grid, and the region of the frame that these decide."""
        if known.previous is not None:
            closer = self._closer(seen, _around(known.previous > 0.5, known, seen.size))
            if closer is not None:
                return closer, mask_logits(self.marking, closer, known), closer.region
        grid = mask_logits(self.marking, seen.whole, known)
        whole = seen.whole, grid, (0, 0, *seen.size)
        if known.previous is not None:
            return whole
        if known.estimate is None:
            grid += seen.small.on_other_grid(mask_logits(self.marking, seen.small, known), seen.whole)
            grid *= 0.5
            grid += _SHY
        # Where marks alone say what is meant, only what hangs together with them; a small mask is enough to find it.
        drawn = known.planes(seen.whole)[0] > 0
        rows, columns = grid.shape
        pointed_at = cv2.resize(drawn.view(np.uint8), (columns, rows), interpolation=cv2.INTER_AREA) > 0
        mask = grid > 0
        is_alone = known.estimate is None and pointed_at.any()
        meant = touching(mask, pointed_at) if is_alone else mask
        top, left, height, width = seen.whole.on_footage(_bounds(meant))
        there = np.zeros(seen.size, bool)
        there[top : top + height, left : left + width] = True
        closer = self._closer(seen, _around(there, known, seen.size))
        if closer is None:
            return whole
        probability = _probability(seen.whole.enlarged(np.where(meant, grid, np.minimum(grid, -2)), closer.region))
        before = np.zeros(seen.size, np.float32)
        before[closer.inside] = probability
        return closer, mask_logits(self.marking, closer, replace(known, previous=before)), closer.region

    def _closer(self, seen: SeenFrame, region: Region) -> Look | None:
        """A second look at a region; None where it would not be closer than the first."""
        top, left, height, width = region
        scale = min(_SIDE / max(height, width), _LARGEST)
        if scale < _CLOSER * seen.whole.scale:
            return None
        known = seen.closer
        if known is not None and scale <= _SAME * known.scale:
            y, x, rows, columns = known.region
            if y <= top and x <= left and top + height <= y + rows and left + width <= x + columns:
                return known
        resolution = max(16, round(scale * min(height, width)))
        seen.closer = look_at(self.network, seen.image, region, resolution, self._dtype)
        return seen.closer


def _plane(given: np.ndarray | SoftMask, size: tuple[int, int]) -> np.ndarray:
    """float32 (H, W), 0 to 1."""
    plane = given.enlarged(size) if isinstance(given, SoftMask) else given
    if plane.shape != size:
        (rows, columns), (height, width) = plane.shape[:2], size
        raise PCVOSError(
            f"The mask is {columns}x{rows}, but the frame is {width}x{height}: they have to be of one size."
        )
    return plane.astype(np.float32)


def _probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))


def _bounds(mask: np.ndarray) -> Region:
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return top, left, height, width


def _around(mask: np.ndarray, known: Known, size: tuple[int, int]) -> Region:
    """The region for a second look: a mask bool (H, W), and all marks, with a margin."""
    corners = [point for stroke in known.marks.strokes for point in stroke.points]
    if known.marks.box is not None:
        corners += [known.marks.box[:2], known.marks.box[2:]]
    top, left, height, width = _bounds(mask)
    if height:
        corners += [(left, top), (left + width, top + height)]
    (x0, y0), (x1, y1) = np.min(corners, 0), np.max(corners, 0) + 1
    least = max(0.5 * _AROUND * max(x1 - x0, y1 - y0), _LEAST * min(size))
    give_x, give_y = ((max(_AROUND * n, least) - n) / 2 for n in (x1 - x0, y1 - y0))
    left, top = max(0, math.floor(x0 - give_x)), max(0, math.floor(y0 - give_y))
    right, bottom = min(size[1], math.ceil(x1 + give_x)), min(size[0], math.ceil(y1 + give_y))
    return top, left, bottom - top, right - left


def _label(seen: SeenFrame, look: Look, grid: np.ndarray, region: Region, before: np.ndarray | None) -> np.ndarray:
    """The mask at full size, bool (H, W), its edge drawn to the picture's within a cell of where it was; outside of
    `region` it is as before."""
    label = np.zeros(seen.size, bool) if before is None else before > 0.5
    label[slices(region)] = False
    margin = 2  # cells
    top, left, height, width = _bounds(grid > 0)
    if not height:
        return label
    rows, columns = grid.shape
    bottom, right = min(rows, top + height + margin), min(columns, left + width + margin)
    top, left = max(0, top - margin), max(0, left - margin)
    box = look.on_footage((top, left, bottom - top, right - left))
    if not box[2] or not box[3]:
        return label
    logits = look.enlarged(grid, box)
    mask = logits > 0
    cell = STRIDE / look.scale
    if cell >= _FINE:
        reach = math.ceil(_BAND * cell)
        kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
        plane = mask.view(np.uint8)
        band = cv2.dilate(plane, kernel) != cv2.erode(plane, kernel)
        drawn = guided(np.ascontiguousarray(seen.image[slices(box)]), _probability(logits), cell) > 0.5
        mask = np.where(band, drawn, mask)
    label[slices(box)] = mask
    return label


def _as_asked(label: np.ndarray, known: Known, is_proposal: bool, seen: SeenFrame) -> np.ndarray:
    """A mask that holds what the marks say, and nothing far from them that neither a box nor memory speaks for; unless
    it is a proposal, it changes nothing that they do not ask for."""
    pixel = 1 / seen.whole.scale
    this, not_this = _drawn(known.marks, seen.size, pixel)
    if not is_proposal:
        assert known.previous is not None, "a mask that is no proposal is there already"
        previous = known.previous > 0.5
        label = local_change(label, previous, this & ~previous, not_this & previous, max(2, round(2 * pixel)))
    elif known.marks.box is None and known.estimate is None:
        label = near(label, this, _GAP)
    return (label | this) & ~not_this


def _drawn(marks: Marks, size: tuple[int, int], radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Strokes that say "this" and "not this" at the footage's size, bool (H, W) each; the later one counts."""
    drawn = np.zeros(size, np.uint8)
    for stroke in marks.strokes:
        points = np.rint(np.array(stroke.points)).astype(np.int32)
        value = 1 if stroke.is_object else 2
        cv2.polylines(drawn, [points.reshape(-1, 1, 2)], False, value, max(1, round(2 * radius)))
        for x, y in points.tolist():
            cv2.circle(drawn, (x, y), max(0, round(radius)), value, -1)
    return drawn == 1, drawn == 2


def _soft_mask(look: Look, grid: np.ndarray, label: np.ndarray, seen: SeenFrame) -> SoftMask:
    """Probabilities on the grid of the whole frame; where the label says otherwise, it counts."""
    drawn = seen.whole.on_grid(label)
    p = _probability(grid if look is seen.whole else look.on_other_grid(grid, seen.whole))
    p = np.where((p > 0.5) == (drawn > 0.5), p, drawn)
    return SoftMask.pack(np.rint(p * 255).astype(np.uint8), seen.whole.geometry.window)
