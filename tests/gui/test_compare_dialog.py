"""Comparing memory intervals: results stream in, each is compared with all the others, nothing enters the project."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from panel_parts import Desk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from core.masks.packed_mask import PackedMask
from core.studio.jobs import Compared, CompareJob, CompareProgress
from pcvos_gui.panels import PropagationPanel
from pcvos_gui.panels.memory_model import MemoryModel

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform

FRAMES = tuple(range(10, 16))


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path, frames=60)
    made.correct(0)
    made.session.navigator.go_to(10)
    yield made
    made.close()


@pytest.fixture
def dialog(qtbot, desk):
    panel = PropagationPanel(desk.runs, desk.view)
    qtbot.addWidget(panel)
    panel.resize(300, 700)
    panel.show()
    QTest.mouseClick(panel.compare_button, Qt.MouseButton.LeftButton)
    made = panel.compare_dialog
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


def answer(desk, interval, shift=0, speed=4.0, agreements=None, with_masks=None) -> None:
    job = desk.worker.jobs[-1]
    progress(desk, interval, len(FRAMES))
    drawn = labels(desk.media.size, shift)
    desk.worker.compared.emit(Compared(job.number, interval, FRAMES, drawn, speed, agreements or {}, with_masks))


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


def test_it_is_no_larger_than_the_screen(desk, dialog):
    room = dialog.screen().availableGeometry()
    assert dialog.width() <= room.width() and dialog.height() <= room.height()


@pytest.mark.parametrize("size", [(1100, 500), (1800, 1100), (700, 1100), (760, 500)])
def test_pictures_fill_the_window(desk, dialog, size):
    for interval in (1, 5, 15, 25):
        answer(desk, interval)
    dialog.resize(*size)
    QApplication.processEvents()
    assert dialog.size().toTuple() == size
    height, width = desk.media.size
    words = dialog.columns[1].words_height + 16
    best = max(
        min((size[0] - 32) / across - 16, ((size[1] - 140) / -(-4 // across) - words) * width / height)
        for across in range(1, 5)
    )
    for column in dialog.columns.values():
        drawn = column.picture.pixmap().deviceIndependentSize()
        assert drawn.width() >= 0.85 * best
        assert not column.use.visibleRegion().isEmpty()


def test_each_result_is_compared_with_all_the_others(desk, dialog):
    """L = 1 has lost the object here: it is the one that agrees with nobody."""
    answer(desk, 1)
    assert dialog.columns[1].agreement.text() == ""
    answer(desk, 5, agreements={1: 0.0})
    answer(desk, 15, speed=8.0, agreements={1: 0.0, 5: 0.96}, with_masks=0.875)
    column = dialog.columns[15]
    assert column.speed.text().replace("\N{NO-BREAK SPACE}", " ") == "8.0 frames per second · 6 frames in 1 s"
    assert not column.picture.pixmap().isNull()
    words = {interval: dialog.columns[interval].agreement.text() for interval in (1, 5, 15)}
    told = {interval: text.replace("\N{NO-BREAK SPACE}", " ").splitlines() for interval, text in words.items()}
    assert told[1] == ["Agrees 0.0% with the others", "L = 5: 0.0% · L = 15: 0.0%"]
    assert told[5] == ["Agrees 48.0% with the others", "L = 1: 0.0% · L = 15: 96.0%"]
    assert told[15] == ["Agrees 48.0% with the others", "L = 1: 0.0% · L = 5: 96.0%", "Masks in the project: 87.5%"]
    assert dialog.progress.value() == 3 * len(FRAMES)
    assert np.flatnonzero(desk.project.states).tolist() == [0]  # nothing entered the project
    answer(desk, 25, agreements={1: None, 5: None, 15: None})
    assert dialog.columns[25].agreement.text() == "No object is found here or elsewhere"
    desk.worker.end()
    assert dialog.message.text().startswith("Done.")
    assert dialog.panel.run_button.isEnabled()


def test_masks_of_the_project_go_along_but_for_those_that_the_network_is_given(qtbot, desk):
    desk.correct(12)
    desk.put(13)
    desk.put(14, id=2, corrected=True)  # an object that nothing in memory speaks of
    desk.runs.compare()
    job = desk.worker.jobs[-1]
    assert {frame: sorted(masks) for frame, masks in job.there.items()} == {13: [1]}
    assert isinstance(job.there[13][1], PackedMask)


def test_pictures_are_in_the_objects_own_colours(desk, dialog):
    desk.session.change_object(replace(desk.session.object(1), colour=(10, 250, 240)))
    answer(desk, 5)
    picture = dialog.columns[5].picture.pixmap().toImage()
    colours = {picture.pixelColor(x, y).getRgb()[:3] for x in range(picture.width()) for y in range(picture.height())}
    assert (10, 250, 240) in colours


def test_the_slider_moves_all_pictures_and_closing_goes_back(desk, dialog):
    answer(desk, 1)
    answer(desk, 5, shift=5)
    assert (dialog.slider.minimum(), dialog.slider.maximum()) == (10, 15)
    before = dialog.columns[5].picture.pixmap().toImage()
    assert before != dialog.columns[1].picture.pixmap().toImage()
    dialog.slider.setValue(14)
    assert desk.session.navigator.frame == 14 and dialog.spin.value() == 14
    desk.session.navigator.go_to(40)  # outside of what was drawn: the slider stays at its end
    assert dialog.slider.value() == 15
    dialog.close()
    assert desk.session.navigator.frame == 10


def test_closing_cancels(desk, dialog):
    number = desk.worker.jobs[-1].number
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert ("cancel", number) in desk.worker.told
    assert not desk.runs.comparison.is_under_way and not dialog.isVisible()
    assert dialog.panel.run_button.isEnabled()
    answer(desk, 5)  # too late
    assert dialog.columns[5].result is None


def test_use_this_l(desk, dialog):
    answer(desk, 15)
    QTest.mouseClick(dialog.columns[15].use, Qt.MouseButton.LeftButton)
    assert desk.runs.next.settings.interval == 15
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
    assert not panel.compare_dialog.isVisible()
    assert "Mark an object first" in desk.messages[-1].text
    desk.close()


def test_closing_the_footage_closes_the_dialog(desk, dialog):
    desk.session.close()
    assert not dialog.isVisible()


@pytest.mark.parametrize("shape", [Fraction(2), Fraction(1, 2)])
def test_pixels_that_are_not_square_are_shown_in_their_shape(qtbot, desk, shape):
    desk.media.sample_aspect_ratio = shape
    panel = PropagationPanel(desk.runs, desk.view)
    qtbot.addWidget(panel)
    panel.compare()
    made = panel.compare_dialog
    answer(desk, 5)
    drawn = made.columns[5].picture.pixmap().deviceIndependentSize()
    height, width = desk.media.size
    assert drawn.width() / drawn.height() == pytest.approx(float(shape) * width / height, rel=0.05)
    memory = MemoryModel(desk.session)
    picture = memory.index(0).data(Qt.ItemDataRole.DecorationRole)
    assert picture.width() / picture.height() == pytest.approx(float(shape) * width / height, rel=0.1)
    made.close()
