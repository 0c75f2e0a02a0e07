"""The matte of the frame that is shown, for views that cut the objects out: soft edges as an export writes them."""

from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from core.exchange.mattes import side_seen
from core.masks.matte import MatteSettings
from core.project.model import Cell, Change
from pcvos_gui.session.edges import Edges
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState
from pcvos_gui.workers.mattes import Footage, MatteDone, MatteJob, MatteWorker

_REST_MS, _LONG_REST_MS = 30, 150
"""Milliseconds of rest before a matte is asked for; the long one while frames follow each other, as a key is held."""

_STEPPING_MS = 250
"""Frames that are seen for less than this follow one another."""

_KEPT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class _Look:
    """The look that all mattes depend on, whatever the frame: the ids of objects that are seen, ascending, and how."""

    ids: tuple[int, ...]
    settings: MatteSettings
    side: int


class MattePreview(QObject):
    """Finds out the matte of the shown frame, of the objects that are seen, as soon as nothing else goes on.

    Whatever changes a mask makes `alpha` None at once, and the hard mask is what can be shown; other settings leave it
    until the new one is there. While footage plays nothing is worked out.

    Attributes:
        alpha: uint8 (H, W), 255 inside, read-only: belongs to the session's shown frame. None: there is none (yet).

    Signals:
        changed(): `alpha` or `is_waiting` did.
    """

    changed = Signal()

    def __init__(self, session: Session, view: ViewState, edges: Edges, parent: QObject | None = None):
        super().__init__(parent)
        self._session, self._view, self._edges = session, view, edges
        self.alpha: np.ndarray | None = None
        self._alpha_of: tuple[int, tuple[int, ...]] | None = None  # frame, ids
        self._wish: tuple[int, _Look] | None = None  # what is not there yet
        self._number = 0  # of the newest job
        # By frame, of `_kept_look`; the one that came last is kept however large it is.
        self._kept: LRUCache[int, np.ndarray] = LRUCache(_KEPT_BYTES, lambda alpha: min(alpha.nbytes, _KEPT_BYTES))
        self._kept_look: _Look | None = None
        self._footage: Footage | None = None
        self._is_playing = False
        self.worker = MatteWorker(self)
        self.worker.done.connect(self._on_done)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._on_rest)
        self._since = QElapsedTimer()  # a frame is seen
        session.opened.connect(lambda: session.document.project.subscribe(self._on_change))
        session.closed.connect(self._on_closed)
        session.navigator.image_changed.connect(self._on_image)
        for signal in (session.labels_changed, session.objects_changed):
            signal.connect(self.refresh)
        view.changed.connect(self.refresh)
        edges.changed.connect(self.refresh)

    @property
    def is_waiting(self) -> bool:
        """Whether a matte is being worked out, or will be."""
        return self._wish is not None

    def set_playing(self, playing: bool) -> None:
        """While footage plays, decoding has the processor for itself."""
        self._is_playing = playing
        self.refresh()

    def shutdown(self) -> None:
        self._rest.stop()
        self.worker.shutdown()

    def refresh(self) -> None:
        """Show what is known of the shown frame; what is not is asked for after a rest."""
        look = self._look()
        if look is None:
            self._show(None)
            return
        if look != self._kept_look:
            self._kept.clear()
            self._kept_look = look
        frame = self._session.navigator.shown
        if self._session.is_editing:  # nobody tells when that ends without a change
            self._show(None)
            self._rest.start()
        elif frame in self._kept:
            self._show(self._kept[frame], (frame, look.ids))
        elif self._wish != (frame, look):
            self._show(self.alpha if self._alpha_of == (frame, look.ids) else None, (frame, look.ids), (frame, look))
            self._rest.start()

    def _look(self) -> _Look | None:
        """None: no matte is wanted."""
        session = self._session
        if not session.is_open or self._is_playing or not self._view.mode.cuts_out or session.navigator.shown < 0:
            return None
        ids = tuple(sorted(o.id for o in session.objects if session.is_drawn(o)))
        return _Look(ids, self._edges.settings, side_seen(session.document.project)) if ids else None

    def _show(
        self,
        alpha: np.ndarray | None,
        of: tuple[int, tuple[int, ...]] | None = None,
        wish: tuple[int, _Look] | None = None,
    ) -> None:
        """
        Args:
            of: frame and ids. wish: what is to come in its place; another one is given up.
        """
        if wish != self._wish:
            self._number += 1  # answers to the last one come too late
            self.worker.cancel()
        is_same = alpha is self.alpha and (wish is None) == (self._wish is None)
        self.alpha, self._alpha_of, self._wish = alpha, None if alpha is None else of, wish
        if not is_same:
            self.changed.emit()

    # asking and being answered

    def _on_rest(self) -> None:
        session = self._session
        self._rest.setInterval(_REST_MS)
        if session.is_editing or session.navigator.shown != session.navigator.frame:
            self._rest.start()
        elif self._wish is None:
            self.refresh()
        else:
            self.worker.submit(self._job(*self._wish))

    def _job(self, frame: int, look: _Look) -> MatteJob:
        session, reach = self._session, look.settings.smooth
        count = min(session.navigator.frame_count, session.document.project.footage.frames)
        frames = range(max(frame - reach, 0), min(frame + reach, count - 1) + 1)
        cells: dict[int, dict[int, Cell]] = {frame: {} for frame in frames}
        for (at, id), cell in session.document.project.cells_in(frames[0], frames[-1], look.ids):
            cells[at][id] = cell
        at_hand = {other: image for other in frames if (image := session.navigator.frames.cached(other)) is not None}
        assert session.navigator.image is not None, "the frame is shown"
        pixels = at_hand | {frame: session.navigator.image}
        if self._footage is None and len(pixels) < len(frames):
            media, project = session.document.media, session.document.project
            self._footage = Footage(media.path, media.rate, project.index_cache())
        return MatteJob(self._number, frame, cells, pixels, look.settings, look.side, self._footage)

    def _on_done(self, done: MatteDone) -> None:
        if done.number != self._number or self._wish is None:
            return
        frame, look = self._wish
        if done.alpha is None:
            text = self.tr("The soft edges of frame {} could not be worked out ({}): its hard mask is shown.")
            self._show(None)
            holds = lambda: self._session.navigator.frame == frame and self._view.mode.cuts_out  # noqa: E731
            self._session.messages.say(text.format(frame, done.trouble), "warning", key="matte", holds=holds)
            return
        self._kept[frame] = done.alpha
        self._show(done.alpha, (frame, look.ids))

    # what happens

    def _on_image(self) -> None:
        is_stepping = self._since.isValid() and self._since.elapsed() < _STEPPING_MS
        self._rest.setInterval(_LONG_REST_MS if is_stepping else _REST_MS)
        self._since.start()
        self.refresh()

    def _on_change(self, change: Change) -> None:
        """Masks changed: mattes of their frames, and those that are calmed by them, are out of date."""
        reach = self._kept_look.settings.smooth if self._kept_look else 0
        shown, changed = self._session.navigator.shown, {frame for frame, _ in change.cells}

        def is_gone(frame: int) -> bool:
            return not changed.isdisjoint(range(frame - reach, frame + reach + 1))

        for frame in filter(is_gone, tuple(self._kept)):
            del self._kept[frame]
        if is_gone(shown):
            self._show(None if shown in changed else self.alpha, self._alpha_of)
            self.refresh()

    def _on_closed(self) -> None:
        self._kept.clear()
        self._footage = None
        self._show(None)
        self.worker.rest()
