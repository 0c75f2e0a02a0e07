"""Leaving while something is under way is asked about first; what was open before leaves no trace."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_parts import Hands, make_clip, truth

from core.studio.exports import Export
from core.studio.run_settings import Range
from pcvos_gui.session import opener
from pcvos_gui.session.runs import RunState


def running(hands: Hands, clip: Path) -> None:
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done >= 2, timeout=120_000)


@pytest.mark.parametrize("way", ["quit", "close", "open another"])
def test_a_run_is_not_ended_without_being_asked_about(hands: Hands, clip: Path, tmp_path: Path, answers, way: str):
    given, asked = answers
    other = make_clip(tmp_path / "other.mp4", 2)
    running(hands, clip)
    given += ["Go on", "End it and close"]
    if way == "open another":
        hands.window.open(other)
        hands.bot.waitUntil(lambda: len(asked) > 0, timeout=20_000)
    else:
        hands.act(way)
    (question,) = asked
    assert "Propagation is under way" in question and "stays" in question
    assert hands.runs.is_busy and hands.session.is_open and hands.window.isVisible()
    if way == "open another":
        hands.window.open(other)
        hands.bot.waitUntil(lambda: len(asked) == 2 and hands.session.navigator.frame_count == 2, timeout=20_000)
    else:
        hands.act(way)
        assert not hands.session.is_open and hands.window.isVisible() == (way == "close")
    assert hands.runs.state is RunState.IDLE and len(asked) == 2


def test_an_export_is_not_ended_without_being_asked_about(hands: Hands, tmp_path: Path, answers):
    given, asked = answers
    hands.open(make_clip(tmp_path / "clip.mp4", 60))
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    given += ["Go on"]
    hands.window.exchange.export(Export("png", tmp_path / "out", 0, 59, None, {"unprocessed": "empty"}))
    hands.act("close")
    assert "export is under way" in asked[0] and hands.session.is_open
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=60_000)
    assert len(list((tmp_path / "out").glob("*.png"))) == 60
    hands.act("close")
    assert len(asked) == 1, "nothing is under way any more"


# --- opening


def click(widget, kind: QEvent.Type, at: QPointF) -> None:
    buttons = Qt.MouseButton.NoButton if kind is QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    event = QMouseEvent(
        kind, at, widget.mapToGlobal(at), Qt.MouseButton.LeftButton, buttons, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)


def test_a_double_click_on_a_recent_file_leaves_no_dab(hands: Hands, clip: Path):
    hands.open(clip)
    hands.act("close")
    page = hands.window.start_page.list
    at = page.visualItemRect(page.item(0)).center()
    opened = []
    hands.session.opened.connect(lambda: opened.append(1))
    QTest.mouseClick(page.viewport(), Qt.MouseButton.LeftButton, pos=at)
    hands.bot.waitUntil(lambda: hands.session.is_open, timeout=20_000)
    hands.wait_for_frame()
    viewport, middle = hands.view.viewport(), QPointF(hands.view.to_view(QPointF(64, 48)).toPoint())
    click(viewport, QEvent.Type.MouseButtonDblClick, middle)  # as Qt sends the second press
    click(viewport, QEvent.Type.MouseButtonRelease, middle)
    assert not hands.session.objects and not hands.window.canvas.tool.is_busy and len(opened) == 1
    click(viewport, QEvent.Type.MouseButtonPress, middle)
    click(viewport, QEvent.Type.MouseButtonRelease, middle)
    assert hands.session.objects, "a click of one's own counts"


def test_what_is_being_opened_is_not_begun_again(hands: Hands, clip: Path, monkeypatch):
    opened, begun, begin = [], [], opener.create_worker
    monkeypatch.setattr(opener, "create_worker", lambda *what, **how: begun.append(what) or begin(*what, **how))
    hands.session.opened.connect(lambda: opened.append(1))
    for _ in range(3):
        hands.window.open(clip)
    hands.bot.waitUntil(lambda: len(opened) > 0, timeout=20_000)
    hands.wait_for_frame()
    assert len(opened) == len(begun) == 1
    hands.open(clip)
    assert len(opened) == 2, "but again later"


def test_a_project_that_is_open_can_be_opened_again_after_it_was_closed(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    path = hands.session.document.project.path
    hands.window.open(path)
    assert hands.session.document.project.path == path, "it is open already"
    hands.act("close")
    hands.open(path)
    assert hands.session.document.project.path == path


@pytest.mark.parametrize("size", [(96, 128), (2160, 3840)])
def test_the_first_frame_is_fitted_and_there_at_once(hands: Hands, tmp_path: Path, size: tuple[int, int]):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((*size, 3), 200, np.uint8))
    seen = []

    def look() -> None:
        view = hands.view
        corners = view.to_view(QPointF(0, 0)), view.to_view(QPointF(size[1], size[0]))
        inside = all(view.viewport().rect().contains(corner.toPoint()) for corner in corners)
        picture = view.grab().toImage()
        middle = picture.pixelColor(picture.width() // 2, picture.height() // 2).getRgb()[:3]
        seen.append((not hands.session.is_open, inside, middle))

    hands.session.navigator.image_changed.connect(look)
    hands.open(folder)
    assert len(seen) >= 2 and seen[0][0], "the first frame is shown while the rest is opened"
    assert all(inside and middle == (200, 200, 200) for _, inside, middle in seen), seen


# --- objects, read-only


def test_undoing_a_deletion_selects_the_object_again(hands: Hands, clip: Path):
    hands.open(clip)
    for name in ("One", "Two", "Three"):
        hands.session.add_object(name)
    hands.session.set_active(2)
    hands.act("delete_object")
    assert hands.session.active == 1
    hands.session.set_active(3)
    hands.act("undo")
    assert hands.session.active == 2
    hands.session.merge_objects(2, 3)
    assert hands.session.active == 3
    hands.act("undo")
    assert hands.session.active == 2, "merging is a deletion too"
    hands.act("redo")
    assert hands.session.active in (1, 3)


def test_an_open_scribble_waits_when_history_brings_another_object_back(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("One")
    hands.session.add_object("Two")
    hands.act("delete_object")
    hands.scribble((20, 48), (40, 48))
    hands.session.undo_stack.undo()  # by a click in the history, which asks no tool
    assert hands.session.active == 2 and hands.window.canvas.waiting_bar.isVisible()


def test_a_read_only_window_does_not_offer_to_run(hands: Hands, clip: Path, qtbot):
    from pcvos_gui.app.main_window import MainWindow

    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    other = MainWindow()
    qtbot.addWidget(other)
    second = Hands(qtbot, other)
    second.open(clip)
    panel = other.propagation_panel
    assert not panel.run_button.isEnabled() and not other.actions_by_name["propagate"].isEnabled()
    assert not panel.range.isEnabled() and not any(b.isEnabled() for b in panel.directions.buttons())
    assert "ead-only" in panel.frames_label.text() and "ead-only" in other.canvas.strip.step.text()
    words = " ".join((panel.frames_label.text(), panel.status.text(), other.canvas.strip.step.text()))
    assert "Next" not in words and "Ctrl+Return" not in words and "mark" not in words
    other.close()
