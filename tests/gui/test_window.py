"""The whole way through the real window: mark, propagate, correct, propagate again, undo, kill, reopen."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from window_parts import COUNT, Hands, centre, overlap, picture, truth

from core.studio.run_settings import Range
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.session.runs import RunState

ROOT = Path(__file__).resolve().parents[2]
ABSENT = {"unprocessed": "empty"}  # what was never processed is exported as absent


def test_scribble_propagate_correct_again_undo(hands: Hands, clip: Path):
    hands.open(clip)
    assert not hands.session.document.project.exists, "nothing was done, so there is no file"
    # scribble and accept
    x, y = centre(0)
    hands.scribble((x - 10, y), (x + 10, y))
    hands.bot.keyClick(hands.view, Qt.Key.Key_Return)
    first = hands.labels(0) == 1
    assert overlap(first, truth(0)) > 0.7
    assert hands.session.document.project.permanent_memory().keys() == {0}
    assert clip.with_suffix(".pcvos").is_file(), "the first stroke makes the project"
    # propagate
    hands.run(interval=3, direction="forward", range=Range.TO_END)
    after_first = [hands.labels(i) for i in range(COUNT)]
    assert np.array_equal(after_first[0] == 1, first), "the annotated frame is as it was painted"
    assert np.mean([overlap(after_first[i] == 1, truth(i)) for i in range(1, COUNT)]) > 0.6
    # a second, locked object and a correction
    hands.go_to(6)
    hands.act("add_object")
    hands.paint((110, 16), brush=14)
    second = hands.session.active
    hands.session.change_object(replace(hands.session.object(second), locked=True))
    locked = hands.labels(6) == second
    assert locked.any()
    hands.session.set_active(1)
    hands.paint((20, 85), (60, 85), brush=10)
    corrected = hands.labels(6)
    assert (corrected != after_first[6]).any()
    # propagate again
    hands.go_to(6)
    hands.run(interval=3)
    assert np.array_equal(hands.labels(6), corrected), "a run never changes a corrected frame"
    assert np.array_equal(hands.labels(6) == second, locked), "nor what a locked object has"
    assert all((hands.labels(i) == second).any() for i in range(7, COUNT)), "which is drawn where it has nothing yet"
    assert any((hands.labels(i) != after_first[i]).any() for i in range(7, COUNT)), "the correction counts"
    assert all(np.array_equal(hands.labels(i), after_first[i]) for i in range(6)), "frames outside the range"
    # undo, exactly
    after_second = [hands.labels(i) for i in range(COUNT)]
    hands.act("undo")
    assert all(np.array_equal(hands.labels(i), corrected if i == 6 else after_first[i]) for i in range(COUNT))
    hands.act("redo")
    assert all(np.array_equal(hands.labels(i), after_second[i]) for i in range(COUNT))
    while hands.session.undo_stack.canUndo():
        hands.act("undo")
    assert all(not hands.labels(i).any() for i in range(COUNT)) and not hands.session.objects


def test_both_ends_count_and_a_second_run_reads_cached_features(hands: Hands, clip: Path, monkeypatch):
    hands.open(clip)
    for frame in (0, COUNT - 1):
        hands.go_to(frame)
        if not hands.session.objects:
            hands.session.add_object()
        hands.session.replace_mask(truth(frame), "Mask")
    hands.run(interval=4, direction="both", range=Range.TO_END)
    assert np.mean([overlap(hands.labels(i) == 1, truth(i)) for i in range(COUNT)]) > 0.8
    cached = hands.runs.memory.cached_frames
    assert cached >= COUNT - 2
    from core.propagation.clip_inference import ClipInference

    encoded = []
    features = ClipInference.features
    monkeypatch.setattr(
        ClipInference, "features", lambda self, images, *a: encoded.extend(images) or features(self, images, *a)
    )
    hands.go_to(5)
    hands.session.replace_mask(truth(5), "Mask")
    hands.run(interval=4, direction="both")
    assert len(encoded) <= 3, "what was seen before is not encoded again"


def test_painting_goes_on_while_a_run_goes_on(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.window.view_state.set_follow(False)
    hands.begin_run(interval=2, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done >= 2, timeout=120_000)
    hands.session.add_object()
    hands.paint((110, 16), brush=14)
    painted = hands.labels(0) == 2
    assert painted.any()
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)
    assert hands.runs.progress.done == COUNT - 1
    assert np.array_equal(hands.labels(0) == 2, painted)
    assert hands.labels(COUNT - 1).any()


def test_a_run_stops_at_once_and_what_it_drew_stays(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done >= 3, timeout=120_000)
    hands.act("stop")
    assert hands.runs.state is RunState.IDLE
    done = hands.runs.progress.done
    hands.bot.waitUntil(lambda: not hands.runs.is_stopping, timeout=120_000)
    drawn = [i for i in range(1, COUNT) if hands.labels(i).any()]
    assert drawn == list(range(1, done + 1)), "results that came later were dropped"
    hands.act("undo")
    assert not any(hands.labels(i).any() for i in range(1, COUNT))
    hands.run(interval=7)
    assert hands.labels(COUNT - 1).any(), "the worker lives"


def test_an_error_in_the_worker_is_a_message_with_a_way_on(hands: Hands, clip: Path, monkeypatch):
    from core.errors import ResourceError
    from core.propagation import Propagator

    def fail(self, *args, **kwargs):
        raise ResourceError("Out of memory: choose a smaller resolution.")
        yield

    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    with monkeypatch.context() as patch:
        patch.setattr(Propagator, "run", fail)
        hands.run()
    shown = hands.window.messages.messages[-1]
    assert shown.level == "error" and "not enough memory" in shown.text and shown.actions
    hands.run()
    assert hands.labels(COUNT - 1).any()


def test_close_and_reopen_finds_everything(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=5, range=Range.TO_END, direction="forward")
    before = [hands.labels(i) for i in range(COUNT)]
    hands.go_to(9)
    hands.runs.next.set_in_out(2, 8)
    hands.act("close")
    assert not hands.session.is_open and hands.window.pages.currentWidget() is hands.window.start_page
    hands.open(clip)
    assert [o.name for o in hands.session.objects] == ["Ball"]
    assert all(np.array_equal(hands.labels(i), before[i]) for i in range(COUNT))
    assert hands.session.navigator.frame == 9 and (hands.runs.next.in_point, hands.runs.next.out_point) == (2, 8)
    assert hands.runs.next.settings.interval == 5
    assert not hands.session.undo_stack.canUndo()
    assert any("undo history" in m.text for m in hands.window.messages.messages)


KILLED = """
import os, sys
sys.path[:0] = [{tests!r}, {root!r}]
os.environ["QT_QPA_PLATFORM"] = "offscreen"
import threading
from pathlib import Path
from pcvos_gui.app.environment import drop_opencv_variables
drop_opencv_variables()
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, {settings!r})
import numpy as np
from window_parts import truth
from dataclasses import replace
app = QApplication([])
from pcvos_gui.app.main_window import MainWindow
window = MainWindow()
session, runs = window.session, window.runs
def begin():
    session.add_object("Ball")
    session.replace_mask(truth(0), "Mask")
    runs.next.set_settings(replace(runs.next.settings, interval=1, resolution=96, device="cpu"))
    runs.start()
def told(clip=None):
    if runs.progress.done:
        print(max(i for i in range(14) if session.document.project.labels(i).any()), flush=True)
session.navigator.image_changed.connect(lambda: session.objects or not session.is_open or begin())
runs.progressed.connect(told)
window.show()
window.open(Path({clip!r}))
app.exec()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_in_the_middle_of_a_run_nothing_is_lost(hands: Hands, clip: Path, tmp_path: Path):
    code = KILLED.format(
        tests=str(Path(__file__).parent), root=str(ROOT), settings=str(tmp_path / "settings"), clip=str(clip)
    )
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        last = 0
        while last < 5:
            line = process.stdout.readline()
            assert line, f"the window ended by itself ({process.wait()})"
            last = int(line)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    hands.open(clip)
    assert not hands.session.document.project.read_only, "the lock died with its process"
    assert np.array_equal(hands.labels(0) == 1, truth(0))
    assert all(hands.labels(i).any() for i in range(last + 1))
    (_, run), *_ = hands.session.document.project.runs()
    assert run.state == "stopped"
    assert hands.told("interrupted at frame")
    hands.press("Go on")
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)
    assert hands.labels(COUNT - 1).any() and hands.runs.progress.done < COUNT - last


def test_a_second_window_is_read_only(hands: Hands, clip: Path, qtbot):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    other = MainWindow()
    qtbot.addWidget(other)
    second = Hands(qtbot, other)
    second.open(clip)
    assert second.session.document.project.read_only
    assert np.array_equal(second.labels(0) == 1, truth(0))
    assert any("read-only" in m.text for m in other.messages.messages)
    assert not other.actions_by_name["propagate"].isEnabled()
    second.paint((20, 20), (40, 20))
    assert np.array_equal(second.labels(0), hands.labels(0))
    other.close()


def test_import_and_export(hands: Hands, clip: Path, tmp_path: Path):
    from PIL import Image

    masks = tmp_path / "masks"
    masks.mkdir()
    for frame in (0, 7):
        Image.fromarray(truth(frame).astype(np.uint8) * 3).save(masks / f"{frame:05d}.png")
    hands.open(clip)
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        hands.window.exchange.import_masks(masks)
    assert [o.id for o in hands.session.objects] == [3]
    assert np.array_equal(hands.labels(7) == 3, truth(7))
    assert hands.session.document.project.permanent_memory().keys() == {0, 7}
    from core.studio.exports import Export

    hands.run(interval=5, range=Range.TO_END, direction="both")
    for target, format in ((tmp_path / "out", "png"), (tmp_path / "overlay.mp4", "overlay")):
        hands.window.exchange.export(Export(format, target, 0, COUNT - 1, None, ABSENT))
        hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=60_000)
    for i in range(COUNT):
        assert np.array_equal(np.array(Image.open(tmp_path / "out" / f"{i:05d}.png")), hands.labels(i))
    from core.media import open_media

    with open_media(tmp_path / "overlay.mp4") as video:
        assert len(video) == COUNT
        assert np.abs(video.read(0).astype(int) - picture(0)).max() > 40, "something is drawn over it"
    hands.act("undo")
    hands.act("undo")
    assert not hands.session.objects, "an import is one step of undo"


def test_cancelled_export_leaves_nothing(hands: Hands, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from core.studio.exports import Export
    from pcvos_gui.dialogs import exchange

    cancelled, write = threading.Event(), exchange.run_export

    def write_after_the_cancel(*args: object, **options: object) -> object:
        assert cancelled.wait(60)
        return write(*args, **options)

    monkeypatch.setattr(exchange, "run_export", write_after_the_cancel)
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    for target, format in ((tmp_path / "out", "png"), (tmp_path / "overlay.mp4", "overlay")):
        hands.window.exchange.export(Export(format, target, 0, COUNT - 1, None, ABSENT))
        hands.window.exchange.cancel()
        cancelled.set()
        hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=60_000)
        cancelled.clear()
        assert not list(tmp_path.glob("out/*")) and not (tmp_path / "overlay.mp4").exists()
        assert "cancelled" in hands.window.messages.messages[-1].text


@pytest.mark.parametrize("what", ["no video", "folder without images", "missing"])
def test_what_cannot_be_opened_is_said_and_the_window_goes_on(hands: Hands, clip: Path, tmp_path: Path, what: str):
    path = tmp_path / "bad.mp4"
    if what == "no video":
        path.write_bytes(b"this is text")
    elif what == "folder without images":
        path = tmp_path / "empty"
        path.mkdir()
    with hands.bot.waitSignal(hands.session.messages.said, timeout=20_000) as blocker:
        hands.window.open(path)
    (message,) = blocker.args
    assert message.level == "error" and path.name in message.text
    hands.open(clip)
    assert hands.session.navigator.frame_count == COUNT


def test_one_pixel_and_one_frame(hands: Hands, tmp_path: Path):
    import cv2

    folder = tmp_path / "tiny"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), np.zeros((1, 1, 3), np.uint8))
    hands.open(folder)
    hands.paint((0.5, 0.5), brush=4)
    assert hands.labels(0).tolist() == [[1]]
    hands.run()
    assert hands.labels(0).tolist() == [[1]]


def test_footage_that_moved_is_found_again(hands: Hands, clip: Path, tmp_path: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.act("close")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = clip.rename(elsewhere / "clip.mp4")
    project = clip.with_suffix(".pcvos")
    with hands.bot.waitSignal(hands.session.messages.said, timeout=20_000) as blocker:
        hands.window.open(project)
    assert "not where it was" in blocker.args[0].text and blocker.args[0].actions
    hands.window.opener.relink(project, moved)
    hands.bot.waitUntil(lambda: hands.session.is_open, timeout=20_000)
    hands.wait_for_frame()
    assert np.array_equal(hands.labels(0) == 1, truth(0))
    assert hands.session.document.project.footage.path == moved


def test_undo_takes_back_a_stroke_of_a_scribble_where_nothing_else_can_be_undone(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.undo_stack.clear()
    undo = hands.window.actions_by_name["undo"]
    assert not undo.isEnabled()
    hands.scribble((20, 48), (40, 48))
    assert undo.isEnabled()
    hands.act("undo")
    assert not hands.window.canvas.tool.is_busy and not undo.isEnabled()
