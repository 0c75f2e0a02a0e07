"""What undo and redo mean: a `Change`, applied or inverted."""

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from core.project.model import Change, Key

Apply = Callable[[Change], None]


class ChangeCommand(QUndoCommand):
    """A change that is made when the command is pushed."""

    def __init__(self, change: Change, apply: Apply):
        super().__init__(change.text)
        self.change = change
        self._apply = apply

    def redo(self) -> None:
        self._apply(self.change)

    def undo(self) -> None:
        self._apply(self.change.inverted())


class RunCommand(QUndoCommand):
    """A propagation: one step of undo that grows while the run goes on.

    It stands on the stack where the run began. What is added has been applied already.
    """

    def __init__(self, text: str, apply: Apply):
        super().__init__(text)
        self._cells: dict[Key, tuple] = {}
        self._apply = apply
        self._is_undone = False

    def add(self, change: Change) -> None:
        """A clip's worth of cells. A cell drawn twice keeps what it was before the first time."""
        for key, (before, after) in change.cells.items():
            first = self._cells[key][0] if key in self._cells else before
            self._cells[key] = (first, after)

    @property
    def change(self) -> Change:
        return Change(self.text(), dict(self._cells))

    def redo(self) -> None:
        if self._is_undone:
            self._apply(self.change)
            self._is_undone = False

    def undo(self) -> None:
        self._apply(self.change.inverted())
        self._is_undone = True
