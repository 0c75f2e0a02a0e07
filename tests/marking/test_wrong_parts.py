"""Where a simulated annotator points to."""

from itertools import pairwise

import numpy as np

from core.marking.wrong_parts import largest_wrong_part


def rectangle(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((60, 80), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def test_the_largest_part_and_its_middle():
    truth, mask = rectangle(10, 10, 21, 21), rectangle(40, 40, 11, 15)
    part = largest_wrong_part(mask, truth)
    assert part.is_missing and part.region == (10, 10, 21, 21) and part.deepest() == (20, 20)
    part = largest_wrong_part(mask | truth, truth)
    assert not part.is_missing and part.deepest()[1] == 45
    assert largest_wrong_part(truth, truth) is None


def test_beyond_the_frame_nothing_is_of_it():
    part = largest_wrong_part(rectangle(0, 0, 0, 0), rectangle(0, 0, 11, 31))
    assert part.deepest()[1] == 5


def test_what_is_ignored_is_not_wrong():
    truth = rectangle(10, 10, 21, 21)
    assert largest_wrong_part(~truth & truth, truth, truth) is None


def share_inside(mask: np.ndarray, corners: tuple[tuple[int, int], ...]) -> float:
    """The least share of a straight piece of a stroke that lies inside."""
    t = np.linspace(0, 1, 200)
    ways = [(y0 + t * (y1 - y0), x0 + t * (x1 - x0)) for (x0, y0), (x1, y1) in pairwise(corners)]
    return min(mask[np.rint(y).astype(int), np.rint(x).astype(int)].mean() for y, x in ways)


def test_a_stroke_stays_inside():
    bent = rectangle(10, 10, 9, 50) | rectangle(10, 10, 40, 9)
    part = largest_wrong_part(~bent & bent, bent)
    corners = part.stroke()
    assert 2 <= len(corners) <= 3
    assert share_inside(bent, corners) > 0.99
    long = largest_wrong_part(~bent & bent, rectangle(20, 5, 9, 70)).stroke()
    assert np.ptp([x for x, _ in long]) > 50


def test_a_long_stroke_goes_from_end_to_end_along_the_middle():
    bent = rectangle(5, 5, 9, 60) | rectangle(5, 56, 50, 9)
    corners = largest_wrong_part(~bent & bent, bent).long_stroke()
    ends = {corners[0], corners[-1]}
    assert {x < 20 for x, _ in ends} == {True, False} and {y > 40 for _, y in ends} == {True, False}
    assert share_inside(bent, corners) > 0.95
    for dot in (rectangle(40, 40, 1, 1), rectangle(40, 40, 2, 3), rectangle(40, 40, 2, 2), rectangle(0, 40, 60, 1)):
        assert all(dot[y, x] for x, y in largest_wrong_part(~dot & dot, dot).long_stroke())
