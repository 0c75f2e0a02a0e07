"""Scribble: strokes over object and background become a mask, shown until it is accepted or dropped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QObject, Qt

from core.annotation.editing import Point, paint_line
from core.annotation.packed_mask import PackedMask
from pcvos_gui.canvas.preview import PreviewItem
from pcvos_gui.canvas.tools.tool import CanvasTool, Pointer
from pcvos_gui.messages import Message
from pcvos_gui.session import Session
from pcvos_gui.view_state import ViewState
from pcvos_gui.workers.assist import AssistWorker
from pcvos_gui.workers.jobs import Estimated, ScribbleDone, ScribbleJob

OBJECT, BACKGROUND = 1, 2

RequestEstimate = Callable[[int], None]
"""Ask for the network's estimate of a frame, if there is memory to make it from; it comes as `set_estimate`."""


@dataclass
class _Stroke:
    value: int
    points: list[tuple[Point, float]] = field(default_factory=list)  # with the radius there


class ScribbleTool(CanvasTool):
    """Strokes for the object, inverted ones for the background; each makes the proposed mask anew.

    Enter accepts the mask, Esc drops it with its strokes, Backspace takes back the last stroke. What is proposed when
    the frame, the object or the tool changes is accepted: that can be undone, and a lost mask not be got back.
    """

    has_brush = True
    cursor = Qt.CursorShape.BlankCursor

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        assist: AssistWorker,
        request_estimate: RequestEstimate | None = None,
        parent: QObject | None = None,
    ):
        super().__init__(session, view_state, parent)
        self.assist, self.request_estimate = assist, request_estimate
        self._item = PreviewItem()
        self.items = (self._item,)
        self._strokes: list[_Stroke] = []
        self._map: np.ndarray | None = None  # uint8 (H, W) of ScribbleJob.strokes
        self._mask: np.ndarray | None = None
        self._draws = False
        self._pending = 0  # number of the job whose mask is awaited
        self._accepts_next = False
        self._object = 0
        self._asked = -1  # the frame an estimate was asked for
        self._estimates: Mapping[int, PackedMask] = {}
        assist.done.connect(self._on_done)
        assist.failed.connect(self._on_failed)
        session.closed.connect(self._on_closed)
        session.image_changed.connect(self._on_image)
        session.active_changed.connect(self._on_active)

    @property
    def hint(self) -> str:
        if not self._strokes:
            return self.tr("Scribble over the object; right button or Alt marks background.")
        return self.tr("Enter accepts, Esc drops, Backspace takes back a stroke; more strokes correct the mask.")

    @property
    def is_busy(self) -> bool:
        return bool(self._strokes)

    @property
    def hides_active(self) -> bool:
        return self._mask is not None

    @property
    def proposed(self) -> np.ndarray | None:
        """The mask that Enter would accept, bool (H, W)."""
        return self._mask

    def show_colour(self, colour: tuple[int, int, int]) -> None:
        """The active object's colour, 8-bit RGB."""
        self._item.set_colour(colour)

    # strokes

    def press(self, pointer: Pointer) -> None:
        if self._draws or not self._can_begin():
            return
        if self._map is None:
            self._map = np.zeros(self.session.size, np.uint8)
            self._object = self.session.active
            self._item.set_strokes(self._map)
            self._ask()
        self._draws, self._accepts_next = True, False
        self._strokes.append(_Stroke(BACKGROUND if pointer.inverted else OBJECT))
        self._paint(pointer)
        self.changed.emit()

    def move(self, pointer: Pointer) -> None:
        if self._draws:
            self._paint(pointer)

    def release(self, pointer: Pointer) -> None:
        if self._draws:
            if pointer.point != self._strokes[-1].points[-1][0]:
                self._paint(pointer)
            self._draws = False
            self._submit()

    def _can_begin(self) -> bool:
        """Whether the mask could be accepted; says why not, and makes the first object."""
        if not self.session.begin_edit():
            return False
        self.session.cancel_edit()
        return True

    def _paint(self, pointer: Pointer) -> None:
        stroke = self._strokes[-1]
        start = stroke.points[-1][0] if stroke.points else pointer.point
        radius = self.brush_radius(pointer)
        stroke.points.append((pointer.point, radius))
        self._item.refresh_strokes(paint_line(self._map, start, pointer.point, radius, stroke.value))

    def _redraw(self) -> None:
        self._map[...] = 0
        for stroke in self._strokes:
            start = stroke.points[0][0]
            for point, radius in stroke.points:
                paint_line(self._map, start, point, radius, stroke.value)
                start = point
        self._item.set_strokes(self._map)

    # masks

    def _ask(self) -> None:
        if self.request_estimate is not None and self._asked != self.session.shown:
            self._asked, self._estimates = self.session.shown, {}
            self.request_estimate(self.session.shown)

    def set_estimate(self, estimated: Estimated) -> None:
        """What the network makes of a frame; strokes that are there already are looked at again with it."""
        if estimated.frame != self._asked:
            return
        self._estimates = {id: found.mask for id, found in estimated.cells.items()}
        if self._strokes and not self._draws and self._object in self._estimates:
            self._submit()

    def _submit(self) -> None:
        present = self.session.labels == self._object
        estimate = self._estimates.get(self._object) if self._asked == self.session.shown else None
        job = ScribbleJob(
            self.session.image,
            self._map.copy(),
            present if present.any() else None,
            None if estimate is None or estimate.is_empty else estimate.unpack(),
            self.session.protected(),
        )
        self._pending = job.number
        self.assist.submit(job)

    def _on_done(self, done: ScribbleDone) -> None:
        if done.number != self._pending:
            return
        self._pending, self._mask = 0, done.mask
        self._item.set_mask(done.mask)
        self.changed.emit()
        if self._accepts_next:
            self.accept()

    def _on_failed(self, number: int, sentence: str) -> None:
        if number == self._pending:
            self._pending, self._accepts_next = 0, False
            self.session.message.emit(Message(sentence, "error", key="scribble"))

    # what is unfinished

    def accept(self) -> None:
        """Give the object the proposed mask; one that is still being made, as soon as it is there."""
        if self._pending:
            self._accepts_next = True
        elif self._mask is not None:
            self._finish()

    def drop(self) -> None:
        """Esc: a stroke in the making goes alone; otherwise all of them, and the mask."""
        if self._draws:
            self._draws = False
            self.back()
        else:
            self._clear()

    def back(self) -> None:
        if not self._strokes:
            return
        self._strokes.pop()
        self._draws = False
        if self._strokes:
            self._redraw()
            self._submit()
        else:
            self._clear()

    def settle(self) -> None:
        """Accept the mask as far as it is made; a stroke whose mask is not there yet goes."""
        if self._mask is not None:
            self._finish()
        else:
            self._clear()

    def _finish(self) -> None:
        mask = self._mask
        self._clear()  # first: what follows tells everybody
        self.session.replace_mask(mask, self.tr("Scribble"))

    def _clear(self) -> None:
        self._strokes, self._map, self._mask = [], None, None
        self._draws, self._pending, self._accepts_next = False, 0, False
        self._item.clear()
        self.changed.emit()

    def _on_active(self, id: int) -> None:
        if self._strokes and id != self._object:  # the object is gone: a mere change settles before
            self._clear()

    def _on_image(self) -> None:
        if self.session.shown != self._asked:  # when the person is back, memory may know more
            self._asked, self._estimates = -1, {}

    def _on_closed(self) -> None:
        self._asked, self._estimates = -1, {}
        self._clear()
