"""Permanent memory as Qt's views see it: a row a frame."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor, QPixmap

from core.project.model import Cell, Change
from core.project.tracks import IN_MEMORY
from pcvos_gui.panels.thumbnails import shrunk, to_image, with_masks
from pcvos_gui.session.session import Session

THUMBNAIL = (96, 54)
"""Most width and height, in pixels of the window."""

FRAME_ROLE = Qt.ItemDataRole.UserRole
DOTS_ROLE = Qt.ItemDataRole.UserRole + 1  # list of QColor, one an object

_NO_PARENT = QModelIndex()
_MANY = 64  # rows: more are told to the view at once
_RATIO = 2  # thumbnails are kept for screens of double density
_UNSEEN = 128  # grey, where a frame has not been read yet


@dataclass(frozen=True)
class _Row:
    """What a row shows, made when it is first drawn."""

    ids: tuple[int, ...]
    picture: QPixmap


class MemoryModel(QAbstractListModel):
    """Frames in permanent memory, ascending.

    A row reads its masks when it is drawn. The frame's own pixels are those that were on the screen, or are at hand;
    others the frames' thread reads when it has nothing else to do.
    """

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._frames: list[int] = []
        self._rows: dict[int, _Row] = {}
        self._small: dict[int, np.ndarray] = {}
        self._unsubscribe: Callable[[], None] | None = None
        session.opened.connect(self._on_opened)
        session.closing.connect(self._on_closing)
        session.states_changed.connect(self.refresh)
        session.objects_changed.connect(self._redraw_all)
        session.image_changed.connect(self._on_image)
        session.frames.aside.connect(self._on_aside)
        if session.project is not None:
            self._on_opened()

    # the session's changes

    def _on_opened(self) -> None:
        self._on_closing()
        self._unsubscribe = self._session.loaded_project.subscribe(self._on_change)
        self.refresh()

    def _on_closing(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self.beginResetModel()
        self._frames, self._rows, self._small = [], {}, {}
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

    def _on_image(self) -> None:
        frame = self._session.shown
        if frame not in self._small and self.row(frame) >= 0:
            self._redraw(frame)

    def _on_aside(self, frame: int, image: np.ndarray) -> None:
        if self.row(frame) >= 0:
            self._keep_small(frame, image)
            self._redraw(frame)

    def refresh(self) -> None:
        """Bring the rows up to date, one by one, so that the view stays where it is."""
        project = self._session.project
        if project is None or self._unsubscribe is None:
            return
        wanted = np.flatnonzero(project.states & IN_MEMORY).tolist()
        if wanted == self._frames:
            return
        if len(set(wanted) ^ set(self._frames)) > _MANY:
            self.beginResetModel()
            self._frames = wanted
            self.endResetModel()
            return
        for row in range(len(self._frames) - 1, -1, -1):
            if self._frames[row] not in wanted:
                self.beginRemoveRows(_NO_PARENT, row, row)
                self._rows.pop(self._frames.pop(row), None)
                self.endRemoveRows()
        for row, frame in enumerate(wanted):
            if row >= len(self._frames) or self._frames[row] != frame:
                self.beginInsertRows(_NO_PARENT, row, row)
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

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._frames)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
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
            cells = {id: cell for id, cell in self._session.loaded_project.cells(frame).items() if cell.in_memory}
            self._rows[frame] = _Row(tuple(cells), self._picture(frame, cells))
        return self._rows[frame]

    def _picture(self, frame: int, cells: dict[int, Cell]) -> QPixmap:
        small = self._small_frame(frame)
        drawn = with_masks(small, cells, {o.id: o for o in self._session.objects})
        pixmap = QPixmap.fromImage(to_image(drawn))
        scale = max(drawn.shape[1] / THUMBNAIL[0], drawn.shape[0] / THUMBNAIL[1])
        pixmap.setDevicePixelRatio(max(1.0, scale))
        return pixmap

    def _small_frame(self, frame: int) -> np.ndarray:
        if frame in self._small:
            return self._small[frame]
        session = self._session
        image = session.image if session.shown == frame else session.frames.cached(frame)
        if image is None:
            session.frames.request_aside(frame)
            grey = np.full((*session.size, 1), _UNSEEN, np.uint8)
            return np.repeat(self._shrunk(grey)[..., None], 3, axis=2)
        return self._keep_small(frame, image)

    def _keep_small(self, frame: int, image: np.ndarray) -> np.ndarray:
        self._small[frame] = self._shrunk(image)
        return self._small[frame]

    def _shrunk(self, image: np.ndarray) -> np.ndarray:
        shape = float(self._session.media.sample_aspect_ratio)
        return shrunk(image, _RATIO * THUMBNAIL[0], _RATIO * THUMBNAIL[1], shape)
