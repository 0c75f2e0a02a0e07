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


def test_a_stroke_stays_inside():
    bent = rectangle(10, 10, 9, 50) | rectangle(10, 10, 40, 9)
    part = largest_wrong_part(~bent & bent, bent)
    corners = part.stroke()
    assert 2 <= len(corners) <= 3
    for (x0, y0), (x1, y1) in pairwise(corners):
        t = np.linspace(0, 1, 200)
        assert bent[np.rint(y0 + t * (y1 - y0)).astype(int), np.rint(x0 + t * (x1 - x0)).astype(int)].mean() > 0.99
    long = largest_wrong_part(~bent & bent, rectangle(20, 5, 9, 70)).stroke()
    assert np.ptp([x for x, _ in long]) > 50
