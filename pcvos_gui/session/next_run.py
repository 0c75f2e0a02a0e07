"""The next run: what a person chose for it, and which frames that draws."""

from dataclasses import asdict

from PySide6.QtCore import QObject, Signal

from core.studio.run_settings import RunSettings, frames_of, in_out_from, settings_from, with_in_out
from core.studio.touched import Memory, Touched, find_touched, marked_since
from pcvos_gui.session.session import Session


class NextRun(QObject):
    """Settings and range of the next run, which the project keeps.

    Attributes:
        settings: as they were chosen. in_point, out_point: frames, or None.
        waits: a run is under way; until it has ended, `touched` stays as it was before.
    """

    settings_changed = Signal()
    in_out_changed = Signal()

    def __init__(self, session: Session, parent: QObject):
        super().__init__(parent)
        self._session = session
        self.settings = RunSettings()
        self.in_point: int | None = None
        self.out_point: int | None = None
        self.waits = False
        self._touched: Touched | None = None
        self._has_touched = False  # `_touched` is as the project is now
        self._memory: Memory | None = None  # permanent memory as it is now, once it was read
        self._marked: set[int] | None = None
        for signal in (session.opened, session.closed, session.states_changed, session.objects_changed):
            signal.connect(self._forget_memory)
        for signal in (session.states_changed, session.objects_changed, self.settings_changed):
            signal.connect(self._forget_touched)
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)

    def set_settings(self, settings: RunSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self._session.remember(run=asdict(settings))
            self.settings_changed.emit()

    def set_in_out(self, first: int | None, last: int | None) -> None:
        """In and out points, in order; None: the footage's end."""
        if first is not None and last is not None and first > last:
            first, last = last, first
        if (first, last) != (self.in_point, self.out_point):
            self.in_point, self.out_point = first, last
            self._session.remember(in_out=(first, last))
            self.in_out_changed.emit()
            self.set_settings(with_in_out(self.settings, first, last))

    def wait(self, waits: bool) -> None:
        """A run begins, or has ended."""
        self.waits = waits
        self._forget_touched()
        self._forget_memory()

    @property
    def touched(self) -> Touched | None:
        """What it draws, if that is only what corrections touch; None: it draws its whole range."""
        if not self._has_touched and not self.waits:
            project = self._session.document.project if self._session.is_open else None
            self._touched = None
            if project is not None and not project.read_only:
                self._touched = find_touched(project, self.settings, self._permanent_memory())
            self._has_touched = True
        return self._touched

    @property
    def marked_since(self) -> set[int]:
        """Ids of the open project's objects that a person marked or corrected since the last run; what else changes
        masks, such as undo, or taking what another run drew, is none of it."""
        if self._marked is None:
            self._marked = marked_since(self._session.document.project, self._permanent_memory())
        return self._marked

    def _permanent_memory(self) -> Memory | None:
        """Read once for all that ask; None: they need none, for nobody knows what the last run has read."""
        project = self._session.document.project
        if self._memory is None and project.content.memory_read:
            self._memory = project.permanent_memory()
        return self._memory

    def frames_to_draw(self) -> tuple[int, int]:
        """The first and last frame; at most, where it only draws what corrections touch."""
        return self.touched.extent if self.touched else self.frames_chosen()

    def frames_chosen(self) -> tuple[int, int]:
        """The first and last frame of the range that was chosen."""
        here, count = max(0, self._session.navigator.frame), self._session.navigator.frame_count
        corrected = self._session.document.project.next_corrected if self._session.is_open else None
        return frames_of(self.settings, here, count, self.in_point, self.out_point, corrected)

    def in_to_out(self) -> tuple[int, int]:
        """The first and last frame between in and out points, whatever the range is."""
        last = self._session.navigator.frame_count - 1
        return self.in_point or 0, last if self.out_point is None else self.out_point

    def _forget_memory(self) -> None:
        self._memory = self._marked = None

    def _forget_touched(self) -> None:
        self._has_touched = False

    def _on_opened(self) -> None:
        view = self._session.document.project.view
        self.settings = settings_from(view.run)
        self.in_point, self.out_point = in_out_from(view.in_out, self._session.navigator.frame_count)
        self.settings_changed.emit()
        self.in_out_changed.emit()

    def _on_closed(self) -> None:
        self.in_point = self.out_point = None
        self.in_out_changed.emit()
