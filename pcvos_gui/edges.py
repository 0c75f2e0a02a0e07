"""How the edges of mattes come out: kept in the project, seen on the canvas, and what an export begins with."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from core.annotation.matte import MatteSettings
from core.exchange.matting import DEFAULT_EDGES, EDGES, edges_of, matte_settings
from core.exchange.options import Value
from pcvos_gui.session import Session


class Edges(QObject):
    """A value for each of `MATTE_OPTIONS`, of the project that is open.

    Signals:
        changed(): they are others; also because another project is open.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._values: dict[str, Value] = dict(DEFAULT_EDGES)
        session.opened.connect(self._on_opened)

    @property
    def values(self) -> dict[str, Value]:
        """By the names of the options; the caller's own."""
        return dict(self._values)

    @property
    def settings(self) -> MatteSettings:
        """As the mattes are made with them."""
        return matte_settings(self._values)

    @property
    def are_default(self) -> bool:
        return self._values == DEFAULT_EDGES

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Choose others; those that are missing stay. A read-only project has them until it is closed."""
        if self._take(self._values | values):
            self._session.remember(EDGES, self._values)

    def reset(self) -> None:
        """Choose the defaults."""
        self.set_values(DEFAULT_EDGES)

    def _on_opened(self) -> None:
        self._take(edges_of(self._session.project))

    def _take(self, values: Mapping[str, Value]) -> bool:
        """Whether they are others."""
        if values == self._values:
            return False
        self._values = dict(values)
        self.changed.emit()
        return True
