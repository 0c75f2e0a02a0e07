"""The items of the scene, from the bottom up: the frame, and over it its label map or its matte. A unit is a pixel of
the frame."""

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pcvos_gui.app.colours import checkered
from pcvos_gui.canvas.colour_tables import EDGES, NO_LOOK, Look, Style
from pcvos_gui.canvas.screen import draw_indexed, draw_patch, edges, indexed_image, outlines, sample, zoom_of

_HARD_PIXELS = 2.0  # zoom from which a pixel is a square
_CHECKER = 8  # Qt pixels
_LIGHT, _DARK = QColor(204, 204, 204), QColor(153, 153, 153)


class ArrayItem(QGraphicsItem):
    """An item as large as the frame."""

    def __init__(self) -> None:
        super().__init__()
        self._size = QRect()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # says what is exposed

    def boundingRect(self) -> QRectF:
        return QRectF(self._size)

    def _set_size(self, array: np.ndarray | None) -> None:
        size = QRect() if array is None else QRect(0, 0, array.shape[1], array.shape[0])
        if size != self._size:
            self.prepareGeometryChange()
            self._size = size

    def _screen_scale(self) -> float:
        """Qt pixels per pixel of the frame, along its shorter side."""
        views = self.scene().views() if self.scene() else ()
        return min(views[0].transform().m11(), views[0].transform().m22()) if views else 1.0


class FrameItem(ArrayItem):
    """The frame's pixels.

    They are converted once when a frame is shown: Qt scales its own 32-bit format about three times as fast as RGB
    (measured: 7 against 20 ms for a window of 1600x900).
    """

    def __init__(self) -> None:
        super().__init__()
        self._levels: list[np.ndarray] = []  # uint8 (h, w, 4) BGRA; each half as large as the one before

    def set_image(self, image: np.ndarray | None) -> None:
        """Show uint8 (H, W, 3) RGB, or nothing."""
        self._set_size(image)
        self._levels = [] if image is None else [cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGRA)]
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not self._levels:
            return
        zoom = zoom_of(painter)
        pixels = self._level(zoom)
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, zoom < _HARD_PIXELS)
        painter.drawImage(self.boundingRect(), image)

    def _level(self, zoom: float) -> np.ndarray:
        """The smallest copy that has no fewer pixels than the screen: bilinear scaling alone would flicker."""
        level = 0
        while zoom * 2 ** (level + 1) <= 1 and min(self._levels[level].shape[:2]) > 1:
            if level + 1 == len(self._levels):
                height, width = self._levels[level].shape[:2]
                half = cv2.resize(self._levels[level], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
                self._levels.append(half)
            level += 1
        return self._levels[level]


class LabelsItem(ArrayItem):
    """A label map in the colours of a `Look`: an indexed image straight over the array that is being painted in.

    Another look costs a colour table and no pixel. `refresh` tells which pixels of the array changed.
    """

    smooth_below = 1.0  # zoom from which a pixel is a square

    def __init__(self) -> None:
        super().__init__()
        self.labels: np.ndarray | None = None
        self._look, self._drawn = NO_LOOK, _drawn_values(NO_LOOK)  # values that have lines
        self._image: QImage | None = None
        self._box = QRect()  # all objects are inside: what is outside need not be drawn, which is slow

    def set_labels(self, labels: np.ndarray | None) -> None:
        """Show uint8 (H, W) of contiguous rows, which is kept and not copied; or nothing."""
        if labels is None and self.labels is None:
            return
        self._set_size(labels)
        self.labels = labels
        self._image = None if labels is None else indexed_image(labels, self._look.table)
        self._box = QRect() if labels is None else QRect(*cv2.boundingRect(labels))
        self.update()

    def refresh(self, rect: QRect) -> None:
        """The array changed inside `rect`."""
        self._box = rect & self._size | self._box
        margin = 4 / self._screen_scale() if self._look.has_edges else 0
        self.update(QRectF(rect).adjusted(-margin, -margin, margin, margin))

    def set_look(self, look: Look) -> None:
        if look != self._look:
            self._look, self._drawn = look, _drawn_values(look)
            if self._image is not None:
                self._image.setColorTable(look.table)
            self.setVisible(look.style is not Style.NOTHING)
            self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._image is None:
            return
        match self._look.style:
            case Style.FILL:
                self._paint_fill(painter, self._image, option.exposedRect)
            case Style.CHECKERBOARD:
                self._paint_checkerboard(painter, self._image, option.exposedRect)
        if self._look.has_edges:
            self._paint_lines(painter, option.exposedRect)

    def _drawn_box(self) -> QRect:
        return self._box.adjusted(-2, -2, 2, 2) & self._size if self._box.isValid() else QRect()

    def _paint_fill(self, painter: QPainter, image: QImage, exposed: QRectF) -> None:
        box = self._drawn_box()
        if self._look.table[0]:
            self._fill_around(painter, QRectF(box), QColor.fromRgba(self._look.table[0]))
        draw_indexed(painter, image, box, exposed, self.smooth_below)

    def _fill_around(self, painter: QPainter, box: QRectF, colour: QColor) -> None:
        """Fill it as one path: rectangles of their own would be rounded to the screen's pixels each in its way."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        path = QPainterPath()
        path.addRect(self.boundingRect())
        path.addRect(box)
        painter.fillPath(path, colour)

    def _paint_lines(self, painter: QPainter, exposed: QRectF) -> None:
        """Outlines in the objects' colours where the look has them, and what makes edges seen on any footage."""
        exposed = exposed & QRectF(self._drawn_box())
        patch = None if self.labels is None or exposed.isEmpty() else sample(painter, self.labels, exposed)
        if patch is None:
            return
        painter.save()
        painter.setClipRect(self.boundingRect(), Qt.ClipOperation.IntersectClip)  # nothing repaints what is beside it
        if self._look.style is Style.OUTLINE:
            draw_patch(painter, patch, outlines(patch, self._drawn), self._look.table)
        draw_patch(painter, patch, edges(patch, self._drawn), EDGES)
        painter.restore()

    def _paint_checkerboard(self, painter: QPainter, image: QImage, exposed: QRectF) -> None:
        """The backdrop with the objects cut out, on a layer of its own."""
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        area = transform.mapRect(exposed & self.boundingRect()).toAlignedRect().adjusted(-1, -1, 1, 1)
        layer = QImage(area.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        over = QPainter(layer)
        over.translate(-area.topLeft())
        over.save()
        over.setBrushOrigin(transform.map(QPointF(0, 0)).toPoint())
        edge = 0.5 / ratio  # the frame's last pixels on the screen may be covered in part
        whole = transform.mapRect(self.boundingRect()).adjusted(-edge, -edge, edge, edge)
        over.fillRect(whole, checkered(_LIGHT, _DARK, _CHECKER))
        over.restore()
        over.setTransform(transform * over.transform())
        over.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOut)
        draw_indexed(over, image, self._drawn_box(), exposed, self.smooth_below)
        over.end()
        painter.save()
        painter.resetTransform()
        painter.drawImage(area.topLeft(), layer)
        painter.restore()


def _drawn_values(look: Look) -> np.ndarray:
    """Each value that has a colour, 0 in place of the others: uint8 (256,)."""
    values = np.where(look.table, np.arange(256), 0).astype(np.uint8)
    values[0] = 0
    return values


class MatteItem(LabelsItem):
    """A matte: its levels, 255 where the frame shows through, in place of ids; drawn as smoothly as the frame."""

    smooth_below = _HARD_PIXELS
