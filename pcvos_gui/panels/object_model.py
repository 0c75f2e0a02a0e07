"""The list of objects as Qt's views see it."""

from dataclasses import replace
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPalette

from core.project.model import ObjectInfo
from pcvos_gui.app.icons import icon
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.model_index import NO_PARENT, Index

CLASS = Qt.ItemDataRole.UserRole
"""The role of an object's class, "" if it has none; of all columns."""


class Column(IntEnum):
    """The content of a column."""

    NUMBER = 0
    COLOUR = 1
    NAME = 2
    VISIBLE = 3
    LOCKED = 4
    SOLO = 5


class ObjectModel(QAbstractTableModel):
    """One row an object, in the session's order. Edits go through the session, so they can be undone."""

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._objects: tuple[ObjectInfo, ...] = ()
        self._rows: dict[int, int] = {}
        session.objects_changed.connect(self.refresh)
        session.closed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Take over the session's objects; rows that stay keep their place in the view."""
        objects = self._session.objects
        if [o.id for o in objects] != [o.id for o in self._objects]:
            self.beginResetModel()
            self._set(objects)
            self.endResetModel()
        elif objects:
            self._set(objects)
            self.dataChanged.emit(self.index(0, 0), self.index(len(objects) - 1, len(Column) - 1))

    def _set(self, objects: tuple[ObjectInfo, ...]) -> None:
        self._objects = objects
        self._rows = {o.id: row for row, o in enumerate(objects)}

    def object(self, row: int) -> ObjectInfo | None:
        return self._objects[row] if 0 <= row < len(self._objects) else None

    def row(self, id: int) -> int:
        """-1: there is no such object."""
        return self._rows.get(id, -1)

    def ids(self) -> list[int]:
        """Ids of all objects, in the order of the rows."""
        return [o.id for o in self._objects]

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._objects)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        if index.column() == Column.NAME and not self._is_read_only():
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def _is_read_only(self) -> bool:
        return not self._session.is_writable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        obj = self.object(index.row())
        if obj is None:
            return None
        column = Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return {Column.NAME: obj.name, Column.NUMBER: str(obj.id)}.get(column)
            case _ if role == CLASS:
                return obj.class_name
            case Qt.ItemDataRole.DecorationRole:
                return self._picture(obj, column)
            case Qt.ItemDataRole.TextAlignmentRole if column == Column.NUMBER:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole if column <= Column.NAME and not self._session.is_drawn(obj):
                return QPalette().color(QPalette.ColorRole.PlaceholderText)
            case Qt.ItemDataRole.SizeHintRole:
                return QSize(32, 32)
            case Qt.ItemDataRole.ToolTipRole:
                return self._tip(obj, column)
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._spoken(obj, column)
        return None

    def _picture(self, obj: ObjectInfo, column: Column) -> QColor | QIcon | None:
        match column:
            case Column.COLOUR:
                return QColor(*obj.colour)
            case Column.VISIBLE:
                return icon("eye-outline" if obj.visible else "eye-off-outline")
            case Column.LOCKED:
                return icon("lock" if obj.locked else "lock-open-variant-outline")
            case Column.SOLO:
                return icon("target" if self._session.solo == obj.id else "circle-outline")
        return None

    def is_on(self, index: Index) -> bool:
        """Whether a column that can be switched is in the state that deserves to be seen."""
        obj = self.object(index.row())
        if obj is None:
            return False
        on = {Column.VISIBLE: obj.visible, Column.LOCKED: obj.locked, Column.SOLO: self._session.solo == obj.id}
        return on.get(Column(index.column()), True)

    def _tip(self, obj: ObjectInfo, column: Column) -> str:
        match column:
            case Column.NUMBER:
                if obj.id < 10:
                    return self.tr("Press {} to choose {}").format(obj.id, obj.name)
                return self.tr("Type {} quickly to choose {}").format(obj.id, obj.name)
            case Column.COLOUR:
                return self.tr("Colour on the screen; click to change it")
            case Column.NAME:
                name = f"{obj.name} ({obj.class_name})" if obj.class_name else obj.name
                return self.tr("{}: click to work on it, double-click to rename it").format(name)
            case Column.VISIBLE:
                return self.tr("Shown; click to hide") if obj.visible else self.tr("Hidden; click to show")
            case Column.LOCKED:
                if obj.locked:
                    return self.tr("Locked: neither strokes nor propagation change it; click to unlock")
                return self.tr("Click to lock: neither strokes nor propagation change it then")
        if self._session.solo == obj.id:
            return self.tr("Shown alone; click to show the others again")
        return self.tr("Click to show this object alone")

    def _spoken(self, obj: ObjectInfo, column: Column) -> str:
        match column:
            case Column.VISIBLE:
                return self.tr("shown") if obj.visible else self.tr("hidden")
            case Column.LOCKED:
                return self.tr("locked") if obj.locked else self.tr("not locked")
            case Column.SOLO:
                return self.tr("shown alone") if self._session.solo == obj.id else self.tr("not shown alone")
            case Column.COLOUR:
                return QColor(*obj.colour).name()
        if column == Column.NUMBER:
            return f"{obj.id}"
        return f"{obj.name}, {obj.class_name}" if obj.class_name else obj.name

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        obj, name = self.object(index.row()), str(value).strip()
        if obj is None or role != Qt.ItemDataRole.EditRole or index.column() != Column.NAME or not name:
            return False
        self._session.change_object(replace(obj, name=name))
        return True
