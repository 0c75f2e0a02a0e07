"""Classes of objects in the window: typed, chosen, loaded from a file, shown, undone, kept."""

from dataclasses import replace

import pytest
from panel_parts import Desk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLayout

from core.project.project import Project
from pcvos_gui.panels import ObjectsPanel
from pcvos_gui.panels.object_model import CLASS, Column

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path, objects=3)
    yield made
    made.close()


@pytest.fixture
def panel(qtbot, desk):
    made = ObjectsPanel(desk.session)
    qtbot.addWidget(made)
    made.resize(288, 360)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    return made


def type_class(panel, text, key=Qt.Key.Key_Return):
    line = panel.class_field.box.lineEdit()
    panel.class_field.edit()
    QTest.keyClicks(line, text)
    QTest.keyClick(line, key)


def classes(desk):
    return [info.class_name for info in desk.session.objects]


def items(panel):
    box = panel.class_field.box
    return [box.itemText(i) for i in range(box.count())]


def load(panel, monkeypatch, path):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(path), ""))
    panel.class_field.load_button.click()


def test_a_class_is_typed_shown_and_undone(desk, panel):
    desk.session.set_active(2)
    type_class(panel, "  traffic   light ")
    assert classes(desk) == ["", "traffic light", ""]
    assert not panel.class_field.box.hasFocus(), "Enter gives the keyboard back"
    index = panel.model.index(1, Column.NAME)
    assert index.data(CLASS) == "traffic light" and "traffic light" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "traffic light" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert desk.session.undo_stack.undoText() == "Class of Object 2: traffic light"
    desk.session.undo_stack.undo()
    assert classes(desk) == ["", "", ""] and panel.class_field.box.currentText() == ""
    desk.session.undo_stack.redo()
    assert classes(desk) == ["", "traffic light", ""]


def test_esc_takes_nothing(desk, panel):
    desk.session.set_active(1)
    type_class(panel, "person", Qt.Key.Key_Escape)
    QTest.keyClick(panel.class_field.box.lineEdit(), Qt.Key.Key_Escape)  # the first one closes the list
    assert classes(desk) == ["", "", ""] and panel.class_field.box.currentText() == ""
    assert not panel.class_field.box.hasFocus() and not desk.session.undo_stack.canUndo()


def test_what_is_typed_goes_to_the_object_it_was_typed_for(desk, panel):
    desk.session.set_active(1)
    panel.class_field.edit()
    QTest.keyClicks(panel.class_field.box.lineEdit(), "person")
    desk.session.set_active(3)
    assert classes(desk) == ["person", "", ""] and panel.class_field.box.currentText() == ""


def test_classes_that_there_are_can_be_chosen(desk, panel):
    for id, name in ((1, "person"), (3, "car")):
        desk.session.change_object(replace(desk.session.object(id), class_name=name))
    assert items(panel) == ["person", "car"]
    desk.session.set_active(2)
    box = panel.class_field.box
    box.setCurrentIndex(1)
    box.textActivated.emit("car")
    assert classes(desk) == ["person", "car", "car"]
    completer = box.completer()
    completer.setCompletionPrefix("ER")
    assert completer.currentCompletion() == "person"


def test_a_list_is_loaded_kept_and_undone(desk, panel, monkeypatch, tmp_path):
    desk.session.change_object(replace(desk.session.object(1), class_name="person"))
    (tmp_path / "classes.txt").write_text("car\nbus\n\nperson\n")
    load(panel, monkeypatch, tmp_path / "classes.txt")
    assert items(panel) == ["car", "bus", "person"] and "3 classes" in desk.messages[-1].text
    assert classes(desk) == ["person", "", ""], "objects keep theirs"
    with Project.open(desk.project.path, to_write=False) as stored:
        assert stored.content.classes == ("car", "bus", "person")
    desk.session.undo_stack.undo()
    assert items(panel) == ["person"]
    desk.session.undo_stack.redo()
    assert items(panel) == ["car", "bus", "person"]


def test_a_file_that_is_no_list(desk, panel, monkeypatch, tmp_path):
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\0\0")
    load(panel, monkeypatch, tmp_path / "picture.txt")
    assert "one class a line" in desk.messages[-1].text and desk.messages[-1].level == "error"
    assert items(panel) == [] and not desk.session.undo_stack.canUndo()


def test_the_menu_leads_to_the_field(desk, panel):
    menu = panel.make_menu(desk.session.object(3))
    next(action for action in menu.actions() if action.text() == "Set class").trigger()
    assert desk.session.active == 3 and panel.class_field.box.hasFocus()


def test_where_there_is_no_room_it_is_asked_for(qtbot, desk, panel, monkeypatch):
    assert panel.class_field.isVisible()
    assert panel.minimumSizeHint().height() < 150, "as without the field"
    panel.layout().setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # as in a dock
    panel.setMinimumSize(0, 0)
    panel.resize(288, panel.minimumSizeHint().height())
    assert not panel.class_field.isVisible()
    qtbot.waitUntil(lambda: panel.add_button.geometry().bottom() < panel.height(), timeout=5000)
    desk.session.change_object(replace(desk.session.object(2), class_name="car"))
    asked = []
    answer = lambda *arguments: (asked.append(arguments[3]), ("bus", True))[1]  # noqa: E731
    monkeypatch.setattr(QInputDialog, "getItem", answer)
    panel.classify(1)
    assert asked == [["", "car"]] and classes(desk) == ["bus", "car", ""]
    panel.resize(288, 360)
    assert panel.class_field.isVisible() and panel.class_field.box.currentText() == "bus"


def test_a_project_that_is_only_looked_at_keeps_its_classes(desk, panel):
    desk.project.read_only = True
    desk.session.objects_changed.emit()
    assert not panel.class_field.isEnabled()
    desk.project.read_only = False
