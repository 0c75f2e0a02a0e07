"""Scribbles become masks beside the window, so that it never waits for them."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Signal

from core.masks.scribble import scribble_mask
from core.progress import Progress
from core.studio.jobs import Marked, MarkJob
from pcvos_gui.workers.newest import NewestJobWorker

log = logging.getLogger(__name__)

Subject = tuple[int, int]


class AssistWorker(NewestJobWorker[MarkJob, "Marked | tuple[int, str]"]):
    """Turns one MarkJob at a time into a mask.

    Signals:
        done(Marked).
        failed(number, sentence).
    """

    done = Signal(object)
    failed = Signal(int, str)

    def __init__(self, parent: QObject | None = None):
        super().__init__("scribbles", parent)

    def _subject(self, job: MarkJob) -> Subject:
        return job.subject

    @contextmanager
    def _held(self) -> Iterator[None]:
        scribble_mask(np.zeros((8, 8, 3), np.uint8), np.eye(8, dtype=np.uint8))  # OpenCV's tables: 0.1 s, once
        yield

    def _do(self, job: MarkJob, progress: Progress) -> Iterator[Marked | tuple[int, str]]:
        result = work_out(job)
        yield result if isinstance(result, Marked) else (job.number, result)

    def _give(self, result: Marked | tuple[int, str]) -> None:
        if isinstance(result, Marked):
            self.done.emit(result)
        else:
            self.failed.emit(*result)


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
