"""The other side of a comparison on the canvas, in place of what is there; flipped by a key."""

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel

from pcvos_gui.canvas.canvas import Canvas
from pcvos_gui.canvas.colour_tables import Look, Style, argb, look_of
from pcvos_gui.canvas.items import LabelsItem
from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import ONLY_ONE, ONLY_OTHER, OTHERS_OBJECT, Seen, SideBySide
from pcvos_gui.session.view_state import ViewMode, ViewState

_MARGIN = 8
_DIFFERENCE = {ONLY_ONE: (60, 200, 90), ONLY_OTHER: (235, 60, 50), OTHERS_OBJECT: (245, 200, 40)}
"""Colours that differ in brightness too."""


class OtherSide(QObject):
    """Draws what `SideBySide` says is seen, and names it in a corner of the picture.

    Attributes:
        item: what is drawn. badge: its name.
    """

    def __init__(self, session: Session, sides: SideBySide, canvas: Canvas, view: ViewState):
        super().__init__(canvas)
        self._session, self._sides, self._canvas, self._view = session, sides, canvas, view
        self.item = LabelsItem()
        self.item.setVisible(False)
        canvas.view.scene().addItem(self.item)
        self.item.stackBefore(canvas.matte_item)
        self.badge = QLabel(canvas.view)
        self.badge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.badge.setStyleSheet("background: rgba(0, 0, 0, 190); color: white; border-radius: 4px; padding: 4px 8px;")
        self.badge.hide()
        for signal in (sides.seen_changed, session.navigator.image_changed, view.changed, session.objects_changed):
            signal.connect(self.refresh)
        session.labels_changed.connect(lambda _: self.refresh())
        session.closed.connect(self.refresh)
        canvas.view.moved.connect(self._place_badge)

    def refresh(self) -> None:
        """Show what is to be seen now."""
        frame = self._session.navigator.shown
        labels = self._sides.seen_labels(frame) if frame >= 0 else None
        if labels is None and self.item.labels is None:
            return  # as nearly always, while somebody paints or steps through frames
        self.item.set_labels(labels)
        self.item.setVisible(labels is not None and not self._view.peeking)
        self._canvas.show_own_masks(labels is None)
        self.badge.setText(self._sides.seen_in_words if labels is not None else "")
        self.badge.setVisible(labels is not None)
        if labels is not None:
            self.item.set_look(self._look())
            self._place_badge()

    def _place_badge(self) -> None:
        self.badge.adjustSize()
        self.badge.move(_MARGIN, self._canvas.view.height() - self.badge.height() - _MARGIN)  # messages are above
        self.badge.raise_()

    def _look(self) -> Look:
        if self._sides.seen is Seen.DIFFERENCE:
            table = [0] * 256
            for value, colour in _DIFFERENCE.items():
                table[value] = argb(colour, 190)
            return Look(Style.FILL, tuple(table), has_edges=True)
        colours = {o.id: o.colour for o in self._session.objects if self._session.is_drawn(o)}
        hides = self._view.mode in (ViewMode.ORIGINAL,)
        return look_of(ViewMode.OVERLAY if hides else self._view.mode, colours, max(0.2, self._view.opacity))
