"""Marks on a frame, and how they are drawn."""

import numpy as np
import pytest

from core.errors import PCVOSError
from core.marking.marks import RADIUS, Marks, Stroke, draw_box, draw_point, draw_stroke

SIZE = (60, 80)
INSIDE = Marks.clicks([(10, 10)])

BAD = {
    "nothing": (Marks(), "Nothing is marked"),
    "right of the frame": (Marks.clicks([(80, 10)]), "80,10 is outside of the frame, which is 80x60"),
    "above it": (Marks.clicks([], [(3, -1)]), "3,-1 is outside"),
    "not a number": (Marks.clicks([(float("nan"), 3)]), "outside"),
    "the end of a stroke": (INSIDE.and_stroke([(1, 1), (200, 1)]), "200,1 is outside"),
    "a stroke of nothing": (Marks((Stroke(()),)), "no point"),
    "a box without width": (Marks(box=(10, 10, 10, 30)), "no extent"),
    "a box the wrong way": (Marks(box=(30, 30, 10, 10)), "no extent"),
    "a box elsewhere": (Marks(box=(90, 10, 120, 30)), "outside"),
    "a box of infinity": (Marks(box=(0, 0, float("inf"), 10)), "no extent"),
}


@pytest.mark.parametrize("marks, words", BAD.values(), ids=BAD)
def test_what_cannot_be_meant_is_said_in_a_sentence(marks: Marks, words: str):
    with pytest.raises(PCVOSError, match=words) as caught:
        marks.check(SIZE)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_what_can_be_meant():
    Marks.clicks([(0, 0), (79, 59)], [(79.4, -0.4)], box=(-3, 5, 90, 20)).check(SIZE)


def test_strokes_are_drawn_with_discs():
    plane = np.zeros(SIZE, np.uint8)
    draw_point(plane, 40, 30)
    ys, xs = np.nonzero(plane)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (40 - RADIUS, 40 + RADIUS, 30 - RADIUS, 30 + RADIUS)
    draw_stroke(plane, [(10, 10), (60, 10)])
    assert (plane[10, 10:61] == 255).all() and not plane[10 + RADIUS + 2].any()
    assert set(np.unique(plane)) == {0, 255}
    draw_point(plane, 900, -900)  # beyond it: nothing


def test_a_box_is_filled_and_never_empty():
    plane = np.zeros(SIZE, np.uint8)
    draw_box(plane, (10, 20, 30, 25))
    assert plane[20:25, 10:30].all() and plane.sum() == 255 * 5 * 20
    tiny = np.zeros(SIZE, np.uint8)
    draw_box(tiny, (79.6, 59.6, 79.8, 59.7))
    assert tiny.sum() == 255
