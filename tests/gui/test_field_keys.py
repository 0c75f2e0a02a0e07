"""Fields outside dialogs give the keys back to the canvas."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLineEdit, QSpinBox, QWidget
from window_parts import COUNT, Hands

from pcvos_gui.app.field_keys import is_field
from pcvos_gui.session.view_state import Tool


def keys_are_the_canvass(hands: Hands) -> bool:
    return QApplication.focusWidget() is hands.view


@pytest.fixture
def desk(hands: Hands, clip: Path) -> Hands:
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.window.activateWindow()
    hands.bot.waitUntil(hands.window.isActiveWindow, timeout=5000)
    return hands


def fields(hands: Hands) -> list[QWidget]:
    """Every field of the window that can have the focus, with its panel in front."""
    window = hands.window
    window.propagation_panel.fold.expand()
    found = []
    for dock in window.docks:
        window.show_dock(dock.objectName())
        QApplication.processEvents()
        found += [w for w in dock.findChildren(QWidget) if _can_be_typed_in(w) and w not in found]
    found += [w for w in window.findChildren(QWidget) if _can_be_typed_in(w) and w not in found]
    return found


def _can_be_typed_in(widget: QWidget) -> bool:
    return (
        is_field(widget)
        and widget.isVisible()
        and widget.isEnabled()
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.focusProxy() is None
    )


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape])
def test_every_field_of_the_window_gives_the_keys_back(desk: Hands, key):
    found = fields(desk)
    assert len(found) >= 12 and {QSpinBox, QComboBox, QLineEdit} <= {type(field) for field in found}
    for field in found:
        dock = next((dock for dock in desk.window.docks if dock.isAncestorOf(field)), None)
        if dock is not None:
            desk.window.show_dock(dock.objectName())
            QApplication.processEvents()
        field.setFocus()
        assert field.hasFocus(), field
        QTest.keyClick(field, key)
        assert keys_are_the_canvass(desk), (type(field).__name__, field.accessibleName(), field.toolTip())


def test_a_frame_number_is_typed_and_the_tools_keys_work_again(desk: Hands):
    box = desk.window.timeline.frame_box
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "9")
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert desk.session.navigator.frame == 9 and keys_are_the_canvass(desk)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_B)
    assert desk.window.view_state.tool is Tool.BRUSH
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Left)
    assert desk.session.navigator.frame == 8


def test_esc_drops_what_was_typed(desk: Hands):
    box, spin = desk.window.timeline.frame_box, desk.window.propagation_panel.interval.spin
    for field, before in ((box, 0), (spin, desk.runs.next.settings.interval)):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, str(COUNT - 1))
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert field.value() == before and field.text() == str(before) and keys_are_the_canvass(desk)
    assert desk.session.navigator.frame == 0
    fields = desk.window.propagation_panel.advanced.fields
    weights, device = fields["weights"][0], fields["device"][0]
    desk.window.propagation_panel.fold.expand()
    desk.bot.waitUntil(weights.isVisible)
    for field, text in ((weights, weights.text), (device, device.currentText)):
        before = text()
        field.setFocus()
        QTest.keyClicks(field, "nonsense")
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert text() == before and keys_are_the_canvass(desk)
    assert not desk.runs.next.settings.weights and desk.runs.next.settings.device == "auto"


def test_esc_in_the_filter_of_objects_shows_them_all_again(desk: Hands):
    panel = desk.window.objects_panel
    for number in range(12):
        desk.session.add_object(f"Car {number}")
    panel.filter.setFocus()
    QTest.keyClicks(panel.filter, "car 7")
    assert panel.view.isRowHidden(3)
    QTest.keyClick(panel.filter, Qt.Key.Key_Escape)
    assert panel.filter.text() == "" and not any(panel.view.isRowHidden(row) for row in range(13))
    assert keys_are_the_canvass(desk)


def test_esc_in_a_field_does_not_stop_a_run(desk: Hands):
    import numpy as np

    mask = np.zeros(desk.session.navigator.size, bool)
    mask[30:60, 20:40] = True
    desk.session.replace_mask(mask, "Mask")
    desk.begin_run(interval=1, direction="forward")
    box = desk.window.timeline.frame_box
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Escape)
    assert desk.runs.is_busy and keys_are_the_canvass(desk)
    desk.act("stop")


def test_an_objects_name_is_typed_and_the_keys_come_back(desk: Hands):
    for key, name in ((Qt.Key.Key_Return, "Cat"), (Qt.Key.Key_Escape, "Cat")):
        desk.act("rename_object")
        desk.bot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QLineEdit), timeout=5000)
        editor = QApplication.focusWidget()
        editor.selectAll()
        QTest.keyClicks(editor, "Cat" if key == Qt.Key.Key_Return else "Dog")
        QTest.keyClick(editor, key)
        desk.bot.waitUntil(lambda: keys_are_the_canvass(desk), timeout=5000)
        assert desk.session.object(1).name == name


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_combo_boxs_list_gives_the_keys_back_when_it_closes(desk: Hands):
    box = desk.window.propagation_panel.range
    for key, row in ((Qt.Key.Key_Return, 3), (Qt.Key.Key_Escape, 3)):
        box.setFocus()
        box.showPopup()
        desk.bot.waitUntil(box.view().isVisible, timeout=5000)
        box.view().setCurrentIndex(box.model().index(3 if key == Qt.Key.Key_Return else 0, 0))
        QTest.keyClick(box.view(), key)
        # Without a screen, Qt leaves the list the active window.
        desk.bot.waitUntil(lambda: desk.window.focusWidget() is desk.view, timeout=5000)
        assert box.currentIndex() == row and desk.runs.next.settings.range == box.itemData(row)


def test_a_field_that_is_made_later_is_no_exception(desk: Hands):
    late = QLineEdit(desk.window.objects_panel)
    late.show()
    late.setFocus()
    QTest.keyClicks(late, "b")
    QTest.keyClick(late, Qt.Key.Key_Return)
    assert keys_are_the_canvass(desk) and late.text() == "b"
    late.setFocus()
    late.deleteLater()
    QApplication.processEvents()
    desk.view.setFocus()


@pytest.mark.parametrize("opened_by", ["colour", "preferences", "weights"])
def test_no_key_gets_through_a_dialog_to_the_window(desk: Hands, opened_by: str):
    """Also where the window has kept the focus, as without a window manager."""
    if opened_by == "weights":
        desk.window.propagation_panel.advanced.fields["weights"][1].click()
    else:
        desk.act({"colour": "recolour_object"}.get(opened_by, opened_by))
    (dialog,) = [d for d in desk.window.findChildren(QDialog) if d.isVisible()]
    before = desk.session.navigator.frame, desk.window.view_state.tool, len(desk.session.objects)
    for key in (Qt.Key.Key_E, Qt.Key.Key_Right, Qt.Key.Key_Delete):
        QTest.keyClick(desk.window.windowHandle(), key)
    QTest.keyClick(desk.window.windowHandle(), Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert (desk.session.navigator.frame, desk.window.view_state.tool, len(desk.session.objects)) == before
    dialog.reject()
