"""The film strip of the timeline: small pictures of frames, where the panel is high enough for them."""

from PySide6.QtCore import QRect
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from pcvos_gui.panels.thumbnails import THUMBNAIL, Thumbnails
from pcvos_gui.session.session import Session
from pcvos_gui.timeline.paint import Colours
from pcvos_gui.timeline.scrubber import Scrubber

HEIGHT = THUMBNAIL[1] + 6
_SLOT = THUMBNAIL[0] + 4


class Film(QWidget):
    """Pictures of as many of the visible frames as there is room for; a click goes to the frame."""

    def __init__(self, session: Session, scrubber: Scrubber, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._scrubber = session, scrubber
        self._thumbnails = Thumbnails(session, self)
        self._thumbnails.arrived.connect(self._on_arrived)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Film strip"))
        for signal in (session.opened, session.closed, scrubber.visible_changed):
            signal.connect(self.update)

    def frames(self) -> list[int]:
        """The frames that are pictured: round ones, so that scrolling keeps them."""
        visible = self._scrubber.visible
        step = max(1, -int(-_SLOT // visible.per_frame))
        first = int(visible.first) // step * step
        last = min(self._session.navigator.frame_count, int(visible.first + visible.span) + 1)
        return [frame for frame in range(first, last, step) if visible.x(frame) > -_SLOT]

    def place_of(self, frame: int) -> QRect:
        """Rectangle of the picture of a frame."""
        return QRect(round(self._scrubber.visible.x(frame)), 0, _SLOT, self.height())

    def _on_arrived(self, frame: int) -> None:
        if self.isVisible():
            self.update(self.place_of(frame))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Colours.of(self.palette()).ground)
        if not self._session.is_open:
            return
        for frame in self.frames():
            place = self.place_of(frame)
            if place.intersects(event.rect()):
                painter.drawPixmap(place.left(), 3, self._thumbnails.picture(frame, {}))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._session.is_open:
            self._session.navigator.go_to(self._scrubber.frame_at(event.position().x()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._scrubber.wheelEvent(event)  # frame is under frame
