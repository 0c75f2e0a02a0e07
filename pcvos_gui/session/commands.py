"""The commands of undo and redo: a `Change`, applied or inverted; other edges of mattes; another list of classes."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtGui import QUndoCommand

from core.exchange.options import Value
from core.project.model import Change, Key

Apply = Callable[[Change], None]

_NO_ID, _EDGES_ID = -1, 1


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


class EdgesCommand(QUndoCommand):
    """Other edges of mattes. While one number is turned, all of it is one step; back where it began, it is none.

    Args:
        before, after: values by the names of the options. apply: takes them.
        turned: the name of the only one that changes; "": the step is one of its own, whatever comes before.
    """

    def __init__(
        self,
        text: str,
        before: Mapping[str, Value],
        after: Mapping[str, Value],
        apply: Callable[[Mapping[str, Value]], None],
        turned: str = "",
    ):
        super().__init__(text)
        self._before, self._after, self._apply, self._turned = before, after, apply, turned

    def id(self) -> int:
        return _EDGES_ID if self._turned else _NO_ID

    def mergeWith(self, newer: QUndoCommand) -> bool:
        if not isinstance(newer, EdgesCommand) or newer._turned != self._turned:
            return False
        self._after = newer._after
        self.setText(newer.text())
        self.setObsolete(self._after == self._before)
        return True

    def redo(self) -> None:
        self._apply(self._after)

    def undo(self) -> None:
        self._apply(self._before)


class ClassListCommand(QUndoCommand):
    """Another list of classes for the project, `before` and `after`; `apply` takes it."""

    def __init__(self, text: str, before: Sequence[str], after: Sequence[str], apply: Callable[[Sequence[str]], None]):
        super().__init__(text)
        self._before, self._after, self._apply = before, after, apply

    def redo(self) -> None:
        self._apply(self._after)

    def undo(self) -> None:
        self._apply(self._before)
