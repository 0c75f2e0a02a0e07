"""A person's way through the window, from nothing to every frame right, by a hand that knows the truth.

    python scripts/annotator_trial.py FRAMES MASKS [--objects 1,2] [--resolution 480]

The real window under X (Xvfb -screen 0 1600x1000x24, and a window manager such as openbox), moved by xdotool: clicks on
the first frame, Ctrl+Return, then what the Review panel leads to (F9; F7 where nothing is wrong); where it leads to
nothing more, all frames are looked at, and the worst is corrected. A frame is right where the IoU with the truth is
0.9, or where no wrong part is wider than 2 % of the frame's shorter side. Told: marks, corrected frames, runs, looks,
and seconds of computing.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pcvos_gui.app.environment import drop_opencv_variables  # noqa: E402

drop_opencv_variables()

import numpy as np  # noqa: E402
from PySide6.QtCore import QPoint, QPointF, QSettings, QStandardPaths  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402
from waiting import let_it_run, wait  # noqa: E402

from core.evaluation.metrics import region_similarity  # noqa: E402
from core.marking.wrong_parts import largest_wrong_part  # noqa: E402
from core.masks.label_map import read_label_map  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402
from pcvos_gui.session.runs import RunState  # noqa: E402

GOOD, WIDTH = 0.9, 0.02
MOST_MARKS, MOST_ROUNDS = 6, 40
SECONDS_A_MARK, SECONDS_A_LOOK = 2.0, 1.0
"""Seconds that a person takes, about: for the minutes, beside the seconds of computing."""


@dataclass
class Cost:
    """The cost of a trial."""

    marks: int = 0
    corrected: int = 0
    runs: int = 0
    looks: int = 0
    computing: float = 0.0

    @property
    def minutes(self) -> float:
        return (self.computing + SECONDS_A_MARK * self.marks + SECONDS_A_LOOK * self.looks) / 60


class Person:
    """Works the window by X events, and knows the truth."""

    def __init__(self, window: MainWindow, truth: dict[int, np.ndarray], objects: list[int], pictures: Path | None):
        self.window, self.truth, self.objects, self.pictures = window, truth, objects, pictures
        self.session, self.tool = window.session, window.canvas.tools[window.view_state.tool]
        self.cost = Cost()

    # hands

    def press(self, key: str) -> None:
        subprocess.run(["xdotool", "key", key], check=True)
        let_it_run(60)

    def click(self, widget: QWidget, at: QPoint, button: int = 1) -> None:
        where = widget.mapToGlobal(at)
        x, y = str(where.x()), str(where.y())
        subprocess.run(["xdotool", "mousemove", x, y, "click", str(button)], check=True)
        let_it_run(60)

    def point(self, x: int, y: int, button: int) -> None:
        view = self.window.canvas.view
        self.click(view.viewport(), view.to_view(QPointF(x + 0.5, y + 0.5)).toPoint(), button)

    def settle(self) -> None:
        navigator = self.session.navigator
        wait(lambda: navigator.shown == navigator.frame and self.window.reviewer.is_settled)

    # eyes

    def mask(self, frame: int, obj: int) -> np.ndarray:
        return self.session.document.project.labels(frame) == obj

    def quality(self, frame: int, obj: int, mask: np.ndarray | None = None) -> float:
        """IoU; 1 where nothing wrong is to be seen."""
        mask, own = self.mask(frame, obj) if mask is None else mask, self.truth[frame] == obj
        part = largest_wrong_part(mask, own)
        if part is None or 2 * part.depth.max() < WIDTH * min(own.shape):
            return 1.0
        return region_similarity(mask, own)

    def is_right(self, frame: int, obj: int) -> bool:
        return frame not in self.truth or self.quality(frame, obj) >= GOOD

    # work

    def mark(self, frame: int, obj: int) -> None:
        """Click until it is right, and accept."""
        own, tool = self.truth[frame] == obj, self.window.canvas.tool
        if not own.any():
            self.press("n")
            self.cost.marks += 1
            return
        mask = self.mask(frame, obj)
        for _ in range(MOST_MARKS):
            part = largest_wrong_part(mask, own)
            if part is None or self.quality(frame, obj, mask) >= GOOD:
                break
            before = tool.proposed
            self.point(*part.deepest(), 1 if part.is_missing else 3)
            wait(lambda: tool.proposed is not None and tool.proposed is not before, 400)  # noqa: B023
            mask = tool.proposed
            self.cost.marks += 1
        self.press("Return")
        wait(lambda: not tool.is_busy, 400)
        self.cost.corrected += 1

    def run(self) -> None:
        begin = time.monotonic()
        self.press("ctrl+Return")
        wait(lambda: self.window.runs.state is not RunState.IDLE, 400)
        wait(lambda: self.window.runs.state is RunState.IDLE, 1800)
        self.cost.computing += time.monotonic() - begin
        self.cost.runs += 1
        let_it_run(400)
        self.settle()

    def told(self, what: str) -> None:
        values = [self.quality(f, o) for f in self.truth for o in self.objects]
        wrong = sum(value < GOOD for value in values)
        print(f"{what}: {self.cost}, frames not right {wrong} of {len(values)}", flush=True)
        if self.pictures is not None:
            self.window.grab().save(str(self.pictures / f"{self.cost.runs:02d}-{self.cost.corrected:02d}.png"))

    def next_wrong(self) -> tuple[int, int] | None:
        """The frame and the object to correct: where the tool leads to, else the worst of all; None: all are right."""
        reviewer = self.window.reviewer
        if reviewer.waiting:
            self.press("F9")
        for _ in range(2 * len(reviewer.waiting)):
            self.settle()
            self.cost.looks += 1
            frame, obj = self.session.navigator.frame, self.session.active
            if not self.is_right(frame, obj):
                return frame, obj
            before = len(reviewer.waiting)
            self.press("F7")
            if not reviewer.waiting:
                break
            if len(reviewer.waiting) == before:  # it was beside a doubtful stretch
                self.press("F8")
        found = min(((self.quality(f, o), f, o) for f in self.truth for o in self.objects), default=None)
        self.cost.looks += len(self.truth) // 4  # played, not stepped
        if found is None or found[0] >= GOOD:
            return None
        self.session.set_active(found[2])
        self.session.navigator.go_to(found[1])  # a click on the timeline
        self.settle()
        return found[1], found[2]

    def work(self) -> None:
        for obj in self.objects:
            if obj > 1:
                self.press("ctrl+n")
                self.press("Escape")
            first = next(f for f in sorted(self.truth) if (self.truth[f] == obj).any())
            self.session.navigator.go_to(first)
            self.settle()
            self.press("s")
            self.mark(first, obj)
        self.run()
        self.told("first run")
        for _ in range(MOST_ROUNDS):
            found = self.next_wrong()
            if found is None:
                self.told("every frame is right")
                return
            frame, obj = found
            before = self.quality(frame, obj)
            self.mark(frame, obj)
            print(f"  frame {frame}, object {obj}: {before:.3f} -> {self.quality(frame, obj):.3f}", flush=True)
            self.run()
            self.told("corrected")
        self.told("given up")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--objects", default="1", help="ids in the masks")
    parser.add_argument("--resolution", type=int, default=480)
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of the window after each run")
    wanted = parser.parse_args()
    ids = [int(id) for id in wanted.objects.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / wanted.frames.name
        shutil.copytree(wanted.frames, frames)
        truth = {}
        for number, path in enumerate(sorted(frames.iterdir())):
            if (own := wanted.masks / f"{path.stem}.png").is_file():
                labels = read_label_map(own).packed.unpack()
                truth[number] = np.select([labels == id for id in ids], range(1, len(ids) + 1), 0).astype(np.uint8)
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)
        QStandardPaths.setTestModeEnabled(True)
        application = QApplication([])
        window = MainWindow()
        window.resize(1560, 940)
        window.show()
        window.open(frames)
        wait(lambda: window.session.is_open and window.session.navigator.shown == 0)
        window.show_dock("review")
        window.runs.set_settings(replace(window.runs.settings, resolution=wanted.resolution))
        let_it_run(3000)
        person = Person(window, truth, list(range(1, len(ids) + 1)), wanted.pictures)
        try:
            person.work()
        except SystemExit:  # it waited for something in vain
            person.told("given up")
            raise
        window.close()
        del application


if __name__ == "__main__":
    main()
