"""Mattes: exact where the mask is sure, soft and steady at its edge."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.masks.matte import Matte, MatteSettings, make_matte, sharing, smoothed
from core.masks.soft_mask import STRIDE, SoftMask

SIZE = (120, 160)
PLAIN, GUIDED = MatteSettings(guided=False), MatteSettings()


def disc(row: float = 60, column: float = 80, radius: float = 30, size: tuple[int, int] = SIZE) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return np.hypot(y - row, x - column) < radius


def network(mask: np.ndarray, slope: float = 1.5) -> SoftMask:
    """A soft mask as of the network at its own size: logits rise with the distance from the outline."""
    inside = mask.astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    cells = cv2.resize(distance, (mask.shape[1] // STRIDE, mask.shape[0] // STRIDE), interpolation=cv2.INTER_AREA)
    levels = np.round(255 / (1 + np.exp(-np.clip(cells * slope, -20, 20)))).astype(np.uint8)
    return SoftMask.pack(levels, (0, 0, *mask.shape))


def scene(alpha: np.ndarray) -> np.ndarray:
    """A reddish object before a bluish ground, both with some texture."""
    random = np.random.default_rng(5)
    texture = cv2.GaussianBlur(random.normal(0, 20, (*alpha.shape, 3)), (0, 0), 2) * 3
    front, back = np.array([200, 80, 60]) + texture, np.array([60, 90, 160]) + texture[::-1]
    return np.clip(alpha[..., None] * front + (1 - alpha[..., None]) * back, 0, 255).astype(np.uint8)


def away_from(mask: np.ndarray) -> np.ndarray:
    """Pixels from the outline."""
    inside = mask.astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) + cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)


# --- one frame


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("guided", [True, False])
def test_far_from_the_outline_the_mask_decides(soft, guided):
    mask = disc()
    image = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
    doubtful = SoftMask.pack(np.full((30, 40), 140, np.uint8), (0, 0, *SIZE))
    alpha = make_matte(mask, [doubtful] if soft else [], image, MatteSettings(guided=guided), side=120).full()
    far = away_from(mask) > 2 * STRIDE + 1
    np.testing.assert_array_equal(alpha[far], mask[far].astype(np.float32))
    assert alpha.dtype == np.float32 and alpha.min() >= 0 and alpha.max() <= 1


def test_the_edge_is_the_networks():
    mask = disc(radius=30)
    sharp, wide = (make_matte(mask, [network(mask, slope)], None, PLAIN) for slope in (3, 0.5))
    widths = [((m.full() > 0.05) & (m.full() < 0.95)).sum() for m in (sharp, wide)]
    assert widths[1] > 1.5 * widths[0] > 100


def test_a_picture_with_a_known_matte():
    """The outline is ragged, which the network's grid cannot show; the picture tells."""
    random = np.random.default_rng(2)
    ragged = cv2.GaussianBlur(random.normal(0, 1, SIZE), (0, 0), 1.5)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = 30 - np.hypot(y - 60, x - 80) + 2 * ragged / ragged.std()
    true = 1 / (1 + np.exp(-distance * 1.5))
    soft = network(disc())
    mask = soft.enlarged(SIZE) > 0.5
    edge = away_from(disc()) < 8
    errors = [np.abs(mask - true)[edge].mean()]
    errors += [np.abs(make_matte(mask, [soft], scene(true), s).full() - true)[edge].mean() for s in (PLAIN, GUIDED)]
    assert errors[2] < 0.8 * errors[1] and errors[1] < errors[0]


@pytest.mark.parametrize("seen", ["nothing", "another outline"])
def test_a_corrected_frame_is_as_soft_as_its_neighbours(seen):
    """The network saw the object elsewhere, or not at all; the person painted it where it is."""
    mask = disc()
    image = scene(cv2.GaussianBlur(mask.astype(float), (0, 0), 1.5))
    predicted = make_matte(mask, [network(mask)], image, GUIDED).full()
    wrong = [] if seen == "nothing" else [network(disc(column=95))]
    corrected = make_matte(mask, wrong, image, GUIDED, side=120).full()
    edge = away_from(mask) < 5
    flicker, hard = (np.abs(predicted - other)[edge].mean() for other in (corrected, mask))
    assert flicker < 0.5 * hard


def test_where_the_person_left_the_outline_the_network_still_counts():
    mask = disc()
    cut = mask.copy()
    cut[:, 90:] = False
    soft = [network(mask, 0.5)]
    before, after = (make_matte(one, soft, None, PLAIN).full() for one in (mask, cut))
    np.testing.assert_array_equal(before[:, :60], after[:, :60])
    far = away_from(cut) > 2 * STRIDE + 1
    assert not after[:, 95:][far[:, 95:]].any(), "what was cut off is gone"


def test_several_objects_as_one_have_no_seam():
    left, right = disc(column=60, radius=25), disc(column=100, radius=25)
    right &= ~left
    left[40:80, 60:80] = right[40:80, 80:100] = True
    left[:, 80:] = right[:, :80] = False
    alpha = make_matte(left | right, [network(left), network(right)], None, PLAIN).full()
    assert alpha[55:65, 70:90].min() > 0.99


@pytest.mark.parametrize("mask", [np.zeros(SIZE, bool), np.ones(SIZE, bool)])
def test_nothing_and_everything(mask):
    for soft in ([], [network(disc())]):
        alpha = make_matte(mask, soft, scene(mask.astype(float)), GUIDED).full()
        np.testing.assert_array_equal(alpha, mask.astype(np.float32))


def test_an_object_that_is_cut_off_by_the_border_has_no_edge_there():
    mask = disc(row=0, radius=40)
    alpha = make_matte(mask, [network(mask)], scene(mask.astype(float)), GUIDED).full()
    assert (alpha[0, 60:100] == 1).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (37, 5)])
def test_small_pictures(size):
    mask = np.zeros(size, bool)
    mask[: (size[0] + 1) // 2, : (size[1] + 1) // 2] = True
    alpha = make_matte(mask, [], np.zeros((*size, 3), np.uint8), MatteSettings(grow=1.5, feather=2), side=480).full()
    assert alpha.shape == size and np.isfinite(alpha).all()


# --- settings


def test_grow_and_shrink_by_pixels():
    mask = disc(radius=30)
    areas = {
        g: make_matte(mask, [], None, MatteSettings(guided=False, grow=g), 120).full().sum() for g in (-4, 0, 2.5, 4)
    }
    for grow, area in areas.items():
        assert abs(np.sqrt(area / np.pi) - np.sqrt(areas[0] / np.pi) - grow) < 0.6


def test_feather_and_gamma():
    mask = disc()
    plain, feathered, opaque = (
        make_matte(mask, [], None, MatteSettings(guided=False, **more), 120).full()
        for more in ({}, {"feather": 8.0}, {"gamma": 2.0})
    )
    soft = [((a > 0.02) & (a < 0.98)).sum() for a in (plain, feathered)]
    assert soft[1] > 2 * soft[0] and abs(feathered.sum() - plain.sum()) < 0.02 * plain.sum()
    np.testing.assert_allclose(opaque, np.sqrt(plain), atol=1e-6)


def test_hard_edges():
    mask = disc()
    hard = make_matte(mask, [network(mask)], None, MatteSettings(hard=True)).full()
    np.testing.assert_array_equal(hard, mask.astype(np.float32))


# --- over time


def test_smoothing_calms_an_edge_that_stays():
    mask = disc()
    random = np.random.default_rng(3)
    mattes = []
    for _ in range(5):
        levels = network(mask).levels()
        noisy = np.where((levels > 9) & (levels < 246), levels + random.integers(-9, 10, levels.shape), levels)
        soft = SoftMask.pack(noisy.astype(np.uint8), (0, 0, *SIZE))
        mattes.append(make_matte(mask, [soft], None, PLAIN))
    calm = [smoothed(mattes[i], mattes[i - 1 : i] + mattes[i + 1 : i + 2]) for i in range(1, 4)]
    edge = away_from(mask) < 8
    before = np.abs(mattes[1].full() - mattes[2].full())[edge].mean()
    assert np.abs(calm[0].full() - calm[1].full())[edge].mean() < 0.75 * before


def test_smoothing_never_smears_where_the_mask_jumps():
    here, there = (make_matte(disc(column=c), [], None, PLAIN, 120) for c in (60, 100))
    np.testing.assert_array_equal(smoothed(here, [there]).alpha, here.alpha)
    gone = make_matte(np.zeros(SIZE, bool), [], None, PLAIN, 120)
    np.testing.assert_array_equal(smoothed(here, [gone]).alpha, here.alpha)
    assert smoothed(gone, [here]).alpha.size == 0
    grown = MatteSettings(guided=False, grow=20)
    here, near = (make_matte(disc(column=c), [], None, grown, 120) for c in (60, 61))
    assert (smoothed(here, [near]).alpha != here.alpha).any(), "an edge that was grown is calmed, too"


# --- several objects


@settings(max_examples=25)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=4), st.sampled_from([255, 2048, 65535]))
def test_objects_never_sum_to_more_than_one(columns, maximum):
    mattes = {
        id: make_matte(disc(20, c, 9, (40, 50)), [], None, MatteSettings(guided=False, feather=3, gamma=1.7), 40)
        for id, c in enumerate(columns, start=1)
    }
    shared = sharing(mattes, maximum)
    total = sum(matte.levels(maximum).astype(int) for matte in shared.values())
    assert total.max() <= maximum
    plain = np.max([matte.full() for matte in mattes.values()], axis=0)
    assert (total / maximum >= plain - 4 / maximum - 1e-6).all(), "together they are no thinner than one of them"


def test_an_object_alone_is_left_as_it_is():
    matte = make_matte(disc(), [], None, PLAIN, 120)
    far = Matte(SIZE, (0, 0, 5, 5), np.ones((5, 5), np.float32), np.ones((5, 5), np.float32), 8.0)
    shared = sharing({1: matte, 2: far}, 255)
    np.testing.assert_array_equal(shared[1].levels(255), matte.levels(255))
    assert matte.levels(65535).dtype == np.uint16 and matte.levels(255).dtype == np.uint8
