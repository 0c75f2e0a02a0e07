"""J, F and their summary, on cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.evaluation.metrics import boundary_accuracy, region_similarity, summarize


def mask(*rows: str) -> np.ndarray:
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def box(size: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    result = np.zeros(size, bool)
    result[rows, columns] = True
    return result


def test_region_similarity_by_hand():
    prediction = mask("##..", "##..")
    truth = mask(".##.", ".##.")
    assert region_similarity(prediction, truth) == pytest.approx(2 / 6)  # 2 shared, 6 in either


def test_region_similarity_of_empty_masks():
    empty, full = np.zeros((3, 4), bool), np.ones((3, 4), bool)
    assert region_similarity(empty, empty) == 1
    assert region_similarity(empty, full) == region_similarity(full, empty) == 0


def test_boundary_accuracy_within_the_tolerance():
    # Diagonal 100 x 0.008 = 0.8, rounded up: radius 1, a disk of 5 pixels. Shifted by 1 pixel, every boundary pixel has
    # one beside it.
    truth = box((60, 80), slice(20, 40), slice(20, 40))
    assert boundary_accuracy(np.roll(truth, 1, axis=1), truth) == 1
    assert boundary_accuracy(np.roll(truth, 1, axis=0), truth) == 1


def test_boundary_accuracy_beyond_the_tolerance():
    # Radius 1 as above. The boundary of this square is the ring of 21 x 21 from 19 to 39, 80 pixels; shifted by 5 to
    # the east, its columns go from 24 to 44. Of the true ring are met: in rows 19 and 39 the columns 23 to 39, 17 each,
    # and of its east side (column 39) the pixels beside these rows, 20 and 38. The other way round it is the same.
    truth = box((60, 80), slice(20, 40), slice(20, 40))
    expected = (2 * 17 + 2) / 80
    assert boundary_accuracy(np.roll(truth, 5, axis=1), truth) == pytest.approx(expected)


def test_the_disk_is_round():
    # Diagonal 500 x 0.008 = 4: radius 4. The boundary of one pixel is a block of 2 x 2, up and left of it included.
    def pixel(row: int, column: int) -> np.ndarray:
        return box((300, 400), slice(row, row + 1), slice(column, column + 1))

    # Rows and columns 99-100 and 102-103. (99, 99) is (3, 3) = 4.24 from the nearest, out of the disk though within the
    # square; the other three are at most (3, 2) = 3.6 away.
    assert boundary_accuracy(pixel(103, 103), pixel(100, 100)) == pytest.approx(3 / 4)
    # Columns 99-100 and 104-105: the near column is 4 away from the other block, the far one 5.
    assert boundary_accuracy(pixel(100, 105), pixel(100, 100)) == pytest.approx(1 / 2)


def test_precision_and_recall_are_joined_as_their_harmonic_mean():
    # The prediction has the true pixel and another far away: precision 4/8, recall 4/4, F = 2 * 0.5 / 1.5.
    truth = box((60, 80), slice(10, 11), slice(10, 11))
    prediction = truth | box((60, 80), slice(40, 41), slice(40, 41))
    assert boundary_accuracy(prediction, truth) == pytest.approx(2 / 3)


def test_the_last_row_and_column_have_no_boundary_of_their_own():
    # An object over the whole lower right corner: boundary north and west of it only. A mask of all has none.
    everything = np.ones((60, 80), bool)
    nothing = np.zeros((60, 80), bool)
    assert boundary_accuracy(everything, nothing) == 1  # neither has a boundary
    corner = mask("...", "..#", "..#")
    # b = (0,1) to the southeast, (0,2) to the south, (1,1) to the east, (2,1) to the east (last row).
    pair = np.zeros((3, 3), bool)
    pair[0, 0] = True  # boundary (0,0) only
    # Radius ceil(0.008 * 4.24) = 1: (0,0) is met by (0,1), and of the four of `corner` only (0,1) is met.
    assert boundary_accuracy(pair, corner) == pytest.approx(2 * 1 * 0.25 / 1.25)


def test_boundary_accuracy_of_one_empty_mask():
    thing = box((20, 30), slice(5, 10), slice(5, 10))
    empty = np.zeros((20, 30), bool)
    assert boundary_accuracy(empty, empty) == 1
    assert boundary_accuracy(thing, empty) == boundary_accuracy(empty, thing) == 0
    assert boundary_accuracy(thing, np.roll(thing, 15, axis=1)) == 0  # both have one, nothing met


PAIRS = hnp.array_shapes(min_dims=2, max_dims=2, max_side=24).flatmap(
    lambda shape: st.tuples(hnp.arrays(bool, shape), hnp.arrays(bool, shape))
)


@given(pair=PAIRS)
@pytest.mark.parametrize("metric", [region_similarity, boundary_accuracy])
def test_symmetry_range_and_identity(metric, pair):
    first, second = pair
    score = metric(first, second)
    assert 0 <= score <= 1
    assert score == pytest.approx(metric(second, first))
    assert metric(first, first) == 1


def test_both_take_equal_bool_masks_only():
    for metric in (region_similarity, boundary_accuracy):
        with pytest.raises(ValueError, match="expected two bool masks"):
            metric(np.zeros((4, 4), bool), np.zeros((4, 5), bool))
        with pytest.raises(ValueError, match="expected two bool masks"):
            metric(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8))


def test_summary_by_hand():
    # Mean 0.5; 4 of 9 above 0.5. Quarters meet at places 0, 2, 4, 6, 8: the first is 0.9 0.8 0.7, the last
    # 0.3 0.2 0.1: 0.8 - 0.2.
    summary = summarize([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert summary.mean == pytest.approx(0.5)
    assert summary.recall == pytest.approx(4 / 9)
    assert summary.decay == pytest.approx(0.6)


def test_summary_rounds_quarters_as_the_benchmark_does():
    # 3 counted scores: places 0, 0.5, 1, 1.5, 2 round up to 0, 1, 1, 2, 2: first (0.8, 0.6), last (0.1).
    assert summarize([0.8, 0.6, 0.1]).decay == pytest.approx(0.6)


def test_summary_of_a_short_sequence():
    assert summarize([0.25]).decay == 0
    with pytest.raises(ValueError, match="at least one"):
        summarize([])


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=400))
def test_summary_stays_in_range(scores):
    summary = summarize(scores)
    assert 0 <= summary.mean <= 1 + 1e-9 and 0 <= summary.recall <= 1 and -1 <= summary.decay <= 1
    backward = summarize(scores[::-1])
    assert backward.mean == pytest.approx(summary.mean)
