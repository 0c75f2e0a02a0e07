"""Scribbles become masks beside the window, so that it never waits for them."""

import logging
import time

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Signal

from core.masks.scribble import scribble_mask
from pcvos_gui.workers.jobs import Marked, MarkJob
from pcvos_gui.workers.thread import Worker

log = logging.getLogger(__name__)

Subject = tuple[int, int]
_Result = tuple[MarkJob, Marked | str]
"""Of a job: its mask, or what went wrong, as a sentence."""


class AssistWorker(Worker):
    """Turns one MarkJob at a time into a mask.

    Of each subject the newest wins, and results of others are dropped; the subject that came last is next.

    Signals:
        done(Marked).
        failed(number, sentence).
    """

    done = Signal(object)
    failed = Signal(int, str)

    def __init__(self, parent: QObject | None = None):
        super().__init__("scribbles", parent)
        self._waiting: dict[Subject, MarkJob] = {}
        self._newest: dict[Subject, int] = {}
        self._thread.start()

    def submit(self, job: MarkJob) -> None:
        """Work on `job` next; one of the same subject that waits is forgotten."""
        with self._changed:
            self._waiting.pop(job.subject, None)
            self._waiting[job.subject], self._newest[job.subject] = job, job.number
            self._changed.notify_all()

    def cancel(self, subject: Subject = (0, 0)) -> None:
        """Forget the newest job of a subject: nothing of it will be emitted."""
        with self._changed:
            self._waiting.pop(subject, None)
            self._newest.pop(subject, None)

    def _work(self) -> None:
        scribble_mask(np.zeros((8, 8, 3), np.uint8), np.eye(8, dtype=np.uint8))  # OpenCV's tables: 0.1 s, once
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if self._closed:
                    return
                job = self._waiting.pop(next(reversed(self._waiting)))
            self._post((job, work_out(job)))

    def _deliver(self, message: _Result) -> None:
        job, result = message
        if job.number != self._newest.get(job.subject):
            return
        if isinstance(result, Marked):
            self.done.emit(result)
        else:
            self.failed.emit(job.number, result)


def work_out(job: MarkJob) -> Marked | str:
    """A job's mask, here and now; or why there is none, in a sentence."""
    begin = time.perf_counter()
    try:
        mask = scribble_mask(job.image, job.strokes, job.present, job.estimate, job.forbidden)
    except Exception as error:  # whatever it is, the next job shall work
        log.exception("scribble %d failed", job.number)
        text = QCoreApplication.translate(
            "AssistWorker", "The strokes could not be turned into a mask ({}): paint it with the brush instead."
        )
        return text.format(type(error).__name__)
    mask.flags.writeable = False
    return Marked(job.number, mask, time.perf_counter() - begin)
