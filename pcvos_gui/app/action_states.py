"""States of actions: which can be used and which are on, by what is open and under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcvos_gui.app.actions import ACTIONS
from pcvos_gui.session.runs import RunState

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


class ActionStates:
    """States of the window's actions."""

    def __init__(self, window: MainWindow):
        self._window, self._actions = window, window.actions_by_name

    def refresh(self) -> None:
        """Enable, name and check all actions anew."""
        session, runs = self._window.session, self._window.runs
        is_open = session.is_open
        writable = session.is_writable
        allowed = {"": True, "footage": is_open, "writable": writable, "object": writable and session.active > 0}
        is_idle = not runs.is_busy and not runs.comparison.is_under_way
        enabled = {spec.name: allowed[spec.needs] for spec in ACTIONS}
        del enabled["undo"], enabled["redo"]
        enabled |= {
            "propagate": writable and is_idle,
            "propagate_everything": writable and is_idle,
            "compare": is_open and not runs.is_busy,
            "learn": is_open and is_idle,
            "pause": runs.state in (RunState.RUNNING, RunState.PAUSED),
            "stop": runs.is_busy,
        }
        for name, can in enabled.items():  # each once: what goes to and fro lays out and paints the toolbar anew
            self._actions[name].setEnabled(can)
        self.show_undo()
        self.show_checks()

    def show_undo(self) -> None:
        """Undo is also for the last step of what is unfinished on the canvas: a stroke of a scribble, a corner."""
        stack, canvas = self._window.session.undo_stack, self._window.canvas
        unfinished = canvas.tool.is_busy
        # Not for as long as a button is held: each name of an action lays the window out anew.
        is_step = unfinished and not canvas.view.is_pressed
        undone = self._window.tr("last step") if is_step else stack.undoText()
        for name, word, can, text in (
            ("undo", self._window.tr("Undo"), unfinished or stack.canUndo(), undone),
            ("redo", self._window.tr("Redo"), stack.canRedo(), stack.redoText()),
        ):
            action = self._actions[name]
            action.setEnabled(can)
            action.setText(f"{word}: {text}" if text else word)

    def show_checks(self) -> None:
        """Check the actions that are on."""
        window, view = self._window, self._window.view_state
        self._actions[f"view_{view.mode}"].setChecked(True)
        self._actions[f"tool_{view.tool}"].setChecked(True)
        self._actions["follow"].setChecked(view.follow)
        self._actions["uncertainty"].setChecked(window.why.shows_uncertainty)
        self._actions["object_rows"].setChecked(not window.timeline.rows.is_collapsed)
