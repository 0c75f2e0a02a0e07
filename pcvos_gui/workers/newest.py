"""A thread for jobs of which only the newest counts."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject

from core.progress import Cancelled, Progress
from pcvos_gui.workers.thread import Worker

Job = TypeVar("Job")
Result = TypeVar("Result")


class NewestJobWorker(Worker, Generic[Job, Result]):
    """Does one job at a time: of each subject the newest one, and the subject that came last first.

    Another job of the same subject, or `cancel`, cancels the one under way where that asks its progress. Results of
    jobs that are no longer the newest are dropped, unless `gives_late_results`.
    """

    gives_late_results = False

    def __init__(self, name: str, parent: QObject | None = None):
        super().__init__(name, parent)
        self._numbers = count(1)
        self._waiting: dict[Hashable, tuple[int, Job]] = {}
        self._newest: dict[Hashable, int] = {}  # numbers of jobs, by subject
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Do `job` next; one of the same subject is no longer wanted."""
        subject = self._subject(job)
        with self._changed:
            self._newest[subject] = next(self._numbers)
            self._waiting.pop(subject, None)
            self._waiting[subject] = self._newest[subject], job
            self._changed.notify_all()

    def cancel(self, subject: Hashable = None) -> None:
        """Forget the newest job of a subject."""
        with self._changed:
            self._waiting.pop(subject, None)
            self._newest.pop(subject, None)

    def _subject(self, job: Job) -> Hashable:
        """Subject of a job: of two with the same the newer one wins."""
        return None

    def _do(self, job: Job, progress: Progress) -> Iterator[Result]:
        """On the thread: give the results of a job, one after the other."""
        raise NotImplementedError

    def _give(self, result: Result) -> None:
        """On this object's thread: emit a result."""
        raise NotImplementedError

    def _take(self) -> Callable[[], object] | None:
        if not self._waiting:
            return None
        subject, (number, job) = self._waiting.popitem()
        return partial(self._do_newest, subject, number, job)

    def _do_newest(self, subject: Hashable, number: int, job: Job) -> None:
        with suppress(Cancelled):
            for result in self._do(job, self._progress(subject, number)):
                self._post((subject, number, result))

    def _progress(self, subject: Hashable, number: int) -> Progress:
        return Progress(is_cancelled=lambda: self._closed or self._newest.get(subject) != number)

    def _deliver(self, message: Any) -> None:
        subject, number, result = message
        if self.gives_late_results or self._newest.get(subject) == number:
            self._give(result)
