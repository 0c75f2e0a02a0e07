"""The list of objects: by mouse and by keyboard, and every change undone again."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from panel_parts import Desk
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from pcvos_gui.panels import ObjectsPanel, object_view
from pcvos_gui.panels.object_model import Column
from pcvos_gui.session import typed_number

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path, objects=4)
    yield made
    made.close()


@pytest.fixture
def panel(qtbot, desk):
    return shown(qtbot, desk)


def shown(qtbot, desk) -> ObjectsPanel:
    made = ObjectsPanel(desk.session)
    qtbot.addWidget(made)
    made.resize(288, 320)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    return made


def cell(panel: ObjectsPanel, id: int, column: Column) -> QPoint:
    return panel.view.visualRect(panel.model.index(panel.model.row(id), column)).center()


def click(panel: ObjectsPanel, id: int, column: Column) -> None:
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=cell(panel, id, column))


def test_a_click_on_a_name_chooses_the_object(desk, panel):
    panel.add_button.setFocus()
    click(panel, 3, Column.NAME)
    assert desk.session.active == 3
    assert panel.view.currentIndex().row() == 2
    desk.session.set_active(2)
    assert panel.view.currentIndex().row() == 1
    assert not panel.view.hasFocus()  # letters are the tools' still


def test_switches_change_their_row_only_and_can_be_undone(desk, panel):
    session = desk.session
    click(panel, 2, Column.VISIBLE)
    click(panel, 3, Column.LOCKED)
    assert not session.object(2).visible and session.object(3).locked
    assert session.active == 1  # a switch does not choose
    session.undo_stack.undo()
    assert not session.object(3).locked
    session.undo_stack.undo()
    assert session.object(2).visible
    click(panel, 4, Column.SOLO)
    assert session.solo == 4
    click(panel, 4, Column.SOLO)
    assert session.solo == 0


def test_rename_by_double_click(qtbot, desk, panel):
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=cell(panel, 2, Column.NAME))
    QTest.mouseDClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=cell(panel, 2, Column.NAME))
    editor = panel.view.viewport().findChild(QLineEdit)
    QTest.keyClicks(editor, "rabbit")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: desk.session.object(2).name == "rabbit")
    desk.session.undo_stack.undo()
    assert desk.session.object(2).name == "Object 2"
    assert panel.model.index(1, Column.NAME).data() == "Object 2"
    assert not panel.model.setData(panel.model.index(1, Column.NAME), "   ")
    assert desk.session.object(2).name == "Object 2"


def test_buttons_add_and_delete(desk, panel):
    session = desk.session
    QTest.mouseClick(panel.add_button, Qt.MouseButton.LeftButton)
    assert [o.id for o in session.objects] == [1, 2, 3, 4, 5]
    assert session.active == 5 and panel.view.currentIndex().row() == 4
    desk.put(3, id=5)
    QTest.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    assert panel.model.rowCount() == 4 and desk.project.cell(3, 5) is None
    session.undo_stack.undo()
    assert panel.model.rowCount() == 5 and desk.project.cell(3, 5) is not None


def test_merge_from_the_menu(desk, panel):
    desk.put(3, id=1)
    desk.put(4, id=2)
    desk.session.set_active(1)
    panel.merge_menu.aboutToShow.emit()
    texts = [action.text() for action in panel.merge_menu.actions()]
    assert texts == ["2  Object 2", "3  Object 3", "4  Object 4"]
    panel.merge_menu.actions()[0].trigger()
    assert [o.id for o in desk.session.objects] == [2, 3, 4]
    assert desk.project.cell(3, 2) is not None and desk.session.active == 2
    desk.session.undo_stack.undo()
    assert [o.id for o in desk.session.objects] == [1, 2, 3, 4]
    assert desk.project.cell(3, 2) is None


def test_the_context_menu_has_the_same_actions(desk, panel):
    def act(id: int, text: str) -> None:
        next(a for a in panel.make_menu(desk.session.object(id)).actions() if a.text() == text).trigger()

    act(2, "Hide")
    act(2, "Lock")
    assert not desk.session.object(2).visible and desk.session.object(2).locked
    act(2, "Show")
    act(2, "Unlock")
    assert desk.session.object(2).visible and not desk.session.object(2).locked
    act(3, "Show this one alone")
    assert desk.session.solo == 3
    act(3, "Delete")
    assert desk.session.object(3) is None and desk.session.solo == 0


def test_a_colour_is_chosen_while_a_run_goes_on(qtbot, desk, panel):
    click(panel, 2, Column.COLOUR)
    dialog = panel.colour_dialog
    assert dialog.isVisible() and dialog.windowModality() is Qt.WindowModality.WindowModal, "keys are the dialog's"
    assert dialog.currentColor() == QColor(*desk.session.object(2).colour)
    desk.put(3)  # as a clip of a run
    before = desk.session.object(2).colour
    dialog.setCurrentColor(QColor(10, 20, 30))
    dialog.accept()
    assert desk.session.object(2).colour == (10, 20, 30)
    desk.session.undo_stack.undo()
    assert desk.session.object(2).colour == before


def test_a_click_beside_the_rows_or_esc_chooses_no_object(desk, panel):
    view, session = panel.view, desk.session
    below = QPoint(40, view.visualRect(panel.model.index(3, 0)).bottom() + 8)
    assert view.viewport().rect().contains(below)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=below)
    assert session.active == 0 and not view.selectionModel().hasSelection() and not panel.delete_button.isEnabled()
    session.change_object(replace(session.object(2), name="rabbit"))
    session.undo_stack.undo()
    assert session.active == 0, "what changes of others chooses none"
    click(panel, 3, Column.NAME)
    assert session.active == 3 and view.currentIndex().row() == 2
    view.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert session.active == 0 and not view.currentIndex().isValid()
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert session.active > 0


def test_what_is_painted_with_no_object_chosen_begins_one(desk, panel):
    session = desk.session
    session.set_active(0)
    assert session.begin_edit() and session.active == 5
    session.shown_labels[:4, :4] = session.active
    session.commit_edit("Brush")
    assert [info.id for info in session.objects] == [1, 2, 3, 4, 5]
    assert {key[1] for key in session.document.project.keys_in_memory()} == {5}


def test_the_keyboard_alone(desk, panel):
    view, session = panel.view, desk.session
    view.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert session.active == 2
    QTest.keyClicks(view, "4")
    assert session.active == 4
    for _ in range(2):
        QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert session.object(4).locked
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert session.object(4) is None


def test_digits_and_letters_find_objects(qtbot, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(typed_number, "time", SimpleNamespace(monotonic=lambda: now[0]))
    desk = Desk(tmp_path, objects=120)
    panel = shown(qtbot, desk)
    panel.view.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClicks(panel.view, "117")
    assert desk.session.active == 117
    now[0] += typed_number.PAUSE
    QTest.keyClicks(panel.view, "5")
    assert desk.session.active == 5
    panel.model.setData(panel.model.index(76, Column.NAME), "rabbit")
    QTest.keyClicks(panel.view, "rab")
    assert desk.session.active == 77
    desk.close()


def test_the_empty_list_says_what_to_do(qtbot, tmp_path):
    desk = Desk(tmp_path, objects=0)
    panel = shown(qtbot, desk)
    assert "the first object makes itself" in panel.empty.text() and panel.empty.isVisible()
    QTest.mouseClick(panel.add_button, Qt.MouseButton.LeftButton)
    assert panel.view.isVisible()
    desk.session.undo_stack.undo()
    assert panel.empty.isVisible()
    desk.close()
    assert panel.empty.text() == "Opening…"
    assert not panel.add_button.isEnabled()


def test_of_254_objects_those_in_sight_are_drawn(qtbot, tmp_path, monkeypatch):
    painted: set[int] = set()
    paint = object_view._Delegate.paint
    monkeypatch.setattr(
        object_view._Delegate, "paint", lambda own, p, o, index: (painted.add(index.row()), paint(own, p, o, index))[1]
    )
    desk = Desk(tmp_path, objects=254)
    panel = shown(qtbot, desk)
    assert not panel.add_button.isEnabled()
    for id in range(1, 41):
        click_at = panel.model.index(id - 1, Column.VISIBLE)
        panel.view.scrollTo(click_at)
        click(panel, id, Column.VISIBLE)
        painted.clear()
        panel.grab()
        assert id - 1 in painted and len(painted) < 40
    assert not any(o.visible for o in desk.session.objects[:40])
    desk.close()


def test_each_cell_can_be_read_out(desk, panel):
    spoken = [
        panel.model.index(0, c).data(Qt.ItemDataRole.AccessibleTextRole)
        for c in (Column.NUMBER, Column.NAME, Column.VISIBLE, Column.LOCKED, Column.SOLO)
    ]
    assert spoken == ["1", "Object 1", "shown", "not locked", "not shown alone"]
    assert all(panel.model.index(0, c).data(Qt.ItemDataRole.ToolTipRole) for c in Column)


def test_a_long_list_has_a_filter(qtbot, tmp_path):
    desk = Desk(tmp_path, objects=10)
    panel = shown(qtbot, desk)
    assert not panel.filter.isVisible()
    for number in range(50):
        desk.session.add_object(f"{'Cat' if number % 2 else 'Dog'} {number}")
    assert panel.filter.isVisible()

    def seen() -> list[str]:
        model = panel.model
        rows = (row for row in range(model.rowCount()) if not panel.view.isRowHidden(row))
        return [model.index(row, Column.NAME).data() for row in rows]

    desk.session.set_active(1)
    QTest.keyClicks(panel.filter, "cat 1")
    assert seen() == ["Object 1", "Cat 1", "Cat 11", "Cat 13", "Cat 15", "Cat 17", "Cat 19"], "the active one stays"
    QTest.keyClick(panel.filter, Qt.Key.Key_Return)
    assert desk.session.object(desk.session.active).name == "Cat 1" and len(seen()) == 60
    QTest.keyClicks(panel.filter, "60")
    assert seen() == ["Cat 1", "Cat 49"], "also by number"
    panel.filter.clear()
    desk.session.change_object(replace(desk.session.object(13), class_name="Animal"))
    QTest.keyClicks(panel.filter, "anim")
    assert seen() == ["Cat 1", "Dog 2"], "also by class"
    panel.filter.clear()
    desk.session.undo_stack.undo()
    QTest.keyClicks(panel.filter, "60")
    desk.session.undo_stack.undo()
    assert len(seen()) == 1
    panel.filter.clear()
    assert len(seen()) == 59
    desk.close()
