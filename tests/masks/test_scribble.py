"""Scribbles to masks: what holds always, and how good they are on textures and on real footage."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from core.masks.scribble import scribble_mask
from core.media import open_media

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / max(1, (one | other).sum())


def textured_disc(size: tuple[int, int] = (300, 400), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A reddish disc on greenish ground, both with coarse and fine texture: image and mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    mask = (y - size[0] * 0.5) ** 2 + (x - size[1] * 0.45) ** 2 < (0.3 * size[0]) ** 2
    blotches = cv2.resize(rng.normal(0, 30, (size[0] // 16, size[1] // 16)).astype(np.float32), size[::-1])
    colour = np.where(mask[..., None], (170, 90, 80), (90, 140, 90))
    image = colour + blotches[..., None] + rng.normal(0, 12, (*size, 3))
    return np.clip(image, 0, 255).astype(np.uint8), mask


def strokes_on(mask: np.ndarray, inside: bool = True, around: bool = True, width: int = 5) -> np.ndarray:
    """A line through the middle of the mask, and a frame some way around it."""
    strokes = np.zeros(mask.shape, np.uint8)
    left, top, w, h = cv2.boundingRect(mask.astype(np.uint8))
    if around:
        gap = max(w, h) // 10
        cv2.rectangle(strokes, (left - gap, top - gap), (left + w + gap, top + h + gap), 2, width)
        strokes[mask] = 0
    if inside:
        deep = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) > 2.5 * width
        rows = [row for row in np.linspace(top, top + h, 12).astype(int)[1:-1] if deep[row].any()]
        line = np.array([(int(np.median(np.nonzero(deep[row])[0])), row) for row in rows])
        cv2.polylines(strokes, [line], False, 1, width)
        strokes[(strokes == 1) & ~mask] = 0
    return strokes


# always


@settings(max_examples=40)
@given(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40), st.data())
def test_strokes_and_locks_are_kept_whatever_the_image(size: tuple[int, int], data: st.DataObject):
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    image = (
        rng.integers(0, 256, (*size, 3), np.uint8) if data.draw(st.booleans()) else np.full((*size, 3), 90, np.uint8)
    )
    share = data.draw(st.sampled_from([0.0, 0.02, 0.3, 1.0]))
    strokes = np.where(rng.random(size) < share, rng.integers(1, 3, size), 0).astype(np.uint8)
    present, estimate, forbidden = (rng.random(size) < 0.5 if data.draw(st.booleans()) else None for _ in range(3))
    given_ = [None if a is None else a.copy() for a in (image, strokes, present, estimate, forbidden)]
    mask = scribble_mask(image, strokes, present, estimate, forbidden)
    assert mask.dtype == bool and mask.shape == size
    free = np.ones(size, bool) if forbidden is None else ~forbidden
    assert mask[(strokes == 1) & free].all() and not mask[strokes == 2].any() and not mask[~free].any()
    np.testing.assert_array_equal(scribble_mask(image, strokes, present, estimate, forbidden), mask)
    for before, after in zip(given_, (image, strokes, present, estimate, forbidden), strict=True):
        np.testing.assert_array_equal(before, after), "nothing that was handed in has changed"


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 3), (200, 300)])
def test_a_stroke_of_one_pixel_is_enough(size: tuple[int, int]):
    strokes = np.zeros(size, np.uint8)
    strokes[size[0] // 2, size[1] // 2] = 1
    for image in (np.full((*size, 3), 128, np.uint8), np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)):
        assert scribble_mask(image, strokes)[strokes == 1].all()


def test_a_stroke_never_vanishes_in_scaling():
    """One pixel of a large image, as wide as nothing after scaling, still draws its object."""
    image, mask = textured_disc((1080, 1920))
    strokes = np.zeros(mask.shape, np.uint8)
    strokes[540, 864] = 1
    strokes[100:104, 100:1800] = 2
    found = scribble_mask(image, strokes)
    assert found[540, 864] and found.sum() > 1000


def test_without_strokes_nothing_changes():
    image, mask = textured_disc()
    nothing = np.zeros(mask.shape, np.uint8)
    np.testing.assert_array_equal(scribble_mask(image, nothing, mask), mask)
    np.testing.assert_array_equal(scribble_mask(image, nothing, None, mask), mask)
    assert not scribble_mask(image, nothing).any()
    assert not scribble_mask(image, strokes_on(mask, inside=False)).any(), "background alone is no object"


def test_strokes_at_the_border_and_everywhere():
    image, mask = textured_disc()
    everywhere = np.where(mask, 1, 2).astype(np.uint8)
    np.testing.assert_array_equal(scribble_mask(image, everywhere), mask)
    assert scribble_mask(image, np.ones(mask.shape, np.uint8)).all()
    corner = np.zeros(mask.shape, np.uint8)
    corner[0, :50], corner[-1] = 1, 2
    found = scribble_mask(image, corner)
    assert found[0, :50].all() and not found[-1].any()


# quality


@pytest.mark.parametrize("size", [(300, 400), (720, 1280)])
def test_a_textured_disc_is_found(size: tuple[int, int]):
    image, mask = textured_disc(size)
    assert iou(scribble_mask(image, strokes_on(mask)), mask) > 0.95
    assert iou(scribble_mask(image, strokes_on(mask, around=False)), mask) > 0.9, "from an object stroke alone"


def test_the_estimate_says_how_far_an_object_reaches():
    """Two discs that look alike: a stroke in one, and the network says that both are the object."""
    image, mask = textured_disc((300, 400))
    image, both = np.concatenate([image, image], 1), np.concatenate([mask, mask], 1)
    strokes = np.zeros(both.shape, np.uint8)
    strokes[140:160, 170:190] = 1
    estimate = cv2.erode(both.astype(np.uint8), np.ones((9, 9))) > 0
    assert iou(scribble_mask(image, strokes, None, estimate), both) > 0.93


def test_background_strokes_take_away_what_they_touch_and_no_more():
    image, mask = textured_disc((720, 1280))
    present = mask.copy()
    present[60:200, 900:1200] = True  # a leak apart from the object, and one beside it
    present[300:420, 700:900] = True
    strokes = np.zeros(mask.shape, np.uint8)
    strokes[360, 830:880] = 2
    found = scribble_mask(image, strokes, present)
    assert found[60:200, 900:1200].all(), "nobody touched it"
    assert found[300:420, 820:890].mean() < 0.1
    assert (found & mask).sum() > 0.98 * mask.sum()
    assert not (found & ~present).any(), "background strokes add nothing"


def test_object_strokes_add_what_is_missing_and_no_more():
    image, mask = textured_disc((720, 1280))
    present = mask.copy()
    present[:, :480] = False
    present[600:620, 1000:1020] = True  # far away: stays
    strokes = np.zeros(mask.shape, np.uint8)
    strokes[320:400, 420:426] = 1
    found = scribble_mask(image, strokes, present)
    assert found[present].mean() > 0.99 and found[600:620, 1000:1020].all()
    assert iou(found & (np.arange(1280) < 900), mask) > 0.93


def demo_frame(frame: int) -> np.ndarray:
    with open_media(DEMO / "big-buck-bunny.mp4") as media:
        return media.read(frame)


DEMO_MASK = np.array(Image.open(DEMO / "big-buck-bunny.00040.png")) > 0


@pytest.mark.parametrize("around", [True, False])
def test_real_footage_from_strokes(around: bool):
    """Also from strokes on the object alone, though trees behind it are of its colours."""
    found = scribble_mask(demo_frame(40), strokes_on(DEMO_MASK, around=around, width=6))
    assert iou(found, DEMO_MASK) > (0.8 if around else 0.7)


def test_real_footage_from_strokes_and_an_estimate():
    """On the next frame, the mask of this one as the network's estimate."""
    estimate = cv2.erode(DEMO_MASK.astype(np.uint8), np.ones((15, 15))) > 0
    found = scribble_mask(demo_frame(41), strokes_on(DEMO_MASK, width=6), None, estimate)
    assert iou(found, DEMO_MASK) > 0.8


def test_a_full_hd_frame_takes_no_time_to_speak_of():
    """Some 0.1 s of one core where it was written; the bound is loose."""
    image, mask = textured_disc((1080, 1920))
    strokes = strokes_on(mask)
    start = time.thread_time()
    scribble_mask(image, strokes)
    assert time.thread_time() - start < 2


def test_an_object_stroke_over_a_mask_does_not_fill_the_region():
    """Nobody said what is background, and the stroke leaves the object: the cut still stays near mask and stroke."""
    yy, xx = np.mgrid[:240, :320]
    away = np.hypot(yy - 120, xx - 160)
    image = np.full((240, 320, 3), 100, np.int16) + np.random.default_rng(4).integers(-8, 8, (240, 320, 3))
    image[away < 30] += np.array([12, 0, -6], np.int16)
    image[:, :60] += 60
    strokes = np.zeros((240, 320), np.uint8)
    strokes[118:122, 60:260] = 1
    mask = scribble_mask(image.astype(np.uint8), strokes, away < 30)
    assert mask[strokes == 1].all()
    assert mask.sum() < 10_000, "of 76,800; mask and stroke are 3,400"


def test_a_correction_stays_near_its_stroke():
    """Colours that tell nothing: what is far from the stroke, and longer than it, is not the stroke's to change."""
    image = np.random.default_rng(2).integers(0, 256, (240, 400, 3), np.uint8)
    present = np.zeros((240, 400), bool)
    present[60:180, 40:360] = True
    strokes = np.zeros((240, 400), np.uint8)
    strokes[110:116, 40:60] = 2
    found = scribble_mask(image, strokes, present)
    assert not found[strokes == 2].any()
    np.testing.assert_array_equal(found[:, 120:], present[:, 120:])


@pytest.mark.parametrize("size", [(40, 60), (7, 9), (33, 41)])
def test_strokes_made_small_lose_no_pixel(size: tuple[int, int]):
    """A stroke of single pixels, wherever they fall, is still in the mask after scaling, and so is what they touch."""
    image, mask = textured_disc((1080, 1920))
    strokes = np.zeros(mask.shape, np.uint8)
    strokes[500 : 500 + 3 * size[0] : size[0], 900 : 900 + 3 * size[1] : size[1]] = 1
    strokes[60:64, 100:1800] = 2
    found = scribble_mask(image, strokes)
    assert found[strokes == 1].all() and found.sum() > 1000
