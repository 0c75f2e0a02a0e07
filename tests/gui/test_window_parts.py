"""The small parts of the window: actions and menus, keys, drag and drop, preferences, status."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QInputDialog,
    QMessageBox,
    QWidget,
)
from window_parts import COUNT, RESOLUTION, Hands, make_clip, truth

from core.studio.run_settings import RunSettings
from pcvos_gui.app import theme
from pcvos_gui.app.actions import ACTIONS, MENUS
from pcvos_gui.app.icons import icon
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.app.preferences import PreferencesDialog
from pcvos_gui.app.settings import store_setting, stored_settings
from pcvos_gui.dialogs.adapt_dialog import AdaptDialog
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.dialogs.import_dialog import ImportDialog
from pcvos_gui.dialogs.report_dialog import ReportDialog
from pcvos_gui.panels.compare import CompareDialog
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.view_state import Tool, ViewMode


def dialogs(monkeypatch: pytest.MonkeyPatch, path: str | Path = "") -> None:
    """Have file dialogs answer `path`; "": they are cancelled."""
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_, **__: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(path))
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_, **__: ("", False))
    monkeypatch.setattr(QMessageBox, "about", lambda *_: None)


# --- actions


def test_every_action_is_complete(window: MainWindow):
    names = [spec.name for spec in ACTIONS]
    assert len(set(names)) == len(names) and set(window.actions_by_name) == set(names)
    keys = Counter(QKeySequence(key).toString() for spec in ACTIONS for key in spec.keys)
    keys.update([*"123456789", "C", "Space", "Return", "Esc"])  # these the window and the canvas take for themselves
    assert [key for key, count in keys.items() if count > 1] == []
    for spec in ACTIONS:
        action = window.actions_by_name[spec.name]
        assert spec.tip and spec.tip in action.toolTip() and action.statusTip() == spec.tip
        assert not icon(spec.icon).isNull() and action.icon().cacheKey() == icon(spec.icon).cacheKey()
        assert [k.toString() for k in action.shortcuts()] == [QKeySequence(key).toString() for key in spec.keys]
        assert not action.shortcut().isEmpty() or not spec.keys


def test_every_action_is_in_a_menu_once(window: MainWindow):
    menus = [action.menu() for action in window.menuBar().actions()]
    assert [menu.title().replace("&", "") for menu in menus] == list(MENUS)
    letters = [menu.title()[menu.title().index("&") + 1].lower() for menu in menus]
    assert len(set(letters)) == len(letters), "Alt and a letter opens each"
    keys = {key.lower() for spec in ACTIONS for key in spec.keys}
    assert not keys & {f"alt+{letter}" for letter in letters}, "a key that means two things does neither"
    listed = Counter(action.objectName() for menu in menus for action in menu.actions() if action.objectName())
    assert {name: listed[name] for name in window.actions_by_name} == dict.fromkeys(window.actions_by_name, 1)


def test_what_needs_footage_is_disabled_without(window: MainWindow):
    enabled = {name for name, action in window.actions_by_name.items() if action.isEnabled()}
    assert enabled == {"open_video", "open_folder", "open_demo", "preferences", "quit", "shortcuts", "about"}


@pytest.mark.qt_log_ignore(r"This plugin does not support raise\(\)")  # the platform without a screen
def test_every_menu_entry_works_on_an_open_session(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    dialogs(monkeypatch)
    demo = make_clip(tmp_path / "demo.mp4", 4)
    mask = tmp_path / "demo.00001.png"
    Image.fromarray(truth(1).astype(np.uint8)).save(mask)
    monkeypatch.setattr("pcvos_gui.app.handlers.files.CLIP", demo)
    monkeypatch.setattr("pcvos_gui.app.handlers.files.MASK", mask)
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.runs.next.set_settings(RunSettings(resolution=RESOLUTION, device="cpu", interval=1))
    back = ("clear_here", "absent_here", "delete_object", "toggle_locked", "toggle_done")
    after = {name: lambda: hands.act("undo") for name in back} | {
        "last_frame": lambda: hands.go_to(0),
        "propagate": lambda: hands.bot.waitUntil(lambda: hands.runs.state is RunState.RUNNING, timeout=60_000),
        "compare": lambda: hands.window.findChild(CompareDialog).reject(),
        "shortcuts": lambda: hands.bot.keyClick(hands.window.shortcuts, Qt.Key.Key_Escape),
        "preferences": lambda: hands.window.findChild(PreferencesDialog).close(),
        "import_masks": lambda: hands.dialog(ImportDialog).reject(),
        "export": lambda: hands.dialog(ExportDialog).reject(),
        "report": lambda: hands.dialog(ReportDialog).reject(),
        "learn": lambda: hands.dialog(AdaptDialog).reject(),
        "export_overlay": lambda: hands.dialog(ExportDialog).reject(),
    }
    for spec in ACTIONS:
        if spec.name not in ("open_demo", "close", "quit", "propagate_everything"):  # which is off while it runs
            hands.session.set_active(1)
            hands.wait_for_frame()
            hands.act(spec.name)
            after.get(spec.name, lambda: None)()
            assert hands.session.is_open
            assert all(m.level == "info" for m in hands.window.messages.messages), spec.name
    assert not hands.runs.is_busy and not hands.runs.comparison.is_under_way and not hands.window.shortcuts.isVisible()
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        hands.act("open_demo")
    assert hands.session.document.media.path == demo and hands.runs.next.settings.direction == "both"
    hands.wait_for_frame()
    assert hands.session.navigator.frame == 1 and np.array_equal(hands.labels(1) == 1, truth(1))
    hands.act("close")
    assert not hands.session.is_open
    hands.act("quit")
    assert not hands.window.isVisible()


def test_file_dialogs_lead_to_files(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    dialogs(monkeypatch, clip)
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        hands.act("open_video")
    hands.wait_for_frame()
    masks = tmp_path / "masks"
    masks.mkdir()
    for frame in (2, 5):
        Image.fromarray(truth(frame).astype(np.uint8)).save(masks / f"{frame:05d}.png")
    for button, chosen, frames in (("from_file", masks / "00005.png", {5}), ("from_folder", masks, {2, 5})):
        dialogs(monkeypatch, chosen)
        hands.act("import_masks")
        dialog = hands.dialog(ImportDialog)
        getattr(dialog, button).click()
        hands.bot.waitUntil(dialog.accept_button.isEnabled, timeout=20_000)
        with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
            dialog.accept_button.click()
        assert hands.session.document.project.permanent_memory().keys() == frames
    hands.runs.next.set_in_out(4, 6)
    for name, target in (("export", tmp_path / "out"), ("export_overlay", tmp_path / "overlay")):
        dialogs(monkeypatch, target)
        hands.act(name)
        dialog = hands.dialog(ExportDialog)
        dialog.browse.click()
        unprocessed = dialog.options.fields["unprocessed"]
        unprocessed.setCurrentIndex(unprocessed.findData("empty"))
        hands.bot.waitUntil(dialog.accept_button.isEnabled, timeout=20_000)
        dialog.accept_button.click()
        hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=60_000)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["00004.png", "00005.png", "00006.png"]
    assert (tmp_path / "overlay.mp4").is_file()


# --- keys


def test_the_keyboard_alone(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.session.add_object("Other")
    hands.runs.next.set_settings(RunSettings(resolution=RESOLUTION, device="cpu", interval=7))
    window = hands.window
    window.activateWindow()
    hands.bot.waitUntil(window.isActiveWindow, timeout=5000)
    assert hands.view.hasFocus(), "keys go to the canvas without a click"

    def press(key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
        hands.bot.keyClick(QApplication.focusWidget(), key, modifiers)

    control = Qt.KeyboardModifier.ControlModifier
    for key, tool in zip("BEPFS", (Tool.BRUSH, Tool.ERASER, Tool.POLYGON, Tool.FILL, Tool.MARK), strict=True):
        press(key)
        assert window.view_state.tool is tool
    brush = window.view_state.brush
    press("]")
    assert window.view_state.brush > brush
    press("1")
    assert hands.session.active == 1
    press(Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert window.view_state.mode is ViewMode.OUTLINE
    press("R")
    hands.bot.waitUntil(
        lambda: hands.runs.state is RunState.IDLE and hands.runs.progress.done == COUNT - 1, timeout=120_000
    )
    press(Qt.Key.Key_Home)
    hands.wait_for_frame()
    press(Qt.Key.Key_Right)
    hands.wait_for_frame()
    assert hands.session.navigator.frame == 1
    press("A")
    assert hands.session.document.project.permanent_memory().keys() == {0, 1}
    press(Qt.Key.Key_End)
    press(Qt.Key.Key_Left, control)
    assert hands.session.navigator.frame == 1
    press(Qt.Key.Key_Z, control)
    assert hands.session.document.project.permanent_memory().keys() == {0}
    press(Qt.Key.Key_Z, control)
    assert not hands.labels(COUNT - 1).any()
    press("?")
    assert window.shortcuts.isVisible()
    press(Qt.Key.Key_Escape)
    assert not window.shortcuts.isVisible()
    press(Qt.Key.Key_W, control)
    assert not hands.session.is_open


def test_undo_says_what_it_takes_back(hands: Hands, clip: Path):
    hands.open(clip)
    undo, redo = (hands.window.actions_by_name[name] for name in ("undo", "redo"))
    assert (undo.text(), undo.isEnabled(), redo.isEnabled()) == ("Undo", False, False)
    hands.session.add_object("Ball")
    hands.act("toggle_locked")
    assert undo.text() == "Undo: Lock Ball"
    hands.act("toggle_locked")
    assert undo.text() == "Undo: Unlock Ball"
    hands.act("toggle_visible")
    assert undo.text() == "Undo: Hide Ball"
    hands.act("toggle_solo")
    assert undo.text() == "Undo: Hide Ball", "solo is how one looks, not what one did"
    hands.act("undo")
    assert (undo.text(), redo.text()) == ("Undo: Unlock Ball", "Redo: Hide Ball")
    hands.paint((30, 30), (50, 50))
    assert undo.text() == "Undo: Brush, frame 0" and not redo.isEnabled()


# --- drag and drop


def drop(widget: QWidget, *paths: Path) -> bool:
    """Drop files on a widget; whether they were welcome."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at, buttons = widget.rect().center(), Qt.MouseButton.LeftButton
    modifiers, action = Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    entering = QDragEnterEvent(at, action, mime, buttons, modifiers)
    QApplication.sendEvent(widget, entering)
    if entering.isAccepted():
        QApplication.sendEvent(widget, QDropEvent(at.toPointF(), action, mime, buttons, modifiers))
    return entering.isAccepted()


def test_dropping_on_start_page_and_canvas(hands: Hands, clip: Path, tmp_path: Path):
    other = make_clip(tmp_path / "other.mp4", 2)
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        assert drop(hands.window.start_page, clip)
    hands.wait_for_frame()
    hands.session.add_object()
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        assert drop(hands.view.viewport(), other)
    assert hands.session.document.media.path == other
    hands.wait_for_frame()
    masks = [tmp_path / f"{i:05d}.png" for i in range(2)]
    for i, path in enumerate(masks):
        Image.fromarray(truth(i).astype(np.uint8)).save(path)
    assert drop(hands.view.viewport(), *masks)
    dialog = hands.dialog(ImportDialog)
    hands.bot.waitUntil(dialog.accept_button.isEnabled, timeout=20_000)
    dialog.accept_button.click()
    hands.bot.waitUntil(lambda: len(hands.session.document.project.permanent_memory()) == 2, timeout=20_000)
    assert np.array_equal(hands.labels(1) == 1, truth(1)) and hands.session.document.media.path == other


def test_what_is_no_file_is_not_welcome(window: MainWindow):
    mime = QMimeData()
    mime.setText("words")
    event = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    event.ignore()
    QApplication.sendEvent(window, event)
    assert not event.isAccepted()


# --- preferences


@pytest.fixture
def same_palette(qapp):
    before = qapp.palette()
    yield
    theme.choose(qapp, "system")
    qapp.setPalette(before)


def test_the_theme_changes_at_once(hands: Hands, clip: Path, same_palette, qapp):
    hands.open(clip)
    hands.act("preferences")
    dialog = hands.window.findChild(PreferencesDialog)
    for name, is_dark in (("dark", True), ("light", False), ("dark", True)):
        dialog.theme.setCurrentIndex(dialog.theme.findData(name))
        assert stored_settings().theme == name
        palette = qapp.palette()
        assert (palette.color(QPalette.ColorRole.Window).lightness() < 128) is is_dark
        image = hands.window.actions_by_name["tool_fill"].icon().pixmap(32, 32).toImage()
        inks = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
        assert max(inks, key=QColor.alpha).lightness() == palette.color(QPalette.ColorRole.WindowText).lightness()
    dialog.close()


def test_the_cache_of_frames_is_as_large_as_preferred(qtbot, tmp_path: Path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.jpg"), np.full((480, 640), 60 * i, np.uint8))  # 0.9 MiB each as RGB
    for mib, fits in ((1, False), (2, True)):
        store_setting("frame_cache_mib", mib)
        window = MainWindow()
        qtbot.addWidget(window)
        hands = Hands(qtbot, window)
        hands.open(folder)
        hands.go_to(1)
        assert (window.frame_worker.cached(0) is not None) is fits
        window.close()


# --- status


def test_where_one_is(hands: Hands, clip: Path):
    hands.open(clip)
    status = hands.window.status
    assert status.saved.text() == "nothing to save" and status.object.text() == "· no object"
    strip = hands.window.canvas.strip
    assert strip.step.text() == "Next: mark an object on any frame" and "Mark" in strip.words.text()
    hands.go_to(3)
    assert status.place.text() == f"frame 3 / {COUNT - 1} · 00:00.120"
    status.showMessage("What a button does")
    hands.session.active_changed.emit(0)
    assert not status.place.isVisible() and not status.object.isVisible(), "two texts would lie over each other"
    status.clearMessage()
    assert status.place.isVisible() and status.object.isVisible()
    hands.session.add_object("Ball")
    assert status.object.text() == "· Ball" and status.saved.text() == "saved"
    assert status.saved.toolTip() == str(clip.with_suffix(".pcvos"))
    hands.act("close")
    assert not status.place.isVisible() and not strip.isVisible()
