"""Mark: clicks, strokes and boxes become a mask, shown until it is accepted or dropped."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, QRectF, Qt, QTimer

from core.masks.drawing import paint_line
from core.masks.packed_mask import PackedMask
from core.project.content import BACKGROUND, BOX, OBJECT
from core.project.model import ObjectInfo
from core.studio.accepted_marks import accepted, marks_of, of_use, taken_up, with_marks
from core.studio.jobs import Estimated, Marked, MarkJob
from pcvos_gui.canvas.preview import BoxItem, PreviewItem
from pcvos_gui.canvas.tools.click_preview import REST_MS, ClickPreview
from pcvos_gui.canvas.tools.scribble import DrawnStroke, Scribble, box_of, image_of, job_of, step_of
from pcvos_gui.canvas.tools.tool import CanvasTool, Offer, Pointer
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState
from pcvos_gui.workers.marking import MarkingWorker, Subject

_DRAG = 4.0  # screen pixels from which a press is a drag
_LINE = 2.0  # screen pixels, radius of a stroke as it is seen

RequestEstimate = Callable[[int], None]
"""Ask for the network's estimate of a frame, if there is memory to make it from; it comes as `set_estimate`."""


class MarkTool(CanvasTool):
    """Clicks and strokes for the object, inverted ones for what it is not, and boxes with Shift.

    Each makes the proposed mask anew; while the pointer rests, it is shown what a click there would give. Enter accepts
    the mask, Esc drops it with its marks, Backspace takes back the last mark. A scribble, which is all marks of an
    object on a frame, stays with its frame: it waits there while other frames are looked at (`waiting`), and is open
    again when the person is back. When the object or the tool changes, the one that is open is accepted, also if its
    mask is still being made; and all of them when a run begins or the footage is closed: that can be undone or painted
    over, and a lost mask not be got back. Finished marks are in the project file: after a crash they wait on their
    frames. Those of an accepted mask stay there, and Backspace takes them up again (`core.studio.accepted_marks`).

    Where there is no marking network, strokes paint as the brush does, and there are neither boxes nor previews.
    """

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        assist: MarkingWorker,
        request_estimate: RequestEstimate | None = None,
        parent: QObject | None = None,
    ):
        super().__init__(session, view_state, parent)
        self.assist, self.request_estimate = assist, request_estimate
        self._item, self._box_item = PreviewItem(), BoxItem()
        self._preview = ClickPreview(assist, self._wants_preview, self._job_at, self)
        self.items = (self._preview.item, self._item, self._box_item)
        self._frame_rests = QTimer(self, singleShot=True, interval=REST_MS)
        self._frame_rests.timeout.connect(self._look)
        self._open: Scribble | None = None  # on the shown frame, of the active object
        self._waiting: dict[Subject, Scribble] = {}
        self._made: ObjectInfo | None = None  # by a first mark
        self._draws = self._can_take_up = False
        self._has_previews = True
        self._asked = -1  # the frame an estimate was asked for
        self._estimates: Mapping[int, PackedMask] = {}
        assist.done.connect(self._on_done)
        assist.failed.connect(self._on_failed)
        assist.changed.connect(self._on_network)
        session.opened.connect(self._restore)
        session.closed.connect(self._on_closed)
        session.navigator.image_changed.connect(self._on_image)
        session.active_changed.connect(self._on_active)
        session.objects_changed.connect(self._on_objects)
        session.states_changed.connect(self._look_for_marks)

    @property
    def hint(self) -> str:
        if self._open is None and self._can_take_up:
            return self.tr(
                "Backspace takes up this mask's marks again; new ones correct it. Right button or Alt: not this."
            )
        if self._open is None and self.assist.has_network:
            return self.tr("Mark: click the object or draw over it. Right button or Alt: not this; Shift: draw a box.")
        if self._open is None:
            return self.tr("Mark: paint the object. Right button or Alt: what it is not, [ ] size.")
        if self._open.job is not None and self._open.is_accepted:
            return self.tr("Accepted: the mask is being made…")
        return self.tr("Enter accepts, Esc drops, Backspace takes back a mark; more marks correct the mask.")

    @property
    def has_brush(self) -> bool:
        """Whether it draws discs: what the network is shown has no width."""
        return not self.assist.has_network

    @property
    def cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.BlankCursor if self.has_brush else Qt.CursorShape.CrossCursor

    def show_previews(self, are_shown: bool) -> None:
        """Show what a click would give, or not."""
        self._has_previews = are_shown
        if not are_shown:
            self._preview.forget()

    def _wants_preview(self) -> bool:
        return self.is_in_hand and self._has_previews and not self._draws

    @property
    def preview(self) -> np.ndarray | None:
        """The mask that a click where the pointer rests would give, bool (H, W)."""
        return self._preview.mask

    @property
    def is_busy(self) -> bool:
        return self._open is not None

    @property
    def hides_active(self) -> bool:
        return self.proposed is not None

    @property
    def proposed(self) -> np.ndarray | None:
        """The mask that Enter would accept, bool (H, W)."""
        return None if self._open is None else self._open.mask

    @property
    def waiting(self) -> list[Subject]:
        """(frame, object) of scribbles that are neither accepted nor dropped, and not open here."""
        return sorted(self._waiting)

    @property
    def offer(self) -> Offer | None:
        if self._open is None or self._draws:
            return None
        return Offer(self.tr("Accept"), self.tr("Drop"))

    def show_colour(self, colour: tuple[int, int, int]) -> None:
        """The active object's colour, 8-bit RGB."""
        self._item.set_colour(colour)
        self._preview.item.set_colour(colour)

    # strokes

    def press(self, pointer: Pointer) -> None:
        self._preview.forget()
        if self._draws or self.is_locked_at(pointer) or not self._may_mark():
            return
        self._reopen()
        scribble = self._open
        if scribble is None:
            size = self.session.navigator.size
            scribble = Scribble(self.session.navigator.shown, self.session.active, np.zeros(size, np.uint8))
            self._open = scribble
            self._show_strokes(scribble)
            self._ask()
        self._draws, scribble.is_accepted = True, False
        if pointer.shift and self.assist.has_network:
            scribble.strokes.append(DrawnStroke(BOX))
        else:
            scribble.strokes.append(DrawnStroke(BACKGROUND if pointer.inverted else OBJECT))
            self._item.add_sign(pointer.point, not pointer.inverted)
        self._paint(scribble, pointer)
        self.changed.emit()

    def move(self, pointer: Pointer) -> None:
        if self._drawn is not None:
            self._paint(self._drawn, pointer)

    def release(self, pointer: Pointer) -> None:
        scribble = self._drawn
        if scribble is not None:
            stroke = scribble.strokes[-1]
            if pointer.point != stroke.points[-1][0]:
                self._paint(scribble, pointer)
            begin = stroke.points[0][0]
            reach = max(math.dist(begin, point) for point, _ in stroke.points)
            if self.assist.has_network and stroke.value != BOX and reach < _DRAG * pointer.unit:
                stroke.points = stroke.points[:1]  # a click, however the hand trembled
            self._end_stroke(scribble)

    @property
    def _drawn(self) -> Scribble | None:
        """The open scribble, while a stroke is being drawn."""
        return self._open if self._draws else None

    def _end_stroke(self, scribble: Scribble) -> None:
        self._draws = False
        stroke = scribble.strokes[-1]
        if self.assist.has_network and step_of(stroke, self.session.navigator.size) is None:
            if stroke.value == BOX:
                text = self.tr("This box has no extent within the frame: drag with Shift from corner to corner.")
                self.session.messages.say(text, key="scribble")
            self.back()
            return
        self.session.count_mark(scribble.object)
        self._submit(scribble)
        self._store()
        self.changed.emit()

    def _paint(self, scribble: Scribble, pointer: Pointer) -> None:
        stroke = scribble.strokes[-1]
        start = stroke.points[-1][0] if stroke.points else pointer.point
        if stroke.value == BOX:
            stroke.points = [*stroke.points[:1], (pointer.point, 0.0)]
            self._show_box()
            return
        radius = self.brush_radius(pointer) if self.has_brush else _LINE * pointer.unit
        stroke.points.append((pointer.point, radius))
        self._item.refresh_strokes(paint_line(scribble.map, start, pointer.point, radius, stroke.value))

    def _show_strokes(self, scribble: Scribble) -> None:
        signs = [(stroke.points[0][0], stroke.value == OBJECT) for stroke in scribble.strokes if stroke.value != BOX]
        self._item.set_strokes(scribble.map, signs)
        self._show_box()

    def _show_box(self) -> None:
        """The last one: it counts."""
        boxes = [stroke for stroke in self._open.strokes if stroke.value == BOX] if self._open is not None else []
        left, top, right, bottom = box_of(boxes[-1]) if boxes else (0, 0, 0, 0)
        self._box_item.set_box(QRectF(left, top, right - left, bottom - top))

    def _may_mark(self) -> bool:
        """Whether the active object can be marked; where none is active, one is made."""
        session = self.session
        if session.can_edit and not session.active and not session.is_editing:
            self._made = session.object(session.add_object())
            if self._made is None:
                return False
        return session.may_edit()

    # what a click would give

    def hover(self, pointer: Pointer) -> None:
        self._preview.hover(pointer)

    def leave(self) -> None:
        self._preview.leave()

    def _job_at(self, pointer: Pointer) -> MarkJob | None:
        """The job of a click there; None where none can be made."""
        session, shown = self.session, self.session.navigator.shown
        active = session.object(session.active)
        if not session.can_edit or not self.assist.has_network or (active is not None and active.locked):
            return None
        scribble = self._open or Scribble(shown, session.active, np.zeros(session.navigator.size, np.uint8))
        click = step_of(DrawnStroke(OBJECT, [(pointer.point, 0.0)]), session.navigator.size)
        if click is None or scribble.job is not None:
            return None
        job = self._job_of(scribble, session.navigator.shown_image, session.shown_labels)
        return replace(job, steps=(*job.steps, click))

    def _look(self) -> None:
        """The person stays on this frame: its features will be needed."""
        session = self.session
        image = session.navigator.image
        if image is not None and self.is_in_hand and session.can_edit and self.assist.has_network:
            here = session.navigator.shown, session.active
            self.assist.submit(MarkJob(image, None, subject=here, engine=self.assist.engine))

    def _on_network(self) -> None:
        self._preview.forget()
        if self.assist.missing:
            what = self.assist.missing.rstrip(".").rsplit(": ", 1)[0]
            text = self.tr("{}: until that is mended, strokes paint the mask, as those of the brush do.")
            holds = lambda: bool(self.assist.missing)  # noqa: E731
            self.session.messages.say(text.format(what), "warning", key="marking", holds=holds)
        self.changed.emit()

    # masks

    def _ask(self) -> None:
        if self.request_estimate is not None and self._asked != self.session.navigator.shown:
            self._asked, self._estimates = self.session.navigator.shown, {}
            self.request_estimate(self.session.navigator.shown)

    def set_estimate(self, estimated: Estimated) -> None:
        """Take the network's view of a frame; strokes that are there already are looked at again with it."""
        if estimated.frame != self._asked:
            return
        self._estimates = {id: found.mask for id, found in estimated.cells.items()}
        if self._open is not None and not self._draws and self._open.object in self._estimates:
            self._submit(self._open)

    def _submit(self, scribble: Scribble) -> None:
        scribble.job = self._job_of(scribble, self.session.navigator.shown_image, self.session.shown_labels)
        self.assist.submit(scribble.job)

    def _job_of(self, scribble: Scribble, image: np.ndarray, labels: np.ndarray) -> MarkJob:
        estimate = self._estimates.get(scribble.object) if self._asked == scribble.frame else None
        return job_of(self.session, scribble, image, labels, estimate, self.assist.engine)

    def _on_done(self, done: Marked) -> None:
        scribble = self._awaiting(done.number)
        if scribble is None:
            return
        scribble.job, scribble.mask = None, done.mask
        if scribble is self._open and done.mask is not None:
            self._item.set_mask(done.mask)
            self.changed.emit()
        if scribble.is_accepted:
            self._take(scribble)

    def _on_failed(self, number: int, sentence: str) -> None:
        scribble = self._awaiting(number)
        if scribble is not None:
            scribble.job, scribble.is_accepted = None, False
            self.session.messages.say(sentence, "error", key="scribble")
            self.changed.emit()

    def _awaiting(self, number: int) -> Scribble | None:
        return next((one for one in self._scribbles if one.job is not None and one.job.number == number), None)

    @property
    def _scribbles(self) -> list[Scribble]:
        """The open one and those that wait."""
        return [one for one in (self._open, *self._waiting.values()) if one is not None]

    # what is unfinished

    def accept(self) -> None:
        """Give the object the proposed mask; one that is still being made, as soon as it is there."""
        if self._open is None:
            return
        self._open.is_accepted = True
        if self._open.job is None and self._open.mask is not None:
            self._take(self._open)
        else:
            self.changed.emit()

    def drop(self) -> None:
        """Esc: a stroke in the making goes alone; otherwise all of them, and the mask."""
        if self._draws:
            self.back()
        else:
            self._put_away()
            self._store()
            self._take_back_object()

    def back(self) -> None:
        if self._open is None:
            self._take_up_marks()
            return
        scribble, self._draws = self._open, False
        scribble.strokes.pop()
        if scribble.strokes:
            scribble.redraw()
            self._show_strokes(scribble)
            self._submit(scribble)
            self.changed.emit()
        else:
            self._put_away()
        self._store()
        self._take_back_object()

    def _take_back_object(self) -> None:
        """An object that a first mark has made goes again, when all its marks are dropped and it has no mask."""
        made, session = self._made, self.session
        if made is None or any(one.object == made.id for one in self._scribbles):
            return
        self._made = None
        if session.object(made.id) == made and not session.document.project.frames_of(made.id).size:
            session.take_back_object(made)

    def hold(self) -> None:
        if self._drawn is not None:
            self._end_stroke(self._drawn)
        scribble = self._open
        if scribble is not None:
            self._put_away()
            strokes = tuple(scribble.stored())
            known = taken_up(self.session.document.project, strokes)
            if known is None or known.strokes != strokes:  # there is something that is not accepted yet
                self._waiting[scribble.subject] = scribble
            self.changed.emit()

    def settle(self) -> None:
        """Accept what is open; a mask that is not there yet is made here and now, in some tenths of a second."""
        if self._drawn is not None:
            self._end_stroke(self._drawn)
        if self._open is not None:
            self._finish(self._open)

    def accept_waiting(self, also_without_mask: bool = False) -> None:
        """Accept all that waits on its frames. What has no mask yet, after a crash, goes on waiting, or its mask
        is made here and now."""
        for scribble in list(self._waiting.values()):
            if also_without_mask and scribble.mask is None and scribble.job is None:
                image, labels = (
                    image_of(self.session, scribble.frame),
                    self.session.document.project.labels(scribble.frame),
                )
                scribble.job = None if image is None else self._job_of(scribble, image, labels)
            self._finish(scribble)

    def _finish(self, scribble: Scribble) -> None:
        if scribble.job is not None:
            found, scribble.job = self.assist.work_out(scribble.job), None
            if isinstance(found, Marked):
                scribble.mask = found.mask
            else:
                self.session.messages.say(found, "error", key="scribble")
        if scribble.mask is not None or scribble is self._open:
            self._take(scribble)

    def drop_waiting(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
        self._store()
        self._take_back_object()
        self.changed.emit()

    def take_up(self) -> None:
        self._frame_rests.start()
        self._reopen()

    def _take(self, scribble: Scribble) -> None:
        """The object gets the mask."""
        text, is_open, document = self.tr("Mark"), scribble is self._open, self.session.document
        if is_open:
            self._put_away()  # first: what follows tells everybody
        self._waiting.pop(scribble.subject, None)
        if scribble.mask is not None:
            marks = accepted(document.project, tuple(scribble.stored()), PackedMask.pack(scribble.mask))
            cell = document.project.cell(*scribble.subject)
            says_so = bool(scribble.mask.any()) and not (
                cell is not None and cell.in_memory
            )  # that it is right as it is
            if is_open:
                self.session.replace_mask(scribble.mask, text, says_so)
            else:
                document.replace_mask_of(scribble.frame, scribble.object, scribble.mask, text, says_so)
            self.session.keep(accepted_marks=with_marks(document.project, marks))
        self._store()
        self._look_for_marks()
        self.changed.emit()

    def _put_away(self) -> None:
        self._open, self._draws = None, False
        self._preview.forget()
        self._item.clear()
        self._show_box()
        self.changed.emit()

    def _reopen(self) -> None:
        """Open again what waits here; the mask under it may have changed meanwhile."""
        session = self.session
        here = session.navigator.shown, session.active
        if self._open is not None or here not in self._waiting or session.navigator.shown != session.navigator.frame:
            return
        scribble = self._waiting.pop(here)
        self._show_again(scribble)
        self._ask()
        self._submit(scribble)

    def _show_again(self, scribble: Scribble) -> None:
        self._open = scribble
        self._show_strokes(scribble)
        if scribble.mask is not None:
            self._item.set_mask(scribble.mask)
        self.changed.emit()

    # marks of accepted masks

    def wants_key(self, key: int) -> bool:
        return super().wants_key(key) or (key == Qt.Key.Key_Backspace and self._can_take_up)

    def _look_for_marks(self) -> None:
        """Whether the mask that is shown has marks."""
        session, before = self.session, self._can_take_up
        here = session.navigator.shown, session.active
        self._can_take_up = session.can_edit and marks_of(session.document.project, here) is not None
        if self._can_take_up != before:
            self.changed.emit()

    def _take_up_marks(self) -> None:
        """Open them; the mask is made anew as soon as one is taken back or added."""
        session, project = self.session, self.session.document.project
        here = session.navigator.shown, session.active
        known, cell = marks_of(project, here), project.cell(*here)
        if known is not None and cell is not None and session.may_edit():
            for scribble in Scribble.restored(known.strokes, session.navigator.size):
                scribble.mask = cell.mask.unpack()
                self._show_again(scribble)

    # the project file

    def _store(self) -> None:
        """Finished strokes outlive the process."""
        self.session.keep(marks=tuple(stroke for one in self._scribbles for stroke in one.stored()))

    def _restore(self) -> None:
        session = self.session
        objects = {o.id for o in session.objects}
        project = session.document.project
        if (left := of_use(project)) != project.content.accepted_marks:
            session.keep(accepted_marks=left)
        stored = () if project.read_only else project.content.marks
        for scribble in Scribble.restored(stored, session.navigator.size):
            if scribble.object in objects and 0 <= scribble.frame < session.navigator.frame_count:
                self._waiting[scribble.subject] = scribble
        self.changed.emit()

    # sessions, frames and objects come and go

    def _on_objects(self) -> None:
        """An object that is gone takes its scribbles along; a mere change of the active one has settled before."""
        ids = {o.id for o in self.session.objects}
        if any(id not in ids for _, id in self._waiting):
            self._waiting = {subject: one for subject, one in self._waiting.items() if subject[1] in ids}
            self._store()
            self.changed.emit()
        if self._open is not None and self._open.object not in ids:
            self._put_away()
        elif self._open is not None and self._open.object != self.session.active:
            self.hold()

    def _on_active(self) -> None:
        self._on_objects()
        self._look_for_marks()
        if self.is_in_hand:
            self._reopen()

    def _on_image(self) -> None:
        if self.session.navigator.shown != self._asked:  # when the person is back, memory may know more
            self._asked, self._estimates = -1, {}
        self._preview.forget()
        self._frame_rests.start()
        self._look_for_marks()
        if self.is_in_hand:
            self._reopen()

    def _on_closed(self) -> None:
        self._asked, self._estimates, self._waiting, self._made = -1, {}, {}, None
        self._can_take_up = False
        self._put_away()
