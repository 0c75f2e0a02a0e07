"""Stumbling blocks of a new user: low screens, menus, imports and exports, the demo, numbers of two digits."""

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QScrollArea
from window_parts import Hands, make_clip, truth

from core.project.project import Project
from pcvos_gui.app.handlers.files import open_demo
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.session import typed_number
from pcvos_gui.session.messages import Message, MessageAction

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform


def mask_file(path: Path, frame: int, **ids: np.ndarray) -> None:
    labels = np.zeros(truth(0).shape, np.uint8)
    for id, mask in ids.items():
        labels[mask] = int(id.removeprefix("o"))
    path.mkdir(exist_ok=True)
    Image.fromarray(labels).save(path / f"{frame:05d}.png")


# --- low screens


def test_all_of_it_fits_on_a_low_screen(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object()
    window = hands.window
    window.resize(1024, 670)
    hands.bot.waitUntil(lambda: window.size().toTuple() == (1024, 670), timeout=5000)
    panel = window.propagation_panel
    for widget in (panel.run_button, panel.stop_button, panel.interval.slider, window.status):
        assert window.rect().contains(widget.rect().translated(widget.mapTo(window, widget.rect().topLeft())))
        assert not widget.visibleRegion().isEmpty() and widget.visibleRegion().boundingRect() == widget.rect()


@pytest.mark.parametrize("width", [700, 1024, 1700])
def test_the_shortcuts_are_as_many_columns_as_fit(window: MainWindow, width: int):
    window.resize(width, 700)
    window.shortcuts.toggle()
    inside = window.shortcuts.findChild(QScrollArea)
    assert inside.widget().minimumSizeHint().width() <= inside.viewport().width()
    columns = inside.widget().layout().count()
    assert columns == (3 if width == 1700 else 2 if width == 1024 else columns)


def test_parts_are_there_with_the_first_frame(hands: Hands, clip: Path):
    seen = []
    hands.session.navigator.image_changed.connect(
        lambda: seen.append((not hands.session.is_open, hands.window.timeline.isVisible()))
    )
    hands.open(clip)
    assert (True, True) in seen, "also while the video is still being read"
    assert all(is_visible for _, is_visible in seen)


# --- menus


def test_recent_files_are_in_the_menu(hands: Hands, clip: Path, tmp_path: Path):
    hands.open(make_clip(tmp_path / "other.mp4", 2))
    hands.open(clip)
    hands.act("close")
    menu = hands.window.recent_menu
    menu.aboutToShow.emit()
    names = [action.text() for action in menu.actions() if action.text()]
    assert names == ["&1  clip.mp4", "&2  other.mp4", "Clear this list"]
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        menu.actions()[1].trigger()
    assert hands.session.document.media.path == tmp_path / "other.mp4"
    menu.actions()[-1].trigger()
    menu.aboutToShow.emit()
    assert [action.isEnabled() for action in menu.actions() if action.text()] == [False, False]
    assert hands.window.start_page.list.count() == 0 and clip.exists()


def test_objects_are_renamed_and_merged_from_the_menu(hands: Hands, clip: Path, monkeypatch):
    hands.open(clip)
    one, other = hands.session.add_object("one"), hands.session.add_object("other")
    hands.session.replace_mask(truth(0), "Mask")
    hands.window.docks[0].close()
    hands.act("rename_object")
    editor = hands.window.objects_panel.view.findChild(QLineEdit)
    assert editor.isVisible()
    editor.setText("ball")
    hands.bot.keyClick(editor, Qt.Key.Key_Return)
    hands.bot.waitUntil(lambda: hands.session.object(other).name == "ball", timeout=5000)
    monkeypatch.setattr(QInputDialog, "getItem", lambda *arguments, **_: (arguments[3][0], True))
    hands.act("merge_object")
    assert [o.id for o in hands.session.objects] == [one] == [hands.session.active]
    assert np.array_equal(hands.labels(0) == one, truth(0))
    hands.act("recolour_object")
    assert hands.window.objects_panel.colour_dialog.isVisible()


# --- numbers


def test_numbers_of_two_digits_choose_objects(hands: Hands, clip: Path, monkeypatch):
    hands.open(clip)
    for _ in range(12):
        hands.session.add_object()
    hands.window.activateWindow()
    hands.bot.waitUntil(hands.window.isActiveWindow, timeout=5000)

    now = [0.0]
    monkeypatch.setattr(typed_number, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def type_in(text: str) -> int:
        now[0] += typed_number.PAUSE
        for key in text:
            hands.bot.keyClick(QApplication.focusWidget(), key)
        return hands.session.active

    hands.act("zoom_in")
    zoom = hands.view.zoom
    assert [type_in(text) for text in ("12", "3", "10", "14", "25")] == [12, 3, 10, 4, 5]
    assert hands.view.zoom == zoom, "the 0 of 10 did not fit the picture into the window"
    type_in("0")
    assert hands.view.zoom != zoom
    monkeypatch.setattr(typed_number, "PAUSE", 0.0)
    assert type_in("12") == 2, "typed slowly"


# --- in and out


def test_an_import_says_what_it_left_out(hands: Hands, clip: Path, tmp_path: Path):
    hands.open(clip)
    hands.session.add_object("Kept")
    square = np.zeros(truth(0).shape, bool)
    square[30:60, 10:50] = True
    hands.session.replace_mask(square, "Mask")
    hands.act("toggle_locked")
    mask_file(tmp_path / "masks", 0, o2=truth(0))
    mask_file(tmp_path / "masks", 3, o1=truth(3))
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        hands.window.exchange.import_masks(tmp_path / "masks")
    assert hands.told("masks of 1 frame", "Locked", "Kept")
    assert np.array_equal(hands.labels(0) == 1, square), "a locked object keeps its pixels"
    assert np.array_equal(hands.labels(0) == 2, truth(0) & ~square)
    assert not hands.labels(3).any()


def say_absent(dialog: ExportDialog) -> None:
    """Choose that objects are absent on frames that were never processed."""
    field = dialog.options.fields["unprocessed"]
    field.setCurrentIndex(field.findData("empty"))


def test_where_an_export_goes(hands: Hands, clip: Path, tmp_path: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    dialog = ExportDialog(hands.session, hands.window.edges, (0, 13), "png", hands.window)
    assert dialog.wanted.target == tmp_path / "clip masks" and dialog.frames.isHidden()
    say_absent(dialog)
    hands.bot.waitUntil(dialog.accept_button.isEnabled, timeout=20_000)
    assert "will be made" in dialog.note.text() and dialog.accept_button.text() == "Export"
    dialog.accept()
    hands.window.exchange.export(dialog.wanted)
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=60_000)
    assert len(list((tmp_path / "clip masks").glob("*.png"))) == 14
    again = ExportDialog(hands.session, hands.window.edges, (4, 6), None, hands.window)
    assert again.frames.part.isChecked() and (again.wanted.first, again.wanted.last) == (4, 6)
    say_absent(again)
    hands.bot.waitUntil(again.accept_button.isEnabled, timeout=20_000)
    assert "3 files are there" in again.trouble.text() and again.accept_button.text() == "Replace and export"
    again.target.setText(str(tmp_path / "elsewhere"))
    again.accept()
    hands.act("close")
    hands.open(clip)
    last = ExportDialog(hands.session, hands.window.edges, (0, 13), "png", hands.window)
    assert last.wanted.target == tmp_path / "elsewhere", "kept in the project"
    last.reject()


def test_an_export_cannot_go_nowhere(hands: Hands, clip: Path, tmp_path: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    dialog = ExportDialog(hands.session, hands.window.edges, (0, 13), "overlay", hands.window)
    assert dialog.wanted.target == tmp_path / "clip overlay.mp4"
    (tmp_path / "folder.mp4").mkdir()
    for text, words in (
        ("", "Say where"),
        ("here", "whole path"),
        (str(tmp_path / "folder.mp4"), "is a folder"),
        (str(clip / "inside.mp4"), "nothing can be put into it"),
        (str(clip.with_suffix("")), "the footage"),
    ):
        dialog.target.setText(text)
        hands.bot.waitUntil(lambda words=words: words in dialog.trouble.text(), timeout=20_000)
        assert not dialog.accept_button.isEnabled()
    assert dialog.wanted.target == clip
    dialog.reject()


# --- the demo


def test_the_demo_begins_anew_and_can_be_gone_on_with(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    mask_file(tmp_path / "masks", 1, o1=truth(1))
    monkeypatch.setattr("pcvos_gui.app.handlers.files.MASK", tmp_path / "masks" / "00001.png")

    def demo() -> Path:
        with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
            open_demo(hands.window, clip)
        hands.wait_for_frame()
        return hands.session.document.project.path

    first = demo()
    assert first.is_relative_to(tmp_path / "data") and not clip.with_suffix(".pcvos").exists()
    assert hands.window.windowTitle() == "clip - PCVOS Studio"
    hands.session.add_object("mine")
    second = demo()
    assert second != first and [o.name for o in hands.session.objects] == ["Object 1"]
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        hands.press("Go on with that")
    assert hands.session.document.project.path == first and [o.name for o in hands.session.objects] == [
        "Object 1",
        "mine",
    ]
    hands.act("close")
    names = [hands.window.start_page.list.item(i).text() for i in range(hands.window.start_page.list.count())]
    assert names == ["clip.pcvos", "clip-2.pcvos"], "both are among the recent files"


# --- messages and pictures


def test_a_message_is_answered_with_the_keyboard_and_goes_with_its_clip(hands: Hands, clip: Path):
    hands.open(clip)
    window, answers = hands.window, []
    window.activateWindow()
    hands.bot.waitUntil(window.isActiveWindow, timeout=5000)
    window.show_message(Message("Well?", "warning", (MessageAction("Yes", lambda: answers.append(1)),)))
    hands.view.setFocus()
    hands.bot.keyClick(hands.view, Qt.Key.Key_Tab)
    hands.bot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert answers == [1]
    hands.session.add_object()
    hands.act("undo")
    assert hands.told("Undone")
    hands.act("close")
    assert hands.texts == []


def test_there_is_a_picture_before_it_is_closed(hands: Hands, clip: Path):
    hands.open(clip)
    (recent,) = hands.window.recent.files()
    assert recent.thumbnail.exists(), "also if the program is killed now"


# --- opening


def test_projects_are_opened_in_a_thread_and_let_go_of_when_something_else_is_wanted(
    hands: Hands, clip: Path, tmp_path: Path, monkeypatch
):
    hands.open(clip)
    hands.session.add_object("mine")
    path = hands.session.document.project.path
    hands.act("close")
    other, threads, opened, closed = make_clip(tmp_path / "other.mp4", 2), [], [], []
    plain, close = Project.open.__func__, Project.close

    def note(cls, where: Path) -> Project:
        threads.append(threading.current_thread())
        opened.append(plain(cls, where))
        return opened[-1]

    monkeypatch.setattr(Project, "open", classmethod(note))
    monkeypatch.setattr(Project, "close", lambda self, **how: close(self, **how) or closed.append(self))
    for target in (path, clip):
        hands.window.open(target)
        hands.open(other)
        hands.bot.waitUntil(lambda: all(project in closed for project in opened), timeout=20_000)
        hands.open(target)
        assert not hands.session.document.project.read_only, "nobody holds its lock any more"
        assert [o.name for o in hands.session.objects] == ["mine"]
        hands.act("close")
    assert threads and threading.main_thread() not in threads
