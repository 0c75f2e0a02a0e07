"""Shared parts of the panels' and the timeline's tests: a real session and project, and workers that answer at once."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from core.masks.packed_mask import PackedMask
from core.masks.palette import DISPLAY_PALETTE
from core.media.arrays import ArraySource
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project
from core.propagation.pace import Work
from core.studio.jobs import ClipDone, JobEnded, JobStarted, MemoryJob, MemoryUse, Predicted
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState


class PromptFrames(QObject):
    """Stands in for the frame worker: frames are there when they are asked for, or with `late` only by `deliver`."""

    ready = Signal(int, object)
    nearest = Signal(int, int, object)
    failed = Signal(int, str)
    aside = Signal(int, object)

    def __init__(self):
        super().__init__()
        self._source = None
        self.late = False
        self.requests: list[int] = []
        self.asides: list[int] = []

    def set_source(self, source):
        self._source = source

    def cached(self, frame):
        return None if self.late or self._source is None else self._source.read(frame)

    def request(self, frame):
        self.requests.append(frame)

    def request_aside(self, frame):
        self.asides.append(frame)

    def deliver_aside(self, frame):
        self.aside.emit(frame, self._source.read(frame))

    def deliver(self, frame):
        self.ready.emit(frame, self._source.read(frame))


class ScriptedInference(QObject):
    """Stands in for the network's thread: keeps what it is told, and answers when the test says so."""

    started = Signal(object)
    clip_done = Signal(object)
    ended = Signal(object)
    compare_progressed = Signal(object)
    compared = Signal(object)
    estimated = Signal(object)
    memory_told = Signal(object)
    adapt_progressed = Signal(object)
    adapted = Signal(object)

    def __init__(self):
        super().__init__()
        self.jobs: list = []
        self.questions: list[MemoryJob] = []
        self.told: list[tuple[str, int]] = []

    def submit(self, job):
        (self.questions if isinstance(job, MemoryJob) else self.jobs).append(job)

    def pause(self, number):
        self.told.append(("pause", number))

    def resume(self, number):
        self.told.append(("resume", number))

    def cancel(self, number):
        self.told.append(("cancel", number))

    def begin(self, frames: int, steps: int | None = None, passes=(), plan=None, **told) -> None:
        """`plan`: work of each clip; None: clips of ten frames."""
        steps = steps or frames
        plan = tuple(Work(10, 10, 10, 10) for _ in range(steps // 10)) if plan is None else plan
        self.started.emit(JobStarted(self.jobs[-1].number, "CPU", frames, steps, passes or (steps,), plan, **told))

    def draw(
        self, frames: range, ids, size, confidence=0.9, seconds=1.0, memory: MemoryUse | None = None, provisional=False
    ) -> None:
        """One clip in which each object is a square; without `ids` it was given."""
        mask = np.zeros(size, bool)
        mask[1:4, 1:4] = True
        cells = {(f, i): Predicted(PackedMask.pack(mask), confidence) for f in frames for i in ids}
        memory = memory or MemoryUse((0,), (5, 10), 2_000_000_000, 16_000_000_000, cached_frames=7)
        drawn = tuple(frames) if ids else ()
        clip = ClipDone(self.jobs[-1].number, tuple(frames), drawn, cells, provisional, seconds, memory)
        self.clip_done.emit(clip)

    def end(self, state="done") -> None:
        self.ended.emit(JobEnded(self.jobs[-1].number, state))


class Desk:
    """Footage that is open, with `objects` objects (ids from 1) and nothing drawn."""

    def __init__(self, path: Path, frames: int = 40, size=(24, 32), objects: int = 2, media=None):
        self.frames, self.worker, self.view = PromptFrames(), ScriptedInference(), ViewState()
        self.session = Session(self.frames)
        self.runs = RunController(self.session, self.worker)
        self.messages: list = []
        self.session.messages.said.connect(self.messages.append)
        self.media = media or ArraySource(np.zeros((frames, *size, 3), np.uint8))
        reference = FootageReference(path / "clip.mp4", "f", len(self.media), self.media.size, Fraction(25))
        self.project = Project.new(reference, path / "clip.pcvos")
        self.session.open(self.media, self.project)
        if objects:
            infos = tuple(ObjectInfo(i, f"Object {i}", colour(i)) for i in range(1, objects + 1))
            self.session.document.apply(Change("Objects", objects=((), infos)))

    def put(self, frame: int, id: int = 1, corrected=False, in_memory=False, confidence=None) -> None:
        """A cell with a square for a mask."""
        mask = np.zeros(self.media.size, bool)
        mask[2:10, 2 : 6 + id] = True
        before = self.project.cell(frame, id)
        cell = Cell(PackedMask.pack(mask), corrected, in_memory, confidence)
        self.session.document.apply(Change("Put", {(frame, id): (before, cell)}))

    def correct(self, frame: int, id: int = 1) -> None:
        self.put(frame, id, corrected=True, in_memory=True)

    def lock(self, id: int) -> None:
        before = self.session.objects
        after = tuple(replace(info, locked=info.locked or info.id == id) for info in before)
        self.session.document.apply(Change("Lock", objects=(before, after)))

    def reopen(self) -> None:
        """Close, and open the project's file again."""
        path = self.project.path
        self.session.close()
        self.project = Project.open(path)
        self.session.open(self.media, self.project)

    def close(self) -> None:
        self.session.close()


def colour(id: int) -> tuple[int, int, int]:
    return tuple(int(c) for c in DISPLAY_PALETTE[id])


def wheel(
    widget: QWidget, x: float, y: float, delta: int, modifiers=Qt.KeyboardModifier.NoModifier, across: int = 0
) -> None:
    """Turn the wheel over a point of a widget."""
    at = QPointF(x, y)
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            at,
            widget.mapToGlobal(at),
            QPoint(),
            QPoint(across, delta),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )
