"""The classes of the project that is open: its list, and those that objects have; and the list from a text file."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import PCVOSError
from core.project.classes import known_classes, read_class_list
from pcvos_gui.session.commands import ClassListCommand
from pcvos_gui.session.session import Session


class Classes(QObject):
    """The choices, in order.

    Signals:
        changed(): the list is another; also because another project is open.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._listed: tuple[str, ...] = ()
        session.opened.connect(self._on_opened)

    @property
    def known(self) -> tuple[str, ...]:
        """Classes of the list, then others that objects have."""
        return known_classes(self._listed, self._session.objects)

    def load(self, path: Path) -> None:
        """The classes in a text file, one a line, become the project's list, as a step of undo; objects keep theirs."""
        try:
            names = read_class_list(path)
        except PCVOSError as error:
            self._session.messages.say(str(error), "error", key="classes")
            return
        if names != self._listed:
            text = self.tr("Load {} classes from {}").format(len(names), path.name)
            self._session.undo_stack.push(ClassListCommand(text, self._listed, names, self._apply))
        text = self.tr("The project lists {} classes: {}").format(len(names), ", ".join(names[:5]))
        self._session.messages.say(text + (", …" if len(names) > 5 else "."), key="classes")

    def _apply(self, names: Sequence[str]) -> None:
        self._listed = tuple(names)
        self._session.keep(classes=tuple(names))
        self.changed.emit()

    def _on_opened(self) -> None:
        self._listed = self._session.document.project.content.classes
        self.changed.emit()
