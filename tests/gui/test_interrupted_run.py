"""A run that ended with its process: what it had finished is known, told once, and gone on from."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from panel_parts import Desk
from window_parts import COUNT, Hands, truth

from core.project.content import UnfinishedRun
from core.project.project import Project
from core.propagation.pace import Work
from core.studio.interrupted import FinishedFrames, find
from pcvos_gui.session.runs import RunState


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path, frames=60)
    yield made
    made.close()


def as_killed(desk: Desk, target: Path) -> Path:
    """A copy of the project as it is if the process is killed now."""
    for ending in ("", "-wal"):
        shutil.copyfile(f"{desk.project.path}{ending}", f"{target}{ending}")
    return target


def take_over(desk: Desk, path: Path) -> None:
    """Open the project at `path` in place of the present one."""
    desk.session.close()
    desk.messages.clear()
    desk.project = Project.open(path)
    desk.session.open(desk.media, desk.project)


def test_frames_become_ranges():
    frames = FinishedFrames()
    for clip in ((3, 4, 5), (6, 7), (2, 1), (0,), (12, 11)):
        frames.add(clip)
    assert frames.ranges == [[0, 7], [11, 12]] and len(frames) == 10
    assert list(FinishedFrames(frames.ranges)) == [*range(8), 11, 12]


def test_only_what_is_drawn_counts(desk):
    desk.correct(0)
    desk.correct(30)
    desk.runs.start()
    clip = Work(10, 10, 10, 10)
    desk.worker.begin(58, steps=80, plan=(Work(), *[clip] * 8))
    desk.worker.draw(range(0, 1), [], desk.media.size)  # given
    assert (desk.runs.progress.done, desk.runs.progress.work_done) == (0, 0)
    desk.worker.draw(range(1, 11), [1], desk.media.size, seconds=2.0, provisional=True)
    assert (desk.runs.progress.done, desk.runs.progress.work_done) == (0, 10), "it is drawn again"
    desk.worker.draw(range(31, 41), [1], desk.media.size, seconds=2.0)
    desk.worker.draw(range(10, 0, -1), [1], desk.media.size, seconds=2.0)
    progress = desk.runs.progress
    assert (progress.done, progress.total, progress.work_done, progress.work) == (20, 58, 30, 80)
    assert desk.runs.forecast.seconds_left == pytest.approx(10.0, abs=1.0), "five clips like those before"
    desk.worker.end()
    assert desk.messages[-1].text.startswith("Done: 20 frames")
    assert desk.project.runs()[-1][1].frames == 20


def test_it_is_told_once_and_gone_on_from(desk, tmp_path):
    desk.correct(0)
    desk.runs.start()
    desk.worker.begin(59)
    desk.worker.draw(range(1, 11), [1], desk.media.size)
    desk.worker.draw(range(11, 21), [1], desk.media.size)
    killed = as_killed(desk, tmp_path / "killed.pcvos")
    take_over(desk, killed)
    (message,) = [m for m in desk.messages if "interrupted" in m.text]
    assert "at frame 20" in message.text and message.actions[0].text == "Go on"
    message.actions[0].run()
    job = desk.worker.jobs[-1]
    assert (job.start, job.end) == (0, 59) and sorted(job.finished) == list(range(1, 21))
    assert all(not job.finished[frame][1].is_empty for frame in job.finished)
    desk.worker.begin(39)
    desk.worker.draw(range(21, 60), [1], desk.media.size)
    desk.worker.end()
    assert desk.runs.progress.done == 39 and (desk.project.states[1:] != 0).all()
    take_over(desk, killed)
    assert not any("interrupted" in m.text for m in desk.messages)


def test_what_is_corrected_after_a_kill_waits_for_a_propagation(desk, tmp_path):
    desk.correct(0)
    desk.runs.start()
    desk.worker.begin(59)
    desk.worker.draw(range(1, 11), [1], desk.media.size)
    take_over(desk, as_killed(desk, tmp_path / "killed.pcvos"))
    assert desk.runs.next.marked_since == set(), "nothing was corrected since"
    desk.correct(5)
    assert desk.runs.next.marked_since == {1}
    (message,) = [m for m in desk.messages if "interrupted" in m.text]
    message.actions[0].run()
    desk.worker.begin(49)
    desk.worker.draw(range(11, 60), [1], desk.media.size)
    desk.worker.end()
    assert desk.runs.next.marked_since == {1}, "the frames around it were not drawn again"
    assert desk.runs.next.touched.frames == (5,)
    desk.runs.start(everything=True)
    desk.worker.begin(60)
    desk.worker.draw(range(0, 60), [1], desk.media.size)
    desk.worker.end()
    assert desk.runs.next.marked_since == set() and desk.runs.next.touched is None


def test_what_is_corrected_after_a_first_run_was_stopped_waits_for_a_propagation(desk):
    desk.correct(0)
    desk.runs.start()
    desk.worker.begin(59)
    desk.worker.draw(range(1, 11), [1], desk.media.size)
    desk.runs.stop()
    assert desk.runs.next.marked_since == set()
    desk.correct(5)
    assert desk.runs.next.marked_since == {1}


def test_a_run_that_was_stopped_is_not_interrupted(desk, tmp_path):
    desk.correct(0)
    desk.runs.start()
    desk.worker.begin(59)
    desk.worker.draw(range(1, 11), [1], desk.media.size)
    assert find(desk.project).last == 10
    desk.runs.stop()
    assert find(desk.project) is None
    desk.project.keep(unfinished_run=UnfinishedRun(1, ((3, 900),), 3))
    assert find(desk.project) is None, "what cannot be is passed over"


def test_the_network_draws_the_rest_only(hands: Hands, clip: Path):
    """With the real engine: what is finished is not drawn again, and the rest is close to what it would have been."""
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=3)
    assert hands.runs.progress.done == COUNT - 1
    whole = [hands.labels(frame) for frame in range(COUNT)]
    hands.session.document.clear(7, COUNT - 1)
    left = find_left(hands, 6)
    drawn = []
    hands.window.inference.clip_done.connect(lambda clip: drawn.extend(clip.drawn))
    hands.runs.go_on(left)
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=60_000)
    assert drawn == list(range(7, COUNT))
    assert all(np.array_equal(hands.labels(frame), whole[frame]) for frame in range(7))
    for frame in range(7, COUNT):
        one, other = hands.labels(frame) == 1, whole[frame] == 1
        assert (one & other).sum() / (one | other).sum() > 0.8
    hands.act("undo")
    assert not hands.labels(COUNT - 1).any() and hands.labels(6).any()


def find_left(hands: Hands, last: int):
    from core.studio.interrupted import Interrupted

    ((id, run),) = hands.session.document.project.runs()
    return Interrupted(id, run, FinishedFrames([[0, last]]), last)
