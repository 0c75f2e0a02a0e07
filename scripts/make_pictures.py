"""Makes docs/images/*.png from the real window: `python scripts/make_pictures.py [--scale 2] [--output FOLDER]`.

The demo clip is opened in a temporary folder, marked, run and corrected, as a person would; no display is needed.
"""

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels per pixel")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--resolution", type=int, default=360)
    parser.add_argument("--only", choices=("", "tour", "review"), default="", help="only this part")
    return parser.parse_args()


ARGUMENTS = parse()
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_SCALE_FACTOR"] = str(ARGUMENTS.scale)

from pcvos_gui.app.environment import drop_opencv_variables  # noqa: E402

drop_opencv_variables()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import QEvent, QPointF, QSettings, QStandardPaths, Qt  # noqa: E402
from PySide6.QtGui import QMouseEvent  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting import let_it_run, wait  # noqa: E402

from core.demo import CLIP, MASK  # noqa: E402
from core.studio.run_settings import Range  # noqa: E402
from pcvos_gui.app import theme  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402
from pcvos_gui.session.runs import RunState  # noqa: E402
from pcvos_gui.session.side_by_side import Seen  # noqa: E402
from pcvos_gui.session.view_state import Tool, ViewMode  # noqa: E402

SIZE = (1440, 900)


class Photographer:
    """Works the window and takes its picture."""

    def __init__(self, window: MainWindow, output: Path):
        self.window, self.output = window, output
        self.session, self.runs = window.session, window.runs

    def take(self, name: str) -> None:
        let_it_run(400)
        path = self.output / f"{name}.png"
        self.window.grab().save(str(path))
        with Image.open(path) as picture:  # 256 colours: a third of the size, and the repository stays small
            small = picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
        small.save(path, optimize=True)
        print(path)

    def go_to(self, frame: int) -> None:
        self.session.navigator.go_to(frame)
        wait(lambda: self.session.navigator.shown == frame)

    def drag(self, *points: tuple[float, float], button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        view = self.window.canvas.view
        viewport = view.viewport()
        kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(points) - 1)]
        for kind, point in (*zip(kinds, points, strict=True), (QEvent.Type.MouseButtonRelease, points[-1])):
            at = QPointF(view.to_view(QPointF(*point)).toPoint())
            held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
            cause = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
            event = QMouseEvent(kind, at, viewport.mapToGlobal(at), cause, held, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(viewport, event)

    def show_panel(self, name: str) -> None:
        dock = next(d for d in self.window.docks if d.objectName() == name)
        dock.show()
        dock.raise_()

    def propagate(self, **choices) -> None:
        self.runs.next.set_settings(replace(self.runs.next.settings, resolution=ARGUMENTS.resolution, **choices))
        self.window.actions_by_name["propagate"].trigger()


def tour(window: MainWindow, clip: Path, output: Path) -> None:
    """The pictures, in the order a person would see them."""
    me = Photographer(window, output)
    window.open(clip)
    wait(lambda: me.session.is_open and me.session.navigator.shown == 0)
    me.go_to(40)
    window.view_state.set_tool(Tool.MARK)
    with_job = []
    window.assist.done.connect(with_job.append)
    me.drag((500, 150), (490, 210), (480, 300), (400, 400), (380, 520), (480, 600), (520, 500))
    wait(lambda: len(with_job) >= 1)
    me.drag((160, 330), (220, 460), (330, 680), (640, 660), (690, 400), (640, 180), button=Qt.MouseButton.RightButton)
    wait(lambda: len(with_job) >= 2)
    me.take("scribble")
    window.canvas.drop()
    window.exchange.import_masks(MASK)
    wait(lambda: bool(me.session.document.project.permanent_memory()))
    me.session.change_object(replace(me.session.objects[0], name="rabbit"))
    window.view_state.set_tool(Tool.BRUSH)
    me.propagate(direction="both", range=Range.TO_END, interval=5)
    wait(lambda: me.runs.progress.done >= 45, 200)
    me.take("running")
    wait(lambda: me.runs.state is RunState.IDLE, 400)
    me.go_to(75)
    me.session.accept_frame()
    me.go_to(60)
    me.show_panel("memory")
    me.take("memory")
    me.show_panel("propagation")
    theme.choose(QApplication.instance(), "light")
    let_it_run(200)
    me.take("light")
    theme.choose(QApplication.instance(), "dark")
    window.view_state.set_mode(ViewMode.CHECKERBOARD)
    me.show_panel("edges")
    wait(lambda: not window.mattes.is_waiting)
    me.take("matte")
    window.actions_by_name["close"].trigger()
    me.take("start-page")
    window.close()


def review_tour(window: MainWindow, clip: Path, output: Path) -> None:
    """Three objects after a run: what deserves a look, and their rows."""
    me = Photographer(window, output)
    window.open(clip)
    wait(lambda: me.session.is_open and me.session.navigator.shown == 0)
    window.view_state.set_tool(Tool.BRUSH)
    me.go_to(40)
    window.exchange.import_masks(MASK)
    wait(lambda: bool(me.session.document.project.permanent_memory()))
    me.session.change_object(replace(me.session.objects[0], name="rabbit"))
    rows, columns = np.mgrid[: me.session.navigator.size[0], : me.session.navigator.size[1]]
    for name, (x, y), (wide, high) in (("ear", (492, 95), (18, 55)), ("paw", (240, 262), (42, 34))):
        me.session.add_object(name)
        me.session.replace_mask(((columns - x) / wide) ** 2 + ((rows - y) / high) ** 2 < 1, "Mask")
    me.runs.next.set_in_out(20, 60)
    me.propagate(direction="both", range=Range.IN_OUT, interval=5)
    wait(lambda: me.runs.state is not RunState.IDLE, 60)
    wait(lambda: me.runs.state is RunState.IDLE, 1200)
    me.session.document.set_done(1, 40, 60, True)
    me.show_panel("review")
    window.resizeDocks([window.docks[-1]], [260], Qt.Orientation.Vertical)  # room for pictures of frames
    window.messages.turn_to(None)
    if len(window.reviewer.waiting) > 2:
        window.reviewer.tick(window.reviewer.waiting[-1])
    window.reviewer.go_to_suggested()
    let_it_run(3000)
    me.take("review")
    correct_and_compare(me)
    ask_why(me)
    window.close()


def correct_and_compare(me: Photographer) -> None:
    """A frame is given another mask, and what that changed is shown on a frame beside it."""
    window = me.window
    me.session.set_active(1)
    me.go_to(30)
    body = cv2.erode((me.session.labels == 1).astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    me.session.replace_mask(body, "Mask")
    me.propagate()
    wait(lambda: me.runs.state is not RunState.IDLE, 60)
    wait(lambda: me.runs.state is RunState.IDLE, 1200)
    me.show_panel("runs")
    window.messages.turn_to(None)
    me.go_to(32)
    window.sides.propose()
    wait(lambda: window.sides.comparison is not None)
    window.sides.see(Seen.DIFFERENCE)
    let_it_run(1000)
    me.take("results")
    window.sides.see(Seen.ONE)


def ask_why(me: Photographer) -> None:
    """Which places of memory the rabbit's ear was read from."""
    window = me.window
    me.session.set_active(1)
    me.go_to(30)
    window.actions_by_name["tool_why"].trigger()
    me.drag((500.5, 300.5))
    wait(lambda: window.why.reads is not None, 120)
    window.actions_by_name["uncertainty"].trigger()
    let_it_run(3000)
    me.take("why")


def main() -> None:
    ARGUMENTS.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, folder)
        QStandardPaths.setTestModeEnabled(True)
        application = QApplication([])
        theme.follow(application)
        theme.choose(application, "dark")
        for name, take in (("tour", tour), ("review", review_tour)):
            if ARGUMENTS.only in ("", name):
                own = Path(folder) / name / CLIP.name
                own.parent.mkdir()
                shutil.copy(CLIP, own)
                window = MainWindow()
                window.resize(*SIZE)
                window.show()
                take(window, own, ARGUMENTS.output)


if __name__ == "__main__":
    main()
