"""Memory that the next run will take."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from core.studio.jobs import MemoryJob, MemoryTold, memory_job
from pcvos_gui.session.next_run import NextRun
from pcvos_gui.session.session import Session
from pcvos_gui.workers.inference import InferenceWorker


class MemoryForecast(QObject):
    """Asks the network's thread how much memory the next run will take, and keeps the answer.

    Attributes:
        told: of the next run; None: not known yet.
    """

    changed = Signal()

    def __init__(self, session: Session, worker: InferenceWorker, next_run: NextRun, parent: QObject):
        super().__init__(parent)
        self._session, self._worker, self._next = session, worker, next_run
        self.told: MemoryTold | None = None
        self._asked: MemoryJob | None = None
        worker.memory_told.connect(self._tell)
        session.closed.connect(self._on_closed)

    def request(self) -> None:
        """Ask, unless a run is under way or the same was asked before; `changed` says that `told` is the answer."""
        if self._next.waits or not self._session.is_writable:
            return
        job = memory_job(self._session.document.project, self._next.settings, *self._next.frames_to_draw())
        if job is None:
            self._tell(None)
        elif replace(job, number=0) != self._asked:
            self._asked = replace(job, number=0)
            self._worker.submit(job)

    def _tell(self, told: MemoryTold | None) -> None:
        self.told = told
        self.changed.emit()

    def _on_closed(self) -> None:
        self._asked = None
        self._tell(None)
