"""How well the window keeps up: prints what a person would feel, on this machine.

    python scripts/window_speed.py [--seconds 60] [--footage FILE] [--resolution 480] [--marks]

The real window opens the footage (the demo clip unless named), propagates, and meanwhile a hand paints strokes and
scrubs: for SECONDS from where a run begins, which first loads the network, and for SECONDS from where another one has
drawn its first clip. A 5 ms timer on the window's thread measures how late it is. Before that, with nothing going on:
stepping to a neighbouring frame, and random jumps. Medians, 95th percentiles and the worst. With --marks the hand
clicks and rests instead, for a third of the time each while nothing is propagated, while it is, and while it is paused;
then previews are counted as well. (A dab of the brush:
`scripts/canvas_speed.py`; decoding alone: `scripts/media_speed.py`.)
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pcvos_gui.app.environment import drop_opencv_variables, has_display  # noqa: E402

if not has_display():
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
drop_opencv_variables()

import numpy as np  # noqa: E402
from PySide6.QtCore import QEvent, QPointF, QSettings, Qt, QTimer  # noqa: E402
from PySide6.QtGui import QMouseEvent  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting import let_it_run, shown_window, wait  # noqa: E402

from core.demo import CLIP, MASK  # noqa: E402
from core.studio.run_settings import Range  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402
from pcvos_gui.session.runs import RunState  # noqa: E402
from pcvos_gui.session.view_state import Tool  # noqa: E402

TICK_MS = 5


class Hand:
    """Moves the mouse over the canvas, as a person would."""

    def __init__(self, window: MainWindow):
        self.view = window.canvas.view

    def send(self, kind: QEvent.Type, x: float, y: float) -> None:
        viewport = self.view.viewport()
        at = QPointF(self.view.to_view(QPointF(x, y)).toPoint())
        press, release = QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease
        button = Qt.MouseButton.LeftButton if kind in (press, release) else Qt.MouseButton.NoButton
        held = Qt.MouseButton.NoButton if kind == release else Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, at, viewport.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)


def figures(name: str, seconds: list[float]) -> None:
    """One line: how often, the median, the 95th percentile and the worst, in milliseconds."""
    ms = sorted(1000 * s for s in seconds)
    at95 = ms[min(len(ms) - 1, int(0.95 * len(ms)))]
    print(f"{name:44} {len(ms):6}  median {statistics.median(ms):7.1f}  95 % {at95:7.1f}  worst {ms[-1]:7.1f} ms")


@contextmanager
def lateness(window: MainWindow) -> Iterator[list[float]]:
    """Seconds by which a timer on the window's thread is late, while this lasts."""
    late: list[float] = []
    expected = [time.perf_counter() + TICK_MS / 1000]

    def tick() -> None:
        now = time.perf_counter()
        late.append(max(0.0, now - expected[0]))
        expected[0] = now + TICK_MS / 1000

    timer = QTimer(window)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    yield late
    timer.stop()


def marking_window(window: MainWindow, seconds: float) -> None:
    """Make marks and rest, and measure: with no propagation, beside one, and while it is paused."""
    session, runs, hand = window.session, window.runs, Hand(window)
    window.view_state.set_tool(Tool.MARK)
    window.view_state.set_follow(False)
    previews, marks, asked = [], [], []
    window.assist.previewed.connect(lambda _: previews.append(time.perf_counter()))
    window.assist.done.connect(lambda _: marks.append(time.perf_counter() - asked[-1]))
    rng = random.Random(0)
    height, width = session.navigator.size
    for what in ("nothing propagates", "a propagation runs", "a propagation is paused"):
        if what == "a propagation runs":
            runs.start()
            wait(lambda: runs.progress.done)
        elif what == "a propagation is paused":
            runs.pause()
            wait(lambda: runs.state is RunState.PAUSED)
            let_it_run(5000)  # until the clip under way is done
        session.navigator.go_to(session.navigator.frame_count - 1)
        let_it_run(2000)
        marks.clear()
        rests: list[float] = []
        end = time.perf_counter() + seconds / 3
        with lateness(window) as late:
            while time.perf_counter() < end:
                x, y = rng.uniform(0, width), rng.uniform(0, height)
                hand.send(QEvent.Type.MouseMove, x, y)
                begin, count = time.perf_counter(), len(previews)
                until = begin + 2
                while time.perf_counter() < until and len(previews) == count:
                    let_it_run(5)
                if len(previews) > count:
                    rests.append(previews[-1] - begin)
                before = len(marks)
                asked.append(time.perf_counter())
                hand.send(QEvent.Type.MouseButtonPress, x, y)
                hand.send(QEvent.Type.MouseButtonRelease, x, y)
                wait(lambda before=before: len(marks) > before)
                window.canvas.drop()
        print(what)
        figures("  lateness of a 5 ms timer", late)
        figures("  from a click to its mask", marks)
        if rests:
            figures("  from resting to the preview", rests)
    runs.stop()


def busy_window(window: MainWindow, seconds: float) -> None:
    """Propagate, paint and scrub for a while, and measure the lateness of a timer: while a run begins, and while one
    advances."""
    runs, stack = window.runs, window.session.undo_stack
    window.view_state.set_tool(Tool.BRUSH)
    window.view_state.set_follow(False)
    for what in ("begins", "advances"):
        stack.clear()
        runs.start()
        if what == "advances":
            wait(lambda: runs.progress.done, 600)
        before = runs.progress.done
        with lateness(window) as late:
            frames, strokes = _busy(window, seconds)
        print(f"a run {what}, {seconds:.0f} s: {frames - before} frames propagated, {strokes} strokes and jumps")
        figures("  lateness of a 5 ms timer", late)
        runs.stop()
        while stack.canUndo():  # the next one has no more to encode
            stack.undo()


def _busy(window: MainWindow, seconds: float) -> tuple[int, int]:
    """Frames that were propagated, and strokes."""
    session, runs, hand = window.session, window.runs, Hand(window)
    drawn = strokes = 0
    end = time.perf_counter() + seconds
    rng = random.Random(0)
    while time.perf_counter() < end:
        if not runs.is_busy:
            drawn += runs.progress.done
            session.undo_stack.clear()
            runs.start()
        session.navigator.go_to(rng.randrange(session.navigator.frame_count))
        let_it_run(120)
        if session.can_edit:
            x, y = rng.uniform(0, session.navigator.size[1]), rng.uniform(0, session.navigator.size[0])
            hand.send(QEvent.Type.MouseButtonPress, x, y)
            for step in range(8):
                hand.send(QEvent.Type.MouseMove, x + 6 * step, y + 2 * step)
                let_it_run(16)
            hand.send(QEvent.Type.MouseButtonRelease, x + 48, y + 16)
            strokes += 1
            let_it_run(60)
    return drawn + runs.progress.done, strokes


def navigation(window: MainWindow) -> None:
    session = window.session

    def timed(frame: int) -> float:
        start = time.perf_counter()
        session.navigator.go_to(frame)
        wait(lambda: session.navigator.shown == frame)
        return time.perf_counter() - start

    rng = random.Random(1)
    timed(0)
    let_it_run(500)
    steps = []
    for frame in range(1, min(100, session.navigator.frame_count)):
        steps.append(timed(frame))
        let_it_run(30)
    figures("step to the next frame", steps)
    figures("random jump", [timed(rng.randrange(session.navigator.frame_count)) for _ in range(60)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--footage", type=Path, default=CLIP)
    parser.add_argument("--resolution", type=int, default=480)
    parser.add_argument("--interval", type=int, default=5)
    parser.add_argument("--marks", action="store_true", help="marks instead of strokes and jumps")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)
        footage = Path(folder) / arguments.footage.name
        shutil.copy(arguments.footage, footage)
        application = QApplication([])
        window = shown_window()
        start = time.perf_counter()
        window.open(footage)
        session = window.session
        wait(lambda: session.navigator.image is not None)
        print(f"first frame after {time.perf_counter() - start:.2f} s", end=", ")
        wait(lambda: session.is_open and session.navigator.shown == 0)
        frames, size = session.navigator.frame_count, session.navigator.size[::-1]
        print(f"open after {time.perf_counter() - start:.2f} s: {frames} frames of {size}")
        session.add_object()
        mask = np.zeros(session.navigator.size, bool)
        mask[
            session.navigator.size[0] // 3 : session.navigator.size[0] // 2,
            session.navigator.size[1] // 3 : session.navigator.size[1] // 2,
        ] = True
        session.replace_mask(mask, "Mask")
        if arguments.footage == CLIP:
            window.exchange.import_masks(MASK)
        window.runs.next.set_settings(
            replace(
                window.runs.next.settings,
                interval=arguments.interval,
                resolution=arguments.resolution,
                direction="both",
                range=Range.TO_END,
            )
        )
        if arguments.marks:
            marking_window(window, arguments.seconds)
        else:
            navigation(window)
            busy_window(window, arguments.seconds)
        window.close()
        del application


if __name__ == "__main__":
    main()
