"""Learning from corrections in the window: how far it is, what came of it, and new weights only if one says so."""

from collections.abc import Callable
from pathlib import Path

import pytest
from panel_parts import Desk
from pytestqt.qtbot import QtBot
from window_parts import Hands

from core.studio.jobs import Adapted, AdaptJob, AdaptProgress, JobEnded
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.dialogs.adapt_dialog import AdaptDialog


@pytest.fixture
def desk(tmp_path: Path):
    made = Desk(tmp_path)
    for frame in (0, 10, 20, 30):
        made.correct(frame)
    yield made
    made.close()


@pytest.fixture
def dialog(qtbot: QtBot, desk: Desk) -> AdaptDialog:
    made = AdaptDialog(desk.session, desk.runs)
    qtbot.addWidget(made)
    made.show()
    made.minutes.setValue(3)
    made.start_button.click()
    return made


def test_the_job_is_the_projects_and_names_a_file_that_is_not_there(desk: Desk, dialog: AdaptDialog, tmp_path: Path):
    (job,) = desk.worker.jobs
    assert isinstance(job, AdaptJob)
    assert (job.project, job.output, job.minutes) == (desk.project.path, tmp_path / "clip-weights.safetensors", 3)
    assert job.settings == desk.runs.next.settings.propagation
    assert dialog.progress.isVisible() and not dialog.start_button.isVisible()


def test_weights_that_gained_are_used_if_one_says_so(desk: Desk, dialog: AdaptDialog):
    (job,) = desk.worker.jobs
    desk.worker.adapt_progressed.emit(AdaptProgress(job.number, 5, 20))
    assert (dialog.progress.value(), dialog.progress.maximum()) == (5, 20)
    desk.worker.adapted.emit(Adapted(job.number, job.output, 3, 1, 0.71, 0.84))
    desk.worker.end()
    assert "0.840" in dialog.message.text() and "0.710" in dialog.message.text()
    assert desk.runs.next.settings.weights == ""
    dialog.use_button.click()
    assert desk.runs.next.settings.weights == str(job.output)
    assert not dialog.isVisible()


def test_why_there_are_none_is_said(desk: Desk, dialog: AdaptDialog):
    (job,) = desk.worker.jobs
    desk.worker.ended.emit(JobEnded(job.number, "failed", "The new weights are not better."))
    assert dialog.message.text() == "The new weights are not better."
    assert not dialog.use_button.isVisible() and not dialog.progress.isVisible()


def test_closing_ends_it(desk: Desk, dialog: AdaptDialog):
    (job,) = desk.worker.jobs
    dialog.close_button.click()
    assert desk.worker.told == [("cancel", job.number)]
    assert not dialog.isVisible()


def test_closed_before_all_is_saved_it_begins_nothing(qtbot: QtBot, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    waiting: list[Callable[[], None]] = []
    monkeypatch.setattr(desk.session.document, "when_saved", waiting.append)
    dialog = AdaptDialog(desk.session, desk.runs)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.start_button.click()
    dialog.close_button.click()
    (begin,) = waiting
    begin()
    assert not desk.worker.jobs


def test_the_inference_thread_learns_and_says_what_is_missing(
    qtbot: QtBot, window: MainWindow, hands: Hands, clip: Path
):
    hands.open(clip)
    window.actions_by_name["learn"].trigger()
    dialog = window.findChild(AdaptDialog)
    dialog.start_button.click()
    qtbot.waitUntil(lambda: "0 corrected frames, and 3 are needed" in dialog.message.text(), timeout=120_000)
    dialog.close_button.click()
