"""The window notes marks and time of working in the project."""

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_parts import Hands, centre

from core.project.project import Project
from core.studio.work import PAUSE_SECONDS, work_on
from pcvos_gui.session.view_state import Tool
from pcvos_gui.session.work import WorkRecorder


def marks(hands: Hands) -> dict[int, int]:
    return {id: n for id, n in work_on(hands.session.document.project).marks.items() if n}


def test_each_kind_of_mark_is_counted_once(hands: Hands, clip: Path):
    hands.open(clip)
    x, y = centre(0)
    hands.scribble((x, y))
    assert marks(hands) == {1: 1}, "a click"
    hands.scribble((x - 8, y), (x + 8, y))
    hands.window.canvas.tool.back()
    assert marks(hands) == {1: 2}, "a stroke, though it was taken back"
    hands.window.canvas.tool.accept()
    hands.bot.waitUntil(lambda: hands.session.document.project.cell(0, 1) is not None, timeout=20_000)
    assert marks(hands) == {1: 2}, "the mask is what was made of them"
    hands.paint((x, y), (x + 20, y))
    hands.paint((x, y), tool=Tool.ERASER)
    assert marks(hands) == {1: 4}
    hands.session.add_object("Other")
    hands.paint((100, 20), (104, 20))
    hands.session.undo_stack.undo()
    assert marks(hands) == {1: 4, 2: 1}, "what was undone was given all the same"
    hands.session.delete_object(2)
    hands.session.add_object("Third")
    assert marks(hands) == {1: 4} and work_on(hands.session.document.project).all_marks == 5


def test_time_at_mouse_and_keyboard_is_noted(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.paint((30, 48))  # so that there is a file
    path = hands.session.document.project.path
    now = [100.0]
    recorder = WorkRecorder(hands.session, lambda: now[0], hands.window)
    hands.session.opened.emit()  # as it would have been there when the footage was opened
    hands.window.work.timer.stop()
    window = hands.window.windowHandle()
    recorder.watch(window)
    for later in (0, 4, 5, PAUSE_SECONDS + 1, 2):
        now[0] += later
        QTest.mouseMove(window, QPoint(300 + int(now[0]) % 50, 300))
    QTest.keyClick(window, Qt.Key.Key_Shift)
    before = hands.session.document.project.view.seconds_worked
    recorder.timer.timeout.emit()
    assert hands.session.document.project.view.seconds_worked - before == 11
    now[0] += 7
    QTest.mouseMove(window, QPoint(200, 200))
    assert hands.session.close()
    again = Project.open(path)
    assert again.view.seconds_worked >= 18
    again.close()
