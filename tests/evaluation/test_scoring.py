"""Which frames count, what is made of them, and rank correlation: on cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.metrics import summarize
from core.evaluation.scores import Judge, confidence_correlation, flagged_falls, means, spearman, summarize_objects
from core.evaluation.sequence_runner import judge_masks, worst_frame
from core.evaluation.truth import Truth
from core.masks.packed_labels import PackedLabels

SIZE = (8, 12)


def rows(*shares: int) -> np.ndarray:
    """Label maps (T, 8, 12): object 1 on the first so many rows of columns 0 to 5."""
    labels = np.zeros((len(shares), *SIZE), np.uint8)
    for own, count in zip(labels, shares, strict=True):
        own[:count, :6] = 1
    return labels


def packed(labels: np.ndarray) -> dict[int, PackedLabels]:
    return {frame: PackedLabels(own) for frame, own in enumerate(labels)}


def test_j_by_frame_and_what_is_counted_of_it():
    truth = Truth.from_array(rows(8, 8, 8, 8, 8))
    scores = judge_masks("a", truth, packed(rows(8, 4, 2, 6, 1)))
    (own,) = scores.objects
    assert own.j.tolist() == [1, 0.5, 0.25, 0.75, 0.125]
    assert own.counted.tolist() == [False, True, True, True, False]
    (summary,) = summarize_objects(scores)
    assert (summary.frames, summary.given) == (3, 0)
    assert summary.j.mean == 0.5  # 0.5, 0.25, 0.75
    assert summary.j.recall == pytest.approx(1 / 3)  # 0.5 is not above 0.5
    assert summary.j_and_f == pytest.approx((0.5 + summary.f.mean) / 2)


def test_an_object_that_appears_later_counts_behind_its_first_frame():
    labels = rows(8, 8, 8, 8, 8, 8)
    labels[2:, 4:, 8:] = 2
    predicted = labels.copy()
    predicted[3, 4:6] = 0  # half of object 2, and what is left of 1 there
    predicted[1, :, 8:] = 2  # where it is not yet: nobody asks
    scores = judge_masks("a", Truth.from_array(labels), packed(predicted))
    first, second = scores.objects
    assert second.given == 2
    assert np.isnan(second.j[:2]).all() and second.j[2:].tolist() == [1, 0.5, 1, 1]
    assert second.counted.tolist() == [False, False, False, True, True, False]
    assert first.counted.tolist() == [False, True, True, True, True, False]
    found = means(summarize_objects(scores))
    assert found.objects == 2
    assert found.j.mean == pytest.approx(((1 + 1 + 0.75 + 1) / 4 + (0.5 + 1) / 2) / 2)


def test_frames_without_truth_are_not_judged():
    masks = packed(rows(8, 8, 8, 8, 8))
    truth = Truth({frame: masks[frame] for frame in (0, 2, 4)}, {1: 0})
    scores = judge_masks("a", truth, packed(rows(8, 1, 4, 1, 8)))
    assert scores.frames == (0, 2, 4)
    assert scores.objects[0].j.tolist() == [1, 0.5, 1]
    assert summarize_objects(scores)[0].frames == 1


def test_frames_given_later_do_not_count():
    truth = Truth.from_array(rows(8, 8, 8, 8, 8))
    judge = Judge("a", truth)
    for frame, own in enumerate(rows(8, 4, 8, 6, 8)):
        judge.see(frame, own)
    scores = judge.scores({0: frozenset({1}), 2: frozenset({1})})
    assert scores.objects[0].counted.tolist() == [False, True, False, True, False]
    assert summarize_objects(scores)[0].j.mean == 0.625
    # Counted as after that correction, the scores before it are of the same frames.
    assert summarize_objects(judge.scores().counting(scores))[0].frames == 2
    assert summarize_objects(judge.scores())[0].frames == 3


def test_the_worst_frame_is_of_those_never_given():
    truth = Truth.from_array(rows(8, 8, 8, 8, 8))
    scores = judge_masks("a", truth, packed(rows(0, 4, 2, 2, 4)))
    assert worst_frame(scores, {0: frozenset({1})}) == 2
    assert worst_frame(scores, {0: frozenset({1}), 2: frozenset({1})}) == 3


def test_the_worst_frame_is_judged_by_all_its_objects():
    labels = rows(8, 8, 8, 8)
    labels[:, :, 6:] = 2
    predicted = labels.copy()
    predicted[1, :, :6] = 0  # object 1 lost, 2 perfect: 0.5 on average
    predicted[2, 2:] = 0  # both a quarter
    scores = judge_masks("a", Truth.from_array(labels), packed(predicted))
    assert scores.frame_means().tolist() == [1, 0.5, 0.25, 1]
    assert worst_frame(scores, {0: frozenset({1, 2})}) == 2


def test_an_object_without_a_counted_frame_has_no_summary():
    labels = rows(8, 8, 8)
    labels[2, :, 6:] = 2
    scores = judge_masks("a", Truth.from_array(labels), packed(labels))
    assert [summary.object for summary in summarize_objects(scores)] == [1]
    with pytest.raises(ValueError, match="no object"):
        means([])


def test_summaries_of_few_frames():
    assert summarize([0.75]).mean == 0.75 and summarize([0.75]).decay == 0
    with pytest.raises(ValueError, match="at least one"):
        summarize([])


def test_confidence_is_correlated_over_all_counted_frames():
    sheets = []
    for name, heights, sure in (("a", (8, 4, 2, 8), (1, 0.6, 0.1, 0)), ("b", (8, 6, 8, 8), (1, 0.7, 0.9, 0))):
        judge = Judge(name, Truth.from_array(rows(8, 8, 8, 8)))
        for frame, own in enumerate(rows(*heights)):
            judge.see(frame, own, {1: sure[frame]})
        sheets.append(judge.scores())
    # J 0.5 0.25 0.75 1, confidence 0.6 0.1 0.7 0.9: one order. The last frames, which do not count, would break it.
    assert confidence_correlation(sheets) == pytest.approx(1)
    assert np.isnan(confidence_correlation([judge_masks("a", Truth.from_array(rows(8, 8, 8)), {})]))


def test_doubt_is_told_by_the_falls_of_j_that_it_finds():
    """J 1, 0.5, 0.5, 1, 0.25 behind the given frame: falls against the median before are second, third and fifth."""
    judge = Judge("a", Truth.from_array(rows(*[8] * 7)))
    sure = (1, 0.9, 0.3, 0.9, 0.2, 0.9, 0.9)
    for frame, own in enumerate(rows(8, 8, 4, 4, 8, 2, 8)):
        judge.see(frame, own, {1: sure[frame]})
    found = flagged_falls([judge.scores()])
    assert (found.falls, found.others, found.of_others) == (3, 2, 0.5)
    assert found.of_falls == pytest.approx(1 / 3)
    assert np.isnan(flagged_falls([judge_masks("a", Truth.from_array(rows(8, 8, 8)), {})]).of_falls)


def test_spearman_by_hand():
    assert spearman([1, 2, 3, 4], [10, 20, 30, 1000]) == pytest.approx(1)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: squared differences 1 1 1 1 0, so 1 - 6 * 4 / (5 * 24).
    assert spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50]) == pytest.approx(0.8)
    # Ties share their mean rank: 1.5 1.5 3 against 1 2 3; centred -0.5 -0.5 1 and -1 0 1: 1.5 / sqrt(1.5 * 2).
    assert spearman([7, 7, 9], [1, 2, 3]) == pytest.approx(1.5 / np.sqrt(3))
    assert spearman([1, np.nan, 2, 3], [1, 0, 2, np.nan]) == pytest.approx(1)


def test_spearman_where_there_is_no_order():
    assert np.isnan(spearman([], [])) and np.isnan(spearman([1], [1])) and np.isnan(spearman([1, 1], [1, 2]))
    with pytest.raises(ValueError, match="one length"):
        spearman([1, 2], [1])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=40))
def test_spearman_sees_order_alone(pairs):
    one, other = (np.array(side, float) for side in zip(*pairs, strict=True))
    found = spearman(one, other)
    if np.isnan(found):
        assert np.ptp(one) == 0 or np.ptp(other) == 0
        return
    assert -1 - 1e-9 <= found <= 1 + 1e-9
    assert spearman(np.exp(one), other) == pytest.approx(found)
    assert spearman(other, one) == pytest.approx(found)
    assert spearman(-one, other) == pytest.approx(-found)
