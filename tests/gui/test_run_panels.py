"""Propagation, the costs of L, memory and history: what they show and what they start."""

from dataclasses import replace

import numpy as np
import pytest
from panel_parts import Desk
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from core.propagation.pace import Work
from core.studio.jobs import Compared, MemoryTold, MemoryUse
from core.studio.run_settings import QUALITIES, Range
from pcvos_gui.panels import HistoryPanel, MemoryPanel, PropagationPanel
from pcvos_gui.panels.costs import duration, paper_summary, paper_text
from pcvos_gui.panels.memory import frames_in_words, remove_rect
from pcvos_gui.panels.memory_model import DOTS_ROLE
from pcvos_gui.session.runs import RunState

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path, frames=100)
    yield made
    made.close()


def shown(qtbot, widget, size=(300, 900)):
    qtbot.addWidget(widget)
    widget.resize(*size)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


@pytest.fixture
def panel(qtbot, desk):
    return shown(qtbot, PropagationPanel(desk.runs, desk.view))


def click(widget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def plain(label) -> str:
    return label.text().replace("\N{NO-BREAK SPACE}", " ")


def turn_the_wheel(widget, delta: int) -> None:
    """As the window system does, which may give the focus first."""
    window = widget.window()
    at = widget.mapTo(window, widget.rect().center())
    QTest.wheelEvent(window.windowHandle(), QPointF(at), QPoint(0, delta))


def direction(panel, name):
    return next(b for b in panel.directions.buttons() if b.objectName() == name)


# propagation


def test_direction_and_range_are_the_runs(desk, panel):
    desk.session.navigator.go_to(30)
    assert panel.frames_label.text() == "Frames 30 to 99 (70 frames)"
    desk.session.navigator.go_to(99)
    assert panel.frames_label.text() == "Frame 99 only"
    desk.session.navigator.go_to(30)
    click(direction(panel, "backward"))
    assert desk.runs.next.settings.direction == "backward"
    assert panel.frames_label.text() == "Frames 0 to 30 (31 frames)"
    assert panel.range.currentText() == "To the beginning"
    desk.runs.next.set_in_out(10, 20)
    panel.range.setCurrentIndex(panel.range.findData(Range.IN_OUT))
    panel.range.activated.emit(panel.range.currentIndex())
    assert desk.runs.next.settings.range is Range.IN_OUT
    assert panel.range.currentText() == "In to out (10 to 20)"
    assert panel.frames_label.text() == "Frames 10 to 20 (11 frames)"
    desk.reopen()
    assert direction(panel, "backward").isChecked() and panel.range.currentData() == Range.IN_OUT


def test_words_are_in_the_middle_of_a_direction_chosen_or_not(desk, qtbot):
    panel = shown(qtbot, PropagationPanel(desk.runs, desk.view), (460, 600))
    assert {button.isChecked() for button in panel.directions.buttons()} == {True, False}
    for button in panel.directions.buttons():
        image = button.grab().toImage()
        inner = [
            x for x in range(4, image.width() - 4) for y in range(6, image.height() - 6) if _stands_out(image, x, y)
        ]
        assert abs(min(inner) + max(inner) - image.width()) <= 12


def _stands_out(image, x: int, y: int) -> bool:
    """Whether a pixel is none of the button's ground, which changes from row to row at most."""
    return abs(image.pixelColor(x, y).lightness() - image.pixelColor(3, y).lightness()) > 60


def test_a_run_from_start_to_end(desk, panel):
    desk.correct(0)
    assert not panel.pause_button.isEnabled() and not panel.stop_button.isEnabled()
    click(panel.run_button)
    assert panel.status.text() == "Loading the network; longer the first time…" and panel.progress.maximum() == 0
    assert not panel.run_button.isEnabled() and not panel.interval.isEnabled() and panel.stop_button.isEnabled()
    desk.worker.begin(100)
    assert panel.pause_button.isEnabled()
    desk.worker.draw(range(1, 11), [1], desk.media.size, seconds=2.0)
    assert (panel.progress.value(), panel.progress.maximum()) == (10, 100)
    text = panel.status.text().replace("\N{NO-BREAK SPACE}", " ")
    assert text == "10 of 100 frames · 18 s left\n5.0 frames per second · CPU"
    click(panel.pause_button)
    assert desk.runs.state is RunState.PAUSED and panel.pause_button.text() == "Go on"
    click(panel.pause_button)
    assert desk.runs.state is RunState.RUNNING and panel.pause_button.text() == "Pause"
    desk.worker.end()
    assert panel.run_button.isEnabled() and not panel.stop_button.isEnabled()
    assert "for the 100 frames on this machine." in plain(panel.interval.cost)
    speed = 100 / desk.runs.forecast.seconds_for(5)
    assert speed == pytest.approx(5.0, rel=0.3), "of the run before; memory grows otherwise in this one"


def test_each_pass_is_counted_by_itself_where_both_draw_the_same_frames(desk, panel):
    desk.correct(0)
    desk.correct(60)
    click(direction(panel, "both"))
    click(panel.run_button)
    desk.worker.begin(98, steps=157, passes=(98, 59))
    seen = [panel.status.text().splitlines()[0].split(" · ")[0]]
    for first in (1, 11):
        desk.worker.draw(range(first, first + 10), [1], desk.media.size, provisional=True)
        seen.append(panel.status.text().splitlines()[0].split(" · ")[0])
    assert seen == [f"Pass 1 of 2: {done} of 98 frames" for done in (0, 10, 20)] and panel.progress.value() == 20
    assert desk.runs.progress.done == 0, "they are drawn again"
    desk.worker.draw(range(21, 99), [1], desk.media.size)
    desk.worker.draw(range(59, 49, -1), [1], desk.media.size)
    assert panel.status.text().startswith("Pass 2 of 2: 10 of 59 frames")


def test_the_time_of_the_next_run_counts_both_passes_and_what_is_known(desk, panel, qtbot):
    desk.correct(0)
    desk.runs.next.set_settings(replace(desk.runs.next.settings, direction="both", interval=10))
    click(panel.run_button)
    desk.worker.begin(99, plan=(Work(), *[Work(10, 10, 10, 10)] * 10))
    memory = MemoryUse((0,), (), 1, 2, known=frozenset(range(1, 50)), capacity=60)
    desk.worker.draw(range(0, 1), [], desk.media.size, memory=memory)
    for first in range(1, 91, 10):
        desk.worker.draw(range(first, first + 10), [1], desk.media.size, seconds=10.0, memory=memory)
    desk.worker.end()
    again = desk.runs.forecast.seconds_for(10)
    desk.correct(50)
    touched, twice = desk.runs.forecast.seconds_for(10), desk.runs.forecast.seconds_for(10, everything=True)
    assert touched < twice, "all of it, not only what the correction touches"
    told = panel.everything_button
    qtbot.waitUntil(lambda: f"about {duration(twice)}" in told.toolTip())
    desk.runs.next.set_in_out(0, None)
    assert desk.runs.forecast.seconds_for(10) == twice
    assert twice > 1.3 * again, "frames 1 to 49 are drawn by both passes now, and there is a further annotated frame"
    desk.runs.next.set_settings(replace(desk.runs.next.settings, resolution=240))
    assert desk.runs.forecast.seconds_for(10) is None, "nothing was measured at this size"


def test_the_time_after_a_correction_counts_each_frame_once(desk, panel, qtbot):
    desk.correct(0)
    desk.correct(60)
    desk.runs.next.set_settings(replace(desk.runs.next.settings, interval=10))
    click(panel.run_button)
    desk.worker.begin(98, plan=(Work(), *[Work(10, 10, 10, 10)] * 10))
    desk.worker.draw(range(0, 1), [], desk.media.size)
    for first in range(1, 91, 10):
        desk.worker.draw(range(first, first + 10), [1], desk.media.size, seconds=10.0)
    desk.worker.end()
    desk.correct(30)
    runs = desk.runs
    assert runs.next.touched.extent == (1, 59) and runs.next.touched.frames_at_most == 58
    once, twice = runs.forecast.seconds_for(10), runs.forecast.seconds_for(10, from_both_sides=True)
    assert 1.5 * once < twice < 2.1 * once
    told = panel.interval.cost
    qtbot.waitUntil(lambda: f"at most {duration(once)} for at most 58 frames" in told.text(), timeout=5000)
    assert f"{duration(twice)} where they have to be drawn from both sides" in told.text()
    click(panel.run_button)
    desk.worker.begin(58, plan=(Work(), *[Work(10, 10, 10, 10)] * 12))
    desk.worker.draw(range(31, 41), [1], desk.media.size)
    assert panel.status.text().startswith("10 of at most 58 frames")


def test_each_quality_says_what_it_costs_here(desk, panel):
    box, runs = panel.quality.box, desk.runs
    assert box.currentText() == "Normal (480 pixels)" and "about" not in box.itemText(0), "nothing was measured yet"
    desk.correct(0)
    click(panel.run_button)
    desk.worker.begin(99, plan=(Work(), *[Work(5, 5, 5, 5)] * 20))
    desk.worker.draw(range(0, 1), [], desk.media.size)
    for first in range(1, 99, 5):
        desk.worker.draw(range(first, min(99, first + 5)), [1], desk.media.size, seconds=5.0)
    desk.worker.end()
    draft, normal, best = (runs.forecast.seconds_at(pixels) for pixels in QUALITIES.values())
    assert normal == pytest.approx(runs.forecast.seconds_for(runs.next.settings.interval))
    assert draft < normal / 2 < normal < best, "by the number of pixels, where it was not measured"
    panel.quality.refresh()
    for place, seconds in enumerate((draft, normal, best)):
        assert box.itemText(place).endswith(f"about {duration(seconds)}")
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert runs.next.settings.resolution == 240 and runs.forecast.seconds_at(480) == pytest.approx(normal)
    runs.next.set_settings(replace(runs.next.settings, resolution=300))
    assert box.currentText().startswith("Custom (300 pixels)") and box.count() == 4
    runs.next.set_settings(replace(runs.next.settings, resolution=600))
    assert box.currentText().startswith("Best") and box.count() == 3


def test_the_time_of_the_next_run_counts_locked_objects_that_it_draws(desk, panel):
    desk.correct(0)
    desk.runs.next.set_settings(replace(desk.runs.next.settings, interval=10))
    click(panel.run_button)
    desk.worker.begin(10, plan=(Work(10, 10, 10, 10),) * 2)
    for first in (1, 11):
        desk.worker.draw(range(first, first + 10), [1], desk.media.size, seconds=10.0)
    desk.worker.end()
    free = desk.runs.forecast.seconds_for(10)
    desk.lock(1)
    assert desk.runs.forecast.seconds_for(10) == free, "frames 21 to 39 are unknown, and drawn"
    desk.runs.next.set_in_out(1, 20)
    assert desk.runs.forecast.seconds_for(10) is None, "all that is there is protected: nothing is drawn"


def test_where_nothing_is_marked_no_time_is_promised(qtbot, desk, panel):
    desk.correct(0)
    click(panel.run_button)
    desk.worker.begin(10, plan=(Work(10, 10, 10, 10),) * 2)
    for first in (1, 11):
        desk.worker.draw(range(first, first + 10), [1], desk.media.size, seconds=10.0)
    desk.worker.end()
    assert "about" in panel.interval.cost.text()
    desk.session.delete_object(1)
    assert desk.runs.forecast.seconds_for(5) is None
    qtbot.waitUntil(lambda: panel.interval.cost.text().endswith("once there is something to propagate."), timeout=5000)


def test_stop_ends_the_run(desk, panel):
    desk.correct(0)
    click(panel.run_button)
    desk.worker.begin(100)
    click(panel.stop_button)
    assert desk.worker.told == [("cancel", desk.worker.jobs[0].number)]
    assert panel.run_button.isEnabled()


def test_without_footage_nothing_can_be_started(desk, panel):
    desk.close()
    for button in (panel.run_button, panel.pause_button, panel.stop_button, panel.compare_button):
        assert not button.isEnabled()
    assert panel.frames_label.text() == "Opening…"


def test_follow_goes_both_ways(desk, panel):
    click_at = QPoint(8, panel.follow.height() // 2)
    QTest.mouseClick(panel.follow, Qt.MouseButton.LeftButton, pos=click_at)
    assert not desk.view.follow
    desk.view.set_follow(True)
    assert panel.follow.isChecked()


def test_the_interval_by_number_key_and_drag(desk, panel):
    control = panel.interval
    assert "is told here after the first propagation" in control.cost.text()
    control.spin.setValue(12)
    assert desk.runs.next.settings.interval == 12 and control.slider.value() == 12
    QTest.keyClick(control.slider, Qt.Key.Key_Right)
    assert desk.runs.next.settings.interval == 13
    control.slider.setSliderDown(True)
    control.slider.setValue(40)
    assert desk.runs.next.settings.interval == 13 and control.spin.value() == 40
    assert "The paper ends at L = 25" in control.paper.text()
    control.slider.setSliderDown(False)
    assert desk.runs.next.settings.interval == 40


def test_what_the_slider_buys_is_told_in_figures_of_this_machine(desk, panel):
    desk.correct(0)
    control = panel.interval
    for interval, speed in ((1, 2.0), (15, 8.0)):
        desk.runs.compare()
        job = desk.worker.jobs[-1]
        labels = np.zeros((1, *desk.media.size), np.uint8)
        desk.worker.compared.emit(Compared(job.number, interval, (0,), labels, speed))
        desk.worker.end()
    seconds = {L: desk.runs.forecast.seconds_for(L) for L in (1, 5, 15)}
    one, five, fifteen = (duration(s).replace("\N{NO-BREAK SPACE}", " ") for s in seconds.values())
    assert seconds[1] > 3 * seconds[15] > 0, "the speeds that were measured"
    assert plain(control.cost) == (
        f"L = 5: about {five} for the 100 frames on this machine. In its place L = 1: {one}, L = 15: {fifteen}."
    )
    control.spin.setValue(15)
    assert plain(control.cost) == (
        f"L = 15: about {fifteen} for the 100 frames on this machine. In its place L = 1: {one}."
    )
    for label in (control.hint, control.paper):
        assert not label.isVisible(), "what the paper measured is for those who ask"
    click(panel.more.toggleButton())
    assert control.hint.isVisible() and control.paper.isVisible()


def test_a_click_on_a_tick_chooses_it(desk, panel):
    ticks = panel.interval.ticks
    for value in (25, 1, 50, 10):
        QTest.mouseClick(ticks, Qt.MouseButton.LeftButton, pos=QPoint(ticks.place(value), 10))
        assert desk.runs.next.settings.interval == value


def test_the_paper_in_words():
    assert paper_text(5) == "In the paper, L = 5 scores 84.6."
    assert paper_text(15) == "In the paper, L = 15 scores 83.6: 1.0 points below L = 5."
    assert paper_text(12) == "In the paper, between 84.1 (L = 10) and 83.6 (L = 15)."
    assert paper_text(2) == "The paper begins at L = 5, with a score of 84.6."
    assert paper_text(50) == "The paper ends at L = 25: 83.0, 1.6 points below L = 5."
    assert "0.5 points lost at L = 10, 1.0 at 15, 1.6 at 25" in paper_summary()
    spoken = [duration(s).replace("\N{NO-BREAK SPACE}", " ") for s in (3.2, 240, 4200)]
    assert spoken == ["3 s", "4 min", "1 h 10 min"]


def test_advanced_settings(desk, panel):
    form, runs = panel.advanced, desk.runs
    (progressive, every), (resolution, pixels) = form.fields["progressive"], form.fields["resolution"]
    top_k, memory_frames, distractors, device, weights = (
        form.fields[name][0] for name in ("top_k", "memory_frames", "distractors", "device", "weights")
    )
    assert not form.isVisible()
    click(panel.fold.toggleButton())
    assert form.isVisible()
    progressive.click()
    assert runs.next.settings.progressive == 0 and not every.isEnabled()
    progressive.click()
    every.setValue(3)
    top_k.setValue(30)
    memory_frames.setValue(12)
    assert (runs.next.settings.progressive, runs.next.settings.top_k, runs.next.settings.memory_frames) == (3, 30, 12)
    assert runs.next.settings.propagation.distractors
    distractors.click()
    assert not runs.next.settings.propagation.distractors
    for text, chosen in (("240 pixels", 240), ("native", None)):
        resolution.setCurrentText(text)
        resolution.activated.emit(resolution.currentIndex())
        assert runs.next.settings.resolution == chosen
        assert not pixels.isVisible()
    resolution.setCurrentText("custom")
    resolution.activated.emit(resolution.currentIndex())
    assert pixels.isVisible()
    for number in (300, 480):  # 480 is also a choice of its own, but was typed here
        pixels.setValue(number)
        assert runs.next.settings.resolution == number and resolution.currentText() == "custom"
    device.lineEdit().selectAll()
    QTest.keyClicks(device.lineEdit(), "cuda:1")
    QTest.keyClick(device.lineEdit(), Qt.Key.Key_Return)
    assert runs.next.settings.device == "cuda:1"
    weights.setText("/w/p.pth")
    QTest.keyClick(weights, Qt.Key.Key_Return)
    assert runs.next.settings.weights == "/w/p.pth"
    desk.project.remember(frame=1)
    desk.reopen()
    assert weights.text() == "/w/p.pth" and device.currentText() == "cuda:1"
    assert top_k.value() == 30 and not distractors.isChecked()


def test_the_wheel_scrolls_and_changes_only_what_has_the_focus(qtbot, desk, panel):
    panel.resize(300, 500)
    click(panel.fold.toggleButton())
    scroll = panel.scroll_area
    qtbot.waitUntil(lambda: scroll.verticalScrollBar().value() > 0)  # to what was unfolded
    fields = [panel.advanced.fields[name][0] for name in ("memory_frames", "precision", "device")]
    for field in fields:
        scroll.ensureWidgetVisible(field)
        before, scrolled = desk.runs.next.settings, scroll.verticalScrollBar().value()
        turn_the_wheel(field, 120)
        assert desk.runs.next.settings == before and not field.hasFocus(), field.accessibleName()
        assert scroll.verticalScrollBar().value() < scrolled
    scroll.ensureWidgetVisible(fields[0])
    fields[0].setFocus()
    turn_the_wheel(fields[0], 120)
    assert fields[0].value() == 41


# memory


@pytest.fixture
def memory(qtbot, desk):
    return shown(qtbot, MemoryPanel(desk.session, desk.runs), (300, 500))


def row_point(panel, frame, cross=False) -> QPoint:
    rect = panel.view.visualRect(panel.model.index(panel.model.row(frame)))
    return remove_rect(rect).center() if cross else rect.center()


def test_permanent_frames_are_listed_in_order(desk, memory):
    for frame in (50, 7, 90):
        desk.correct(frame)
    desk.put(60, corrected=True)  # not in memory
    desk.correct(7, id=2)
    assert [memory.model.frame(r) for r in range(memory.model.rowCount())] == [7, 50, 90]
    index = memory.model.index(0)
    assert len(index.data(DOTS_ROLE)) == 2
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Frame 7: Object 1, Object 2"
    assert not index.data(Qt.ItemDataRole.DecorationRole).isNull()


def test_a_click_jumps_and_the_cross_takes_out(desk, memory):
    for frame in (7, 50):
        desk.correct(frame)
    desk.correct(50, id=2)
    QTest.mouseClick(memory.view.viewport(), Qt.MouseButton.LeftButton, pos=row_point(memory, 50))
    assert desk.session.navigator.frame == 50 and memory.view.currentIndex().row() == 1
    QTest.mouseClick(memory.view.viewport(), Qt.MouseButton.LeftButton, pos=row_point(memory, 7, cross=True))
    assert desk.session.navigator.frame == 50
    assert memory.model.rowCount() == 1
    assert desk.project.cell(7, 1).corrected and not desk.project.cell(7, 1).in_memory
    desk.session.undo_stack.undo()
    assert memory.model.rowCount() == 2


def test_one_object_can_be_taken_out(desk, memory):
    desk.correct(50)
    desk.correct(50, id=2)
    desk.session.navigator.go_to(50)
    memory.remove_menu.aboutToShow.emit()
    actions = {a.text(): a for a in memory.remove_menu.actions()}
    assert list(actions) == ["Take out frame 50", "Take out Object 1 only", "Take out Object 2 only"]
    actions["Take out Object 1 only"].trigger()
    assert not desk.project.cell(50, 1).in_memory and desk.project.cell(50, 2).in_memory
    assert len(memory.model.index(0).data(DOTS_ROLE)) == 1


def test_keys_jump_and_take_out(desk, memory):
    desk.correct(7)
    desk.correct(50)
    memory.view.setFocus(Qt.FocusReason.TabFocusReason)
    memory.view.setCurrentIndex(memory.model.index(0))
    QTest.keyClick(memory.view, Qt.Key.Key_Down)
    QTest.keyClick(memory.view, Qt.Key.Key_Return)
    assert desk.session.navigator.frame == 50
    QTest.keyClick(memory.view, Qt.Key.Key_Delete)
    assert [memory.model.frame(r) for r in range(memory.model.rowCount())] == [7]


def test_accept_this_frame(desk, memory):
    assert not memory.accept_button.isEnabled()  # nothing is there
    desk.put(0, confidence=0.8)
    assert memory.accept_button.isEnabled()
    click(memory.accept_button)
    assert desk.project.cell(0, 1).in_memory and memory.model.rowCount() == 1
    desk.session.undo_stack.undo()
    assert memory.model.rowCount() == 0 and desk.project.cell(0, 1).confidence == 0.8


def test_gauges_and_working_memory(desk, memory):
    assert "empty until something is propagated" in memory.working.text()
    assert not memory.working.isVisible(), "words of the trade, for those who ask"
    click(memory.more.toggleButton())
    assert memory.working.isVisible()
    assert not memory.ram.isVisible()
    desk.runs.memory = MemoryUse((0,), (5, 10, 15, 20, 60), 4 * 10**9, 16 * 10**9, cached_frames=33)
    desk.runs.memory_changed.emit()
    assert memory.working.text() == "Working memory: 5 frames (5, 10, 15 … 60). Cached features: 33 frames."
    assert memory.ram.label.text() == "RAM: 4.0 of 16.0 GB" and memory.ram.bar.value() == 250
    assert not memory.gpu.isVisible()
    desk.runs.memory = MemoryUse((0,), (), 1, 2, 2 * 10**9, 8 * 10**9)
    desk.runs.memory_changed.emit()
    assert memory.gpu.isVisible() and memory.gpu.bar.value() == 250
    assert frames_in_words((3,)) == "1 frame (3)"


def test_distractors_that_are_followed_are_told(desk, memory):
    desk.correct(7)
    desk.correct(7, id=2)
    click(memory.more.toggleButton())
    assert not memory.distractors.isVisible()
    desk.runs.memory = MemoryUse((7, 50), (), 1, 2, distractors={7: (1, 2), 50: (1,), 60: (9,)})
    desk.runs.memory_changed.emit()
    assert memory.distractors.isVisible()
    names = [obj.name for obj in desk.session.objects]
    told = "Look-alikes kept apart: of {} on 2 frames (7, 50); of {} on 1 frame (7)."
    assert memory.distractors.text() == told.format(*names)
    desk.session.change_object(replace(desk.session.object(1), name="Rabbit"))
    assert "of Rabbit on 2 frames" in memory.distractors.text()
    desk.runs.memory = None
    desk.runs.memory_changed.emit()
    assert not memory.distractors.isVisible()


def test_pictures_of_frames_that_were_not_on_the_screen_are_read(desk, memory):
    desk.frames.late = True
    desk.correct(0)
    desk.correct(50)
    memory.view.grab()
    assert set(desk.frames.asides) >= {50}
    before = memory.model.index(1).data(Qt.ItemDataRole.DecorationRole).toImage()
    desk.frames.deliver_aside(50)
    after = memory.model.index(1).data(Qt.ItemDataRole.DecorationRole).toImage()
    assert before != after


def test_hundreds_of_frames(qtbot, tmp_path, monkeypatch):
    desk = Desk(tmp_path, frames=400)
    panel = shown(qtbot, MemoryPanel(desk.session, desk.runs), (300, 500))
    for frame in range(0, 400, 2):
        desk.correct(frame)
    assert panel.model.rowCount() == 200
    read, cells = set(), desk.project.cells
    monkeypatch.setattr(desk.project, "cells", lambda frame: read.add(frame) or cells(frame))
    panel.view.scrollToBottom()
    panel.grab()
    assert 0 < len(read) < 40, "only what is on the screen"
    desk.session.navigator.go_to(0)
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=row_point(panel, 0))
    assert desk.session.navigator.frame == 0
    desk.close()
    assert panel.model.rowCount() == 0 and panel.empty.text() == "Opening…"


# history


def test_history_starts_with_opening_and_a_click_goes_back(qtbot, desk):
    panel = shown(qtbot, HistoryPanel(desk.session), (300, 200))
    assert panel.view.model().index(0, 0).data() == "Opened (history starts here)"
    desk.session.add_object("rabbit")
    desk.session.add_object("tree")
    assert panel.view.model().index(2, 0).data() == "Add tree"
    rect = panel.view.visualRect(panel.view.model().index(1, 0))
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert [o.name for o in desk.session.objects][2:] == ["rabbit"]


def test_what_the_next_run_takes_is_told_before_it(qtbot, desk, panel):
    assert not desk.worker.questions and panel.memory.isHidden()
    desk.correct(0)
    qtbot.waitUntil(lambda: len(desk.worker.questions) == 1)
    question = desk.worker.questions[0]
    assert (question.size, question.frames, question.objects, question.annotated) == (desk.media.size, 100, 1, 1)
    desk.worker.memory_told.emit(MemoryTold(question.number, "at most 1.2 GiB", ""))
    assert panel.memory.text() == "Memory: at most 1.2 GiB."
    desk.runs.next.set_settings(replace(desk.runs.next.settings, memory_frames=90))
    qtbot.waitUntil(lambda: len(desk.worker.questions) == 2)
    assert desk.worker.questions[1].settings.memory_frames == 90
    advice = "This run may take 9.0 GiB, and 2.0 GiB are free: choose fewer memory frames."
    desk.worker.memory_told.emit(MemoryTold(desk.worker.questions[1].number, "at most 9.0 GiB", advice))
    assert panel.memory.text() == advice


def test_a_run_that_may_not_fit_is_told_of_before_it_draws(desk, panel):
    desk.correct(0)
    click(panel.run_button)
    desk.worker.begin(99, memory_advice="This run may take 9.0 GiB, and 2.0 GiB are free: choose a lower resolution.")
    told = desk.messages[-1]
    assert told.level == "warning" and told.text.startswith("This run may take 9.0 GiB") and told.holds()
    told.actions[1].run()
    assert desk.worker.told == [("cancel", desk.worker.jobs[0].number)] and len(desk.worker.jobs) == 2
    assert desk.worker.jobs[1].settings.memory_frames == 10, "it begins again, with less"
    assert not told.holds(), "it was about the other run"
    desk.worker.begin(99)
    assert desk.messages[-1] is told, "this one fits"
