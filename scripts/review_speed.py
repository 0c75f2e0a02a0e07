"""How well timeline and Review panel keep up with long footage and many objects: prints figures of this machine.

    python scripts/review_speed.py [--frames 20000] [--objects 100]

The real window over grey footage; each object is known on all frames, with a doubtful stretch every 500. Timed is what
the window's thread does: a step with all that is repainted after it, the wheel on the timeline, and what is found anew
after a change. Medians, 95th percentiles and the worst, in milliseconds of the
processor's time on the window's thread, which what else the machine does makes no longer.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from pcvos_gui.app.environment import drop_opencv_variables  # noqa: E402

drop_opencv_variables()

import numpy as np  # noqa: E402
from PySide6.QtCore import QSettings, QStandardPaths  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting import let_it_run, wait  # noqa: E402
from window_speed import figures  # noqa: E402

from core.masks.palette import DISPLAY_PALETTE  # noqa: E402
from core.media.arrays import ArraySource  # noqa: E402
from core.project.model import Change, FootageReference, ObjectInfo  # noqa: E402
from core.project.project import Project  # noqa: E402
from core.project.tracks import PREDICTED  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402
from pcvos_gui.session.view_state import Tool  # noqa: E402

SIZE = (48, 64)


def opened(window: MainWindow, folder: Path, frames: int, objects: int) -> None:
    media = ArraySource(np.broadcast_to(np.uint8(90), (frames, *SIZE, 3)))
    reference = FootageReference(folder / "clip.mp4", "f", frames, SIZE, Fraction(25))
    project = Project.new(reference, folder / "clip.pcvos")
    infos = tuple(
        ObjectInfo(i, f"Object {i}", tuple(DISPLAY_PALETTE[i].tolist())) for i in range(1, min(objects, 254) + 1)
    )
    project.apply(Change("objects", objects=((), infos)))
    every, flags = np.arange(frames), np.full(frames, PREDICTED, np.uint8)
    for info in infos:  # millions of rows in the file would only slow the making
        sure = np.where((every + 37 * info.id) % 500 < 6, 0.3, 0.9)
        project._tracks.set(every, np.full(frames, info.id), flags, sure)
    window.session.open(media, project)
    wait(lambda: window.session.navigator.shown == 0)


def timed(name: str, times: int, act: Callable[[int], object]) -> None:
    seconds = []
    for i in range(times):
        start = time.thread_time()
        act(i)
        QApplication.processEvents()
        seconds.append(time.thread_time() - start)
        let_it_run(20)
    figures(name, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--objects", type=int, default=100)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)
        QStandardPaths.setTestModeEnabled(True)
        application = QApplication([])
        window = MainWindow()
        window.resize(1440, 900)
        window.show()
        window.view_state.set_tool(Tool.BRUSH)  # with which no network is loaded meanwhile
        opened(window, Path(folder), wanted.frames, wanted.objects)
        window.show_dock("review")
        let_it_run(1500)
        session, timeline, reviewer = window.session, window.timeline, window.reviewer
        print(f"{wanted.frames} frames, {wanted.objects} objects, {len(reviewer.stretches)} doubtful stretches")
        timed("step to the next frame", 60, lambda i: session.navigator.go_to(1000 + i))
        timed("step, zoomed in", 60, lambda i: (i or timeline.scrubber.zoom(200), session.navigator.go_to(2000 + i)))
        timed("jump anywhere", 40, lambda i: session.navigator.go_to(7919 * i % wanted.frames))
        timed("next doubtful frame (F8)", 20, lambda i: reviewer.go_to_next(1))
        timed("a notch of the wheel", 30, lambda i: timeline.scrubber.turn_zoom(120 if i % 2 else -120))
        timed("rows scrolled", 30, lambda i: timeline.rows.bar.setValue(40 * i))
        timed("another object", 30, lambda i: session.set_active(1 + i % wanted.objects))
        timed("after a change: found anew", 10, lambda i: (session.states_changed.emit(), reviewer.refresh()))
        window.close()
        del application


if __name__ == "__main__":
    main()
