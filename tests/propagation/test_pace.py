"""Forecasts of a run's time come true: against recorded times of clips, with a clock that is moved by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.propagation.pace import Pace, Prices, Work, plan, room_for
from core.propagation.schedule import passes_of
from core.propagation.settings import PropagationSettings

RECORDED = json.loads((Path(__file__).parent / "recorded_clips.json").read_text())
SETTINGS = PropagationSettings(progressive=5)  # as what is recorded
LAST, CAPACITY = 130, 81  # of the demo: its last frame, and how many frames' features were kept
ANNOTATED = [{40: frozenset({1})}, {40: frozenset({1}), 100: frozenset({1})}]


def recorded_plan(run: int) -> list[Work]:
    known = set() if run == 0 else set(range(40, 120))
    room = room_for(CAPACITY, known, 0, LAST)
    return plan(passes_of("both", 0, LAST, ANNOTATED[run]), ANNOTATED[run], SETTINGS, known, room)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def promises(work: list[Work], seconds: list[float], prices: Prices | None) -> tuple[list[float], Pace]:
    """The forecasts of the whole run each time a clip is done, from the first tenth on, and the pace."""
    clock, told, frames = Clock(), [], sum(one.drawn for one in work)
    pace = Pace(work, prices, clock)
    for place, took in enumerate(seconds, 1):
        clock.now += took
        pace.clip_done(took)
        if sum(one.drawn for one in work[:place]) >= frames / 10:
            told.append(clock.now + pace.seconds_left)
    return told, pace


@pytest.mark.parametrize("machine", ["quiet", "busy"])
@pytest.mark.parametrize("run", [0, 1])
@pytest.mark.parametrize("is_first", [True, False])
def test_after_a_tenth_the_promise_is_within_a_quarter(machine: str, run: int, is_first: bool):
    """Also where nothing is known of the machine, in a second run that reads features known from the first."""
    seconds = RECORDED[machine]
    prices = None if is_first else promises(recorded_plan(0), seconds[0], None)[1].lesson
    told, pace = promises(recorded_plan(run), seconds[run], prices)
    total = sum(seconds[run])
    assert all(0.75 * total <= promise <= 1.25 * total for promise in told)
    assert pace.seconds_left == 0 and told[-1] == pytest.approx(total)


def test_before_the_second_run_both_of_its_passes_are_priced():
    prices = promises(recorded_plan(0), RECORDED["quiet"][0], None)[1].lesson
    pace = Pace(recorded_plan(1), prices, Clock())
    assert pace.seconds_left == pytest.approx(sum(RECORDED["quiet"][1]), rel=0.25)


def test_the_plan_knows_which_frames_are_encoded_anew():
    assert [one.encoded for one in recorded_plan(0)] == RECORDED["encoded"][0]
    differ = np.subtract([one.encoded for one in recorded_plan(1)], RECORDED["encoded"][1])
    assert np.abs(differ).sum() <= 1, "one clip is cut by the border of what is kept"


def test_the_second_pass_finds_what_the_first_has_encoded_as_far_as_there_is_room():
    annotated = {0: frozenset({1, 2}), 20: frozenset({1, 2})}
    passes = passes_of("both", 0, 20, annotated)
    everything = plan(passes, annotated, SETTINGS)
    assert sum(one.encoded for one in everything) == 19, "each frame between once"
    assert sum(one.drawn for one in everything) == 38, "by both passes"
    assert sum(one.masks for one in everything) == 76, "of two objects"
    assert sum(one.encoded for one in plan(passes, annotated, SETTINGS, room=4)) == 19 + 15
    assert sum(one.encoded for one in plan(passes, annotated, SETTINGS, known=range(21))) == 0


def test_annotated_frames_are_not_drawn_and_memory_grows_up_to_its_bound():
    annotated = {0: frozenset({1})}
    settings = replace(SETTINGS, memory_frames=2)
    given, *clips = plan(passes_of("forward", 0, 50, annotated), annotated, settings)
    assert given == Work()
    assert [one.reads / one.drawn for one in clips[:5]] == [1, 2, 3, 3, 3]


def test_temporary_memory_is_read_too():
    annotated = {0: frozenset({1})}
    settings = replace(SETTINGS, interval=6, progressive=2)
    _, clip = plan(passes_of("forward", 0, 6, annotated), annotated, settings)
    assert clip.reads - clip.drawn == 0 + 0 + 1 + 1 + 2 + 2
    _, plain = plan(passes_of("forward", 0, 6, annotated), annotated, replace(settings, progressive=0))
    assert plain.reads == plain.drawn


def test_what_an_interrupted_run_has_drawn_is_no_work():
    annotated = {0: frozenset({1})}
    passes = passes_of("forward", 0, 20, annotated)
    whole = plan(passes, annotated, SETTINGS)
    assert plan(passes, annotated, SETTINGS, finished=range(11)) == whole[3:], "frames 11 to 20, with the memory before"
    assert plan(passes, annotated, SETTINGS, finished=range(13)) == whole[3:], "a clip cut short is drawn whole"


def test_time_passes_while_a_clip_is_drawn_but_not_beyond_it():
    clock = Clock()
    pace = Pace([Work(1, 10, 10, 10)] * 3, Prices(), clock)
    each = Prices().of(Work(1, 10, 10, 10))
    assert pace.seconds_left == pytest.approx(3 * each)
    clock.now += each / 2
    assert pace.seconds_left == pytest.approx(2.5 * each)
    clock.now += 100 * each  # it is late, or was paused: what comes behind it is still to be done
    assert pace.seconds_left == pytest.approx(2 * each)


def test_nothing_is_promised_before_anything_was_measured():
    pace = Pace([Work(), Work(5, 5, 5, 5), Work(5, 5, 5, 5)], None, Clock())
    assert pace.seconds_left is None
    pace.clip_done(0.01)  # an annotated frame says nothing of the others
    assert pace.seconds_left is None
    pace.clip_done(4.0)
    assert pace.seconds_left == pytest.approx(4.0)


def test_small_frames_are_guessed_to_read_memory_for_less():
    large, small = Prices.guess(480, 854), Prices.guess(240, 427)
    assert large == Prices()
    assert small.encoded == pytest.approx(large.encoded / 4) and small.reads == pytest.approx(large.reads / 16)


def test_a_whole_run_teaches_how_the_parts_compare():
    """Guessed from other prices by factors of two, each comes out right where the clips can tell them apart."""
    right = Prices(encoded=0.4, drawn=0.2, masks=0.0, reads=0.01)
    work = [Work(5 * (place % 3 == 0), 5, 0, 5 * (place % 20)) for place in range(60)]
    _, pace = promises(work, [right.of(one) for one in work], Prices(encoded=0.2, drawn=0.4, reads=0.02))
    learned = pace.lesson
    assert learned.encoded == pytest.approx(right.encoded, rel=0.1)
    assert learned.drawn == pytest.approx(right.drawn, rel=0.1)
    assert learned.reads == pytest.approx(right.reads, rel=0.1)


def test_frames_whose_features_are_known_are_not_taken_for_the_speed_of_new_ones():
    """Ten clips of known frames, then ten of new ones, which the prices know to take thrice as long."""
    prices = Prices(encoded=2.0, drawn=0.5, masks=0.5, reads=0.0)
    work = [Work(0, 5, 5, 0)] * 10 + [Work(5, 5, 5, 0)] * 10
    told, _ = promises(work, [5.0] * 10 + [15.0] * 10, prices)
    assert all(promise == pytest.approx(10 * 5 + 10 * 15, rel=0.1) for promise in told)
