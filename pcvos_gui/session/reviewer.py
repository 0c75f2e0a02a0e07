"""The review of the open project, brought up to date while one works."""

from collections.abc import Collection

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal

from core.project.project import Project
from core.studio.cell_states import worst_states
from core.studio.review import (
    Reason,
    Stretch,
    doubtful_stretches,
    in_frame_order,
    next_doubtful,
    reason_of,
    stretch_at,
    tick_off,
)
from core.studio.suggestion import Suggestion, suggest
from pcvos_gui.session.session import Session

_SETTLE_MS = 150  # clips and strokes come faster than anybody reads


class Reviewer(QObject):
    """The doubtful stretches of the open project, worst first, and the way through them.

    Attributes:
        stretches: as `doubtful_stretches` gives them. waiting: those that were drawn, and that nobody has ticked off.
        suggestion: the frame to correct next, if one is worth it.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None):
        super().__init__(parent)
        self._session = session
        self.stretches: list[Stretch] = []
        self.waiting: list[Stretch] = []
        self._by_object: dict[int, list[Stretch]] = {}
        self._in_order: list[Stretch] = []
        self._worst: np.ndarray | None = None
        self.suggestion: Suggestion | None = None
        self._timer = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._timer.timeout.connect(self.refresh)
        session.states_changed.connect(self._forget_worst)
        session.states_changed.connect(self._timer.start)
        session.objects_changed.connect(self._timer.start)
        session.opened.connect(self.refresh)
        session.closed.connect(self.refresh)

    @property
    def is_settled(self) -> bool:
        """Whether `stretches` are those of the project as it is now."""
        return not self._timer.isActive()

    def stretches_of(self, obj: int) -> list[Stretch]:
        """Stretches of one object."""
        return self._by_object.get(obj, [])

    @property
    def here(self) -> Stretch | None:
        """The stretch that one stands on, which list, button and F7 mean: the active object's on the current frame."""
        return stretch_at(self.stretches_of(self._session.active), self._session.navigator.frame)

    def waiting_of(self, obj: int) -> int:
        """Number of those of an object that wait (0: of any)."""
        return sum(stretch.waits for stretch in self.stretches_of(obj)) if obj else len(self.waiting)

    @property
    def worst(self) -> np.ndarray:
        """The worst state of all objects on each frame of the open project, uint8 (frames,), of `CellState`."""
        if self._worst is None:
            self._worst = worst_states(self._session.document.project, self.stretches)
        return self._worst

    def _forget_worst(self) -> None:
        self._worst = None

    def refresh(self) -> None:
        """Find them anew."""
        self._timer.stop()
        self._worst = None
        stretches, suggested = [], None
        if self._session.is_open:
            stretches = doubtful_stretches(self._session.document.project)
            suggested = suggest(self._session.document.project, stretches)
        if (stretches, suggested) != (self.stretches, self.suggestion):
            self.stretches, self.suggestion, self._by_object, self._worst = stretches, suggested, {}, None
            self.waiting, self._in_order = (
                [stretch for stretch in stretches if stretch.waits],
                in_frame_order(stretches),
            )
            for stretch in stretches:
                self._by_object.setdefault(stretch.object, []).append(stretch)
            self.changed.emit()

    def _catch_up(self) -> None:
        """With changes that have just been made."""
        if not self.is_settled:
            self.refresh()

    def go_to_next(self, step: int) -> Stretch | None:
        """Look at the next (1) or previous (-1) one in the order of frames and objects; None: there is none."""
        self._catch_up()
        stretch = next_doubtful(self._in_order, self._session.navigator.frame, self._session.active, step)
        if stretch is not None:
            self.show(stretch)
        return stretch

    def go_to_suggested(self) -> Suggestion | None:
        """Look at the frame to correct next, with its object active; None: there is none."""
        self._catch_up()
        if self.suggestion is not None:
            self._session.set_active(self.suggestion.object)
            self._session.navigator.go_to(self.suggestion.frame)
        return self.suggestion

    def looks_right(self) -> Stretch | None:
        """Tick off the stretch that one stands on, and look at the next one; None: nothing waits here."""
        self._catch_up()
        here = self.here
        if here is None or not here.waits or not self._session.is_writable:
            return None
        self.tick(here)
        self.go_to_next(1)
        return here

    def show(self, stretch: Stretch) -> None:
        """Go to its frame, with its object active."""
        self._session.set_active(stretch.object)
        self._session.navigator.go_to(stretch.frame)

    def tick(self, stretch: Stretch, ticked: bool = True) -> None:
        """A person found it to be right, or takes that back."""
        if self._session.is_writable and not stretch.is_unprocessed:
            tick_off(self._session.document.project, stretch, ticked)
            self.refresh()


def frames_in_words(stretch: Stretch) -> str:
    """Its frame or frames."""
    if stretch.last == stretch.first:
        return _tr("Frame {}").format(stretch.first)
    return _tr("Frames {} to {}").format(stretch.first, stretch.last)


def reason_in_words(project: Project, stretch: Stretch) -> str:
    """Why it deserves a look; reads two cells."""
    reasons = {
        Reason.PART_LOST: _tr("a part may be missing"),
        Reason.SOMETHING_ELSE: _tr("may be something else"),
        Reason.NOT_SEEN: _tr("not seen"),
        Reason.NEVER_PROCESSED: _tr("never processed"),
    }
    return reasons[reason_of(project, stretch)]


def suggestion_in_words(project: Project, found: Suggestion) -> str:
    """Why this frame: what is in doubt, and how far it is from what is known."""
    frames = frames_in_words(found.stretch)
    text = _tr("{}, {}").format(frames[0].lower() + frames[1:], reason_in_words(project, found.stretch))
    if found.distance is None:
        return text
    if found.distance == 1:
        return _tr("{}; 1 frame from a correction").format(text)
    return _tr("{}; {} frames from a correction").format(text, found.distance)


def places_in_words(count: int) -> str:
    """How many stretches deserve a look."""
    return _tr("1 place deserves a look") if count == 1 else _tr("{} places deserve a look").format(count)


def run_summary(project: Project, drawn: Collection[int], seconds: float) -> tuple[str, int]:
    """The message when a run has drawn these frames, and how many stretches deserve a look."""
    count = sum(stretch.waits for stretch in doubtful_stretches(project))
    frames = _tr("1 frame") if len(drawn) == 1 else _tr("{} frames").format(len(drawn))
    if drawn:
        where = _tr("({} to {})").format(min(drawn), max(drawn)) if len(drawn) > 1 else f"({min(drawn)})"
        frames = f"{frames} {where}"
    done = _tr("Done: {} in {:.0f} s.").format(frames, seconds)
    if not count:
        return f"{done} {_tr('Step through; fix a frame; propagate again.')}", 0
    return f"{done} {places_in_words(count)}: {_tr('fix a frame; propagate again.')}", count


def _tr(text: str) -> str:
    return QCoreApplication.translate("review", text)
