"""Edges of mattes: kept in the project, seen on the canvas, and what an export begins with."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from core.exchange.mattes import DEFAULT_EDGES, MATTE_OPTIONS, edges_of, matte_settings
from core.exchange.options import Value
from core.masks.matte import MatteSettings
from pcvos_gui.session.commands import EdgesCommand
from pcvos_gui.session.session import Session


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
        """Settings that mattes are made with."""
        return matte_settings(self._values)

    @property
    def are_default(self) -> bool:
        return self._values == DEFAULT_EDGES

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Choose others, as a step of undo; those that are missing stay. A read-only project has them until it is
        closed."""
        changed = {name: value for name, value in values.items() if value != self._values[name]}
        if len(changed) == 1:
            (name, value), *_ = changed.items()
            self._push(self._words(name, value), changed, turned=name)
        elif changed:
            self._push(self.tr("Edges"), changed)

    def reset(self) -> None:
        """Choose the defaults, as a step of undo."""
        if not self.are_default:
            self._push(self.tr("Reset edges"), DEFAULT_EDGES)

    def _push(self, text: str, changed: Mapping[str, Value], turned: str = "") -> None:
        if self._session.is_open:
            after = self._values | dict(changed)
            self._session.undo_stack.push(EdgesCommand(text, self._values, after, self._apply, turned))

    def _apply(self, values: Mapping[str, Value]) -> None:
        self._take(values)
        self._session.keep(edges=dict(self._values))

    def _on_opened(self) -> None:
        self._take(edges_of(self._session.document.project))

    def _take(self, values: Mapping[str, Value]) -> None:
        if values != self._values:
            self._values = dict(values)
            self.changed.emit()

    def _words(self, name: str, value: Value) -> str:
        """The step that undo takes back."""
        option = next(option for option in MATTE_OPTIONS if option.name == name)
        if option.kind == "choice":
            return self.tr("Edges, {}").format(dict(option.choices)[str(value)].lower())
        return self.tr("Edges, {} {:g}").format(option.label.lower(), value)
