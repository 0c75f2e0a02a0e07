"""`pcvos propagate --resume` and `--overwrite`: going on after Ctrl-C, a kill or a loss, and beginning anew."""

import json
import os
import shutil
import signal
import time

import av
import numpy as np
import pytest
from pcvos_command import (
    FRAMES,
    SIZE,
    hard_motion,
    moving_disc,
    pcvos,
    read_png,
    results,
    start_pcvos,
    tree,
    write_folder,
    write_video,
)

from core.masks.label_map import write_label_map
from core.network.checkpoint import DEFAULT_WEIGHTS

NUMBERS = [f"{frame:05d}.png" for frame in range(FRAMES)]
SETTINGS = ("--interval", 2, "--soft")


def record(folder):
    return json.loads((folder / "run.json").read_text())


def iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


@pytest.fixture(scope="session")
def marked(tmp_path_factory, scene):
    """Masks of frames 1 and 8."""
    folder = tmp_path_factory.mktemp("marked")
    for frame in (1, 8):
        write_label_map(folder / f"{frame}.png", scene.labels[frame])
    return folder


@pytest.fixture(scope="session")
def command_of(scene, marked):
    def arguments(output, direction="forward"):
        fixed = ("--weights", scene.weights, "--device", "cpu", "--resolution", 64, "--direction", direction)
        return "propagate", scene.video, "--masks", marked, "--output", output, *SETTINGS, *fixed

    return arguments


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory, command_of):
    """A folder of a run that nothing disturbed, per direction."""
    made = {}

    def run(direction="forward"):
        if direction not in made:
            made[direction] = tmp_path_factory.mktemp(direction) / "out"
            process = start_pcvos(*command_of(made[direction], direction))
            assert process.wait(120) == 0, process.stderr.read()
        return made[direction]

    return run


@pytest.fixture
def out(tmp_path, unbroken):
    """A copy of the forward run's folder."""
    return shutil.copytree(unbroken(), tmp_path / "out")


def lose(folder, frames):
    """As if the run had been interrupted before these frames."""
    for frame in frames:
        for file in (folder / NUMBERS[frame], folder / "soft" / "1" / NUMBERS[frame]):
            file.unlink()
    run = record(folder) | {"state": "interrupted"}
    (folder / "run.json").write_text(json.dumps(run))


# --- going on


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.long
def test_interrupted_run_leaves_whole_files_and_goes_on(tmp_path, command_of, signal_name, scene, marked, propagate):
    out = tmp_path / "out"
    slowly = ("--resolution", 480)  # so that there is a middle to be interrupted in, however fast the machine is
    process = start_pcvos(*command_of(out), *slowly)
    deadline = time.monotonic() + 120
    while not (out / NUMBERS[2]).exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(getattr(signal, signal_name))
    said, complaint = process.communicate(timeout=60)

    found = {file.name: read_png(file) for file in out.glob("[!.]*.png")}
    assert 2 < len(found) < FRAMES, "it was interrupted in the middle"
    assert {labels.shape for labels in found.values()} == {SIZE}
    assert said == ""
    if signal_name != "SIGKILL":
        assert process.returncode == 130
        *progress, told = complaint.splitlines()  # on a busy machine it takes long enough for a line of progress
        assert told == f"Interrupted with {len(found)} of 12 frames in {out}: the same command with --resume goes on."
        assert [line for line in progress if not line.startswith(("Propagating: ", "Note: Memory: "))] == []
        assert not list(out.rglob(".*"))
        assert (record(out)["state"], record(out)["frames_done"]) == ("interrupted", len(found))
    else:
        assert record(out)["state"] == "running"
        (out / ".00003-ab1_cd2x.tmp.png").write_bytes(b"half")
        (out / ".mine-ab1_cd2x.tmp.png").write_bytes(b"half")

    result = propagate(scene.video, marked, *SETTINGS, *slowly, "--resume")
    assert result.code == 0, result.err
    assert record(out)["state"] == "done"
    names = [*([".mine-ab1_cd2x.tmp.png"] if signal_name == "SIGKILL" else []), *NUMBERS]
    assert sorted(file.name for file in out.glob("*.png")) == names, "only its own unfinished files are swept up"
    assert list(results(out / "soft" / "1")) == NUMBERS
    for name, labels in found.items():
        assert np.array_equal(read_png(out / name), labels) or NUMBERS.index(name) >= len(found) - 1


@pytest.mark.skipif(not DEFAULT_WEIGHTS.exists(), reason="an untrained network is sure of nothing")
@pytest.mark.parametrize(
    ("direction", "lost"),
    [
        ("forward", range(6, FRAMES)),
        ("forward", range(5, FRAMES)),  # in the middle of a clip
        ("backward", range(5)),
        ("both", range(3, FRAMES)),
        ("both", range(5)),
    ],
)
@pytest.mark.long
def test_a_resumed_run_comes_to_the_same(tmp_path, unbroken, scene, marked, propagate, direction, lost):
    out = shutil.copytree(unbroken(direction), tmp_path / "out")
    lose(out, lost)
    kept = tree(out)
    result = propagate(scene.video, marked, *SETTINGS, "--direction", direction, "--resume")
    assert result.code == 0, result.err
    expected, found = results(unbroken(direction)), results(out)
    assert list(found) == NUMBERS
    for name in NUMBERS:
        assert iou(found[name] == 1, expected[name] == 1) >= 0.99 or not expected[name].any()
    rewritten = [name for name in kept if name.endswith(".png") and (out / name).read_bytes() != kept[name]]
    assert len(rewritten) <= 4, "at most the clip that was cut in two is drawn again"


KILLED = """
import os, signal
from core.commands import result_folder
write = result_folder.{function}
def until_killed(path, *rest):
    if path.stem == "{stem}":
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, *rest)
result_folder.{function} = until_killed
"""


@pytest.fixture(scope="session")
def hard(tmp_path_factory, weights):
    """A command on footage where memory of label maps leads elsewhere (IoU 0.977), and its unbroken run's results."""
    folder = tmp_path_factory.mktemp("hard")
    images, labels = hard_motion()
    write_label_map(folder / "mask.00000.png", labels[0])
    footage = write_folder(folder / "frames", images)

    def command(output):
        fixed = ("--weights", weights, "--device", "cpu", "--resolution", 96, "--interval", 3)
        return "propagate", footage, "--masks", folder / "mask.00000.png", "--output", output, *fixed

    assert pcvos(*command(folder / "whole")).code == 0
    assert [path.name for path in (folder / "whole").iterdir() if path.suffix != ".png"] == ["run.json"]
    return command, results(folder / "whole")


def killed(hard, out, function, stem, *options):
    """A run that was killed as it was about to write a file of the frame `stem`."""
    process = start_pcvos(*hard[0](out), *options, before=KILLED.format(function=function, stem=stem))
    assert process.wait(300) == -signal.SIGKILL, process.stderr.read()
    assert record(out)["state"] == "running"
    assert not (out / f"{stem}.png").exists()


def resumed(hard, out):
    """The results of a run that went on, after which nothing but them is left."""
    result = pcvos(*hard[0](out), "--resume")
    assert result.code == 0, result.err
    assert sorted(path.name for path in out.iterdir() if path.suffix != ".png") == ["run.json"]
    found = results(out)
    assert found.keys() == hard[1].keys()
    return found


def total_iou(found, expected):
    return iou(*(np.stack([labels[name] == 1 for name in expected]) for labels in (found, expected)))


@pytest.mark.parametrize(
    ("function", "stem"),
    [
        ("write_label_map", "00009"),  # what its clip remembers is written, its mask is not
        ("write_remembered", "00012"),  # nor is what is remembered
        ("write_label_map", "00010"),  # in the middle of a clip
    ],
)
def test_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path, hard, function, stem):
    killed(hard, tmp_path / "out", function, stem)
    kept = sorted(path.stem for path in (tmp_path / "out" / "working-memory").glob("[!.]*"))
    assert kept[:2] == ["00003", "00006"]
    assert (stem in kept) == (function == "write_label_map" and stem == "00009")
    assert total_iou(resumed(hard, tmp_path / "out"), hard[1]) >= 0.999


@pytest.mark.long
def test_it_can_be_killed_again(tmp_path, hard):
    killed(hard, tmp_path / "out", "write_label_map", "00005")
    killed(hard, tmp_path / "out", "write_label_map", "00011", "--resume")
    assert total_iou(resumed(hard, tmp_path / "out"), hard[1]) >= 0.999


def test_without_what_was_remembered_or_with_it_damaged_the_masks_stand_in(tmp_path, hard):
    out = tmp_path / "out"
    killed(hard, out, "write_label_map", "00011")
    memory = out / "working-memory"
    (memory / "00003.npz").unlink()
    content = (memory / "00006.npz").read_bytes()
    (memory / "00006.npz").write_bytes(content[: len(content) // 2])
    (memory / ".00009-ab1_cd2x.tmp.npz").write_bytes(b"half")
    found = resumed(hard, out)
    assert all(np.array_equal(found[f"{i:05d}.png"], hard[1][f"{i:05d}.png"]) for i in range(10))
    assert total_iou(found, hard[1]) > 0.8


def test_beginning_anew_forgets_what_an_unfinished_run_remembered(tmp_path, hard):
    killed(hard, tmp_path / "out", "write_label_map", "00009")
    (tmp_path / "out" / "working-memory" / "mine.txt").write_text("mine")
    assert pcvos(*hard[0](tmp_path / "out"), "--overwrite", "--end", 1).code == 0
    assert sorted(results(tmp_path / "out")) == ["00000.png", "00001.png"]
    assert [path.name for path in (tmp_path / "out" / "working-memory").iterdir()] == ["mine.txt"]


def test_a_frame_without_its_soft_mask_is_not_finished(out, scene, marked, propagate):
    (out / "soft" / "1" / NUMBERS[11]).unlink()
    result = propagate(scene.video, marked, *SETTINGS, "--resume")
    assert result.code == 0, result.err
    assert result.out.startswith(("1 frames in", "2 frames in"))
    assert list(results(out / "soft" / "1")) == NUMBERS


def test_timings_of_a_resumed_run_add_up(out, scene, marked, propagate):
    before = record(out)["seconds"]
    lose(out, [10, 11])
    assert propagate(scene.video, marked, *SETTINGS, "--resume").code == 0
    after = record(out)["seconds"]
    assert all(after[part] > before[part] for part in ("total", "key encoder", "decoder"))


def test_a_finished_run_has_nothing_left_to_do(out, scene, marked, propagate):
    before = tree(out)
    result = propagate(scene.video, marked, *SETTINGS, "--resume")
    assert (result.code, result.remarks) == (0, [])
    assert result.out == f"Nothing is left to do: all 12 frames are in {out}.\n"
    assert tree(out) == before


def test_a_run_that_was_killed_at_its_very_end_is_done_when_resumed(out, scene, marked, propagate):
    lose(out, [])
    result = propagate(scene.video, marked, *SETTINGS, "--resume")
    assert (result.code, result.out) == (0, f"Nothing is left to do: all 12 frames are in {out}.\n")
    assert record(out)["state"] == "done"


def test_the_overlay_of_a_resumed_run_is_complete(tmp_path, out, scene, marked, propagate):
    overlay = tmp_path / "overlay.mp4"
    lose(out, [10, 11])
    resume = (scene.video, marked, *SETTINGS, "--resume", "--overlay", overlay)
    assert propagate(*resume).code == 0
    with av.open(str(overlay)) as container:
        assert len(list(container.decode(video=0))) == FRAMES
    assert propagate(*resume).out.startswith("Nothing is left to do")
    overlay.unlink()
    assert propagate(*resume).code == 0
    assert overlay.exists()


# --- refusing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--interval", 3), "--interval 2, this one 3"),
        (("--direction", "backward"), "--direction forward, this one backward"),
        (("--end", 10), "--end 11, this one 10"),
        (("--masks-complete",), "--masks-complete off, this one on"),
        (("--resolution", "native"), "--resolution 64, this one native"),
        (("--precision", "bf16"), "--precision auto, this one bf16"),
    ],
)
def test_other_settings_are_refused(out, scene, marked, propagate, options, words):
    before = tree(out)
    result = propagate(scene.video, marked, *SETTINGS, "--resume", *options)
    assert result.code == 2
    assert words in result.error
    assert tree(out) == before


def test_other_input_masks_or_weights_are_refused(tmp_path, out, scene, marked, propagate):
    before = tree(out)
    other_video = write_video(tmp_path / "other.mp4", moving_disc(seed=1)[0])
    other_masks = shutil.copytree(marked, tmp_path / "marked")
    write_label_map(other_masks / "8.png", scene.labels[9])
    other_weights = tmp_path / "weights.safetensors"
    other_weights.write_bytes(scene.weights.read_bytes() + b"")
    with other_weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")

    for what, video, masks, options in (
        ("input", other_video, marked, ()),
        ("masks", scene.video, other_masks, ()),
        ("weights", scene.video, marked, ("--weights", other_weights)),
    ):
        result = propagate(video, masks, *SETTINGS, "--resume", *options)
        assert result.code == 2
        assert f"the {what} " in result.error and "--overwrite" in result.error
        assert tree(out) == before


# --- beginning anew


def test_overwrite_leaves_nothing_of_the_earlier_run_and_all_that_is_foreign(out, scene, marked, propagate):
    foreign = [out / "letter.txt", out / "mine.png", out / "soft" / "note.txt"]
    for file in foreign:
        file.write_bytes(b"mine")
    overlay = ("--overlay", out / "overlay.mp4")
    assert propagate(scene.video, marked, "--start", 2, "--end", 6, "--overwrite", *overlay).code == 0
    assert (out / "overlay.mp4").exists()
    assert propagate(scene.video, marked, "--start", 2, "--end", 4, "--overwrite").code == 0
    left = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert left == ["00002.png", "00003.png", "00004.png", "letter.txt", "mine.png", "run.json", "soft/note.txt"]
    assert {file.read_bytes() for file in foreign} == {b"mine"}
    assert record(out)["frames"] == 3


def test_overwrite_needs_no_earlier_run_and_never_leaves_its_folder(tmp_path, out, scene, marked, propagate):
    (tmp_path / "precious.png").write_bytes(b"mine")
    run = record(out)
    (out / "run.json").write_text(json.dumps(run | {"stems": ["../precious", str(tmp_path / "precious")]}))
    assert propagate(scene.video, marked, "--end", 1, "--overwrite").code == 0
    assert (tmp_path / "precious.png").read_bytes() == b"mine"
    assert propagate(scene.video, marked, "--end", 1, "--overwrite", output=tmp_path / "new").code == 0


def test_a_run_that_fails_at_once_leaves_the_earlier_one_alone(out, scene, marked, propagate):
    before = tree(out)
    assert propagate(scene.video, marked, "--exact", "--direction", "both", "--overwrite").code == 2
    assert tree(out) == before
