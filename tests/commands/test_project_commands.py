"""`pcvos new`, `propagate PROJECT`, `info` and `recover`: a project from footage to masks without a window."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pcvos_command import FRAMES, SIZE, Result, Scene, pcvos, results, start_pcvos, tree, write_folder

from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change
from core.project.places import find_project
from core.project.project import Project
from core.studio import edits, interrupted
from core.studio.comparison import note_reference

LAST = FRAMES - 1


@pytest.fixture(autouse=True)
def user_data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def clip(tmp_path, scene: Scene) -> Path:
    """Footage in a folder of its own."""
    (tmp_path / "films").mkdir()
    return Path(shutil.copyfile(scene.video, tmp_path / "films" / "clip.mp4"))


@pytest.fixture
def masks(tmp_path, scene: Scene) -> Path:
    """The disc's true mask of frame 2."""
    (tmp_path / "masks").mkdir()
    write_label_map(tmp_path / "masks" / "00002.png", scene.labels[2])
    return tmp_path / "masks"


@pytest.fixture
def path(clip, masks) -> Path:
    """A project with that mask in it."""
    return Path(pcvos("new", clip, "--masks", masks).out.splitlines()[-1])


@pytest.fixture
def run(scene: Scene, path: Path) -> Callable[..., Result]:
    """`pcvos propagate PROJECT` at its smallest."""
    fixed = ("--device", "cpu", "--resolution", 64, "--weights", scene.weights)
    return lambda *options: pcvos("propagate", path, *(() if "--resume" in options else fixed), *options)


def cells(path: Path) -> dict:
    with Project.open(path) as project:
        return dict(project.cells_in(0, project.footage.frames - 1))


def change(path: Path, made: Callable[[Project], Change]) -> None:
    with Project.open(path) as project:
        project.apply(made(project))


# --- new


def test_a_project_beside_the_footage_with_its_masks_as_corrections(clip, masks, scene):
    made = pcvos("new", clip, "--masks", masks)
    path = clip.with_suffix(".pcvos")
    assert (made.code, made.err) == (0, "") and made.out.splitlines()[-1] == str(path)
    with Project.open(path) as project:
        cell = project.cell(2, 1)
        assert cell.corrected and cell.in_memory and cell.mask == PackedMask.pack(scene.labels[2] > 0)
        assert find_project(project.footage) == path and project.index_cache()


def test_a_project_without_masks_and_of_a_folder(tmp_path, scene):
    folder = write_folder(tmp_path / "shot", np.zeros((3, *SIZE, 3), np.uint8))
    place = tmp_path / "deep" / "down" / "own.pcvos"
    assert pcvos("new", folder, "--output", place).out == f"{place}\n"
    with Project.open(place) as project:
        assert (project.footage.frames, project.footage.size, project.objects) == (3, SIZE, ())
        assert project.find_footage() == folder


def test_what_is_there_is_replaced_only_if_one_says_so(clip, masks, path):
    before = path.read_bytes()
    again = pcvos("new", clip)
    assert again.code == 2 and str(path) in again.error and "--overwrite" in again.error
    assert pcvos("new", clip, "--output", path).code == 2
    with Project.open(path):
        refused = pcvos("new", clip, "--overwrite")
        assert refused.code == 2 and "open in another window" in refused.err
    assert path.read_bytes() == before
    assert pcvos("new", clip, "--overwrite").out == f"{path}\n"
    assert cells(path) == {} and sorted(file.name for file in path.parent.iterdir()) == ["clip.mp4", "clip.pcvos"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--masks", "none"), "none does not exist"),
        (("--masks", "large"), "64"),
        (("--output", "clip.txt"), "clip.txt is no name for a project"),
        (("--output", "."), "is no name for a project"),
        (("--output", "字" * 90 + ".pcvos"), "too long"),
    ],
)
def test_what_cannot_be_leaves_nothing_behind(clip, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large").mkdir()
    write_label_map(tmp_path / "large" / "00000.png", np.ones((64, 64), np.uint8))
    before = tree(tmp_path)
    refused = pcvos("new", clip, *options)
    assert refused.code == 2 and words in refused.error
    assert {name: data for name, data in tree(tmp_path).items() if not name.startswith("data")} == before


def test_replacing_that_fails_leaves_the_old_one(clip, path, tmp_path):
    write_label_map(tmp_path / "00000.png", np.ones((64, 64), np.uint8))
    before = path.read_bytes()
    assert pcvos("new", clip, "--overwrite", "--masks", tmp_path / "00000.png").code == 2
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".pcvos"] == ["clip.pcvos"]


# --- propagate


def test_a_run_enters_the_project_and_spares_what_is_corrected_or_locked(run, path, scene):
    small = PackedMask.pack(np.eye(*SIZE, dtype=bool))
    corrected, known = Cell(small, True), Cell(small, confidence=0.5)
    change(path, lambda project: Change("put", {(5, 1): (None, corrected), (6, 1): (None, known)}))
    change(path, lambda p: Change("lock", objects=(p.objects, tuple(replace(o, locked=True) for o in p.objects))))
    done = run("--direction", "both")
    assert done.code == 0, done.err
    assert done.out.endswith(f"in {path}.\n")
    found = cells(path)
    assert sorted(found) == [(frame, 1) for frame in range(FRAMES)]
    assert (found[5, 1], found[6, 1]) == (corrected, known)
    drawn = found[LAST, 1].mask.unpack()
    assert (drawn & (scene.labels[LAST] > 0)).sum() / (drawn | (scene.labels[LAST] > 0)).sum() > 0.7


def test_settings_are_the_projects_unless_options_say_otherwise(run, path):
    with Project.open(path) as project:
        chosen = {"interval": 4, "direction": "backward", "range": "in/out", "top_k": 7}
        project.remember(run=chosen, in_out=(1, 8))
    done = run("--top-k", 9)
    assert done.code == 0 and "as the project has them" in done.err and "interval 4, direction backward." in done.err
    assert "frames 1 to 8" in done.err
    with Project.open(path) as project:
        ((_, noted),) = project.runs()
        assert (noted.direction, noted.start, noted.end, noted.state) == ("backward", 1, 8, "done")
        assert (noted.settings["interval"], noted.settings["top_k"], noted.settings["resolution"]) == (4, 9, 64)
        assert project.view.run["top_k"] == 7, "the project's own settings stay"
    run("--start", 3, "--direction", "forward")
    assert max(frame for frame, _ in cells(path)) == LAST


def test_masks_and_an_overlay_besides(run, path, tmp_path):
    done = run("--output", tmp_path / "out", "--overlay", tmp_path / "overlay.mp4", "--start", 2, "--end", 6)
    assert done.code == 0, done.err
    labels = results(tmp_path / "out")
    assert list(labels) == [f"{frame:05d}.png" for frame in range(2, 7)]
    with Project.open(path) as project:
        assert all(np.array_equal(labels[f"{frame:05d}.png"], project.labels(frame)) for frame in range(2, 7))
    assert (tmp_path / "overlay.mp4").stat().st_size
    before = cells(path)
    refused = run("--output", tmp_path / "out", "--end", 4)
    assert refused.code == 2 and cells(path) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--masks", "m.png"), "pcvos import"),
        (("--soft",), "pcvos export"),
        (("--start", 3, "--end", 99), "0 to 11"),
        (("--resume",), "no interrupted run"),
        (("--interval", 99), "Memory interval is 99"),
    ],
)
def test_what_cannot_be_run(run, path, options, words):
    before = path.read_bytes()
    refused = run(*options)
    assert refused.code == 2 and words in refused.error
    assert path.read_bytes() == before


def test_nothing_marked_and_open_elsewhere(run, path, clip, tmp_path):
    empty = tmp_path / "empty.pcvos"
    pcvos("new", clip, "--output", empty)
    assert "Mark an object first" in pcvos("propagate", empty).error
    with Project.open(path):
        refused = run()
        assert refused.code == 2 and "open in another window" in refused.error


def interrupt(call: int, how: Callable[[], None]) -> Callable:
    """`interrupted.note` that does `how` instead, the `call`-th time."""
    note, calls = interrupted.note, []

    def noting(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            how()
        note(*arguments)

    return noting


def test_ctrl_c_keeps_what_is_drawn_and_resume_goes_on(run, path, monkeypatch):
    monkeypatch.setattr(interrupted, "note", interrupt(4, lambda: signal.raise_signal(signal.SIGINT)))
    before = cells(path)
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
    try:
        stopped = run("--interval", 2)
    finally:
        signal.signal(signal.SIGINT, earlier)
    monkeypatch.undo()
    assert stopped.code == 130 and f"pcvos propagate {path} --resume" in stopped.err.splitlines()[-1]
    drawn = cells(path)
    assert len(before) < len(drawn) < FRAMES - 2
    with Project.open(path) as project:
        assert project.runs()[-1][1].state == "stopped" and interrupted.find(project) is not None
    assert pcvos("propagate", path, "--resume", "--interval", 3).code == 2
    done = run("--resume")
    assert done.code == 0, done.err
    found = cells(path)
    assert len(found) == FRAMES - 2 and found.items() >= drawn.items()
    with Project.open(path) as project:
        assert interrupted.find(project) is None
        assert project.runs()[-1][1].settings["interval"] == 2
        project.apply(project.kept_undo().inverted())
        assert dict(project.cells_in(0, LAST)) == before, "both parts are one step of undo"


KILLED = """
import os, signal
from core.studio import edits, interrupted
from core.studio.comparison import note_reference
note, calls = interrupted.note, []
def noting(*arguments):
    calls.append(arguments)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    note(*arguments)
interrupted.note = noting
"""


def test_a_run_that_is_killed_leaves_whole_clips_and_goes_on(run, path, scene):
    before = cells(path)
    fixed = ("--device", "cpu", "--resolution", 64, "--weights", scene.weights, "--interval", 2)
    process = start_pcvos("propagate", path, *fixed, before=KILLED)
    assert process.wait(300) == -signal.SIGKILL, process.stderr.read()
    drawn = cells(path)
    assert len(before) < len(drawn) < FRAMES - 2
    assert run("--resume").code == 0
    assert len(cells(path)) == FRAMES - 2
    with Project.open(path) as project:
        project.apply(project.kept_undo().inverted())
        assert dict(project.cells_in(0, LAST)) == before


# --- info


def test_info_of_a_project(path):
    change(path, lambda project: Change("put", {(4, 1): (None, Cell(PackedMask.empty(SIZE), True))}))
    told = json.loads(pcvos("info", path, "--json").out)
    assert (told["kind"], told["width"], told["height"], told["frames"]) == ("project", SIZE[1], SIZE[0], FRAMES)
    assert told["footage"]["found"] and told["footage"]["codec"] == "h264"
    (info,) = told["objects"]
    assert info["corrected"] == {"count": 2, "ranges": [[2, 2], [4, 4]]} and info["in_memory"]["count"] == 1
    assert info["unprocessed"] == {"count": FRAMES - 2, "ranges": [[0, 1], [3, 3], [5, LAST]]}
    text = pcvos("info", path).out
    assert "unprocessed: 10 frames (0 to 1, 3, 5 to 11)" in text and "corrected: 2 frames (2, 4)" in text


def test_info_of_a_project_that_is_open_or_has_lost_its_footage(path, clip):
    with Project.open(path):
        assert json.loads(pcvos("info", path, "--json").out)["objects"]
    clip.unlink()
    told = pcvos("info", path)
    assert told.code == 0 and "(not there)" in told.out and "Warning: The footage is not where it was" in told.err


def test_info_of_footage_and_weights(clip, scene):
    told = json.loads(pcvos("info", clip, "--json").out)
    assert (told["kind"], told["rate"], told["frames"], told["pixel_format"]) == ("footage", "25", FRAMES, "yuv420p")
    told = json.loads(pcvos("info", scene.folder, "--json").out)
    assert (told["is_video"], told["frames"]) == (False, FRAMES)
    told = json.loads(pcvos("info", scene.weights, "--json").out)
    assert (told["kind"], told["network"]) == ("weights", "small") and told["parameters"] > 1e6


def test_info_of_the_machine():
    done = pcvos("info", "--device")
    assert done.code == 0, done.err
    assert any(
        line.startswith("cpu: ") and "GiB free" in line and line.endswith("can be used")
        for line in done.out.splitlines()
    )
    devices = json.loads(pcvos("info", "--device", "--json").out)
    assert devices[-1]["name"] == "cpu" and devices[-1]["problem"] is None
    for wrong in (("info",), ("info", "--device", "clip.mp4")):
        refused = pcvos(*wrong)
        assert refused.code == 2 and "name a file, or give --device" in refused.err


def test_info_of_what_is_nothing_of_the_kind(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear all")
    assert pcvos("info", tmp_path / "letter.txt").code == 2
    assert "does not exist" in pcvos("info", tmp_path / "none").error
    (tmp_path / "broken.safetensors").write_text("no")
    assert pcvos("info", tmp_path / "broken.safetensors").code == 2


# --- recover


def test_recover_saves_what_can_be_read(path, tmp_path):
    before = cells(path)
    with path.open("r+b") as file:
        file.write(os.urandom(60))
    damaged = path.read_bytes()
    assert "`pcvos recover`" in pcvos("info", path).error
    done = pcvos("recover", path, "--output", tmp_path / "saved.pcvos")
    assert done.code == 0 and done.out.splitlines()[-1] == str(tmp_path / "saved.pcvos")
    assert cells(tmp_path / "saved.pcvos") == before and path.read_bytes() == damaged
    assert "exists already" in pcvos("recover", path, "--output", tmp_path / "saved.pcvos").error
    assert pcvos("recover", path).out.splitlines()[-1] == str(path.with_name("clip-recovered.pcvos"))


def test_recover_with_nothing_to_recover(tmp_path):
    assert "no project" in pcvos("recover", tmp_path / "none.pcvos").error
    (tmp_path / "empty.pcvos").write_bytes(b"")
    assert "it is empty" in pcvos("recover", tmp_path / "empty.pcvos").error
    assert [file.name for file in tmp_path.iterdir() if file.suffix] == ["empty.pcvos"]


# --- after a correction


def test_only_what_a_correction_touches_is_drawn_unless_everything_is_asked_for(run, path, scene):
    run("--direction", "both")
    correct = lambda project: edits.replace_mask(project, "corrected", LAST, 1, scene.labels[LAST] > 0)  # noqa: E731
    change(path, correct)
    said = run()
    assert said.code == 0 and f"correction of frame {LAST} touches is drawn: at most" in said.err
    assert "--everything" in said.err
    again = run()
    assert "touches" not in again.err, "nothing was corrected since"
    change(path, lambda project: edits.replace_mask(project, "corrected", 0, 1, scene.labels[0] > 0))
    whole = run("--everything")
    assert whole.code == 0 and "touches" not in whole.err
    with Project.open(path) as project:
        infos = [info for _, info in project.runs()]
    assert [info.settings.get("around") for info in infos] == [None, [LAST], None, None]
    assert "without a project" in pcvos("propagate", scene.video, "--everything").err


def test_a_report_compares_with_what_the_window_compares_with(path, masks, tmp_path):
    with Project.open(path) as project:
        note_reference(project, masks)
    page = tmp_path / "report.html"
    first = pcvos("report", path, "--output", page)
    assert first.code == 0 and str(masks) in first.err and "J&amp;F" in page.read_text()
    masks.rename(tmp_path / "elsewhere")
    second = pcvos("report", path, "--output", page, "--overwrite")
    assert second.code == 0 and f"{masks} is gone" in second.err and "J&amp;F" not in page.read_text()


@pytest.mark.parametrize("command", ["propagate", "info", "new", "export", "recover", "report", "adapt"])
def test_names_that_no_system_takes_are_one_sentence(command, tmp_path):
    path = tmp_path / f"{'x' * 300}.pcvos"
    options = {
        "export": ("--format", "png", "--output", tmp_path / "out"),
        "report": ("--output", tmp_path / "report.html"),
        "adapt": ("--output", tmp_path / "own.safetensors"),
    }
    result = pcvos(command, path, *options.get(command, ()))
    assert result.code == 2
    assert result.error.startswith("Error: ") and "too long" in result.error
    assert not result.error.endswith("too long.")  # a way on follows
    assert not list(tmp_path.iterdir())
