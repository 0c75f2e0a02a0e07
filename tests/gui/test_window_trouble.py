"""Full disks, read-only folders, damage, other footage: a clear message, nothing lost, and the window lives."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox
from window_parts import COUNT, Hands, make_clip, picture, truth

from core.media import open_media
from core.project.project import Project
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.session import opener


def mark(hands: Hands, clip: Path) -> Path:
    """Open a clip and mark frame 0, which makes its project."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    return hands.session.document.project.path


def second_window(qtbot) -> Hands:
    other = MainWindow()
    qtbot.addWidget(other)
    other.resize(1200, 800)
    other.show()
    return Hands(qtbot, other)


def folder_of_images(folder: Path, frames: range, size: tuple[int, int] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for i in frames:
        image = picture(i) if size is None else cv2.resize(picture(i), size[::-1])
        cv2.imwrite(str(folder / f"{i:05d}.png"), image[..., ::-1])
    return folder


# --- disks


class Disk:
    """A small file system of its own."""

    def __init__(self, place: Path):
        self.place, self._filler = place, place / "filler"

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def free(self) -> None:
        self._filler.unlink()

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", self.place], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root on Linux can mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield Disk(place)
    subprocess.run(["umount", "--lazy", place], check=True)


def paint_until_unsaved(hands: Hands) -> None:
    """Strokes, until one finds no room; on full disks there may be a last page left."""
    project = hands.session.document.project
    for i in range(60):
        hands.paint((10 + i, 10), (20 + i, 80), brush=3)
        if project.unsaved:
            return
    raise AssertionError("there was room for all of it")


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> list[str]:
    """Have questions answered by the button `text`; what they asked."""
    asked = []

    def choose(box: QMessageBox) -> None:
        asked.append(box.text())
        next(b for b in box.buttons() if b.text() == text).click()

    monkeypatch.setattr(QMessageBox, "exec", choose)
    return asked


def test_strokes_on_a_full_disk_are_kept_and_saved_when_there_is_room(hands: Hands, disk: Disk):
    path = mark(hands, make_clip(disk.place / "clip.mp4", 2))
    hands.session.add_object()
    status, project = hands.window.status, hands.session.document.project
    assert status.saved.text() == "saved"
    disk.fill()
    paint_until_unsaved(hands)
    painted = hands.labels(0)
    assert np.array_equal(painted, hands.session.labels) and (painted == 2).any(), "the stroke stays"
    plural = "s" if project.unsaved != 1 else ""
    assert status.saved.text() == f"NOT SAVED: {project.unsaved} change{plural}"
    assert hands.told("NOT SAVED", "disk is full", "clip.pcvos")
    hands.press("Try again")
    assert hands.told("disk is full"), "whoever asks is answered"
    hands.paint((100, 80), brush=9)
    assert project.unsaved >= 2 and status.saved.text() == f"NOT SAVED: {project.unsaved} changes"
    assert len(hands.texts) == 1, "one message about it, not one a stroke"
    painted = hands.labels(0)
    disk.free()
    hands.press("Try again")
    assert project.unsaved == 0 and status.saved.text() == "saved" and hands.told("saved again")
    hands.act("close")
    with Project.open(path) as stored:
        assert np.array_equal(stored.labels(0), painted)


def test_saving_is_tried_again_by_itself(hands: Hands, disk: Disk):
    clip = make_clip(disk.place / "clip.mp4", 2)
    hands.open(clip)
    disk.fill()
    hands.paint((30, 30), (60, 60))
    project = hands.session.document.project
    assert project.unsaved and not project.exists, "there is not even a file"
    assert hands.window.saving.timer.isActive()
    disk.free()
    hands.window.saving.timer.setInterval(20)
    hands.bot.waitUntil(lambda: not project.unsaved, timeout=5000)
    assert project.exists and hands.told("saved again") and not hands.window.saving.timer.isActive()


def test_nothing_is_given_up_unasked(hands: Hands, disk: Disk, monkeypatch):
    path = mark(hands, make_clip(disk.place / "clip.mp4", 2))
    other = make_clip(disk.place / "other.mp4", 2)
    disk.fill()
    hands.session.add_object()
    paint_until_unsaved(hands)
    painted, project = hands.labels(0), hands.session.document.project
    asked = answer(monkeypatch, "Stay")
    hands.act("close")
    assert not hands.window.close() and hands.window.isVisible()
    hands.window.open(other)
    hands.bot.waitUntil(lambda: len(asked) == 3, timeout=20_000)
    assert hands.session.document.project is project, "opening something else closes nothing either"
    assert len(asked) == 3 and all("not saved" in text and "disk is full" in text for text in asked)
    assert np.array_equal(hands.labels(0), painted) and hands.session.undo_stack.canUndo()
    hands.paint((100, 80), brush=9)
    assert (hands.labels(0)[80, 100]) == 2, "work goes on"
    answer(monkeypatch, "Close and lose them")
    assert hands.window.close()
    disk.free()
    with Project.open(path) as stored:
        labels = stored.labels(0)  # the other object's first strokes may have found room, and cover some of this one
        assert np.array_equal((labels == 1) | (truth(0) & (labels == 2)), truth(0)), "what was on disk is"


def test_after_room_was_made_closing_asks_nothing(hands: Hands, disk: Disk, monkeypatch):
    path = mark(hands, make_clip(disk.place / "clip.mp4", 2))
    hands.session.add_object()
    disk.fill()
    paint_until_unsaved(hands)
    painted = hands.labels(0)
    disk.free()
    asked = answer(monkeypatch, "Stay")
    hands.act("close")
    assert not asked and not hands.session.is_open
    with Project.open(path) as stored:
        assert np.array_equal(stored.labels(0), painted)


def test_exports_do_not_pass_over_what_is_not_saved(hands: Hands, disk: Disk, tmp_path: Path):
    from core.studio.exports import Export

    hands.open(make_clip(disk.place / "clip.mp4", 2))
    disk.fill()
    hands.paint((30, 30), (60, 60))
    hands.window.exchange.export(Export("png", tmp_path / "out", 0, 1, None, {"unprocessed": "empty"}))
    assert hands.told("not saved yet") and not hands.window.exchange.is_exporting
    disk.free()


def test_a_read_only_folder(hands: Hands, disk: Disk, tmp_path: Path):
    clip = make_clip(disk.place / "clip.mp4", 2)
    disk.make_read_only()
    hands.open(clip)
    assert hands.told("cannot be written", "clip.mp4", str(tmp_path / "data"))
    hands.paint((30, 30), (60, 60))
    painted, path = hands.labels(0), hands.session.document.project.path
    assert path.is_relative_to(tmp_path / "data") and path.is_file() and painted.any()
    hands.act("close")
    hands.open(clip)
    assert np.array_equal(hands.labels(0), painted) and hands.session.document.project.path == path


def test_a_project_in_a_read_only_folder(hands: Hands, disk: Disk):
    path = mark(hands, make_clip(disk.place / "clip.mp4", 2))
    hands.act("close")
    disk.make_read_only()
    hands.open(path)
    assert hands.told("clip.pcvos", "cannot be written", "read-only")
    hands.paint((30, 30), (60, 60))
    assert np.array_equal(hands.labels(0) == 1, truth(0))


# --- two windows


def test_the_second_window_can_write_once_the_first_is_closed(hands: Hands, clip: Path, qtbot):
    path = mark(hands, clip)
    second = second_window(qtbot)
    second.open(clip)
    assert len(second.texts) == 1 and second.told("another window", "read-only")
    for _ in range(3):
        second.paint((20, 20), (40, 20))
    assert len([text for text in second.texts if "not changed" in text]) == 2, "the reason, and the refusal, once"
    assert not second.labels(0)[20, 30]
    for act in (lambda: second.session.add_object(), lambda: second.session.delete_object(1)):
        act()
        assert [o.name for o in second.session.objects] == ["Ball"], "not even for a moment"
    hands.act("close")
    with qtbot.waitSignal(second.session.opened, timeout=20_000):
        second.press("Open it again")
    second.wait_for_frame()
    assert second.session.document.project.path == path and not second.session.document.project.read_only
    second.paint((20, 20), (40, 20))
    assert second.labels(0)[20, 30] == 1
    second.window.close()


# --- projects that cannot be opened


def opened_nothing(hands: Hands) -> bool:
    window = hands.window
    return (
        not hands.session.is_open
        and hands.session.navigator.image is None
        and window.pages.currentWidget() is window.start_page
        and "Opening" not in window.start_page.subtitle.text()
    )


@pytest.mark.parametrize("what", ["project", "footage"])
def test_a_project_from_a_newer_version(hands: Hands, clip: Path, tmp_path: Path, what: str):
    path = mark(hands, clip)
    hands.act("close")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    message = hands.open_in_vain(path if what == "project" else clip)
    assert message.level == "error" and "newer" in message.text and "clip.pcvos" in message.text
    assert opened_nothing(hands) and path.read_bytes() == before
    hands.open(make_clip(tmp_path / "other.mp4", 2))


@pytest.mark.parametrize("what", ["project", "footage"])
def test_a_damaged_project_is_recovered_never_shown_as_an_empty_one(hands: Hands, clip: Path, what: str):
    path = mark(hands, clip)
    hands.act("close")
    content = bytearray(path.read_bytes())
    content[:100] = bytes(100)
    path.write_bytes(content)
    message = hands.open_in_vain(path if what == "project" else clip)
    assert message.level == "error" and "damaged" in message.text
    assert opened_nothing(hands)
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        hands.press("Recover what can be read")
    hands.wait_for_frame()
    assert np.array_equal(hands.labels(0) == 1, truth(0))
    assert hands.session.document.project.path.name == "clip-recovered.pcvos"
    assert path.read_bytes() == content, "the damaged file is as it was"
    hands.act("close")
    hands.open(clip)
    assert np.array_equal(hands.labels(0) == 1, truth(0)), "from now on the footage brings the recovered one"


@pytest.mark.parametrize("run", [{"interval": "many", "range": 7}, {"interval": 7, "distractors": "no"}])
def test_an_unsound_view_state_is_no_obstacle(hands: Hands, clip: Path, run: dict):
    path = mark(hands, clip)
    hands.act("close")
    with Project.open(path) as project:
        project.remember(run=run, in_out=(3, 10_000), frame="first")
    hands.open(path)
    assert hands.runs.next.settings.interval == 5 and hands.session.navigator.frame == 0
    assert (hands.runs.next.in_point, hands.runs.next.out_point) == (3, None)


# --- footage


def test_other_footage_under_the_same_name(hands: Hands, tmp_path: Path):
    folder = folder_of_images(tmp_path / "frames", range(4))
    path = mark(hands, folder)
    hands.act("close")
    cv2.imwrite(str(folder / "00002.png"), np.zeros_like(picture(0)))
    hands.open(folder)
    assert hands.session.document.project.path == path and hands.told("was changed")
    hands.press("It is the right one")
    hands.act("close")
    hands.window.messages.clear()
    hands.open(folder)
    assert not hands.told("was changed"), "said once"


def test_footage_that_lost_frames_and_got_more(hands: Hands, tmp_path: Path):
    folder = folder_of_images(tmp_path / "frames", range(4))
    mark(hands, folder)
    hands.go_to(3)
    hands.session.replace_mask(truth(3), "Mask")
    hands.act("close")
    (folder / "00003.png").unlink()
    hands.open(folder)
    assert hands.session.navigator.frame_count == 3 and hands.told("has 3 frames", "had 4")
    assert hands.session.navigator.frame == 2 and len(hands.session.document.project.states) == 3
    hands.act("close")
    folder_of_images(folder, range(3, 6))
    hands.open(folder)
    assert hands.told("has 6 frames", "had 3")
    assert np.array_equal(hands.labels(3) == 1, truth(3)), "masks behind the end were kept"
    hands.go_to(5)
    hands.paint((60, 60), brush=9)
    assert hands.labels(5)[60, 60] == 1, "the new frames can be marked"


def test_footage_of_another_size_gets_a_project_of_its_own(hands: Hands, tmp_path: Path):
    folder = folder_of_images(tmp_path / "frames", range(3))
    path = mark(hands, folder)
    hands.act("close")
    folder_of_images(folder, range(3), size=(48, 64))
    message = hands.open_in_vain(path)
    assert message.level == "error" and "64x48" in message.text and "128x96" in message.text
    assert [action.text for action in message.actions] == ["Find it…"] and opened_nothing(hands)
    hands.open(folder)
    assert hands.told("64x48", "stays as it is") and not hands.session.objects
    hands.paint((30, 30), brush=9)
    assert hands.labels(0).shape == (48, 64) and hands.session.document.project.path != path
    with Project.open(path) as stored:
        assert np.array_equal(stored.labels(0) == 1, truth(0))


def test_a_truncated_video(hands: Hands, tmp_path: Path):
    clip = make_clip(tmp_path / "clip.mkv")
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 6 // 10])
    hands.open(clip)
    assert 1 <= hands.session.navigator.frame_count < COUNT and hands.told("clip.mkv", "truncated")
    hands.go_to(hands.session.navigator.frame_count - 1)
    hands.paint((60, 60), brush=9)
    assert hands.labels(hands.session.navigator.frame)[60, 60] == 1


def test_footage_that_goes_away_while_it_is_open(hands: Hands, tmp_path: Path):
    folder = folder_of_images(tmp_path / "frames", range(30))
    mark(hands, folder)
    (folder / "00029.png").unlink()
    with hands.bot.waitSignal(hands.session.messages.said, timeout=20_000) as blocker:
        hands.session.navigator.go_to(29)
    assert blocker.args[0].level == "error" and "00029.png" in blocker.args[0].text
    assert not hands.session.can_edit
    hands.go_to(1)
    hands.paint((60, 60), brush=9)
    assert hands.labels(1)[60, 60] == 1
    shutil.rmtree(folder)
    hands.act("close")
    message = hands.open_in_vain(folder.with_suffix(".pcvos"))
    assert "not where it was" in message.text and opened_nothing(hands)


def test_a_frame_in_8k(hands: Hands, tmp_path: Path):
    folder = tmp_path / "frames"
    folder.mkdir()
    cv2.imwrite(str(folder / "0.png"), np.full((4320, 7680), 60, np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    shutil.copy(folder / "0.png", folder / "1.png")
    hands.open(folder)
    assert hands.session.navigator.size == (4320, 7680)
    hands.paint((1000, 1000), (3000, 2000), brush=400)
    assert hands.labels(0)[1500, 2000] == 1
    hands.act("undo")
    hands.act("redo")
    hands.go_to(1)
    hands.act("copy_previous")
    assert np.array_equal(hands.labels(0), hands.labels(1))
    hands.act("close")
    with Project.open(tmp_path / "frames.pcvos") as stored:
        assert stored.labels(1)[1500, 2000] == 1


def test_a_video_of_one_pixel(hands: Hands, tmp_path: Path):
    import av

    path = tmp_path / "pixel.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25, width=1, height=1, pix_fmt="bgr0")
        for _ in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((1, 1, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    with open_media(path) as media:
        assert (len(media), media.size) == (3, (1, 1))
    hands.open(path)
    hands.paint((0.5, 0.5), brush=4)
    hands.act("accept_frame")
    assert hands.labels(0).tolist() == [[1]]
    hands.run(interval=2)
    assert hands.runs.progress.done == 2, "frame 0 was given"


@pytest.mark.parametrize("name", ["字" * 83, "字" * 80, "🐇" * 62])
def test_footage_with_a_name_as_long_as_file_systems_take(hands: Hands, tmp_path, name):
    path = make_clip(tmp_path / "short.mp4", 3).rename(tmp_path / f"{name}.mp4")
    hands.open(path)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    assert hands.session.document.project.exists and not hands.session.document.project.unsaved
    assert hands.session.close()
    hands.open(path)
    assert (hands.labels(0) == 1).any()


def test_a_project_whose_path_the_system_refuses_is_a_sentence(hands: Hands, tmp_path):
    told = hands.open_in_vain(tmp_path / ("字" * 90 + ".pcvos"))
    assert told.level == "error" and "File name too long" in told.text
    assert "Opening" not in hands.window.start_page.subtitle.text()


def test_an_error_of_the_system_while_a_project_is_looked_for_is_a_sentence(hands: Hands, clip, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(clip))

    for name in ("find_project", "new_project"):
        with monkeypatch.context() as patch:
            patch.setattr(opener, name, refuse)
            told = hands.open_in_vain(clip)
            assert told.level == "error" and "Permission denied. Copy it to another folder" in told.text
            assert not hands.session.is_open
            assert "Opening" not in hands.window.start_page.subtitle.text()
    hands.open(clip)
