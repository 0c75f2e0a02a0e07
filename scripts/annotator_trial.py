"""A person's way through the window, from nothing to every frame right, by a hand that knows the truth.

    python scripts/annotator_trial.py FRAMES MASKS [--objects 1,2] [--resolution 480] [--plain]

The real window under X (Xvfb -screen 0 1600x1000x24, and a window manager such as openbox), moved by xdotool. On the
first frame each object is clicked until it is right; where six clicks do not get there, the rest is painted with the
brush, as on every frame that is corrected later. Then Ctrl+Return, and what the Review panel leads to (F9; F7 where
nothing is wrong, F8): the first that is wrong is corrected, and Ctrl+Return draws what that touches. Where it leads to
nothing more, all frames that were drawn since they were last seen are played, and the worst of the clip is corrected.
At the end each object is declared done.

With --plain the person knows no Review: all are played, the worst is corrected, and everything is drawn again, both
ways.

A frame is right where the IoU with the truth is 0.9, or where no wrong part is wider than 2 % of the frame's shorter
side. Told: marks, strokes of the brush, corrected frames, runs, frames drawn (twice where two passes draw one), looks,
frames played, seconds of computing, and a person's minutes by the seconds below.
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
from PySide6.QtCore import QPointF, QSettings, QStandardPaths  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting import let_it_run, wait  # noqa: E402

from core.evaluation.metrics import region_similarity  # noqa: E402
from core.marking.wrong_parts import largest_wrong_part  # noqa: E402
from core.masks.label_map import read_label_map  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402
from pcvos_gui.session.runs import RunState  # noqa: E402

GOOD, WIDTH = 0.9, 0.02
MOST_MARKS, MOST_STROKES, MOST_ROUNDS = 6, 40, 60
SECONDS_A_MARK, SECONDS_A_STROKE, SECONDS_A_LOOK, SECONDS_A_PLAYED_FRAME, SECONDS_A_RUN = 2.0, 3.0, 1.5, 0.25, 1.0
"""Seconds that a person takes, about: for the minutes, beside the seconds of computing."""


@dataclass
class Cost:
    """The cost of a trial."""

    marks: int = 0
    strokes: int = 0
    corrected: int = 0
    runs: int = 0
    drawn: int = 0
    looks: int = 0
    played: int = 0
    computing: float = 0.0

    @property
    def person(self) -> float:
        """Minutes."""
        seconds = SECONDS_A_MARK * self.marks + SECONDS_A_STROKE * self.strokes + SECONDS_A_LOOK * self.looks
        return (seconds + SECONDS_A_PLAYED_FRAME * self.played + SECONDS_A_RUN * self.runs) / 60


class Person:
    """Works the window by X events, and knows the truth."""

    def __init__(self, window: MainWindow, truth: dict[int, np.ndarray], objects: list[int], pictures: Path | None):
        self.window, self.truth, self.objects, self.pictures = window, truth, objects, pictures
        self.session = window.session
        self.cost = Cost()
        self._seen: dict[int, bytes] = {}  # frames as they were when they were last played
        self._drawn = 0  # frames of the run under way
        window.inference.clip_done.connect(self._count)

    def _count(self, clip) -> None:
        self._drawn += len(clip.drawn)

    # hands

    def press(self, key: str, times: int = 1) -> None:
        subprocess.run(["xdotool", "key", "--repeat", str(times), "--delay", "20", key], check=True)
        let_it_run(60 + 20 * times)

    def point(self, x: int, y: int, button: int) -> None:
        self._hand("mousemove", *self._place(x, y), "click", str(button))

    def draw(self, corners: tuple[tuple[int, int], ...], button: int) -> None:
        (x, y), *others = corners
        self._hand("mousemove", *self._place(x, y), "mousedown", str(button))
        for x, y in others:
            self._hand("mousemove", *self._place(x, y))
        self._hand("mouseup", str(button))

    def _hand(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], check=True)
        let_it_run(40)

    def _place(self, x: int, y: int) -> tuple[str, str]:
        view = self.window.canvas.view
        where = view.viewport().mapToGlobal(view.to_view(QPointF(x + 0.5, y + 0.5)).toPoint())
        return str(where.x()), str(where.y())

    def begin(self) -> None:
        """Have at hand what is needed."""
        self.window.show_dock("review")

    def go_to(self, frame: int, obj: int) -> None:
        """As by a click on the timeline, and on the object's row."""
        self.session.set_active(obj)
        self.session.navigator.go_to(frame)
        self.settle()

    def settle(self) -> None:
        navigator = self.session.navigator
        wait(lambda: navigator.shown == navigator.frame and self.window.reviewer.is_settled)

    @property
    def is_ready(self) -> bool:
        """Whether the first frame is there to be worked on."""
        return self.session.is_open and self.session.navigator.shown == 0

    # eyes

    @property
    def place(self) -> tuple[int, int]:
        """The frame and the object that are looked at."""
        return self.session.navigator.frame, self.session.active

    def labels(self, frame: int) -> np.ndarray:
        return self.session.document.project.labels(frame)

    def quality(self, frame: int, obj: int, mask: np.ndarray | None = None) -> float:
        """IoU; 1 where nothing wrong is to be seen."""
        mask, own = self.labels(frame) == obj if mask is None else mask, self.truth[frame] == obj
        part = largest_wrong_part(mask, own)
        if part is None or 2 * part.depth.max() < WIDTH * min(own.shape):
            return 1.0
        return region_similarity(mask, own)

    def is_right(self, frame: int, obj: int) -> bool:
        return frame not in self.truth or self.quality(frame, obj) >= GOOD

    # work

    def correct(self, frame: int, obj: int) -> None:
        """Click until it is right, and accept; paint what clicks did not get right."""
        before = self.quality(frame, obj)
        marks, strokes = self.cost.marks, self.cost.strokes
        self.cost.corrected += 1
        if not (self.truth[frame] == obj).any():
            self.press("n")
            self.cost.marks += 1
        else:
            self.mark(frame, obj)
            self.paint(frame, obj)
        marks, strokes = self.cost.marks - marks, self.cost.strokes - strokes
        now = self.quality(frame, obj)
        print(f"  frame {frame}, object {obj}: {before:.3f} -> {now:.3f}, {marks} marks, {strokes} strokes", flush=True)

    def mark(self, frame: int, obj: int) -> None:
        self.press("s")
        own, tool = self.truth[frame] == obj, self.window.canvas.tool
        mask = self.labels(frame) == obj
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

    def paint(self, frame: int, obj: int) -> None:
        own = self.truth[frame] == obj
        for stroke in range(MOST_STROKES):
            part = largest_wrong_part(self.labels(frame) == obj, own)
            if part is None or self.is_right(frame, obj):
                break
            if not stroke:
                self.press("b")
            self.take_brush(max(2, round(2 * float(part.depth.max()))))
            self.draw(part.long_stroke(), 1 if part.is_missing else 3)
            wait(lambda: not self.window.canvas.tool.is_busy)
            self.cost.strokes += 1

    def take_brush(self, diameter: int) -> None:
        state = self.window.view_state
        while state.brush > diameter:
            self.press("bracketleft")
        while state.brush < diameter:
            self.press("bracketright")

    def run(self) -> None:
        begin, self._drawn = time.monotonic(), 0
        self.press("ctrl+Return")
        wait(lambda: self.window.runs.state is not RunState.IDLE, 400)
        wait(lambda: self.window.runs.state is RunState.IDLE, 1800)
        self.cost.computing += time.monotonic() - begin
        self.cost.runs += 1
        self.cost.drawn += self._drawn
        let_it_run(400)
        self.settle()

    def told(self, what: str) -> None:
        values = [self.quality(f, o) for f in self.truth for o in self.objects]
        wrong = sum(value < GOOD for value in values)
        own = [region_similarity(self.labels(f) == o, self.truth[f] == o) for f in self.truth for o in self.objects]
        print(
            f"{what}: {self.cost}, person {self.cost.person:.1f} min, not right {wrong} of {len(values)}, "
            f"mean J {np.mean(own):.3f}",
            flush=True,
        )
        if self.pictures is not None:
            self.window.grab().save(str(self.pictures / f"{self.cost.runs:02d}-{self.cost.corrected:02d}.png"))

    def led_to(self) -> tuple[int, int] | None:
        """The first wrong mask where the tool leads to; None: it leads to nothing more."""
        reviewer = self.window.reviewer
        if reviewer.waiting:
            self.press("F9")
        for _ in range(3 * len(reviewer.waiting)):
            self.settle()
            self.cost.looks += 1
            frame, obj = self.place
            if not self.is_right(frame, obj):
                return frame, obj
            before = len(reviewer.waiting)
            self.press("F7")
            if not reviewer.waiting:
                break
            if len(reviewer.waiting) == before:  # it was beside a doubtful stretch
                self.press("F8")
        return None

    def played_to(self) -> tuple[int, int] | None:
        """The worst mask of all frames, those played that were drawn since they were seen; None: all are right."""
        for frame in self.truth:
            content = self.labels(frame).tobytes()
            self.cost.played += self._seen.get(frame) != content
            self._seen[frame] = content
        value, frame, obj = min((self.quality(f, o), f, o) for f in self.truth for o in self.objects)
        if value >= GOOD:
            return None
        self.go_to(frame, obj)
        self.cost.looks += 1
        return frame, obj

    def next_wrong(self) -> tuple[int, int] | None:
        return self.led_to() or self.played_to()

    def finish(self) -> None:
        """Say that it is right."""
        for obj in self.objects:
            self.session.set_active(obj)
            self.press("shift+d")
        assert len(self.session.document.project.done) >= len(self.objects)

    def work(self) -> None:
        for obj in self.objects:
            first = next(f for f in sorted(self.truth) if (self.truth[f] == obj).any())
            if obj > 1:
                self.press("ctrl+n")
                self.press("Escape")
            self.go_to(first, self.session.active)
            self.correct(first, obj)
        self.run()
        self.told("first run")
        for _ in range(MOST_ROUNDS):
            found = self.next_wrong()
            if found is None:
                self.finish()
                self.told("every frame is right")
                return
            self.correct(*found)
            self.run()
            self.told("corrected")
        self.told("given up")


class PlainPerson(Person):
    """Knows no Review: plays, corrects the worst frame, and draws everything anew, both ways."""

    def begin(self) -> None:
        self.window.runs.next.set_settings(replace(self.window.runs.next.settings, direction="both"))

    def next_wrong(self) -> tuple[int, int] | None:
        return self.played_to()

    def press(self, key: str, times: int = 1) -> None:
        super().press("ctrl+shift+Return" if key == "ctrl+Return" else key, times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--objects", default="1", help="ids in the masks")
    parser.add_argument("--first", type=int, help="this many of the frames")
    parser.add_argument("--resolution", type=int, default=480)
    parser.add_argument("--plain", action="store_true", help="without Review, and with everything drawn again")
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of the window after each run")
    work(parser.parse_args(), Person)


def work(wanted: argparse.Namespace, person_of: type[Person]) -> None:
    """Open the footage in a window, and let the person work."""
    ids = [int(id) for id in wanted.objects.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder) / wanted.frames.name
        frames.mkdir()
        truth = {}
        for number, path in enumerate(sorted(wanted.frames.iterdir())[: wanted.first]):
            shutil.copy(path, frames)
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
        kind = PlainPerson if wanted.plain else person_of
        person = kind(window, truth, list(range(1, len(ids) + 1)), wanted.pictures)
        wait(lambda: person.is_ready)
        person.begin()
        window.runs.next.set_settings(replace(window.runs.next.settings, resolution=wanted.resolution))
        let_it_run(3000)
        try:
            person.work()
        except SystemExit:  # it waited for something in vain
            person.told("given up")
            raise
        window.close()
        del application


if __name__ == "__main__":
    main()
