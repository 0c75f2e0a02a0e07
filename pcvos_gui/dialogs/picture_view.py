"""A picture to look at closely: fitted or pixel by pixel, moved by hand, its transparency over a checkerboard."""

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPixmap, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsScene, QGraphicsView, QWidget

from pcvos_gui.app.colours import checkered

_SQUARE = 8  # Qt pixels
_LIGHT, _DARK = QColor("#b4b4b4"), QColor("#8c8c8c")
_MOST = 16.0
_STEP = 1.25


class PictureView(QGraphicsView):
    """Shows one picture; the wheel or + and - zoom, dragging moves it.

    Signals:
        zoomed(): by whatever means.
    """

    zoomed = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self._item = self.scene().addPixmap(QPixmap())
        self._item.setTransformationMode(Qt.TransformationMode.SmoothTransformation)
        self._has_alpha = False
        self._text = ""
        self._fits = True
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setBackgroundBrush(Qt.BrushStyle.NoBrush)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)

    @property
    def fits(self) -> bool:
        """Whether all of the picture is seen, however large the view."""
        return self._fits

    @property
    def zoom(self) -> float:
        """Pixels of the screen for one of the picture."""
        return self.transform().m11() * self.devicePixelRatioF()

    def show_picture(self, picture: np.ndarray) -> None:
        """uint8 (H, W, 3) RGB or (H, W, 4) with straight alpha. Where it is looked at stays."""
        picture = np.ascontiguousarray(picture)
        height, width, channels = picture.shape
        self._has_alpha = channels == 4
        form = QImage.Format.Format_RGBA8888 if self._has_alpha else QImage.Format.Format_RGB888
        self._item.setPixmap(QPixmap.fromImage(QImage(picture.data, width, height, channels * width, form)))
        self._text = ""
        if self.sceneRect() != self._item.sceneBoundingRect():
            self.setSceneRect(self._item.sceneBoundingRect())
            self._refit()
        self.viewport().update()

    def set_sample_aspect_ratio(self, ratio: float) -> None:
        """Width over height of a pixel of the picture: it is shown in its true shape."""
        self._item.setTransform(QTransform.fromScale(max(1.0, ratio), max(1.0, 1 / ratio)))

    def show_text(self, text: str) -> None:
        """Words in place of the picture."""
        self._item.setPixmap(QPixmap())
        self._has_alpha = False
        self._text = text
        self.viewport().update()

    @property
    def has_picture(self) -> bool:
        return not self._item.pixmap().isNull()

    def fit(self) -> None:
        """All of it."""
        self._fits = True
        self._refit()

    def set_zoom(self, zoom: float) -> None:
        """So many pixels of the screen for one of the picture."""
        self._fits = False
        scale = min(max(zoom, 1 / _MOST), _MOST) / self.devicePixelRatioF()
        self.setTransform(QTransform.fromScale(scale, scale))
        self.zoomed.emit()

    def _refit(self) -> None:
        if self._fits and not self.sceneRect().isEmpty():
            self.fitInView(self.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)
            self.zoomed.emit()

    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        painter.save()
        seen = self.mapFromScene(self.sceneRect()).boundingRect()
        painter.resetTransform()
        painter.fillRect(self.viewport().rect(), self.palette().color(QPalette.ColorRole.Window))
        if self._has_alpha:
            painter.fillRect(seen, checkered(_DARK, _LIGHT, _SQUARE))
        if self._text:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect().adjusted(16, 16, -16, -16), flags, self._text)
        painter.restore()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._refit()

    def wheelEvent(self, event) -> None:
        if event.angleDelta().y():
            self.set_zoom(self.zoom * (_STEP if event.angleDelta().y() > 0 else 1 / _STEP))

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.set_zoom(self.zoom / _STEP if event.key() == Qt.Key.Key_Minus else self.zoom * _STEP)
        else:
            super().keyPressEvent(event)
