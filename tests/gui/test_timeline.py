"""The timeline: what it paints, where a click goes, zoom, in and out points, the transport."""

from fractions import Fraction

import numpy as np
import pytest
from panel_parts import Desk, wheel
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from core.media.arrays import ArraySource
from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED
from core.studio.jobs import MemoryUse
from pcvos_gui.session.player import Player
from pcvos_gui.timeline import Timeline, paint
from pcvos_gui.timeline.columns import Visible, fitted, frame_ticks, gather, spread, time_ticks, timecode
from pcvos_gui.timeline.words import describe

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform


@pytest.fixture
def desk(qtbot, tmp_path):
    made = Desk(tmp_path, frames=100)
    yield made
    made.close()


@pytest.fixture
def timeline(qtbot, desk):
    return shown(qtbot, desk)


def shown(qtbot, desk) -> Timeline:
    made = Timeline(desk.session, desk.runs, Player(desk.session, desk.runs.next))
    qtbot.addWidget(made)
    made.resize(1200, 128)
    with qtbot.waitExposed(made):
        made.show()
    return made


def at(timeline: Timeline, frame: int, y: int = 60) -> QPoint:
    """The middle of a frame on the scrubber."""
    return QPoint(round(timeline.scrubber.visible.centre(frame)), y)


# columns


@pytest.mark.parametrize("count, width", [(100, 700), (1000, 700), (100_000, 700), (1, 700), (700, 700)])
def test_columns_miss_no_frame(count, width):
    generator = np.random.default_rng(count)
    states = np.zeros(count, np.uint8)
    confidence = np.full(count, np.nan, np.float32)
    marked = generator.choice(count, max(1, count // 500), replace=False)
    states[marked], confidence[marked] = CORRECTED, 0.25
    visible = fitted(0, count, width, count)
    columns = gather(visible, states, confidence)
    for frame in marked:
        x = visible.x(frame) + 1e-6
        under = (columns.left <= x) & (x < columns.right)
        assert (columns.states[under] & CORRECTED).all() and under.any()
        assert np.nanmin(columns.confidence[under]) == 0.25
    nothing = columns.states == 0
    assert np.isnan(columns.confidence[nothing]).all()
    assert nothing.sum() >= len(nothing) - len(marked)


def test_a_column_has_the_least_confidence_and_all_flags():
    states = np.array([PREDICTED, 0, CORRECTED | IN_MEMORY, 0] * 25, np.uint8)
    confidence = np.array([0.9, np.nan, 0.2, np.nan] * 25, np.float32)
    columns = gather(Visible(0, 100, 25), states, confidence)
    assert len(columns.states) == 25
    assert (columns.states == PREDICTED | CORRECTED | IN_MEMORY).all()
    assert np.allclose(columns.confidence, 0.2)


def test_marks_keep_their_distance():
    states = np.full(1000, CORRECTED, np.uint8)
    columns = gather(Visible(0, 1000, 500), states, np.full(1000, np.nan, np.float32))
    kept = columns.left[spread(columns, CORRECTED, 8)]
    assert (np.diff(kept) >= 8).all() and len(kept) == 63


def test_a_view_stays_within_the_footage():
    assert fitted(-50, 1000, 500, 100) == Visible(0, 100, 500)
    assert fitted(95, 20, 500, 100) == Visible(80, 20, 500)
    assert fitted(0, 0.5, 500, 100).span == 12
    assert fitted(0, 0.5, 500, 1).span == 1


def test_rulers_count_round_numbers():
    assert frame_ticks(Visible(0, 100, 1000), 72) == list(range(0, 101, 10))
    assert frame_ticks(Visible(30, 50_000, 1000), 72)[:2] == [5000, 10_000]
    timestamps = [Fraction(i, 30) for i in range(900)]
    ticks = time_ticks(Visible(0, 900, 1000), timestamps, 96)
    assert [seconds for _, seconds in ticks] == [0, 5, 10, 15, 20, 25]
    assert [frame for frame, _ in ticks] == [0, 150, 300, 450, 600, 750]


def test_timecode_and_words():
    assert timecode(0) == "00:00.000" and timecode(1.48) == "00:01.480" and timecode(59.9996) == "01:00.000"
    assert timecode(3725.5) == "1:02:05.500"
    assert describe(3, 0.12, CORRECTED | IN_MEMORY, float("nan"), False).splitlines() == [
        "Frame 3 · 00:00.120",
        "Corrected, in permanent memory",
    ]
    assert "Low confidence" in describe(3, 0.12, PREDICTED, 0.3, True)
    assert "High confidence (95%)" in describe(3, 0.12, PREDICTED, 0.95, True)
    assert "Nothing here yet" in describe(3, 0.12, 0, float("nan"), False)


# the scrubber


def test_click_and_drag_scrub(qtbot, desk, timeline):
    scrubber = timeline.scrubber
    QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=at(timeline, 25))
    assert desk.session.navigator.frame == 25
    QTest.mouseMove(scrubber, at(timeline, 60))
    assert desk.session.navigator.frame == 60
    QTest.mouseMove(scrubber, QPoint(5000, 50))
    assert desk.session.navigator.frame == 99
    QTest.mouseRelease(scrubber, Qt.MouseButton.LeftButton, pos=at(timeline, 60))
    QTest.mouseMove(scrubber, at(timeline, 10))
    assert desk.session.navigator.frame == 99  # let go


def test_a_diamond_is_full_in_memory_and_hollow_otherwise(desk, timeline):
    desk.correct(30)
    desk.put(50, corrected=True)
    desk.session.navigator.go_to(0)
    picture = timeline.scrubber.grab().toImage()
    middle = paint.MARKS[0] + paint.MARKS[1] // 2 - 1
    accent = timeline.palette().highlight().color()
    assert picture.pixelColor(at(timeline, 30, middle)) == accent
    assert picture.pixelColor(at(timeline, 50, middle)) != accent
    around = QRect(at(timeline, 50, middle) - QPoint(6, 0), at(timeline, 50, middle) + QPoint(6, 0))
    seen = [picture.pixelColor(x, middle) for x in range(around.left(), around.right() + 1)]
    assert any(near(c, accent) for c in seen)


def near(one: QColor, other: QColor) -> bool:
    return all(abs(a - b) < 60 for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True))


def test_low_confidence_has_the_warning_colour(desk, timeline):
    desk.put(20, confidence=0.95)
    desk.put(40, confidence=0.3)
    picture = timeline.scrubber.grab().toImage()
    colours = paint.Colours.of(timeline.palette())
    bottom = paint.GRAPH[0] + paint.GRAPH[1] - 4
    assert picture.pixelColor(at(timeline, 20, bottom)) == colours.graph
    assert picture.pixelColor(at(timeline, 40, bottom)) == colours.warning
    top = paint.GRAPH[0] + 4
    assert picture.pixelColor(at(timeline, 20, top)) == colours.graph
    assert picture.pixelColor(at(timeline, 40, top)) == colours.doubt


def test_memory_frames_of_the_last_run_are_ticked(desk, timeline):
    desk.runs.memory = MemoryUse((10,), (70,), 1, 2)
    desk.runs.memory_changed.emit()
    picture = timeline.scrubber.grab().toImage()
    colours = paint.Colours.of(timeline.palette())
    y = paint.MEMORY[0] + 3
    assert picture.pixelColor(at(timeline, 10, y)) == colours.accent
    assert picture.pixelColor(at(timeline, 70, y)) == colours.dim
    assert picture.pixelColor(at(timeline, 40, y)) == colours.ground


def test_double_click_near_a_diamond_goes_to_it(qtbot, tmp_path):
    desk = Desk(tmp_path, frames=10_000)
    timeline = shown(qtbot, desk)
    desk.correct(5003)
    QTest.mouseDClick(timeline.scrubber, Qt.MouseButton.LeftButton, pos=at(timeline, 5003, 40) + QPoint(3, 0))
    assert desk.session.navigator.frame == 5003
    desk.close()


def test_the_wheel_zooms_around_the_cursor_and_shift_scrolls(desk, timeline):
    scrubber = timeline.scrubber
    before = scrubber.visible.frame(300)
    wheel(scrubber, 300, 50, 360)
    assert scrubber.visible.span < 60
    assert scrubber.visible.frame(300) == pytest.approx(before)
    first = scrubber.visible.first
    wheel(scrubber, 300, 50, -120, Qt.KeyboardModifier.ShiftModifier)
    assert scrubber.visible.first > first
    wheel(scrubber, 300, 50, -10 * 120)
    assert (scrubber.visible.first, scrubber.visible.span) == (0, 100)


def test_the_middle_button_drags_the_view(desk, timeline):
    scrubber = timeline.scrubber
    scrubber.zoom(4, 500)
    first, frame = scrubber.visible.first, desk.session.navigator.frame
    QTest.mousePress(scrubber, Qt.MouseButton.MiddleButton, pos=QPoint(400, 50))
    QTest.mouseMove(scrubber, QPoint(300, 50))
    QTest.mouseRelease(scrubber, Qt.MouseButton.MiddleButton, pos=QPoint(300, 50))
    assert scrubber.visible.first > first
    assert desk.session.navigator.frame == frame


def test_the_view_follows_the_playhead(desk, timeline):
    timeline.scrubber.zoom(8, 0)
    desk.session.navigator.go_to(90)
    visible = timeline.scrubber.visible
    assert visible.first <= 90 < visible.first + visible.span


def test_the_scroll_bar_moves_the_view(desk, timeline):
    assert not timeline.scroll_bar.isVisible()
    timeline.scrubber.zoom(4, 0)
    assert timeline.scroll_bar.isVisible()
    timeline.scroll_bar.setValue(timeline.scroll_bar.maximum())
    visible = timeline.scrubber.visible
    assert visible.first + visible.span == pytest.approx(100)


def test_handles_of_in_and_out_are_dragged(desk, timeline):
    scrubber, runs = timeline.scrubber, desk.runs
    runs.next.set_in_out(20, 60)
    grip = QPoint(round(scrubber.visible.x(20)) + 3, 26)
    QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=grip)
    QTest.mouseMove(scrubber, QPoint(round(scrubber.visible.x(35)), 26))
    assert scrubber.range == (35, 60)
    assert runs.next.in_point == 20  # chosen when the handle is let go
    QTest.mouseRelease(scrubber, Qt.MouseButton.LeftButton, pos=QPoint(round(scrubber.visible.x(35)), 26))
    assert (runs.next.in_point, runs.next.out_point) == (35, 60)
    grip = QPoint(round(scrubber.visible.x(61)) - 3, 26)
    QTest.mousePress(scrubber, Qt.MouseButton.LeftButton, pos=grip)
    QTest.mouseMove(scrubber, QPoint(0, 26))
    QTest.mouseRelease(scrubber, Qt.MouseButton.LeftButton, pos=QPoint(0, 26))
    assert (runs.next.in_point, runs.next.out_point) == (35, 35)  # never past the other one
    assert desk.session.navigator.frame == 0  # no scrubbing meanwhile


def test_the_menu_sets_and_clears(desk, timeline):
    for frame in (30, 31, 80):
        desk.put(frame, confidence=0.9)
    desk.correct(40)
    timeline.scrubber.make_menu(25).actions()[0].trigger()
    timeline.scrubber.make_menu(50).actions()[1].trigger()
    assert (desk.runs.next.in_point, desk.runs.next.out_point) == (25, 50)
    actions = {a.text(): a for a in timeline.scrubber.make_menu(50).actions()}
    actions["Clear results, frames 25 to 50 (corrections stay)"].trigger()
    assert np.flatnonzero(desk.project.states).tolist() == [40, 80]
    desk.session.undo_stack.undo()
    assert np.flatnonzero(desk.project.states).tolist() == [30, 31, 40, 80]
    actions["Clear in and out"].trigger()
    assert (desk.runs.next.in_point, desk.runs.next.out_point) == (None, None)
    timeline.scrubber.make_menu(60).actions()[0].trigger()
    timeline.scrubber.make_menu(10).actions()[1].trigger()
    assert (desk.runs.next.in_point, desk.runs.next.out_point) == (None, 10)  # the newer one counts


def test_the_tooltip_tells_the_frame(desk, timeline):
    desk.put(40, confidence=0.3)
    point = at(timeline, 40)
    help_event = QHelpEvent(QEvent.Type.ToolTip, point, timeline.scrubber.mapToGlobal(point))
    QApplication.sendEvent(timeline.scrubber, help_event)
    assert QToolTip.text() == "Frame 40 · 00:01.600\nPropagated\nLow confidence: worth a look (30%)"
    QToolTip.hideText()


def test_keys_on_the_scrubber(desk, timeline):
    desk.correct(70)
    scrubber = timeline.scrubber
    QTest.keyClick(scrubber, Qt.Key.Key_Right)
    assert desk.session.navigator.frame == 1
    QTest.keyClick(scrubber, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert desk.session.navigator.frame == 11
    QTest.keyClick(scrubber, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert desk.session.navigator.frame == 70
    QTest.keyClick(scrubber, Qt.Key.Key_End)
    assert desk.session.navigator.frame == 99
    QTest.keyClick(scrubber, Qt.Key.Key_Plus)
    assert scrubber.visible.span < 100


def test_the_ruler_counts_frames_or_time_and_remembers(qtbot, desk, timeline):
    menu = timeline.scrubber.make_menu(0)
    before = timeline.scrubber.grab().toImage()
    menu.actions()[-1].trigger()
    assert timeline.scrubber.shows_time
    assert timeline.scrubber.grab().toImage() != before
    again = shown(qtbot, desk)
    assert again.scrubber.shows_time


# the transport


def test_buttons_and_numbers_move(qtbot, desk, timeline):
    desk.correct(30)
    desk.correct(60)
    desk.session.navigator.go_to(45)
    before, back, play, on, behind = timeline.buttons
    QTest.mouseClick(on, Qt.MouseButton.LeftButton)
    assert desk.session.navigator.frame == 46
    QTest.mouseClick(behind, Qt.MouseButton.LeftButton)
    assert desk.session.navigator.frame == 60 and not behind.isEnabled()
    QTest.mouseClick(before, Qt.MouseButton.LeftButton)
    QTest.mouseClick(back, Qt.MouseButton.LeftButton)
    assert desk.session.navigator.frame == 29
    assert timeline.frame_box.value() == 29
    timeline.frame_box.selectAll()
    QTest.keyClicks(timeline.frame_box, "77")
    assert desk.session.navigator.frame == 29
    QTest.keyClick(timeline.frame_box, Qt.Key.Key_Return)
    assert desk.session.navigator.frame == 77
    QTest.mouseClick(play, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.session.navigator.frame > 77)
    assert play.toolTip() == "Pause"
    QTest.mouseClick(play, Qt.MouseButton.LeftButton)
    assert play.toolTip() != "Pause"


def test_set_in_and_out_at_the_playhead(desk, timeline):
    desk.session.navigator.go_to(12)
    timeline.set_in()
    desk.session.navigator.go_to(34)
    timeline.set_out()
    assert (desk.runs.next.in_point, desk.runs.next.out_point) == (12, 34)
    timeline.clear_in_out()
    assert (desk.runs.next.in_point, desk.runs.next.out_point) == (None, None)


def test_closed_footage_leaves_an_idle_timeline(desk, timeline):
    desk.correct(5)
    desk.close()
    assert not any(button.isEnabled() for button in timeline.buttons)
    QTest.mouseClick(timeline.scrubber, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    QTest.keyClick(timeline.scrubber, Qt.Key.Key_Right)
    assert not timeline.scrubber.grab().isNull()


@pytest.mark.parametrize("frames", [1, 2])
def test_very_short_footage(qtbot, tmp_path, frames):
    desk = Desk(tmp_path, frames=frames)
    timeline = shown(qtbot, desk)
    desk.correct(0)
    wheel(timeline.scrubber, 10, 10, 120)
    QTest.mouseClick(timeline.scrubber, Qt.MouseButton.LeftButton, pos=QPoint(timeline.scrubber.width() - 1, 50))
    assert desk.session.navigator.frame == frames - 1
    desk.runs.next.set_in_out(0, 0)
    assert not timeline.scrubber.grab().isNull()
    desk.close()


def test_of_a_hundred_thousand_frames_as_many_columns_are_drawn_as_there_are_pixels(qtbot, tmp_path, monkeypatch):
    desk = Desk(tmp_path, media=ArraySource(np.zeros((100_000, 12, 12, 3), np.uint8)))
    timeline = shown(qtbot, desk)
    generator = np.random.default_rng(3)
    flags = np.where(generator.random(100_000) < 0.01, CORRECTED | IN_MEMORY, PREDICTED).astype(np.uint8)
    sure = generator.random(100_000).astype(np.float32)
    for name, found in (("states", flags), ("confidence", sure)):  # as many changes would take longer than all the rest
        monkeypatch.setattr(type(desk.project), name, found)
    for name, found in (("flags_of", flags), ("confidence_of", sure)):
        monkeypatch.setattr(desk.project, name, lambda id, found=found: found)
    desk.session.states_changed.emit()
    drawn = []
    monkeypatch.setattr(paint, "paint_tracks", lambda painter, columns, *others: drawn.append(len(columns.left)))
    timeline.scrubber.grab()
    assert drawn and max(drawn) <= timeline.scrubber.width() + 1
    drawn.clear()
    for x in range(0, timeline.scrubber.width(), 10):
        QTest.mouseClick(timeline.scrubber, Qt.MouseButton.LeftButton, pos=QPoint(x, 50))
        timeline.scrubber.grab()
    assert not drawn, "a click moves the playhead over tracks that stay"
    assert desk.session.navigator.frame > 98_000
    for _ in range(60):
        wheel(timeline.scrubber, 500, 50, 120)
    timeline.scrubber.grab()
    assert timeline.scrubber.visible.span == 12
    desk.close()
