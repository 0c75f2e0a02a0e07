"""How long the window stands still while a large import is planned, done, undone and done again, on this machine.

    python scripts/import_speed.py [--frames 1000] [--sizes 480 1080]

The footage is a folder of images. Its project has two objects, predicted on every frame with soft masks, as after a
run; indexed PNGs replace the masks of one of them through the import dialog. A 5 ms timer on the window's thread
measures how late it is: "worst" is the longest time in which no event was handled, "work" the most that this thread
itself used of the processor from one tick to the next, whatever else the machine had to do. What the machine alone is
late by is measured with nothing going on.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pcvos_gui.app.environment import drop_opencv_variables, has_display  # noqa: E402

if not has_display():
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
drop_opencv_variables()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PySide6.QtCore import QSettings, Qt, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402
from waiting import let_it_run, wait  # noqa: E402

from core.masks.label_map import encode_label_map  # noqa: E402
from core.masks.packed_mask import PackedMask  # noqa: E402
from core.masks.soft_mask import STRIDE, SoftMask  # noqa: E402
from core.media import FrameSource, open_media  # noqa: E402
from core.project.model import Cell, Change, FootageReference, ObjectInfo  # noqa: E402
from core.project.project import Project  # noqa: E402
from pcvos_gui.app.main_window import MainWindow  # noqa: E402
from pcvos_gui.dialogs.import_dialog import ImportDialog, open_import_dialog  # noqa: E402

TICK_MS = 5
SEEN = (480, 854)  # what the network sees of the footage
LONG = 1800  # seconds


class Lateness:
    """How late a timer of the window's thread is."""

    def __init__(self) -> None:
        self.worst = self.work = 0.0
        self._expected, self._used = time.perf_counter(), time.thread_time()
        self._timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def of(self, what: str, work: Callable[[], object], is_done: Callable[[], object]) -> None:
        """Print the worst from the beginning of `work` until `is_done` and what came of it has been handled."""
        let_it_run(200)
        self.worst = self.work = 0.0
        start = time.perf_counter()
        work()
        wait(is_done, LONG)
        seconds = time.perf_counter() - start
        let_it_run(500)
        worst, work = 1000 * self.worst, 1000 * self.work
        print(f"  {what:28} {seconds:6.2f} s, worst {worst:6.0f} ms, work {work:5.0f} ms", flush=True)

    def nothing(self) -> None:
        """Print the worst of five seconds of rest."""
        self.of("nothing", lambda: let_it_run(5000), lambda: True)

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self.worst, self.work = max(self.worst, now - self._expected), max(self.work, used - self._used)
        self._used = used
        self._expected = now + TICK_MS / 1000


def blob(size: tuple[int, int], frame: int, grown: float) -> np.ndarray:
    """bool (H, W): something with an uneven outline that moves."""
    height, width = size
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    uneven = np.random.default_rng(frame).normal(1, 0.05, len(angles)) + 0.2 * np.sin(3 * angles + frame / 20)
    radius = (0.2 + grown) * height * uneven
    x = width / 2 + 0.2 * width * np.sin(frame / 40) + radius * np.cos(angles)
    y = height / 2 + radius * np.sin(angles)
    plane = np.zeros(size, np.uint8)
    cv2.fillPoly(plane, [np.stack([x, y], 1).round().astype(np.int32)], 1)
    return plane.view(bool)


def make_footage(folder: Path, size: tuple[int, int], count: int) -> FrameSource:
    """One picture, under many names."""
    folder.mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    cv2.imwrite(str(folder / "00000.jpg"), cv2.resize(picture, size[::-1], interpolation=cv2.INTER_CUBIC))
    for frame in range(1, count):
        os.link(folder / "00000.jpg", folder / f"{frame:05d}.jpg")
    return open_media(folder)


def make_project(path: Path, media: FrameSource) -> None:
    """Two objects on every frame, as a run draws them."""
    size, grid = media.size, tuple(-(-side // STRIDE) for side in SEEN)
    reference = FootageReference.of(media, media.path)
    other = np.zeros(size, bool)
    other[: size[0] // 8, : size[1] // 4] = True
    with Project.new(reference, path) as project:
        infos = (ObjectInfo(1, "Blob", (200, 0, 0)), ObjectInfo(2, "Corner", (0, 200, 0)))
        project.apply(Change("objects", objects=((), infos)))
        cells = {}
        for frame in range(len(media)):
            for id, mask in ((1, blob(size, frame, 0.02)), (2, other)):
                levels = cv2.resize(mask.astype(np.uint8) * 255, grid[::-1], interpolation=cv2.INTER_AREA)
                soft = SoftMask.pack(levels, (0, 0, *SEEN))
                cells[frame, id] = (None, Cell(PackedMask.pack(mask), confidence=0.9, soft=soft))
        project.apply(Change("masks", cells))


def make_masks(folder: Path, size: tuple[int, int], count: int) -> None:
    folder.mkdir()
    for frame in range(count):
        (folder / f"{frame:05d}.png").write_bytes(encode_label_map(blob(size, frame, 0.0).astype(np.uint8)))


def measure(window: MainWindow, project: Path, masks: Path) -> None:
    session, late = window.session, Lateness()
    window.open(project)
    wait(lambda: session.is_open and session.navigator.shown == 0)
    imported: list[list[int]] = []
    window.exchange.imported.connect(imported.append)
    corrected = session.document.project.states & 1
    late.nothing()
    late.of("a step to the next frame", lambda: session.navigator.go_to(1), lambda: session.navigator.shown == 1)
    late.of("reading and planning", lambda: open_import_dialog(window, (masks,)), lambda: _dialog(window).plan)
    late.of("the import", _dialog(window).accept_button.click, lambda: imported)
    late.of("a step to the next frame", lambda: session.navigator.go_to(2), lambda: session.navigator.shown == 2)
    undo, redo = (window.actions_by_name[name].trigger for name in ("undo", "redo"))
    late.of("undo", undo, lambda: np.array_equal(session.document.project.states & 1, corrected) and _is_saved(window))
    late.of("redo", redo, lambda: (session.document.project.states & 1).all() and _is_saved(window))
    session.close()


def _dialog(window: MainWindow) -> ImportDialog:
    return next(dialog for dialog in window.findChildren(ImportDialog) if dialog.isVisible())


def _is_saved(window: MainWindow) -> bool:
    return not window.session.document.project.is_saving and window.session.document.project.unsaved == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[480, 1080], help="heights of 16:9 footage")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, name)
        application = QApplication([])
        window = MainWindow()
        window.resize(1600, 900)
        window.show()
        let_it_run(1000)
        for height in arguments.sizes:
            size = (height, round(height * 16 / 9 / 2) * 2)
            place = Path(name) / str(height)
            place.mkdir()
            with make_footage(place / "footage", size, arguments.frames) as media:
                make_project(place / "clip.pcvos", media)
            make_masks(place / "masks", size, arguments.frames)
            print(f"{arguments.frames} frames of {size[1]}x{size[0]}:", flush=True)
            measure(window, place / "clip.pcvos", place / "masks")
        window.close()
        del application


if __name__ == "__main__":
    main()
