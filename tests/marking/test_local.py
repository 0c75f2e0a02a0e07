"""Masks stay where marks are, and corrections where they are made."""

import numpy as np

from core.marking.local import local_change, near


def rectangle(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((100, 120), bool)
    mask[top : top + height, left : left + width] = True
    return mask


BODY = rectangle(30, 30, 40, 40)
NOTHING = np.zeros_like(BODY)


def test_only_what_hangs_together_with_a_mark_is_added():
    arm, far = rectangle(40, 70, 10, 20), rectangle(5, 5, 10, 10)
    found = local_change(BODY | arm | far, BODY, rectangle(44, 80, 2, 2), NOTHING, 2)
    np.testing.assert_array_equal(found, BODY | arm)


def test_only_what_hangs_together_with_a_mark_is_taken_away():
    leak, other = rectangle(40, 70, 10, 20), rectangle(5, 5, 10, 10)
    found = local_change(BODY & ~rectangle(30, 30, 5, 5), BODY | leak | other, NOTHING, rectangle(44, 80, 2, 2), 2)
    np.testing.assert_array_equal(found, BODY | other)


def test_a_mark_that_says_this_takes_nothing_away():
    arm = rectangle(40, 70, 10, 20)
    smaller = (BODY & ~rectangle(60, 30, 10, 40)) | arm
    found = local_change(smaller, BODY, rectangle(44, 80, 2, 2), NOTHING, 2)
    np.testing.assert_array_equal(found, BODY | arm)


def test_slivers_connect_nothing():
    arm, wide = rectangle(40, 70, 10, 20), rectangle(29, 29, 42, 42)  # a pixel more all around
    leg = rectangle(70, 40, 20, 10)
    found = local_change(wide | arm | leg, BODY, rectangle(44, 80, 2, 2), NOTHING, 2)
    assert not (found & leg & ~wide).any(), "the leg hangs together with the arm by the rim alone"
    assert found[arm].all()
    assert (found & ~BODY & ~arm).sum() <= 12, "of the rim what touches the arm"


def test_without_a_mark_nothing_changes():
    np.testing.assert_array_equal(local_change(~BODY, BODY, NOTHING, NOTHING, 2), BODY)


def test_of_a_mask_what_a_mark_touches_and_what_is_close_to_that():
    behind_a_pole, far = rectangle(35, 71, 30, 10), rectangle(5, 5, 10, 10)  # 2 and 21 pixels from the body of 40
    mark = rectangle(50, 50, 2, 2)
    np.testing.assert_array_equal(near(BODY | behind_a_pole | far, mark, 0.05), BODY | behind_a_pole)
    np.testing.assert_array_equal(near(BODY | behind_a_pole | far, mark, 0.04), BODY)
    np.testing.assert_array_equal(near(BODY | far, rectangle(50, 50, 2, 2) | far, 0.05), BODY | far)


def test_where_no_mark_touches_the_mask_all_of_it_stays():
    np.testing.assert_array_equal(near(BODY, rectangle(5, 5, 2, 2), 0.05), BODY)
