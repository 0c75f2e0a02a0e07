"""The rows of the timeline: what a cell shows, where a click goes, folding, scrolling, zooming; how little is drawn."""

import numpy as np
import pytest
from panel_parts import Desk, wheel
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_parts import Hands, truth

from core.masks.packed_mask import PackedMask
from core.media.arrays import ArraySource
from core.project.model import Author, Cell, Change, ObjectInfo
from core.studio.cell_states import CellState
from pcvos_gui.session.player import Player
from pcvos_gui.session.reviewer import Reviewer
from pcvos_gui.timeline import Timeline, paint, rows
from pcvos_gui.timeline.columns import Visible, at_pixels
from pcvos_gui.timeline.row_paint import ROW
from pcvos_gui.timeline.rows import ALL

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform


@pytest.fixture
def desk(qtbot, tmp_path):
    made = Desk(tmp_path, frames=100)
    yield made
    made.close()


@pytest.fixture
def timeline(qtbot, desk):
    return shown(qtbot, desk)


def shown(qtbot, desk, height: int = 200) -> Timeline:
    reviewer = Reviewer(desk.session)
    made = Timeline(desk.session, desk.runs, Player(desk.session, desk.runs.next), reviewer)
    made.reviewer = reviewer
    qtbot.addWidget(made)
    made.resize(1200, height)
    with qtbot.waitExposed(made):
        made.show()
    return made


def at(timeline: Timeline, row: int, frame: int, below: int = 8) -> QPoint:
    """A cell's middle on the rows."""
    x = timeline.rows.left + timeline.scrubber.visible.centre(frame)
    return QPoint(round(x), timeline.rows.place_of(row).top() + below)


def absent(desk: Desk, frame: int, id: int, corrected: bool = False) -> None:
    cell = Cell(PackedMask.empty(desk.media.size), corrected, corrected, None if corrected else 0.9)
    desk.session.document.apply(Change("absent", {(frame, id): (desk.project.cell(frame, id), cell)}))


@pytest.mark.parametrize("width", [25, 100, 730])
def test_of_several_cells_in_a_pixel_the_highest_state_is_shown(width: int):
    values = np.zeros(100, np.uint8)
    values[[13, 77]] = CellState.DOUBTFUL
    values[14] = CellState.DRAWN
    visible = Visible(0, 100, width)
    seen = at_pixels(visible, values)
    assert len(seen) == width
    for frame in (13, 77):
        assert seen[int(visible.centre(frame))] == CellState.DOUBTFUL
    assert np.count_nonzero(seen == CellState.DOUBTFUL) <= 2 * max(1, int(np.ceil(visible.per_frame)))


def test_each_state_is_seen_in_its_object_s_row(desk, timeline):
    for frame in (10, 20, 60, 70):
        desk.put(frame, 1, confidence=0.2 if frame in (20, 70) else 0.9)
    absent(desk, 30, 1)
    desk.correct(40, 1)
    absent(desk, 50, 1, corrected=True)
    timeline.reviewer.refresh()
    timeline.reviewer.tick(next(s for s in timeline.reviewer.stretches if s.frame == 70))
    picture, colours = timeline.rows.grab().toImage(), paint.Colours.of(timeline.palette())

    def colour(row: int, frame: int, below: int, left: int = 0):
        return picture.pixelColor(at(timeline, row, frame, below) - QPoint(left, 0))

    assert colour(1, 10, 5) == colours.graph and colour(1, 20, 5) == colours.warning
    assert colour(1, 30, 5) == colours.ground and colour(1, 30, 10) == colours.graph, "a line: not seen"
    assert colour(1, 40, 9) == colours.accent and colour(1, 50, 9) == colours.accent
    assert colour(1, 40, 4, 4) == colours.certain and colour(1, 50, 4, 4) == colours.ground
    assert colour(1, 60, 5) == colours.graph and colour(1, 80, 5) == colours.ground, "a gap: nothing is known"
    assert colour(1, 70, 5) == colours.graph and colour(1, 70, 14) == colours.warning, "ticked off"
    assert colour(2, 20, 5) == colours.ground, "another object's row"
    assert colour(ALL, 20, 5) == colours.warning and colour(ALL, 70, 5) == colours.graph
    graph = timeline.scrubber.grab().toImage()
    low = paint.GRAPH[0] + paint.GRAPH[1] - 4
    assert graph.pixelColor(round(timeline.scrubber.visible.centre(20)), low) == colours.warning
    assert graph.pixelColor(round(timeline.scrubber.visible.centre(70)), low) == colours.graph, "as in the rows"


def test_words_of_a_cell(desk, timeline):
    desk.put(20, 2, confidence=0.2)
    absent(desk, 30, 2)
    timeline.reviewer.refresh()
    text = timeline.rows.text_at
    assert text(at(timeline, 2, 20)).splitlines()[:2] == [
        "Object 2 · Frame 20 · 00:00.800",
        "Propagated with doubt: worth a look",
    ]
    assert "not seen here" in text(at(timeline, 2, 30)) and "Never processed" in text(at(timeline, 1, 20))
    assert "1 place deserves a look" in text(QPoint(5, timeline.rows.place_of(2).center().y()))
    assert text(at(timeline, ALL, 20)).startswith("All objects · Frame 20")


def test_a_click_goes_to_the_cell_and_chooses_its_object(desk, timeline):
    QTest.mousePress(timeline.rows, Qt.MouseButton.LeftButton, pos=at(timeline, 2, 33))
    assert (desk.session.navigator.frame, desk.session.active) == (33, 2)
    QTest.mouseMove(timeline.rows, at(timeline, 2, 44))
    QTest.mouseRelease(timeline.rows, Qt.MouseButton.LeftButton, pos=at(timeline, 2, 44))
    assert desk.session.navigator.frame == 44
    QTest.mouseClick(timeline.rows, Qt.MouseButton.LeftButton, pos=QPoint(40, timeline.rows.place_of(1).center().y()))
    assert (desk.session.navigator.frame, desk.session.active) == (44, 1), "a name chooses only"
    QTest.mouseClick(timeline.rows, Qt.MouseButton.LeftButton, pos=at(timeline, ALL, 50))
    assert (desk.session.navigator.frame, desk.session.active) == (50, 1)


def test_rows_fold_into_the_worst_of_all_and_stay_so(qtbot, desk, timeline):
    assert timeline.rows.rows == [ALL, 1, 2]
    QTest.mouseClick(timeline.rows, Qt.MouseButton.LeftButton, pos=QPoint(8, ROW // 2))
    assert timeline.rows.rows == [ALL] and timeline.rows.maximumHeight() == ROW
    assert shown(qtbot, desk).rows.rows == [ALL]
    desk.session.delete_object(2)
    assert timeline.rows.rows == [1], "one object needs no summary"


def test_many_rows_scroll_and_the_active_one_is_seen(qtbot, tmp_path):
    desk = Desk(tmp_path, objects=60)
    timeline = shown(qtbot, desk)
    desk.session.set_active(47)
    place = timeline.rows.place_of(47)
    assert place.top() >= 0 and place.bottom() < timeline.rows.height()
    before = timeline.rows.bar.value()
    wheel(timeline.rows, 300, 10, -120)
    assert timeline.rows.bar.value() == before + 2 * ROW
    QTest.keyClick(timeline.rows, Qt.Key.Key_Down)
    assert desk.session.active == 48
    desk.close()


def test_the_wheel_zooms_with_ctrl_and_rows_keep_to_the_scrubber(desk, timeline):
    x = timeline.rows.left + 300
    held = timeline.scrubber.visible.frame(300)
    wheel(timeline.rows, x, 10, 360, Qt.KeyboardModifier.ControlModifier)
    assert timeline.scrubber.visible.span < 60 and timeline.scrubber.visible.frame(300) == pytest.approx(held)
    first = timeline.scrubber.visible.first
    wheel(timeline.rows, x, 10, -120, Qt.KeyboardModifier.ShiftModifier)
    assert timeline.scrubber.visible.first > first
    QTest.keyClick(timeline.rows, Qt.Key.Key_Minus)
    QTest.mouseClick(timeline.rows, Qt.MouseButton.LeftButton, pos=at(timeline, 1, 40))
    assert desk.session.navigator.frame == 40


def test_pictures_of_frames_where_there_is_room(qtbot, desk, timeline):
    assert not timeline.film.isVisible()
    timeline.resize(1200, 320)
    assert timeline.film.isVisible()
    timeline.film.grab()
    pictured = timeline.film.frames()
    assert len(pictured) <= timeline.film.width() / 96 + 2 and np.all(np.diff(pictured) == pictured[1] - pictured[0])
    QTest.mouseClick(timeline.film, Qt.MouseButton.LeftButton, pos=timeline.film.place_of(pictured[2]).center())
    assert pictured[2] <= desk.session.navigator.frame < pictured[3]


def test_the_wheel_zooms_over_pictures_and_curves_as_over_the_scrubber(timeline):
    timeline.resize(1200, 320)
    for widget in (timeline.film, timeline.curves):
        held, span = timeline.scrubber.visible.frame(300), timeline.scrubber.visible.span
        wheel(widget, 300, 10, 240)
        assert timeline.scrubber.visible.span < span and timeline.scrubber.visible.frame(300) == pytest.approx(held)


def test_room_that_no_row_has_a_use_for_stays_below(timeline):
    timeline.resize(1200, 600)
    rows, bar = timeline.rows.geometry(), timeline.scroll_bar.geometry()
    assert rows.top() - timeline.film.geometry().bottom() <= 1 and bar.top() - rows.bottom() <= 1
    assert rows.height() == timeline.rows.maximumHeight() and timeline.height() - bar.bottom() > 100


def test_of_twenty_thousand_frames_and_a_hundred_objects_only_what_is_seen_is_worked_out(qtbot, tmp_path, monkeypatch):
    count, objects = 20_000, 100
    desk = Desk(tmp_path, media=ArraySource(np.zeros((count, 12, 12, 3), np.uint8)), objects=0)
    infos = tuple(ObjectInfo(i, f"Object {i}", (i, 0, 0)) for i in range(1, objects + 1))
    desk.session.document.apply(Change("Objects", objects=((), infos)))
    doubtful = Cell(PackedMask.pack(np.ones((12, 12), bool)), confidence=0.3)
    drawn = {(f, id): (None, doubtful) for f in range(count) if f % 500 < 6 for id in range(1, objects + 1)}
    desk.session.document.apply(Change("Drawn", drawn))
    timeline = shown(qtbot, desk)
    timeline.reviewer.refresh()
    assert len(timeline.reviewer.stretches) == 8000, "in doubt, and never processed"
    worked, painted = [], []
    states_of, paint_cells = rows.states_of, rows.paint_cells
    monkeypatch.setattr(
        rows, "states_of", lambda project, id, found: worked.append(id) or states_of(project, id, found)
    )
    monkeypatch.setattr(rows, "paint_cells", lambda *given: painted.append(given[2]) or paint_cells(*given))
    desk.session.states_changed.emit()
    timeline.rows.grab()
    seen = timeline.rows.height() // ROW + 2
    assert 0 < len(painted) <= seen and len(worked) < seen
    worked.clear()
    painted.clear()
    for frame in range(300, 340):
        desk.session.navigator.go_to(frame)
        timeline.rows.grab()
    assert not worked and not painted, "a step moves the playhead over rows that stay"
    timeline.scrubber.zoom(4)
    timeline.rows.grab()
    assert not worked and len(painted) <= seen, "zooming gathers anew what is known"
    desk.close()


def test_the_window_has_the_rows_and_keys_to_zoom(hands: Hands, clip):
    hands.open(clip)
    hands.session.add_object("Ball")
    cells = {(f, 1): (None, Cell(PackedMask.pack(truth(f)), confidence=0.3 if f == 9 else 0.9)) for f in range(1, 14)}
    hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    timeline, reviewer = hands.window.timeline, hands.window.reviewer
    hands.bot.waitUntil(lambda: len(reviewer.waiting) == 1)
    assert timeline.rows.isVisible() and timeline.rows.rows == [1]
    QTest.mouseClick(timeline.rows, Qt.MouseButton.LeftButton, pos=at(timeline, 1, 9))
    hands.wait_for_frame()
    assert hands.session.navigator.frame == 9 and hands.window.review_panel.view.currentIndex().row() == 0
    hands.act("timeline_in")
    assert timeline.scrubber.visible.span < 14
    hands.act("timeline_out")
    hands.act("timeline_all")
    assert timeline.scrubber.visible.span == 14
    hands.session.add_object("Other")
    hands.act("object_rows")
    assert timeline.rows.rows == [ALL]
    assert not hands.window.actions_by_name["object_rows"].isChecked()


def test_what_is_done_is_doubtful_nowhere(desk, timeline):
    desk.put(20, 1, confidence=0.2)
    timeline.reviewer.refresh()
    colours, low = paint.Colours.of(timeline.palette()), paint.GRAPH[0] + paint.GRAPH[1] - 4
    x = round(timeline.scrubber.visible.centre(20))
    assert timeline.scrubber.grab().toImage().pixelColor(x, low) == colours.warning
    desk.session.document.set_done(1, 10, 30, True)
    timeline.reviewer.refresh()
    assert timeline.scrubber.grab().toImage().pixelColor(x, low) == colours.graph
    picture = timeline.rows.grab().toImage()
    assert picture.pixelColor(at(timeline, 1, 20, 5)) == colours.graph
    assert picture.pixelColor(at(timeline, 1, 20, 17)) == colours.text, "a line below what is done"
    assert picture.pixelColor(at(timeline, 1, 40, 17)) == colours.ground
