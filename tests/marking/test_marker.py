"""From marks to masks, with the shipped networks on real footage."""

import cv2
import numpy as np
import pytest
import torch

from core.demo import CLIP, MASK
from core.errors import PCVOSError
from core.marking.marker import RESOLUTION, Marker
from core.marking.marks import Marks
from core.marking.regions import Known, look_at, mask_logits
from core.marking.wrong_parts import largest_wrong_part
from core.masks.label_map import read_label_map
from core.media import open_media
from core.network.checkpoint import load_network
from core.network.marking_weights import load_marking
from core.network.pcvos import PCVOS
from core.propagation.clip_inference import ClipInference
from core.propagation.geometry import Geometry
from core.propagation.settings import PropagationSettings

FRAME = int(MASK.stem.split(".")[-1])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


@pytest.fixture(scope="module")
def network() -> PCVOS:
    return load_network(device="cpu")


@pytest.fixture(scope="module")
def marker(network: PCVOS) -> Marker:
    return Marker(network, load_marking())


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    with open_media(CLIP) as media:
        return cv2.resize(media.read(FRAME), (640, 360), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def rabbit() -> np.ndarray:
    labels = read_label_map(MASK).packed.unpack()
    return cv2.resize(labels, (640, 360), interpolation=cv2.INTER_NEAREST) > 0


@pytest.fixture(scope="module")
def seen(marker: Marker, image: np.ndarray):
    return marker.see(image)


def deepest(truth: np.ndarray) -> tuple[int, int]:
    return largest_wrong_part(np.zeros_like(truth), truth).deepest()


def test_marks_find_the_object_and_more_marks_find_it_better(marker: Marker, seen, rabbit: np.ndarray):
    marks, mask = Marks(), None
    ious = []
    for _ in range(5):
        part = largest_wrong_part(np.zeros_like(rabbit) if mask is None else mask.label, rabbit)
        marks = marks.and_click(*part.deepest(), part.is_missing)
        mask = marker.mask(seen, marks, mask)
        assert mask.label.dtype == bool and mask.label.shape == rabbit.shape and mask.is_proposal
        assert all(mask.label[s.points[0][1], s.points[0][0]] == s.is_object for s in marks.strokes)
        ious.append(iou(mask.label, rabbit))
    assert max(ious) > 0.75 and ious[-1] > ious[0]


def test_a_box_and_a_stroke_find_it_too(marker: Marker, seen, rabbit: np.ndarray):
    left, top, width, height = cv2.boundingRect(rabbit.view(np.uint8))
    assert iou(marker.mask(seen, Marks(box=(left, top, left + width, top + height))).label, rabbit) > 0.6
    stroke = largest_wrong_part(np.zeros_like(rabbit), rabbit).stroke()
    assert iou(marker.mask(seen, Marks().and_stroke(stroke)).label, rabbit) > 0.5


def test_the_soft_mask_is_the_labels(marker: Marker, seen, rabbit: np.ndarray):
    found = marker.mask(seen, Marks.clicks([deepest(rabbit)]))
    assert found.soft.window[2:] == seen.whole.geometry.resized
    assert iou(found.soft.enlarged(rabbit.shape) > 0.5, found.label) > 0.9


def test_the_same_marks_give_the_same_mask_on_an_image_as_on_what_was_seen_of_it(
    marker: Marker, image: np.ndarray, rabbit: np.ndarray
):
    marks = Marks.clicks([deepest(rabbit)], [(30, 30)])
    one, other = marker.mask(image, marks), marker.mask(marker.see(image), marks)
    np.testing.assert_array_equal(one.label, other.label)
    assert one.soft == other.soft


def test_a_mirrored_look_says_of_a_frame_what_a_plain_one_says_of_its_mirror_image(
    marker: Marker, network: PCVOS, image: np.ndarray, rabbit: np.ndarray
):
    x, y = deepest(rabbit)
    frame = 0, 0, *rabbit.shape
    mirrored = look_at(network, image, frame, 96, torch.float32, mirrored=True)
    plain = look_at(network, np.ascontiguousarray(image[:, ::-1]), frame, 96, torch.float32)
    left, right = mirrored.geometry.pad[:2]
    assert left == right, "otherwise they are not mirror images"
    grid = mask_logits(marker.marking, mirrored, Known(Marks.clicks([(x, y)])))
    other = mask_logits(marker.marking, plain, Known(Marks.clicks([(rabbit.shape[1] - 1 - x, y)])))
    assert grid.std() > 1
    np.testing.assert_allclose(grid, other[:, ::-1], atol=0.3)


def test_one_click_finds_what_fills_the_frame(marker: Marker, image: np.ndarray, rabbit: np.ndarray):
    left, top, width, height = cv2.boundingRect(rabbit.view(np.uint8))
    cut = np.s_[top : top + height, left : left + width]
    size = 4 * width, 4 * height
    large = cv2.resize(np.ascontiguousarray(image[cut]), size, interpolation=cv2.INTER_CUBIC)
    truth = cv2.resize(rabbit[cut].view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    assert iou(marker.mask(large, Marks.clicks([deepest(truth)])).label, truth) > 0.7


def test_the_features_of_propagation_serve(marker: Marker, network: PCVOS, image: np.ndarray, rabbit: np.ndarray):
    geometry = Geometry(image.shape[:2], RESOLUTION)
    engine = ClipInference(network, PropagationSettings(precision="fp32"))
    (features,) = engine.features(geometry.frame(image, torch.device("cpu")))
    marks = Marks.clicks([deepest(rabbit)])
    known, own = marker.seen(image, features, geometry), marker.see(image)
    assert iou(marker.mask(known, marks).label, marker.mask(own, marks).label) > 0.995


def spoilt(rabbit: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mask without its lower quarter, with a blob that belongs to nothing; and both parts."""
    rows = np.nonzero(rabbit.any(1))[0]
    lost = rabbit.copy()
    lost[: rows[int(0.75 * len(rows))]] = False
    extra = np.zeros_like(rabbit)
    cv2.circle(extra.view(np.uint8), (90, 60), 25, 1, -1)
    return (rabbit & ~lost) | extra, lost, extra


def test_corrections_stay_where_they_are_made(marker: Marker, seen, rabbit: np.ndarray):
    previous, lost, extra = spoilt(rabbit)
    for part, is_object in ((lost, True), (extra, False)):
        point = deepest(part)
        found = marker.mask(seen, Marks().and_click(*point, is_object), previous)
        assert not found.is_proposal and found.label[point[1], point[0]] == is_object
        changed = found.label ^ previous
        assert changed.any()
        count, labels = cv2.connectedComponents(changed.view(np.uint8))
        assert count == 2 and labels[point[1], point[0]], "one piece, and the point is in it"
        left, top, width, height = cv2.boundingRect(part.view(np.uint8))
        y, x = np.nonzero(changed)
        outside = (np.abs(x - left - width / 2) > 0.75 * width) | (np.abs(y - top - height / 2) > 0.75 * height)
        assert outside.sum() <= 0.001 * changed.size
        # A further mark on the corrected mask is local as well.
        again = marker.mask(seen, Marks().and_click(*point, is_object).and_click(5, 350, False), found)
        np.testing.assert_array_equal(again.label, found.label)


@pytest.mark.parametrize(("x", "y", "is_missing"), [(270, 77, False), (160, 166, True)])
def test_a_correction_takes_nothing_that_was_right(
    marker: Marker, seen, rabbit: np.ndarray, x: int, y: int, is_missing: bool
):
    previous = rabbit.copy()
    cv2.circle(previous.view(np.uint8), (x, y), 14, 0 if is_missing else 1, -1)
    point = largest_wrong_part(previous, rabbit).deepest()
    found = marker.mask(seen, Marks().and_click(*point, is_missing), previous)
    assert iou(found.label, rabbit) > iou(previous, rabbit)


def test_a_proposal_is_known_by_its_pixels(marker: Marker, seen, rabbit: np.ndarray):
    marks = Marks.clicks([deepest(rabbit)])
    first = marker.mask(seen, marks)
    part = largest_wrong_part(first.label, rabbit)
    more = marks.and_click(*part.deepest(), part.is_missing)
    as_array = marker.mask(seen, more, first.label.copy())
    assert as_array.is_proposal
    np.testing.assert_array_equal(as_array.label, marker.mask(seen, more, first).label)


def test_marks_that_begin_anew_correct_what_was_proposed(marker: Marker, seen, rabbit: np.ndarray):
    first = marker.mask(seen, Marks.clicks([deepest(rabbit)]))
    again = marker.mask(seen, Marks.clicks([(5, 5)]), first.label.copy())
    assert not again.is_proposal and again.label[5, 5]
    assert np.count_nonzero(again.label & first.label) == np.count_nonzero(first.label)


def test_a_proposal_of_many_marks_changes_less_with_one_more(marker: Marker, seen, rabbit: np.ndarray):
    point = deepest(rabbit)
    first = marker.mask(seen, Marks.clicks([point]))
    part = largest_wrong_part(first.label, rabbit)
    few, many = (
        marker.mask(seen, Marks.clicks([point] * count).and_click(*part.deepest(), part.is_missing), first)
        for count in (1, 4)
    )
    assert 0 < np.count_nonzero(many.label ^ first.label) < np.count_nonzero(few.label ^ first.label)


def test_an_estimate_helps(marker: Marker, seen, rabbit: np.ndarray):
    corner = tuple(int(n) for n in np.argwhere(cv2.erode(rabbit.view(np.uint8), np.ones((9, 9))))[0][::-1])
    marks = Marks.clicks([corner])
    without, known = marker.mask(seen, marks), marker.mask(seen, marks, estimate=rabbit)
    assert iou(known.label, rabbit) > iou(without.label, rabbit) + 0.1, "not only the end that was clicked"
    given_softly = marker.mask(seen, marks, estimate=known.soft)
    assert iou(given_softly.label, rabbit) > iou(without.label, rabbit)


@pytest.mark.parametrize("size", [(20, 30), (110, 64)])
def test_frames_of_any_shape(marker: Marker, size: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    point = size[1] - 1, size[0] - 1
    found = marker.mask(image, Marks.clicks([point], [(0, 0)]))
    assert found.label.shape == size and found.label[-1, -1] and not found.label[0, 0]
    again = marker.mask(image, Marks(box=(1, 1, 2, 2)), np.ones(size, bool))
    assert again.label.shape == size


def test_what_cannot_be_used_is_said(marker: Marker, network: PCVOS, seen, rabbit: np.ndarray):
    with pytest.raises(PCVOSError, match="30x20, but the frame is 640x360"):
        marker.mask(seen, Marks.clicks([(3, 3)]), np.zeros((20, 30), bool))
    with pytest.raises(PCVOSError, match="outside of the frame"):
        marker.mask(seen, Marks.clicks([(640, 3)]))
    other = load_marking()
    other.features = "of another network"
    with pytest.raises(PCVOSError, match="belong to other weights") as caught:
        Marker(network, other)
    assert caught.value.code == "mismatched weights"
