"""Small pictures of frames with their masks."""

from collections.abc import Mapping

import cv2
import numpy as np
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem

from core.project.model import Cell, ObjectInfo
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.model_index import Index

THUMBNAIL = (96, 54)
"""Most width and height, in pixels of the window."""

_RATIO = 2  # they are kept for screens of double density
_MOST = 300  # frames that are kept
_UNSEEN = 128  # grey, where a frame has not been read yet


class Thumbnails(QObject):
    """Small pictures of the frames that are open.

    The pixels are those that were on the screen, or are at hand; others the frames' thread reads when it has nothing
    else to do: `arrived` says of which frames there are pixels now.
    """

    arrived = Signal(int)

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self._small: dict[int, np.ndarray] = {}
        self._wanted: set[int] = set()
        session.closing.connect(self._forget)
        session.navigator.image_changed.connect(lambda: self._take(session.navigator.shown, session.navigator.image))
        session.navigator.frames.aside.connect(self._take)

    def picture(self, frame: int, cells: Mapping[int, Cell]) -> QPixmap:
        """A frame with the masks of these cells, by object."""
        drawn = with_masks(self._frame(frame), cells, {o.id: o for o in self._session.objects})
        pixmap = QPixmap.fromImage(to_image(drawn))
        scale = max(drawn.shape[1] / THUMBNAIL[0], drawn.shape[0] / THUMBNAIL[1])
        pixmap.setDevicePixelRatio(max(1.0, scale))
        return pixmap

    def _frame(self, frame: int) -> np.ndarray:
        if frame in self._small:
            return self._small[frame]
        session = self._session
        image = session.navigator.image if session.navigator.shown == frame else session.navigator.frames.cached(frame)
        if image is None:
            self._wanted.add(frame)
            session.navigator.frames.request_aside(frame)
            grey = np.full((*session.navigator.size, 1), _UNSEEN, np.uint8)
            return np.repeat(self._shrunk(grey)[..., None], 3, axis=2)
        self._keep(frame, image)
        return self._small[frame]

    def _take(self, frame: int, image: np.ndarray | None) -> None:
        if frame in self._wanted and image is not None:
            self._wanted.discard(frame)
            self._keep(frame, image)
            self.arrived.emit(frame)

    def _keep(self, frame: int, image: np.ndarray) -> None:
        while len(self._small) >= _MOST:
            del self._small[next(iter(self._small))]  # the oldest
        self._small[frame] = self._shrunk(image)

    def _forget(self) -> None:
        self._small, self._wanted = {}, set()

    def _shrunk(self, image: np.ndarray) -> np.ndarray:
        shape = float(self._session.document.media.sample_aspect_ratio)
        return shrunk(image, _RATIO * THUMBNAIL[0], _RATIO * THUMBNAIL[1], shape)


def make_rows(view: QListView, height: int) -> None:
    """Let a list show rows of thumbnails of one height, scrolled by pixels."""
    view.setUniformItemSizes(True)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    view.setMinimumHeight(height + 4)


def paint_row(painter: QPainter, option: QStyleOptionViewItem, index: Index) -> tuple[bool, QColor]:
    """Draw a row's ground, and its thumbnail at the left, in the middle of its column.

    Returns:
        Whether it is selected, and the colour of text on it.
    """
    option.state &= ~QStyle.StateFlag.State_HasFocus
    option.widget.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
    row, picture = option.rect, index.data(Qt.ItemDataRole.DecorationRole)
    size = picture.deviceIndependentSize()
    left = row.left() + 4 + (THUMBNAIL[0] - size.width()) / 2
    painter.drawPixmap(QPoint(round(left), round(row.center().y() - size.height() / 2)), picture)
    is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
    role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
    return is_selected, option.palette.color(role)


def to_image(pixels: np.ndarray) -> QImage:
    """An image of its own from uint8 (H, W, 3) RGB."""
    pixels = np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def shown_size(size: tuple[int, int], sample_aspect_ratio: float) -> tuple[float, float]:
    """Height and width, in square pixels, of a frame of `size` (H, W) whose pixels are `sample_aspect_ratio` times as
    wide as high; stretched, never shrunk."""
    return size[0] * max(1.0, 1 / sample_aspect_ratio), size[1] * max(1.0, sample_aspect_ratio)


def shrunk(image: np.ndarray, width: int, height: int, sample_aspect_ratio: float = 1.0) -> np.ndarray:
    """uint8 (h, w, 3), as large as fits `width` x `height` with the proportions kept; never enlarged."""
    tall, wide = shown_size(image.shape[:2], sample_aspect_ratio)
    scale = min(width / wide, height / tall, 1.0)
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def with_masks(small: np.ndarray, cells: Mapping[int, Cell], objects: Mapping[int, ObjectInfo]) -> np.ndarray:
    """A shrunk frame with the masks of its cells in their objects' colours: uint8 (h, w, 3).

    Only what lies in a mask's box is unpacked and shrunk.
    """
    drawn = small.copy()
    for id, cell in cells.items():
        if id not in objects or cell.mask.is_empty:
            continue
        (height, width), (top, left, tall, wide) = cell.mask.size, cell.mask.box
        down, across = small.shape[0] / height, small.shape[1] / width
        y0, x0 = int(top * down), int(left * across)
        y1 = min(small.shape[0], max(y0 + 1, round((top + tall) * down)))
        x1 = min(small.shape[1], max(x0 + 1, round((left + wide) * across)))
        inside = cell.mask.inside().view(np.uint8) * 255
        share = cv2.resize(inside, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)[..., None] / 255 * 0.6
        area = drawn[y0:y1, x0:x1]
        area[...] = np.rint(area * (1 - share) + np.array(objects[id].colour) * share).astype(np.uint8)
    return drawn
