"""Runs of what corrections touch: how far they go, what they leave, and what they read."""

from collections.abc import Mapping

import numpy as np
import pytest
from footage import collect, footage, make_propagator

from core.network import PCVOS
from core.propagation import PropagationSettings
from core.propagation.touched import Overlap
from core.propagation.ways import Way, pass_along, ways_around

FRAMES, LABELS = footage(16)
LAST = len(FRAMES) - 1
GIVEN = [(0, LABELS[0]), (8, LABELS[8])]


class Drawn:
    """Masks that are there, and the frames that were asked for."""

    def __init__(self, labels: Mapping[int, np.ndarray], small: Mapping[int, Mapping[int, np.ndarray]] | None = None):
        self._labels, self._small = labels, small or {}

    def labels(self, frame: int) -> np.ndarray | None:
        return self._labels.get(frame)

    def small(self, frame: int) -> Mapping[int, np.ndarray]:
        return self._small.get(frame, {})


def run_along(network: PCVOS, there: Drawn, ways: list[Way], given=GIVEN, finished=(), **settings) -> list:
    return list(make_propagator(network, FRAMES, given, {"interval": 2, **settings}).run_along(ways, there, finished))


def overlap(clip: np.ndarray, there: list[np.ndarray | None], objects: tuple[int, ...]) -> float:
    found = Overlap()
    found.see(clip, there, objects)
    return found.least


def merged(clips: list) -> dict[int, np.ndarray]:
    """Label maps by frame; of a frame that came twice, the later one."""
    return {frame: clip.labels[i] for clip in clips for i, frame in enumerate(clip.frames)}


def around(frame: int, given=GIVEN) -> list[Way]:
    return ways_around(frame, {f: frozenset({1, 2}) for f, *_ in given}, 0, LAST)


def test_a_way_ends_after_two_clips_that_agree_and_says_what_it_spares(small_network: PCVOS):
    """Drawn once by the same run over nothing, it agrees with itself at once."""
    there = {8: LABELS[8]}
    drawn = collect(run_along(small_network, Drawn(there), [Way(range(8, LAST + 1))]))
    assert set(drawn) == set(range(9, LAST + 1)), "nothing was there: it goes to the end"
    clips = run_along(small_network, Drawn({**there, **drawn}), [Way(range(8, LAST + 1))])
    assert [clip.frames for clip in clips] == [(9, 10), (11, 12)]
    assert clips[0].spared == () and clips[1].spared == ((13, 14), (15,))


def test_what_differs_is_followed_to_where_it_differs_no_more(small_network: PCVOS):
    there = {8: LABELS[8]}
    drawn = collect(run_along(small_network, Drawn(there), [Way(range(8, LAST + 1))]))
    wrong = {**there, **drawn, 11: np.zeros_like(LABELS[0])}
    clips = run_along(small_network, Drawn(wrong), [Way(range(8, LAST + 1))])
    assert [clip.frames for clip in clips] == [(9, 10), (11, 12), (13, 14), (15,)]


def test_another_corrected_frame_ends_a_way_and_stays_as_what_is_behind_it(small_network: PCVOS):
    given = [*GIVEN, (12, LABELS[12])]
    ways = around(8, given)
    assert [(way.frames, way.until) for way in ways if not way.is_back] == [(range(8, 0, -1), 0), (range(8, 12), 12)]
    assert [(way.frames, way.until) for way in ways if way.is_back] == [(range(0, 8), 8), (range(12, 8, -1), 8)]
    drawn = merged(run_along(small_network, Drawn({0: LABELS[0], 8: LABELS[8], 12: LABELS[12]}), ways, given))
    assert set(drawn) == {*range(1, 8), *range(9, 12)}
    assert around(8, [(7, None), (8, None), (9, None)]) == []


def test_between_corrected_frames_what_is_there_counts_the_more_the_nearer_the_other_one_is(small_network: PCVOS):
    grid = (FRAMES.shape[1] // 4, FRAMES.shape[2] // 4)
    all_of_it, nothing = np.full(grid, 255, np.uint8), np.zeros(grid, np.uint8)
    full = {frame: {1: all_of_it, 2: nothing} for frame in range(1, 8)}
    (back,) = [way for way in around(8) if way.until == 0 and not way.is_back]
    plain = collect(run_along(small_network, Drawn({8: LABELS[8]}), [back]))
    joined = collect(run_along(small_network, Drawn({8: LABELS[8]}, full), [back]))
    changed = {f: np.mean(plain[f] != joined[f]) for f in plain}
    covered = {f: np.mean(joined[f] == 1) for f in joined}
    assert changed[7] < changed[1] and covered[7] < 0.9 < covered[1]
    other = {f: {1: np.zeros((3, 3), np.uint8)} for f in full}  # of a run at another size
    assert all(
        np.array_equal(plain[f], found)
        for f, found in collect(run_along(small_network, Drawn({8: LABELS[8]}, other), [back])).items()
    )


def test_an_object_the_correction_does_not_speak_for_is_carried_from_what_is_there(small_network: PCVOS):
    given = [(0, LABELS[0]), (8, LABELS[8], [1])]
    way = Way(range(8, 4, -1))
    assert pass_along(way, {0: frozenset({1, 2}), 8: frozenset({1})}).objects_at(8) == (1,)
    found = run_along(small_network, Drawn({8: LABELS[8]}), [way], given)
    assert all(not np.isnan(clip.confidence[2]).any() for clip in found)
    missing = run_along(small_network, Drawn({8: np.where(LABELS[8] == 1, 1, 0).astype(np.uint8)}), [way], given)
    assert all(np.isnan(clip.confidence[2]).all() for clip in missing)


def test_memory_that_is_small_is_not_outweighed_by_every_second_frame(small_network: PCVOS):
    """Progressive matching is the published one there, or what a person chose that is rarer."""
    way, there = Way(range(8, LAST + 1)), Drawn({8: LABELS[8]})
    own, published, off = (
        collect(run_along(small_network, there, [way], interval=7, keep_lost=True, progressive=every))
        for every in (2, 5, 0)
    )
    assert all(np.array_equal(own[frame], published[frame]) for frame in published)
    assert any((published[frame] != off[frame]).any() for frame in published), "or this tells nothing"
    assert PropagationSettings(progressive=7).along.progressive == 7


def test_one_that_was_interrupted_draws_the_rest(small_network: PCVOS):
    there = {8: LABELS[8], 9: LABELS[9], 10: LABELS[10]}
    found = run_along(small_network, Drawn(there), [Way(range(8, LAST + 1))], finished=(9, 10))
    assert [clip.frames for clip in found] == [(11, 12), (13, 14), (15,)]


def test_what_is_planned_is_the_most_that_comes(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, GIVEN, {"interval": 2})
    ways = around(8)
    assert [len(frames) for frames in propagator.frames_to_draw(1, LAST, "both", ways)] == [7, 7, 7], (
        "once on the way back"
    )
    assert sum(work.drawn for work in propagator.plan(1, LAST, "both", ways=ways)) == 21


def test_a_way_far_from_what_is_there_is_met_from_the_other_corrected_frame(small_network: PCVOS):
    """Both together give the same as a run both ways between the two frames."""
    ways = [way for way in around(8) if 0 in (way.until, way.frames[0])]
    wrong = Drawn({0: LABELS[0], 8: LABELS[8], **{f: np.zeros_like(LABELS[0]) for f in range(1, 8)}})
    clips = run_along(small_network, wrong, ways, keep_lost=True)
    assert [f for clip in clips for f in clip.frames] == [7, 6, 5, 4, 3, 2, 1, 1, 2, 3, 4, 5, 6, 7]
    assert not any(clip.spared for clip in clips)
    drawn = merged(clips)
    right = {0: LABELS[0], 8: LABELS[8], **collect(run_along(small_network, wrong, ways[:1], keep_lost=True))}
    spared = run_along(small_network, Drawn(right), ways, keep_lost=True)
    assert [f for clip in spared for f in clip.frames] == [7, 6, 5, 4] and len(sum(spared[-1].spared, ())) == 3 + 7
    full = collect(make_propagator(small_network, FRAMES, GIVEN, {"interval": 2, "keep_lost": True}).run(0, 8, "both"))
    differing = [np.mean(drawn[f] != full[f]) for f in range(1, 8)]
    one_way = [np.mean(right[f] != full[f]) for f in range(1, 8)]
    assert np.mean(differing) < np.mean(one_way)


@pytest.mark.parametrize(("shift", "agreed"), [(0, True), (1, False)])
def test_agreement_is_of_every_object_over_the_clip(shift: int, agreed: bool):
    clip = np.zeros((2, 20, 20), np.uint8)
    clip[:, 2:12, 2:12], clip[:, 15, 15] = 1, 2
    other = clip.copy()
    other[:, 15, 15] = 0
    other[:, 15, 15 + shift] = 2
    assert overlap(clip, list(other), (1, 2)) == agreed
    assert overlap(clip, list(other), (1,)) == 1 and overlap(clip, [None, other[1]], (1,)) == 0
