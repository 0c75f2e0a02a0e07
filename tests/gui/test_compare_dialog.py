"""Comparing memory intervals: results stream in, are held against L = 1, and nothing enters the project."""

import numpy as np
import pytest
from panel_parts import Desk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.evaluation.agreement import agreement, frame_agreement
from pcvos_gui.panels import PropagationPanel
from pcvos_gui.workers.jobs import Compared, CompareJob, CompareProgress

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform

FRAMES = tuple(range(10, 16))


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path, frames=60)
    made.correct(0)
    made.session.go_to(10)
    yield made
    made.close()


@pytest.fixture
def dialog(qtbot, desk):
    panel = PropagationPanel(desk.runs, desk.view)
    qtbot.addWidget(panel)
    panel.resize(300, 700)
    panel.show()
    QTest.mouseClick(panel.compare_button, Qt.MouseButton.LeftButton)
    made = panel._compare
    assert made.isVisible() and not made.isModal()
    made.panel = panel
    yield made
    made.close()


def labels(size, shift=0) -> np.ndarray:
    made = np.zeros((len(FRAMES), *size), np.uint8)
    made[:, 4:14, 4 + shift : 14 + shift] = 1
    return made


def progress(desk, interval, done) -> None:
    number = desk.worker.jobs[-1].number
    desk.worker.compare_progressed.emit(CompareProgress(number, interval, done, len(FRAMES)))


def answer(desk, interval, shift=0, speed=4.0, agreement=1.0) -> None:
    job = desk.worker.jobs[-1]
    progress(desk, interval, len(FRAMES))
    desk.worker.compared.emit(Compared(job.number, interval, FRAMES, labels(desk.media.size, shift), speed, agreement))


def test_agreement_is_the_mean_over_objects_and_frames():
    one, other = np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8)
    one[0, :2], other[0, :2, :2] = 1, 1  # half of it
    one[0, 3] = other[0, 3] = 2  # all of it
    assert frame_agreement(one[0], other[0]) == 0.75
    assert frame_agreement(one[1], other[1]) is None
    assert agreement({7: one[0], 8: one[1]}, {8: other[1], 7: other[0]}) == 0.75
    assert agreement({1: one[0]}, {8: other[0]}) is None


def test_a_column_for_each_interval_in_the_order_of_l(desk, dialog):
    assert isinstance(desk.worker.jobs[-1], CompareJob)
    assert list(dialog.columns) == [1, 5, 15, 25] == list(desk.worker.jobs[-1].intervals)
    assert not dialog.panel.run_button.isEnabled()
    assert "Loading" in dialog.message.text()
    progress(desk, 1, 0)
    assert "0 of 4 done" in dialog.message.text()


def test_it_says_how_far_it_is(desk, dialog):
    assert dialog.progress.maximum() == 0  # busy
    progress(desk, 1, 2)
    assert dialog.columns[1].speed.text().startswith("2 of 6 frames")
    assert dialog.columns[5].speed.text() == "Waiting…"
    assert (dialog.progress.value(), dialog.progress.maximum()) == (2, 24)
    answer(desk, 1)
    progress(desk, 5, 3)
    assert dialog.progress.value() == 9


def test_it_is_no_wider_than_the_screen(desk, dialog):
    assert dialog.width() <= dialog.screen().availableGeometry().width()


def test_results_stream_in_and_are_held_against_l_1(desk, dialog):
    answer(desk, 1)
    answer(desk, 15, shift=5, speed=8.0, agreement=0.3333)
    column = dialog.columns[15]
    assert column.speed.text().replace("\N{NO-BREAK SPACE}", " ") == "8.0 frames per second · 6 frames in 1 s"
    assert not column.picture.pixmap().isNull()
    answer(desk, 5)
    assert dialog.columns[5].agreement.text() == "100.0% agreement with L = 1"
    assert column.agreement.text() == "33.3% agreement with L = 1"
    assert dialog.columns[1].agreement.text() == "The others are held against this"
    assert dialog.progress.value() == 3 * len(FRAMES)
    assert np.flatnonzero(desk.project.states).tolist() == [0]  # nothing entered the project
    answer(desk, 25)
    desk.worker.end()
    assert dialog.message.text().startswith("Done.")
    assert dialog.panel.run_button.isEnabled()


def test_the_slider_moves_all_pictures_and_closing_goes_back(desk, dialog):
    answer(desk, 1)
    answer(desk, 5, shift=5)
    assert (dialog.slider.minimum(), dialog.slider.maximum()) == (10, 15)
    before = dialog.columns[5].picture.pixmap().toImage()
    assert before != dialog.columns[1].picture.pixmap().toImage()
    dialog.slider.setValue(14)
    assert desk.session.frame == 14 and dialog.spin.value() == 14
    desk.session.go_to(40)  # outside of what was drawn: the slider stays at its end
    assert dialog.slider.value() == 15
    dialog.close()
    assert desk.session.frame == 10


def test_closing_cancels(desk, dialog):
    number = desk.worker.jobs[-1].number
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert ("cancel", number) in desk.worker.told
    assert not desk.runs.is_comparing and not dialog.isVisible()
    assert dialog.panel.run_button.isEnabled()
    answer(desk, 5)  # too late
    assert dialog.columns[5].result is None


def test_use_this_l(desk, dialog):
    answer(desk, 15)
    QTest.mouseClick(dialog.columns[15].use, Qt.MouseButton.LeftButton)
    assert desk.runs.settings.interval == 15
    assert not dialog.isVisible()


def test_a_failure_leaves_a_sentence(desk, dialog):
    desk.worker.end("failed")
    assert dialog.message.text() == "The comparison ended without results."
    assert dialog.columns[5].speed.text() == "Not done"


def test_without_a_mask_it_says_why(qtbot, tmp_path):
    desk = Desk(tmp_path)
    panel = PropagationPanel(desk.runs, desk.view)
    qtbot.addWidget(panel)
    panel.show()
    QTest.mouseClick(panel.compare_button, Qt.MouseButton.LeftButton)
    assert not panel._compare.isVisible()
    assert "Mark an object first" in desk.messages[-1].text
    desk.close()


def test_closing_the_footage_closes_the_dialog(desk, dialog):
    desk.session.close()
    assert not dialog.isVisible()
