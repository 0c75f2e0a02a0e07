"""Masks edited by hand: properties of each operation, and the brush against its definition."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.masks.drawing import fill_holes, flood, grow, line_rect, paint_line, polygon, remove_specks, shrink

SIZES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)
MASKS = hnp.arrays(bool, SIZES)
PIXELS = st.integers(0, 6)
COORDINATES = st.floats(-20, 60, allow_nan=False)
POINTS = st.tuples(COORDINATES, COORDINATES)


def disc(size: tuple[int, int], row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


# whole masks


@given(MASKS, PIXELS)
def test_growing_and_shrinking_are_what_distances_say(mask: np.ndarray, pixels: int):
    places = np.stack(np.nonzero(np.ones_like(mask)), 1)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    flat = mask.ravel()
    near = (distance[:, flat] <= pixels).any(1) if flat.any() else flat
    far = (distance[:, ~flat] > pixels).all(1)
    np.testing.assert_array_equal(grow(mask, pixels).ravel(), near)
    np.testing.assert_array_equal(shrink(mask, pixels).ravel(), far)


@given(MASKS, PIXELS)
def test_closing_contains_the_mask_and_opening_lies_within(mask: np.ndarray, pixels: int):
    assert shrink(grow(mask, pixels), pixels)[mask].all()
    assert mask[grow(shrink(mask, pixels), pixels)].all()


@given(MASKS)
def test_filling_holes_adds_only_what_is_enclosed(mask: np.ndarray):
    filled = fill_holes(mask)
    assert filled[mask].all()
    np.testing.assert_array_equal(fill_holes(filled), filled)
    added = filled & ~mask
    assert not added[[0, -1]].any() and not added[:, [0, -1]].any(), "what is at the border is not enclosed"
    for row, column in zip(*np.nonzero(added), strict=True):
        region = flood(mask, (row, column))
        assert not region[[0, -1]].any() and not region[:, [0, -1]].any()


def test_a_ring_is_filled_and_an_open_one_is_not():
    ring = disc((40, 40), 20, 20, 12) & ~disc((40, 40), 20, 20, 8)
    np.testing.assert_array_equal(fill_holes(ring), disc((40, 40), 20, 20, 12))
    ring[20, 20:] = False
    np.testing.assert_array_equal(fill_holes(ring), ring)


@given(MASKS, st.integers(0, 30))
def test_specks_go_as_a_whole_and_the_rest_stays(mask: np.ndarray, smallest: int):
    kept = remove_specks(mask, smallest)
    assert mask[kept].all()
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for piece in range(1, len(stats)):
        inside = kept[pieces == piece]
        assert inside.all() if stats[piece, cv2.CC_STAT_AREA] >= smallest else not inside.any()


def test_specks_are_small_beside_the_largest_piece():
    mask = disc((100, 100), 50, 50, 25)
    whole = mask.copy()
    mask[2, 2:6] = True
    np.testing.assert_array_equal(remove_specks(mask), whole)
    mask[90:96, 90:96] = True
    assert remove_specks(mask)[92, 92], "36 pixels are over 1 % of 1961"
    assert not remove_specks(np.zeros((5, 5), bool)).any()


@given(hnp.arrays(np.uint8, SIZES, elements=st.integers(0, 2)), st.data())
def test_flooding_finds_one_region_of_equal_values(labels: np.ndarray, data: st.DataObject):
    seed = data.draw(st.integers(0, labels.shape[0] - 1)), data.draw(st.integers(0, labels.shape[1] - 1))
    before = labels.copy()
    region = flood(labels, seed)
    np.testing.assert_array_equal(labels, before)
    assert region[seed] and (labels[region] == labels[seed]).all()
    _, pieces = cv2.connectedComponents((labels == labels[seed]).astype(np.uint8), connectivity=4)
    np.testing.assert_array_equal(region, pieces == pieces[seed])


def test_flooding_outside_of_the_image_is_an_error():
    with pytest.raises(IndexError):
        flood(np.zeros((4, 6), np.uint8), (4, 0))


def test_a_polygon_holds_the_pixels_inside():
    square = polygon((20, 30), [(5, 4), (15, 4), (15, 12), (5, 12)])
    expected = np.zeros((20, 30), bool)
    expected[4:12, 5:15] = True
    assert square[expected].all() and (square & ~expected).sum() <= 20, "of the rim at most a side more"
    assert polygon((20, 30), [(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)]).all()
    assert not polygon((20, 30), []).any() and not polygon((20, 30), [(2, 2), (9, 9)]).any()
    assert not polygon((20, 30), [(50, 50), (60, 50), (60, 60)]).any()


# the brush


def by_definition(size: tuple[int, int], start: tuple, end: tuple, radius: float) -> np.ndarray:
    """Distance of each pixel's centre to the line, less the radius."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    (ax, ay), (bx, by) = start, end
    square = (bx - ax) ** 2 + (by - ay) ** 2
    t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / square, 0, 1) if square > 1e-12 else 0
    return np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) - radius


@given(SIZES, POINTS, POINTS, st.floats(0.5, 30))
def test_the_brush_paints_what_is_near_the_line(size: tuple[int, int], start: tuple, end: tuple, radius: float):
    labels = np.full(size, 7, np.uint8)
    rect = paint_line(labels, start, end, radius, 3)
    painted, distance = labels == 3, by_definition(size, start, end, radius)
    assert painted[distance < -1e-6].all()
    assert (distance[painted] <= max(1 - radius, 0) + 0.5).all(), "but for the line's own pixels nothing is beyond"
    if radius >= 2:
        assert not painted[distance > 1e-6].any()
    top, left, height, width = rect
    outside = np.ones(size, bool)
    outside[top : top + height, left : left + width] = False
    assert not painted[outside].any()
    assert rect == line_rect(size, start, end, radius)


@given(st.tuples(st.floats(0, 19.99), st.floats(0, 19.99)))
def test_the_smallest_brush_paints_the_pixel_under_it(point: tuple[float, float]):
    labels = np.zeros((20, 20), np.uint8)
    paint_line(labels, point, point, 0.5, 1)
    assert labels.sum() == 1 and labels[int(point[1]), int(point[0])] == 1


@given(POINTS, POINTS)
def test_the_smallest_brush_leaves_no_gaps(start: tuple, end: tuple):
    labels = np.zeros((90, 90), np.uint8)
    paint_line(labels, *((x + 20, y + 20) for x, y in (start, end)), 0.5, 1)
    count, _ = cv2.connectedComponents(labels, connectivity=8)
    assert count == 2


@given(hnp.arrays(bool, (30, 40)), POINTS, POINTS, st.floats(0.5, 30))
def test_forbidden_pixels_are_left_alone(forbidden: np.ndarray, start: tuple, end: tuple, radius: float):
    labels, free = np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint8)
    paint_line(labels, start, end, radius, 9, forbidden)
    paint_line(free, start, end, radius, 9)
    np.testing.assert_array_equal(labels, np.where(forbidden, 0, free))


def test_a_dab_outside_changes_nothing():
    labels = np.zeros((30, 40), np.uint8)
    assert paint_line(labels, (-50, 10), (-50, 12), 10, 1) == (0, 0, 0, 0)
    assert not labels.any()


def test_a_dab_touches_its_own_surroundings_only():
    labels, forbidden = np.zeros((1080, 1920), np.uint8), np.zeros((1080, 1920), bool)
    top, left, height, width = paint_line(labels, (500, 500), (520, 509), 50, 1, forbidden)
    assert width <= 20 + 2 * 52 and height <= 9 + 2 * 52
    labels[top : top + height, left : left + width] = 0
    assert not labels.any()
