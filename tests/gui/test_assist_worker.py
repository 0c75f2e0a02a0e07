"""The scribble's thread."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.studio.jobs import Marked, MarkJob, next_number
from pcvos_gui.workers import assist
from pcvos_gui.workers.assist import AssistWorker


@pytest.fixture
def worker(qtbot: QtBot) -> Iterator[AssistWorker]:
    worker = AssistWorker()
    yield worker
    assert worker.shutdown()


def job() -> MarkJob:
    """A red square on green, scribbled inside and outside."""
    image = np.full((60, 80, 3), (40, 160, 60), np.uint8)
    image[20:40, 30:50] = 200, 50, 50
    strokes = np.zeros((60, 80), np.uint8)
    strokes[28:32, 35:45], strokes[5, :] = 1, 2
    return MarkJob(image, strokes)


def test_strokes_become_a_mask(worker: AssistWorker, qtbot: QtBot):
    given = job()
    with qtbot.waitSignal(worker.done) as signal:
        worker.submit(given)
    done: Marked = signal.args[0]
    expected = np.zeros((60, 80), bool)
    expected[20:40, 30:50] = True
    assert done.number == given.number and done.seconds > 0 and not done.mask.flags.writeable
    assert (done.mask & expected).sum() / (done.mask | expected).sum() > 0.95


def test_the_newest_wins(worker: AssistWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    gate, begun, done = threading.Event(), [], []
    make = assist.scribble_mask

    def slow(image: np.ndarray, *rest) -> np.ndarray:
        begun.append(image)
        gate.wait(5)
        return make(image, *rest)

    monkeypatch.setattr(assist, "scribble_mask", slow)
    worker.done.connect(lambda d: done.append(d.number))
    jobs = [job() for _ in range(4)]
    worker.submit(jobs[0])
    qtbot.waitUntil(lambda: len(begun) == 1)
    for one in jobs[1:]:
        worker.submit(one)
    gate.set()
    qtbot.waitUntil(lambda: bool(done))
    assert done == [jobs[3].number] and len(begun) == 2, "those that waited never began"
    worker.submit(jobs[1])
    worker.cancel((0, 0))
    with qtbot.waitSignal(worker.done):
        worker.submit(jobs[2])
    assert done[1:] == [jobs[2].number]


def test_a_failure_is_a_sentence_and_the_next_job_works(
    worker: AssistWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_) -> np.ndarray:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(assist, "scribble_mask", broken)
        with qtbot.waitSignal(worker.failed) as signal:
            worker.submit(given := job())
    assert signal.args[0] == given.number and "ZeroDivisionError" in signal.args[1]
    with qtbot.waitSignal(worker.done):
        worker.submit(job())


def test_each_frame_and_object_has_a_newest_job_of_its_own(
    worker: AssistWorker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    gate, done = threading.Event(), []
    make = assist.scribble_mask
    monkeypatch.setattr(assist, "scribble_mask", lambda *given: gate.wait(5) and make(*given))
    worker.done.connect(lambda d: done.append(d.number))
    first, second, third = (
        replace(job(), subject=subject, number=next_number()) for subject in ((0, 1), (4, 1), (4, 1))
    )
    for one in (first, second, third):
        worker.submit(one)
    gate.set()
    qtbot.waitUntil(lambda: len(done) == 2)
    assert sorted(done) == [first.number, third.number]
