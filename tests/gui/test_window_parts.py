"""The small parts of the window: actions and menus, keys, start page, drag and drop, preferences, status, messages."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QInputDialog,
    QLabel,
    QMessageBox,
    QToolButton,
    QWidget,
)
from window_parts import COUNT, HEIGHT, RESOLUTION, WIDTH, Hands, centre, make_clip, picture, truth

from core.demo import CLIP
from core.studio.run_settings import RunSettings
from pcvos_gui.app import theme
from pcvos_gui.app.actions import ACTIONS, MENUS
from pcvos_gui.app.icons import icon
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.app.preferences import PreferencesDialog
from pcvos_gui.app.recent import RecentFiles
from pcvos_gui.app.settings import store_setting, stored_settings
from pcvos_gui.app.status import timecode
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.dialogs.import_dialog import ImportDialog
from pcvos_gui.panels.compare import CompareDialog
from pcvos_gui.session.messages import Message, MessageAction
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.view_state import Tool, ViewMode
from pcvos_gui.widgets import message_bar
from pcvos_gui.widgets.message_bar import MessageBar


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
    monkeypatch.setattr("pcvos_gui.app.main_window.MASK", mask)
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.runs.set_settings(RunSettings(resolution=RESOLUTION, device="cpu", interval=1))
    back = ("clear_here", "absent_here", "delete_object", "toggle_locked")
    after = {name: lambda: hands.act("undo") for name in back} | {
        "last_frame": lambda: hands.go_to(0),
        "propagate": lambda: hands.bot.waitUntil(lambda: hands.runs.state is RunState.RUNNING, timeout=60_000),
        "compare": lambda: hands.window.findChild(CompareDialog).reject(),
        "shortcuts": lambda: hands.bot.keyClick(hands.window.shortcuts, Qt.Key.Key_Escape),
        "preferences": lambda: hands.window.findChild(PreferencesDialog).close(),
        "import_masks": lambda: hands.dialog(ImportDialog).reject(),
        "export": lambda: hands.dialog(ExportDialog).reject(),
        "export_overlay": lambda: hands.dialog(ExportDialog).reject(),
    }
    for spec in ACTIONS:
        if spec.name not in ("open_demo", "close", "quit"):
            hands.session.set_active(1)
            hands.wait_for_frame()
            hands.act(spec.name)
            after.get(spec.name, lambda: None)()
            assert hands.session.is_open
            assert all(m.level == "info" for m in hands.window.messages.messages), spec.name
    assert not hands.runs.is_busy and not hands.runs.comparison.is_under_way and not hands.window.shortcuts.isVisible()
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        hands.act("open_demo")
    assert hands.session.document.media.path == demo and hands.runs.settings.direction == "both"
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
    hands.runs.set_in_out(4, 6)
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
    hands.runs.set_settings(RunSettings(resolution=RESOLUTION, device="cpu", interval=7))
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


# --- start page


def test_thumbnails_have_the_colours_that_were_chosen(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(np.ones((HEIGHT, WIDTH), bool), "Mask")
    obj = hands.session.objects[0]

    def corner() -> np.ndarray:
        hands.act("close")
        image = hands.window.start_page.list.item(0).icon().pixmap(192, 108).toImage()
        hands.open(clip)
        return np.array(image.pixelColor(8, 8).getRgb()[:3], int)

    hands.session.change_object(replace(obj, colour=(0, 0, 255)))
    blue = corner()
    hands.session.change_object(replace(obj, colour=(255, 0, 0)))
    red = corner()
    hands.session.change_object(replace(obj, visible=False))
    hidden = corner()
    assert blue[2] > blue[0] + 60 and red[0] > red[2] + 60
    assert max(hidden) < 110, "what is hidden is not in the picture"


def test_thumbnails_have_the_shape_of_the_footage(hands: Hands, clip: Path, monkeypatch):
    kept: list[QImage] = []
    monkeypatch.setattr(RecentFiles, "set_thumbnail", lambda files, path, image: kept.append(image))
    hands.open(clip)
    hands.session.document.media.sample_aspect_ratio = Fraction(3, 2)
    hands.act("close")
    assert kept[-1].width() / kept[-1].height() == pytest.approx(1.5 * WIDTH / HEIGHT, rel=0.05)


def test_recent_files_with_thumbnails(hands: Hands, clip: Path, tmp_path: Path):
    other = make_clip(tmp_path / "other.mp4", 2)
    hands.open(other)
    hands.act("close")
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.act("close")
    page = hands.window.start_page
    names = lambda: [page.list.item(i).text() for i in range(page.list.count())]  # noqa: E731
    assert names() == ["clip.mp4", "other.mp4"] and page.list.isVisible()
    image = page.list.item(0).icon().pixmap(192, 108).toImage()
    x, y = (round(v * 192 / WIDTH) for v in (centre(0)[0], centre(0)[1] - HEIGHT / 2 + 36))
    marked, plain = image.pixelColor(x, y), page.list.item(1).icon().pixmap(192, 108).toImage().pixelColor(x, y)
    assert marked != plain, "the mask is in the picture"
    assert abs(plain.red() - int(picture(0)[48, 30, 0])) < 60, "which is of the footage"
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        at = page.list.visualItemRect(page.list.item(0)).center()
        hands.bot.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert hands.session.document.media.path == clip
    other.unlink()
    hands.act("close")
    assert names() == ["clip.mp4"], "what is gone is left out"


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_start_button_is_pressed_by_the_keyboard(hands: Hands, key: Qt.Key):
    action = hands.window.actions_by_name["open_demo"]
    (button,) = [b for b in hands.window.start_page.findChildren(QToolButton) if b.defaultAction() is action]
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        hands.bot.keyClick(button, key)
    assert hands.session.document.media.path == CLIP


def test_the_list_of_recent_files(tmp_path: Path, qapp):
    recent = RecentFiles()
    paths = [tmp_path / f"{i}.mp4" for i in range(14)]
    for path in paths:
        path.touch()
        recent.add(path)
    recent.add(paths[5])
    shown = [file.path.name for file in recent.files()]
    assert shown[0] == "5.mp4" and len(shown) == 12 and len(set(shown)) == 12
    assert [file.path for file in RecentFiles().files()] == [file.path for file in recent.files()], "kept"
    recent.remove(paths[5])
    assert "5.mp4" not in [file.path.name for file in recent.files()]
    for size in ((1, 1), (20_000, 1), (1, 3000)):
        recent.set_thumbnail(paths[13], QImage(*size, QImage.Format.Format_RGB888))
        assert QImage(str(recent.files()[0].thumbnail)).size().toTuple() == (320, 180)


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


# --- status and messages


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


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00.000"), (59.9996, "01:00.000"), (83.04, "01:23.040"), (3661.5, "1:01:01.500")]
)
def test_timecode(seconds: float, text: str):
    assert timecode(seconds) == text


@pytest.fixture
def bar(qtbot):
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(600, 300)
    bar = MessageBar(host)
    with qtbot.waitExposed(host):
        host.show()
    yield bar


def test_messages_give_way_by_key_and_by_weight(bar):
    bar.show_message(Message("slow", "warning", key="frame"))
    bar.show_message(Message("broken", "error"))
    bar.show_message(Message("slower", "warning", key="frame"))
    assert [m.text for m in bar.messages] == ["broken", "slower"], "the same key: the newest only"
    for number in range(message_bar.MOST):
        bar.show_message(Message(f"broken {number}", "error"))
    assert [m.text for m in bar.messages] == [f"broken {i}" for i in range(message_bar.MOST)]
    bar.show_message(Message("done"))
    assert bar.shown.text == "done" and len(bar.messages) == message_bar.MOST
    bar.clear()
    assert bar.messages == [] and not bar.isVisible()


def test_the_same_message_is_not_shown_twice(bar):
    for _ in range(3):
        bar.show_message(Message("broken", "error", (MessageAction("Again", lambda: None),), holds=lambda: True))
    assert len(bar.messages) == 1


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_no_more_than_one_line_is_covered_and_all_can_be_read(qtbot, bar):
    one_line = bar.fontMetrics().height()
    long = "A sentence that takes more than one line where there is so little room for it. " * 4
    for text in ("One.", long, "Three.\nIn two lines."):
        bar.show_message(Message(text, "warning", (MessageAction("Do it", lambda: None),)))
        assert bar.height() <= 2.5 * one_line, "one line, and the room around it"
    seen = []
    for _ in bar.messages:
        seen.append(bar.shown.text)
        qtbot.mouseClick(bar.others, Qt.MouseButton.LeftButton)
        assert bar.height() <= 2.5 * one_line
    assert sorted(seen) == sorted(m.text for m in bar.messages) and bar.others.text().startswith("3 of 3")
    while bar.shown.text != long:
        qtbot.mouseClick(bar.others, Qt.MouseButton.LeftButton)
    rest = next(b for b in bar.findChildren(QToolButton) if b.text() == "Read all" and b.isVisible())
    qtbot.mouseClick(rest, Qt.MouseButton.LeftButton)
    whole = bar.findChild(QLabel, "whole message")
    assert whole.isVisible() and whole.text() == long and whole.height() >= whole.heightForWidth(whole.width())
    whole.window().close()


def test_a_message_goes_as_soon_as_it_no_longer_holds(bar):
    locked = True
    one, other = object(), object()
    bar.show_message(Message("locked", "warning", holds=lambda: locked), one)
    bar.show_message(Message("trouble", "error", lasting=True), one)
    bar.show_message(Message("of the project", "error"), one)
    bar.review()
    assert len(bar.messages) == 3
    locked = False
    bar.review()
    assert [m.text for m in bar.messages] == ["trouble", "of the project"]
    bar.show_message(Message("of the next one", "error"), other)
    bar.turn_to(other)
    assert [m.text for m in bar.messages] == ["trouble", "of the next one"]
    bar.turn_to(None)
    assert bar.shown.text == "trouble" and bar.isVisible()


def test_infos_go_by_themselves_and_buttons_do_something(qtbot, bar, monkeypatch):
    monkeypatch.setattr(message_bar, "INFO_SECONDS", 0.05)
    done = []
    bar.show_message(Message("gone in a moment"))
    bar.show_message(Message("stays too", "error"))
    bar.show_message(Message("stays", "warning", (MessageAction("Do it", lambda: done.append(1)),)))
    qtbot.waitUntil(lambda: len(bar.messages) == 2, timeout=5000)
    qtbot.mouseClick(next(b for b in bar.buttons if b.text() == "Do it"), Qt.MouseButton.LeftButton)
    assert done == [1] and bar.shown.text == "stays too"
    qtbot.mouseClick(bar.close_button, Qt.MouseButton.LeftButton)
    assert bar.messages == []
