"""Doubtful stretches, and the frame whose correction promises most."""

import numpy as np

from core.propagation.doubt import doubtful_frames, frame_to_correct, neighbours

SURE = np.full(60, 0.95)


def with_doubt(**at: float) -> np.ndarray:
    """Confidence of 60 frames; `f10_19=0.2` says it of frames 10 to 19."""
    confidence = SURE.copy()
    for span, value in at.items():
        first, last = map(int, span[1:].split("_"))
        confidence[first : last + 1] = value
    return confidence


def test_neighbours_hang_together_over_small_gaps():
    parts = neighbours(np.array([1, 2, 3, 7, 8, 13]), 3)
    assert [part.tolist() for part in parts] == [[1, 2, 3, 7, 8], [13]]
    assert [part.tolist() for part in neighbours(np.array([1, 2, 4]))] == [[1, 2], [4]]
    assert neighbours(np.array([], int)) == []


def test_what_is_unknown_is_no_doubt():
    confidence = with_doubt(f10_12=0.3)
    confidence[30:40] = np.nan
    frames, starts = doubtful_frames(np.arange(60), confidence)
    assert frames.tolist() == [10, 11, 12] and starts.tolist() == [0]
    assert doubtful_frames(np.array([10, 40]), confidence)[0].tolist() == [10], "of the frames that are asked about"


def test_the_middle_of_the_worst_stretch_is_corrected_first():
    assert 33 <= frame_to_correct([with_doubt(f10_12=0.3, f30_39=0.3)], [{0}]) <= 36
    assert 10 <= frame_to_correct([with_doubt(f10_12=0.3, f30_39=0.3)], [{0, 34}]) <= 12, "not beside what is known"


def test_doubt_of_several_objects_adds_up():
    one, other = with_doubt(f10_15=0.4, f40_45=0.3), with_doubt(f10_15=0.4)
    assert 10 <= frame_to_correct([one, other], [{0}, {0}]) <= 15
    assert 40 <= frame_to_correct([one], [{0}]) <= 45


def test_frames_of_which_nothing_is_known_and_annotated_ones_are_never_chosen():
    unknown = np.full(5, np.nan)
    assert frame_to_correct([unknown], [set()]) is None and frame_to_correct([], []) is None
    unknown[[1, 3]] = 0.2
    assert frame_to_correct([unknown], [{1}]) == 3
    assert frame_to_correct([unknown], [{1, 3}]) is None


def test_a_correction_of_one_object_says_nothing_of_another():
    one, other = with_doubt(f10_12=0.3), with_doubt(f30_39=0.3)
    assert 10 <= frame_to_correct([one, other], [{0}, {0, 34}]) <= 12
    assert 33 <= frame_to_correct([one, other], [{0, 34}, {0}]) <= 36
