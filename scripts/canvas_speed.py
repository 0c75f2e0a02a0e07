"""How long a brush dab takes on the canvas, from the pointer's movement to the pixels in the window.

Prints medians for footage of 1080p and 2160p in a window of 1600x900, per view and brush; also what a whole repaint,
the beginning and the end of a stroke, and a step to the next frame cost. Beside each time is the processor's, which
says more on a busy machine. From the top folder (QT_QPA_PLATFORM=xcb for a real screen):
.venv/bin/python scripts/canvas_speed.py
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from core.masks.packed_mask import PackedMask
from core.media.arrays import ArraySource
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project
from core.studio.run_settings import EngineChoice
from pcvos_gui.canvas import Canvas
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import Tool, ViewMode, ViewState

WINDOW = (1600, 900)
SIZES = {"1080p": (1080, 1920), "2160p": (2160, 3840)}
DABS = 60
BRUSHES = (24, 100, 200, 400)
LARGEST = 200  # brush for which the limit is meant
LIMIT = 8.0  # ms a dab may take at 1080p


class _Frames(QObject):
    """Frames that are decoded already."""

    ready = Signal(int, object)
    nearest = Signal(int, int, object)
    failed = Signal(int, str)

    def set_source(self, source: ArraySource | None) -> None:
        self._frames = None if source is None else [source.read(i) for i in range(len(source))]

    def cached(self, frame: int) -> np.ndarray:
        return self._frames[frame]

    def request(self, frame: int) -> None:
        """All are cached."""


class _NoAssist(QObject):
    """Strokes stay strokes."""

    done = Signal(object)
    failed = Signal(int, str)
    previewed = Signal(object)
    changed = Signal()
    has_network = False
    missing = ""
    engine = EngineChoice()

    def submit(self, job: object) -> None:
        """Never answered."""


class _Bench:
    """A canvas of one footage size, with a disc as object 1 and a locked bar as object 2."""

    def __init__(self, size: tuple[int, int], folder: Path):
        self.session, self.view_state = Session(_Frames()), ViewState()
        self.canvas = Canvas(self.session, self.view_state, _NoAssist())
        self.canvas.resize(*WINDOW)
        self.canvas.show()
        height, width = size
        frames = np.random.default_rng(0).integers(0, 255, (2, height, width, 3), np.uint8)
        media = ArraySource(cv2.blur(frames.reshape(2 * height, width, 3), (9, 9)).reshape(frames.shape))
        reference = FootageReference(folder / "clip.mp4", "f", 2, size, Fraction(25))
        self.session.open(media, Project.new(reference, folder / f"{height}.pcvos"))
        disc, bar = np.zeros(size, np.uint8), np.zeros(size, bool)
        cv2.circle(disc, (width // 2, height // 2), height // 3, 1, -1)
        bar[:, : width // 12] = True
        objects = (ObjectInfo(1, "disc", (220, 40, 40)), ObjectInfo(2, "bar", (40, 200, 60), locked=True))
        cells = {(0, 1): (None, Cell(PackedMask.pack(disc))), (0, 2): (None, Cell(PackedMask.pack(bar)))}
        self.session.document.apply(Change("Objects", cells, ((), objects)))
        self.session.set_active(1)
        self.view_state.set_tool(Tool.BRUSH)
        self.flush()

    def flush(self) -> None:
        """Repaint now what is to be repainted, as the platform asks for at the screen's next refresh."""
        QCoreApplication.sendPostedEvents()  # the scene's collected changes
        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.UpdateRequest))

    def mouse(self, kind: QEvent.Type, x: float, y: float) -> None:
        viewport, left = self.canvas.view.viewport(), Qt.MouseButton.LeftButton
        at = QPointF(x, y)
        buttons = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else left
        event = QMouseEvent(kind, at, viewport.mapToGlobal(at), left, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)

    def timed(self, act: Callable[[], None]) -> np.ndarray:
        """Milliseconds an action takes together with its repaint: on the clock, and of all processors."""
        begin = np.array((time.perf_counter(), time.process_time()))
        act()
        self.flush()
        return 1000 * (np.array((time.perf_counter(), time.process_time())) - begin)

    def stroke(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Press, the median of the dabs, release; ms."""
        press = self.timed(lambda: self.mouse(QEvent.Type.MouseButtonPress, 500, 300))
        dabs = [
            self.timed(lambda i=i: self.mouse(QEvent.Type.MouseMove, 500 + 9 * i, 300 + 4 * i)) for i in range(DABS)
        ]
        release = self.timed(lambda: self.mouse(QEvent.Type.MouseButtonRelease, 500 + 9 * DABS, 300 + 4 * DABS))
        return press, np.median(dabs, axis=0), release


def main() -> None:
    app = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as name:
        benches = _benches(Path(name))

        def go_on() -> None:
            if next(benches, None) is None:
                app.quit()
            else:
                QTimer.singleShot(500, go_on)  # until the new window is on the screen

        QTimer.singleShot(0, go_on)
        app.exec()


def _benches(folder: Path) -> Iterator[bool]:
    """Do everything; gives way to the event loop after opening each window."""
    slowest = np.zeros(2)
    for label, size in SIZES.items():
        bench = _Bench(size, folder)
        yield True
        for mode in ViewMode:
            bench.view_state.set_mode(mode)
            bench.flush()
            dab = _report(f"{label} {mode.value:12}", bench)
            slowest = np.maximum(slowest, dab) if label == "1080p" else slowest
        bench.view_state.set_mode(ViewMode.OVERLAY)
        bench.view_state.set_tool(Tool.MARK)
        bench.flush()
        dab = _report(f"{label} {'scribble':12}", bench)
        slowest = np.maximum(slowest, dab) if label == "1080p" else slowest
        bench.session.close()
        bench.canvas.close()
    clock, cpu = slowest
    print(f"slowest dab of a brush up to {LARGEST} pixels at 1080p: {clock:.1f} ({cpu:.1f}) ms; limit {LIMIT:.0f}")


def _report(label: str, bench: _Bench) -> np.ndarray:
    """Print a row; the slowest dab of the brushes that are meant, by either measure."""
    dabs = {}
    for brush in BRUSHES:
        bench.view_state.set_brush(brush)
        press, dabs[brush], release = bench.stroke()
    viewport = bench.canvas.view.viewport()
    whole = np.median([bench.timed(viewport.update) for _ in range(9)], axis=0)
    step = np.median([bench.timed(lambda i=i: bench.session.navigator.go_to((i + 1) % 2)) for i in range(10)], axis=0)
    named = {f"dab {brush} px": dab for brush, dab in dabs.items()}
    named |= {"begin": press, "end": release, "repaint": whole, "step": step}
    cells = "  ".join(f"{name} {clock:.1f} ({cpu:.1f})" for name, (clock, cpu) in named.items())
    print(f"{label}  {cells}", flush=True)
    return np.max([dab for brush, dab in dabs.items() if brush <= LARGEST], axis=0)


if __name__ == "__main__":
    main()
