"""Undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from pcvos_gui.session.commands import ChangeCommand, RunCommand

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def undo(window: MainWindow) -> None:
    if not window.canvas.undo_step():
        stack = window.session.undo_stack
        _travel(window, stack.undo, stack.command(stack.index() - 1), window.tr("Undone: {}"))


def redo(window: MainWindow) -> None:
    window.canvas.finish_tool()
    stack = window.session.undo_stack
    _travel(window, stack.redo, stack.command(stack.index()), window.tr("Done again: {}"))


def _travel(window: MainWindow, go: Callable[[], None], command: QUndoCommand | None, words: str) -> None:
    """Undo or redo, say what, and show the frame where it happened."""
    if command is None:
        return
    frames = command.change.frames if isinstance(command, ChangeCommand | RunCommand) else ()
    go()
    if len(frames) == 1:
        window.session.navigator.go_to(frames[0])
    window.session.messages.say(words.format(command.text()), key="undo")
