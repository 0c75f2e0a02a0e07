"""How the edges of mattes come out: kept in the project, seen on the canvas, and what an export begins with."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from core.annotation.matte import MatteSettings
from core.errors import PCVOSError
from core.exchange.matting import MATTE_OPTIONS, matte_settings
from core.exchange.options import Value
from pcvos_gui.session import Session

_KEY = "edges"  # of the setting in a project
_DEFAULTS = {option.name: option.default for option in MATTE_OPTIONS}


class Edges(QObject):
    """A value for each of `MATTE_OPTIONS`, of the project that is open.

    Signals:
        changed(): they are others; also because another project is open.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._values: dict[str, Value] = dict(_DEFAULTS)
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
        return self._values == _DEFAULTS

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Choose others; those that are missing stay. A read-only project has them until it is closed."""
        if self._take(self._values | values):
            self._session.remember(_KEY, self._values)

    def reset(self) -> None:
        """Choose the defaults."""
        self.set_values(_DEFAULTS)

    def _on_opened(self) -> None:
        self._take(_known(self._session.project.setting(_KEY)))

    def _take(self, values: Mapping[str, Value]) -> bool:
        """Whether they are others."""
        if values == self._values:
            return False
        self._values = dict(values)
        self.changed.emit()
        return True


def _known(stored: object) -> dict[str, Value]:
    """What can be used of what a project has stored; the rest is the default."""
    values = dict(_DEFAULTS)
    for option in MATTE_OPTIONS:
        try:
            values[option.name] = option.checked(stored[option.name])
        except (KeyError, TypeError, PCVOSError):  # an option of another version
            continue
    return values
