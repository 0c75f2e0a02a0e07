"""Explanations drawn over a frame: how unsure the run was, distractors, and the pixel that is pointed at."""

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from core.studio.explanation import uncertainty
from pcvos_gui.canvas.canvas import Canvas
from pcvos_gui.canvas.colour_tables import Look, Style, argb
from pcvos_gui.canvas.items import ArrayItem, LabelsItem
from pcvos_gui.canvas.screen import indexed_image
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState
from pcvos_gui.session.why import Why

_STOPS = ((0, (70, 30, 140), 0), (64, (120, 40, 160), 110), (150, (225, 80, 60), 190), (255, (255, 235, 90), 235))
"""Level, colour and alpha: brighter and more opaque, the more unsure."""


def _heat_table() -> tuple[int, ...]:
    levels, parts = [stop[0] for stop in _STOPS], [(*colour, alpha) for _, colour, alpha in _STOPS]
    columns = np.stack([np.interp(range(256), levels, column) for column in zip(*parts, strict=True)], 1)
    return tuple(argb((r, g, b), alpha) for r, g, b, alpha in columns.astype(int).tolist())


HEAT = _heat_table()
"""The colour of each level."""

_ALIKE = Look(Style.OUTLINE, (0, *[argb((255, 0, 200), 255)] * 255), has_edges=True)
_RADIUS = 7  # Qt pixels, of the ring around the pixel


class HeatItem(ArrayItem):
    """A map of levels that covers an area around the frame, clipped to it."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: np.ndarray | None = None
        self._area = QRectF()

    def set_levels(self, frame: np.ndarray, levels: np.ndarray, area: tuple[float, float, float, float]) -> None:
        """Show uint8 (h, w) over `area`, (left, top, width, height) in pixels of the frame."""
        self._set_size(frame)
        self.levels, self._area = np.ascontiguousarray(levels), QRectF(*area)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.levels is None:
            return
        image = indexed_image(self.levels, HEAT).convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        painter.save()
        painter.setClipRect(self.boundingRect(), Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._area, image)
        painter.restore()


class PointItem(QGraphicsItem):
    """A ring around a pixel, as large on the screen at every zoom."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self._is_held = False

    def set_held(self, held: bool) -> None:
        self._is_held = held
        self.update()

    def boundingRect(self) -> QRectF:
        edge = _RADIUS + 3
        return QRectF(-edge, -edge, 2 * edge, 2 * edge)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((QColor(0, 0, 0, 200), 4), (QColor(255, 255, 255), 2)):
            painter.setPen(QPen(colour, width if self._is_held else width / 1.5))
            painter.drawEllipse(QPointF(0, 0), _RADIUS, _RADIUS)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(255, 255, 255))
        painter.drawEllipse(QPointF(0, 0), 1.5, 1.5)


class WhyOverlay(QObject):
    """Draws what `Why` says is shown, and tells it where one points with the tool.

    Attributes:
        heat, alike, point: the items.
    """

    def __init__(self, session: Session, why: Why, canvas: Canvas, view: ViewState):
        super().__init__(canvas)
        self._session, self._why, self._view = session, why, view
        self.heat, self.alike, self.point = HeatItem(), LabelsItem(), PointItem()
        for item in (self.heat, self.alike, self.point):
            canvas.view.scene().addItem(item)
        self.alike.set_look(_ALIKE)
        for signal in (why.shown_changed, view.changed):
            signal.connect(self.refresh)
        why.point_changed.connect(self._show_point)
        canvas.why_tool.pointed.connect(why.point_at)
        canvas.why_tool.clicked.connect(lambda x, y: why.point_at(x, y, hold=True))
        canvas.why_tool.left.connect(why.leave_point)
        self.refresh()

    def refresh(self) -> None:
        """Show what is to be seen now."""
        session, why = self._session, self._why
        frame, image = session.navigator.shown, session.navigator.image
        is_there = session.is_open and frame >= 0 and image is not None and not self._view.peeking
        found = uncertainty(session.document.project, frame) if is_there and why.shows_uncertainty else None
        self.heat.setVisible(found is not None)
        if found is not None and image is not None:
            self.heat.set_levels(image, *found)
        alike = self._distractors(frame) if is_there and why.shows_distractors else None
        self.alike.set_labels(alike)
        self.alike.setVisible(alike is not None)
        self._show_point()

    def _show_point(self) -> None:
        why = self._why
        self.point.setVisible(why.point is not None and not self._view.peeking)
        if why.point is not None:
            self.point.setPos(why.point[0] + 0.5, why.point[1] + 0.5)
            self.point.set_held(why.is_held)

    def _distractors(self, frame: int) -> np.ndarray | None:
        """Label map of what looks like objects, of their ids; None: none is known of this frame."""
        as_it_was = self._why.ablations.get("")
        distractors = {} if as_it_was is None else {o: m for (f, o), m in as_it_was.distractors.items() if f == frame}
        if not any(not mask.is_empty for mask in distractors.values()):
            return None
        labels = np.zeros(self._session.navigator.size, np.uint8)
        for obj, mask in distractors.items():
            mask.draw(labels, obj)
        return labels
