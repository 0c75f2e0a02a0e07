"""Permanent memory as Qt's views see it: a row a frame."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractListModel, QObject, Qt
from PySide6.QtGui import QColor, QPixmap

from core.project.model import Change
from core.project.tracks import IN_MEMORY
from pcvos_gui.panels.thumbnails import Thumbnails
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.model_index import NO_PARENT, Index

FRAME_ROLE = Qt.ItemDataRole.UserRole
DOTS_ROLE = Qt.ItemDataRole.UserRole + 1  # list of QColor, one an object

_MANY = 64  # rows: more are told to the view at once


@dataclass(frozen=True)
class _Row:
    """The content of a row, made when it is first drawn."""

    ids: tuple[int, ...]
    picture: QPixmap


class MemoryModel(QAbstractListModel):
    """Frames in permanent memory, ascending.

    A row reads its masks when it is drawn.
    """

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._frames: list[int] = []
        self._rows: dict[int, _Row] = {}
        self._thumbnails = Thumbnails(session, self)
        self._thumbnails.arrived.connect(self._redraw)
        self._unsubscribe: Callable[[], None] | None = None
        session.opened.connect(self._on_opened)
        session.closing.connect(self._on_closing)
        session.states_changed.connect(self.refresh)
        session.objects_changed.connect(self._redraw_all)
        if session.is_open:
            self._on_opened()

    # the session's changes

    def _on_opened(self) -> None:
        self._on_closing()
        self._unsubscribe = self._session.document.project.subscribe(self._on_change)
        self.refresh()

    def _on_closing(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self.beginResetModel()
        self._frames, self._rows = [], {}
        self.endResetModel()

    def _on_change(self, change: Change) -> None:
        if len(change.frames) > _MANY:
            for frame in change.frames:
                self._rows.pop(frame, None)
            self._tell_all()
            return
        for frame in change.frames:
            self._redraw(frame)

    def _redraw(self, frame: int) -> None:
        self._rows.pop(frame, None)
        row = self.row(frame)
        if row >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _redraw_all(self) -> None:
        self._rows.clear()
        self._tell_all()

    def _tell_all(self) -> None:
        if self._frames:
            self.dataChanged.emit(self.index(0), self.index(len(self._frames) - 1))

    def refresh(self) -> None:
        """Bring the rows up to date, one by one, so that the view stays where it is."""
        if self._unsubscribe is None:
            return
        wanted = np.flatnonzero(self._session.document.project.states & IN_MEMORY).tolist()
        if wanted == self._frames:
            return
        if len(set(wanted) ^ set(self._frames)) > _MANY:
            self.beginResetModel()
            self._frames = wanted
            self.endResetModel()
            return
        for row in range(len(self._frames) - 1, -1, -1):
            if self._frames[row] not in wanted:
                self.beginRemoveRows(NO_PARENT, row, row)
                self._rows.pop(self._frames.pop(row), None)
                self.endRemoveRows()
        for row, frame in enumerate(wanted):
            if row >= len(self._frames) or self._frames[row] != frame:
                self.beginInsertRows(NO_PARENT, row, row)
                self._frames.insert(row, frame)
                self.endInsertRows()

    # what Qt asks

    def row(self, frame: int) -> int:
        """-1: the frame is not in permanent memory."""
        row = bisect_left(self._frames, frame)
        return row if row < len(self._frames) and self._frames[row] == frame else -1

    def frame(self, row: int) -> int:
        """-1: there is no such row."""
        return self._frames[row] if 0 <= row < len(self._frames) else -1

    def ids(self, frame: int) -> tuple[int, ...]:
        """Objects that permanent memory knows on a frame."""
        return self._row(frame).ids if self.row(frame) >= 0 else ()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._frames)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        frame = self.frame(index.row())
        if frame < 0:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.tr("Frame {}").format(frame)
            case Qt.ItemDataRole.DecorationRole:
                return self._row(frame).picture
            case Qt.ItemDataRole.ToolTipRole:
                names = ", ".join(self._names(frame))
                return self.tr("Frame {}: {}. Click to go there.").format(frame, names)
            case Qt.ItemDataRole.AccessibleTextRole:
                return self.tr("Frame {}: {}").format(frame, ", ".join(self._names(frame)))
            case _ if role == FRAME_ROLE:
                return frame
            case _ if role == DOTS_ROLE:
                objects = self._session.objects
                return [QColor(*o.colour) for o in objects if o.id in self._row(frame).ids]
        return None

    def _names(self, frame: int) -> list[str]:
        return [o.name for o in self._session.objects if o.id in self._row(frame).ids]

    # thumbnails

    def _row(self, frame: int) -> _Row:
        if frame not in self._rows:
            cells = {id: cell for id, cell in self._session.document.project.cells(frame).items() if cell.in_memory}
            self._rows[frame] = _Row(tuple(cells), self._thumbnails.picture(frame, cells))
        return self._rows[frame]
