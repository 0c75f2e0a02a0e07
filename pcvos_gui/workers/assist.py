"""Scribbles become masks beside the window, so that it never waits for them."""

import logging
import time

from PySide6.QtCore import QObject, Signal

from core.annotation.scribble import scribble_mask
from pcvos_gui.workers.jobs import ScribbleDone, ScribbleJob
from pcvos_gui.workers.thread import Worker

log = logging.getLogger(__name__)


class AssistWorker(Worker):
    """Turns one ScribbleJob at a time into a mask; the newest wins, and results of others are dropped.

    Signals:
        done(ScribbleDone).
        failed(number, sentence).
    """

    done = Signal(object)
    failed = Signal(int, str)

    def __init__(self, parent: QObject | None = None):
        super().__init__("scribbles", parent)
        self._waiting: ScribbleJob | None = None
        self._newest = 0
        self._thread.start()

    def submit(self, job: ScribbleJob) -> None:
        """Work on `job` next; one that waits is forgotten."""
        with self._changed:
            self._waiting, self._newest = job, job.number
            self._changed.notify_all()

    def cancel(self) -> None:
        """Forget the newest job: nothing of it will be emitted."""
        with self._changed:
            self._waiting, self._newest = None, 0

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting is not None)
                if self._closed:
                    return
                job, self._waiting = self._waiting, None
            self._post(self._result(job))

    def _result(self, job: ScribbleJob) -> ScribbleDone | tuple[int, str]:
        begin = time.perf_counter()
        try:
            mask = scribble_mask(job.image, job.strokes, job.present, job.estimate, job.forbidden)
        except Exception as error:  # whatever it is, the next job shall work
            log.exception("scribble %d failed", job.number)
            text = self.tr("The strokes could not be turned into a mask ({}): paint it with the brush instead.")
            return job.number, text.format(type(error).__name__)
        mask.flags.writeable = False
        return ScribbleDone(job.number, mask, time.perf_counter() - begin)

    def _deliver(self, message: ScribbleDone | tuple[int, str]) -> None:
        number = message.number if isinstance(message, ScribbleDone) else message[0]
        if number != self._newest:
            return
        if isinstance(message, ScribbleDone):
            self.done.emit(message)
        else:
            self.failed.emit(*message)
