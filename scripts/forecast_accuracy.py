"""How honest the promised times of runs are, on this machine: what is promised before a run and after its first tenth,
beside what it takes.

    python scripts/forecast_accuracy.py [--footage FILE --masks FILE] [--resolution 480]

The real window opens the footage (the demo clip unless named) and runs it as a person would: a first run, one after a
correction in the middle (all of it anew: features of frames are known, one more is annotated), one at another memory
interval, and one in a part of the footage. A promise after a tenth counts what has gone by and what is said to be left.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pcvos_gui.app.environment import drop_opencv_variables, has_display  # noqa: E402

if not has_display():
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
drop_opencv_variables()

from PySide6.QtCore import QSettings  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting import let_it_run, shown_window, wait  # noqa: E402

from core.demo import CLIP, MASK  # noqa: E402
from core.studio.run_settings import Range  # noqa: E402
from pcvos_gui.app.handlers.masks import accept_frame  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402


def timed_run(window: MainWindow, name: str) -> None:
    """Run, and print one row."""
    runs = window.runs
    before = runs.forecast.seconds_for(runs.next.settings.interval, everything=True)
    begin = time.perf_counter()
    tenth: list[tuple[float, float]] = []

    def on_progress() -> None:
        left = runs.forecast.seconds_left
        if not tenth and runs.progress.work and runs.progress.work_done >= runs.progress.work / 10 and left is not None:
            gone = time.perf_counter() - begin
            tenth.append((gone, gone + left))

    runs.progressed.connect(on_progress)
    runs.start(everything=True)
    wait(lambda: runs.is_busy, 60)
    wait(lambda: not runs.is_busy, 3600)
    runs.progressed.disconnect(on_progress)
    took = time.perf_counter() - begin
    at, promised = tenth[0]
    told = "-" if before is None else f"{before:.0f} s ({before / took - 1:+.0%})"
    print(f"{name:34} {told:>14} {promised:7.0f} s ({promised / took - 1:+.0%}) {took:7.0f} s, told at {at / took:.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--footage", type=Path, default=CLIP)
    parser.add_argument("--masks", type=Path, default=MASK)
    parser.add_argument("--resolution", type=int, default=480)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)
        footage = Path(folder) / arguments.footage.name
        shutil.copy(arguments.footage, footage)
        application = QApplication([])
        window = shown_window()
        window.open(footage)
        session, runs = window.session, window.runs
        wait(lambda: session.is_open and session.navigator.shown == 0, 60)
        window.exchange.import_masks(arguments.masks)
        wait(lambda: bool(session.document.project.keys_in_memory()), 60)
        let_it_run(1000)
        print(f"{'run':34} {'before it':>14} {'after a tenth':>16} {'took':>9}")
        settings = {"interval": 5, "direction": "both", "range": Range.TO_END, "resolution": arguments.resolution}
        start = replace(runs.next.settings, **settings)
        runs.next.set_settings(start)
        timed_run(window, "first, L = 5")
        middle = session.navigator.frame_count // 2
        session.navigator.go_to(middle)
        wait(lambda: session.navigator.shown == middle, 60)
        accept_frame(window)
        timed_run(window, "again, L = 5")
        runs.next.set_settings(replace(start, interval=15))
        timed_run(window, "L = 15")
        session.navigator.go_to(0)
        runs.next.set_in_out(middle, session.navigator.frame_count - 1)
        runs.next.set_settings(replace(start, direction="forward", range=Range.IN_OUT))
        timed_run(window, "second half, forward")
        window.close()
        del application


if __name__ == "__main__":
    main()
