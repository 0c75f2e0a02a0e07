"""The curves of a comparison along the timeline: agreement of two runs, or J and F against a reference."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import SideBySide
from pcvos_gui.timeline.columns import frames_at
from pcvos_gui.timeline.paint import Colours
from pcvos_gui.timeline.scrubber import Scrubber

_HEIGHT, _INSET = 40, 4
_SAMPLE, _SPACE = 20, 8  # of the legend: a line's length, and what is between


class Curves(QWidget):
    """Below the scrubber, frame under frame; there only while something is compared. 1 is at the top, 0 at the foot."""

    shown_changed = Signal()
    refreshed = Signal()

    def __init__(self, session: Session, sides: SideBySide, scrubber: Scrubber):
        super().__init__()
        self._session, self._sides, self._scrubber = session, sides, scrubber
        self._curves: dict[str, np.ndarray] = {}
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName(self.tr("Agreement of what is compared"))
        sides.changed.connect(self.refresh)
        session.active_changed.connect(self.refresh)
        scrubber.visible_changed.connect(self.update)
        session.navigator.frame_changed.connect(lambda _: self.update())
        self.refresh()

    @property
    def names(self) -> list[str]:
        """Names of the curves."""
        return list(self._curves)

    def sizeHint(self) -> QSize:
        return QSize(800, _HEIGHT)

    def refresh(self) -> None:
        """Take the curves as they are now."""
        self._curves = self._sides.curves()
        was_hidden = self.isHidden()
        self.setVisible(bool(self._curves))
        self.refreshed.emit()
        if self.isHidden() != was_hidden:
            self.shown_changed.emit()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), Colours.of(self.palette())
        painter.fillRect(self.rect(), colours.ground)
        painter.setPen(colours.line)
        for share in (0.0, 0.5, 1.0):
            y = round(self._y(share))
            painter.drawLine(0, y, self.width(), y)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for (_, values), pen in zip(self._curves.items(), pens_of(colours), strict=False):
            painter.setPen(pen)
            for line in self._lines(values):
                painter.drawPolyline(line) if line.size() > 1 else painter.drawPoint(line.first())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(colours.text, 1))
        x = round(self._scrubber.visible.centre(self._session.navigator.frame))
        painter.drawLine(x, 0, x, self.height())

    def _y(self, value: float) -> float:
        return _INSET + (1 - value) * (self.height() - 2 * _INSET)

    def _lines(self, values: np.ndarray) -> list[QPolygonF]:
        """A curve, broken where nothing is known; where a pixel has several frames, of the lowest of them."""
        visible = self._scrubber.visible
        if visible.per_frame >= 1:
            begin = max(0, int(np.floor(visible.first)))
            frames = np.arange(begin, min(len(values), int(np.ceil(visible.first + visible.span))))
            x, y = (frames + 0.5 - visible.first) * visible.per_frame, values[frames]
        else:
            end = min(len(values), int(np.ceil(visible.first + visible.span)))
            starts = np.minimum(frames_at(visible), max(0, end - 1))
            x, y = np.arange(visible.width) + 0.5, np.fmin.reduceat(values[:end], starts)
        known = np.flatnonzero(~np.isnan(y))
        parts = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(known) else []
        return [QPolygonF([QPointF(float(x[i]), self._y(float(y[i]))) for i in part]) for part in parts]

    # the pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._session.navigator.go_to(self._scrubber.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._session.navigator.go_to(self._scrubber.frame_at(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._scrubber.wheelEvent(event)  # frame is under frame

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.text_at(event.pos().x()), self)
            return True
        return super().event(event)

    def text_at(self, x: float) -> str:
        """The figures of the frame at a pixel."""
        frame = self._scrubber.frame_at(x)
        parts = [
            self.tr("{} not known").format(name) if np.isnan(values[frame]) else f"{name} {values[frame]:.3f}"
            for name, values in self._curves.items()
        ]
        info = self._session.object(self._session.active)
        name = info.name if info is not None else ""
        return self.tr("Frame {} \N{MIDDLE DOT} {} \N{MIDDLE DOT} {}").format(frame, name, ", ".join(parts))


class CurvesLegend(QWidget):
    """At the left of the curves, as high as they are: each one's line with its name, and the ends of the scale."""

    def __init__(self, curves: Curves):
        super().__init__()
        self._curves = curves
        self.setFixedHeight(_HEIGHT)
        curves.refreshed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Name the curves as they are now."""
        names = self._curves.names
        self.setVisible(bool(names))
        self.setAccessibleName(self.tr("Curves: {}").format(", ".join(names)))
        self.setToolTip(self.tr("0 to 1, of the active object; rest the pointer on a curve to read its figures"))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        wide = max((metrics.horizontalAdvance(name) for name in self._curves.names), default=0)
        return QSize(_SAMPLE + wide + 2 * _SPACE + metrics.horizontalAdvance("0"), _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours, names = QPainter(self), Colours.of(self.palette()), self._curves.names
        painter.setPen(colours.dim)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, "1")
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, "0")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        high = self.height() / max(1, len(names))
        for row, (name, pen) in enumerate(zip(names, pens_of(colours), strict=False)):
            line = QRectF(0, row * high, self.width(), high)
            painter.setPen(pen)
            painter.drawLine(QPointF(0, line.center().y()), QPointF(_SAMPLE, line.center().y()))
            painter.setPen(colours.text)
            painter.drawText(line.adjusted(_SAMPLE + _SPACE, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)


def pens_of(colours: Colours) -> tuple[QPen, QPen]:
    """The lines of the first and the second curve."""
    return QPen(colours.accent, 2), QPen(QColor(colours.warning), 1.5, Qt.PenStyle.DashLine)
