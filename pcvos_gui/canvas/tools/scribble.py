"""Scribble: strokes over object and background become a mask, shown until it is accepted or dropped."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QObject, Qt

from core.annotation.editing import Point, paint_line
from core.annotation.packed_mask import PackedMask
from core.annotation.scribble import BACKGROUND, OBJECT
from core.errors import PCVOSError
from core.media import open_media
from pcvos_gui.canvas.preview import PreviewItem
from pcvos_gui.canvas.tools.tool import CanvasTool, Offer, Pointer
from pcvos_gui.messages import Message
from pcvos_gui.session import Session
from pcvos_gui.view_state import ViewState
from pcvos_gui.workers.assist import AssistWorker, Subject, work_out
from pcvos_gui.workers.jobs import Estimated, ScribbleDone, ScribbleJob

log = logging.getLogger(__name__)

_SETTING = "scribbles"  # of the project

RequestEstimate = Callable[[int], None]
"""Ask for the network's estimate of a frame, if there is memory to make it from; it comes as `set_estimate`."""


@dataclass
class _Stroke:
    value: int
    points: list[tuple[Point, float]] = field(default_factory=list)  # with the radius there


@dataclass
class _Scribble:
    """Strokes for one object on one frame.

    Attributes:
        map: uint8 (H, W) of ScribbleJob.strokes. mask: what was made of them, bool (H, W).
        job: whose mask is awaited. is_accepted: the mask is taken as soon as it is there.
    """

    frame: int
    object: int
    map: np.ndarray
    strokes: list[_Stroke] = field(default_factory=list)
    mask: np.ndarray | None = None
    job: ScribbleJob | None = None
    is_accepted: bool = False

    @property
    def subject(self) -> Subject:
        return self.frame, self.object

    def to_json(self) -> dict:
        strokes = [[stroke.value, [[*point, radius] for point, radius in stroke.points]] for stroke in self.strokes]
        return {"frame": self.frame, "object": self.object, "strokes": strokes}

    @classmethod
    def from_json(cls, stored: dict, size: tuple[int, int]) -> "_Scribble":
        """Raises KeyError, TypeError or ValueError where it is none."""
        strokes = [
            _Stroke(int(value), [((float(x), float(y)), float(radius)) for x, y, radius in points])
            for value, points in stored["strokes"]
        ]
        if not strokes or not all(stroke.points and stroke.value in (OBJECT, BACKGROUND) for stroke in strokes):
            raise ValueError("a scribble has strokes, and a stroke points")
        scribble = cls(int(stored["frame"]), int(stored["object"]), np.zeros(size, np.uint8), strokes)
        scribble.redraw()
        return scribble

    def redraw(self) -> None:
        """Make the map from the strokes."""
        self.map[...] = 0
        for stroke in self.strokes:
            start = stroke.points[0][0]
            for point, radius in stroke.points:
                paint_line(self.map, start, point, radius, stroke.value)
                start = point


class ScribbleTool(CanvasTool):
    """Strokes for the object, inverted ones for the background; each makes the proposed mask anew.

    Enter accepts the mask, Esc drops it with its strokes, Backspace takes back the last stroke. A scribble stays with
    its frame: it waits there while other frames are looked at (`waiting`), and is open again when the person is back.
    When the object or the tool changes, the one that is open is accepted, also if its mask is still being made; and all
    of them when a run begins or the footage is closed: that can be undone or painted over, and a lost mask not be
    got back. Finished strokes are in the project file: after a crash they wait on their frames.
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
        self._open: _Scribble | None = None  # on the shown frame, of the active object
        self._waiting: dict[Subject, _Scribble] = {}
        self._draws = False
        self._asked = -1  # the frame an estimate was asked for
        self._estimates: Mapping[int, PackedMask] = {}
        assist.done.connect(self._on_done)
        assist.failed.connect(self._on_failed)
        session.opened.connect(self._restore)
        session.closed.connect(self._on_closed)
        session.image_changed.connect(self._on_image)
        session.active_changed.connect(self._on_active)
        session.objects_changed.connect(self._on_objects)

    @property
    def hint(self) -> str:
        if self._open is None:
            return self.tr("Scribble: draw a line over the object. Right button or Alt: over what it is not, [ ] size.")
        if self._open.job is not None and self._open.is_accepted:
            return self.tr("Accepted: the mask is being made…")
        return self.tr("Enter accepts, Esc drops, Backspace takes back a stroke; more strokes correct the mask.")

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

    # strokes

    def press(self, pointer: Pointer) -> None:
        if self._draws or not self.session.may_edit():
            return
        self._reopen()
        if self._open is None:
            self._open = _Scribble(self.session.shown, self.session.active, np.zeros(self.session.size, np.uint8))
            self._show_strokes()
            self._ask()
        self._draws, self._open.is_accepted = True, False
        self._open.strokes.append(_Stroke(BACKGROUND if pointer.inverted else OBJECT))
        self._item.add_sign(pointer.point, not pointer.inverted)
        self._paint(pointer)
        self.changed.emit()

    def move(self, pointer: Pointer) -> None:
        if self._draws:
            self._paint(pointer)

    def release(self, pointer: Pointer) -> None:
        if self._draws:
            if pointer.point != self._open.strokes[-1].points[-1][0]:
                self._paint(pointer)
            self._end_stroke()

    def _end_stroke(self) -> None:
        self._draws = False
        self._submit()
        self._store()
        self.changed.emit()

    def _paint(self, pointer: Pointer) -> None:
        stroke = self._open.strokes[-1]
        start = stroke.points[-1][0] if stroke.points else pointer.point
        radius = self.brush_radius(pointer)
        stroke.points.append((pointer.point, radius))
        self._item.refresh_strokes(paint_line(self._open.map, start, pointer.point, radius, stroke.value))

    def _show_strokes(self) -> None:
        signs = [(stroke.points[0][0], stroke.value == OBJECT) for stroke in self._open.strokes]
        self._item.set_strokes(self._open.map, signs)

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
        if self._open is not None and not self._draws and self._open.object in self._estimates:
            self._submit()

    def _submit(self) -> None:
        self._open.job = self._job_of(self._open, self.session.shown_image, self.session.shown_labels)
        self.assist.submit(self._open.job)

    def _job_of(self, scribble: _Scribble, image: np.ndarray, labels: np.ndarray) -> ScribbleJob:
        """Args: image: uint8 (H, W, 3) RGB, the scribble's frame. labels: uint8 (H, W), its label map."""
        present = labels == scribble.object
        estimate = self._estimates.get(scribble.object) if self._asked == scribble.frame else None
        return ScribbleJob(
            image,
            scribble.map.copy(),
            present if present.any() else None,
            None if estimate is None or estimate.is_empty else estimate.unpack(),
            self.session.protected(labels),
            scribble.subject,
        )

    def _on_done(self, done: ScribbleDone) -> None:
        scribble = self._awaiting(done.number)
        if scribble is None:
            return
        scribble.job, scribble.mask = None, done.mask
        if scribble is self._open:
            self._item.set_mask(done.mask)
            self.changed.emit()
        if scribble.is_accepted:
            self._take(scribble)

    def _on_failed(self, number: int, sentence: str) -> None:
        scribble = self._awaiting(number)
        if scribble is not None:
            scribble.job, scribble.is_accepted = None, False
            self.session.message.emit(Message(sentence, "error", key="scribble"))
            self.changed.emit()

    def _awaiting(self, number: int) -> _Scribble | None:
        known = (self._open, *self._waiting.values())
        return next(
            (one for one in known if one is not None and one.job is not None and one.job.number == number), None
        )

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

    def back(self) -> None:
        if self._open is None:
            return
        self._open.strokes.pop()
        self._draws = False
        if self._open.strokes:
            self._open.redraw()
            self._show_strokes()
            self._submit()
            self.changed.emit()
        else:
            self._put_away()
        self._store()

    def hold(self) -> None:
        if self._draws:
            self._end_stroke()
        scribble = self._open
        if scribble is not None:
            self._put_away()
            self._waiting[scribble.subject] = scribble
            self.changed.emit()

    def settle(self) -> None:
        """Accept what is open; a mask that is not there yet is made here and now, in some tenths of a second."""
        if self._draws:
            self._end_stroke()
        if self._open is not None:
            self._finish(self._open)

    def accept_waiting(self, also_without_mask: bool = False) -> None:
        """Accept all that waits on its frames. What has no mask yet, after a crash, goes on waiting, or its mask
        is made here and now."""
        for scribble in list(self._waiting.values()):
            if also_without_mask and scribble.mask is None and scribble.job is None:
                image, labels = self._image(scribble.frame), self.session.loaded_project.labels(scribble.frame)
                scribble.job = None if image is None else self._job_of(scribble, image, labels)
            self._finish(scribble)

    def _image(self, frame: int) -> np.ndarray | None:
        """A frame's pixels, whichever is shown; None (with a message) where it cannot be read."""
        session = self.session
        known = session.image if frame == session.shown else session.frames.cached(frame)
        if known is not None:
            return known
        try:  # not the session's own source, which another thread reads from
            with open_media(session.loaded_media.path, index=session.loaded_media.stored_index()) as media:
                return media.read(frame)
        except PCVOSError as error:
            session.message.emit(Message(str(error), "error", key="scribble"))
            return None

    def _finish(self, scribble: _Scribble) -> None:
        if scribble.job is not None:
            found, scribble.job = work_out(scribble.job), None
            if isinstance(found, ScribbleDone):
                scribble.mask = found.mask
            else:
                self.session.message.emit(Message(found, "error", key="scribble"))
        if scribble.mask is not None or scribble is self._open:
            self._take(scribble)

    def drop_waiting(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
        self._store()
        self.changed.emit()

    def take_up(self) -> None:
        self._reopen()

    def _take(self, scribble: _Scribble) -> None:
        """The object gets the mask."""
        text = self.tr("Scribble")
        if scribble is self._open:
            self._put_away()  # first: what follows tells everybody
            if scribble.mask is not None:
                self.session.replace_mask(scribble.mask, text)
            self._store()
            return
        self._waiting.pop(scribble.subject, None)
        if scribble.mask is not None:
            self.session.replace_mask_of(scribble.frame, scribble.object, scribble.mask, text)
        self._store()
        self.changed.emit()

    def _put_away(self) -> None:
        self._open, self._draws = None, False
        self._item.clear()
        self.changed.emit()

    def _reopen(self) -> None:
        """What waits here is open again; the mask under it may have changed meanwhile."""
        session = self.session
        here = session.shown, session.active
        if self._open is not None or here not in self._waiting or session.shown != session.frame:
            return
        self._open = scribble = self._waiting.pop(here)
        self._show_strokes()
        if scribble.mask is not None:
            self._item.set_mask(scribble.mask)
        self._ask()
        self._submit()
        self.changed.emit()

    # the project file

    def _store(self) -> None:
        """Finished strokes outlive the process."""
        known = [one for one in (self._open, *self._waiting.values()) if one is not None]
        self.session.remember(_SETTING, [one.to_json() for one in known])

    def _restore(self) -> None:
        session = self.session
        objects = {o.id for o in session.objects}
        stored = [] if session.loaded_project.read_only else session.loaded_project.setting(_SETTING, [])
        for one in stored if isinstance(stored, list) else ():
            try:
                scribble = _Scribble.from_json(one, session.size)
            except (KeyError, TypeError, ValueError):
                log.warning("a scribble in the project cannot be read")
                continue
            if scribble.object in objects and 0 <= scribble.frame < session.frame_count:
                self._waiting[scribble.subject] = scribble
        self.changed.emit()

    # sessions, frames and objects come and go

    def _on_objects(self) -> None:
        """An object that is gone takes its scribbles along; a mere change of the active one has settled before."""
        known = {o.id for o in self.session.objects}
        if any(id not in known for _, id in self._waiting):
            self._waiting = {subject: one for subject, one in self._waiting.items() if subject[1] in known}
            self._store()
            self.changed.emit()
        if self._open is not None and self._open.object not in known:
            self._put_away()
        elif self._open is not None and self._open.object != self.session.active:
            self.hold()

    def _on_active(self) -> None:
        self._on_objects()
        if self.is_in_hand:
            self._reopen()

    def _on_image(self) -> None:
        if self.session.shown != self._asked:  # when the person is back, memory may know more
            self._asked, self._estimates = -1, {}
        if self.is_in_hand:
            self._reopen()

    def _on_closed(self) -> None:
        self._asked, self._estimates, self._waiting = -1, {}, {}
        self._put_away()
