"""`pcvos propagate` with what it cannot use: one clear line, the exit code, and nothing written."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys

import av
import numpy as np
import pytest
import torch
from pcvos_command import (
    FRAMES,
    SIZE,
    Result,
    moving_disc,
    pcvos,
    results,
    start_pcvos,
    tree,
    write_folder,
    write_video,
)
from PIL import Image
from safetensors.torch import save_file

from core.commands import propagate as command
from core.masks.label_map import write_label_map
from core.network.config import PAPER
from core.network.pcvos import PCVOS


@pytest.fixture
def refused(tmp_path, scene, mask):
    """Run the command and check that it ends with one line that has the given words, having written nothing."""

    def run(*words, footage=scene.video, masks=mask, output=tmp_path / "out", options=(), code=2):
        fixed = ["--weights", scene.weights, "--device", "cpu", "--resolution", 64]
        before = tree(tmp_path)
        result = pcvos("propagate", footage, "--masks", masks, "--output", output, *fixed, *options)
        assert result.code == code, result.err
        assert result.error.startswith("Error: ")
        assert [word for word in map(str, words) if word not in result.error] == [], result.error
        assert tree(tmp_path) == before

    return run


# --- footage


def test_no_such_footage(tmp_path, refused):
    refused(tmp_path / "none.mp4", "does not exist", footage=tmp_path / "none.mp4")


@pytest.mark.parametrize("content", [b"", b"a text of some length\n" * 99, bytes(range(256)) * 40])
def test_not_a_video(tmp_path, refused, content):
    (tmp_path / "clip.mp4").write_bytes(content)
    refused("clip.mp4 is not a video", footage=tmp_path / "clip.mp4")


def test_a_video_without_a_frame(tmp_path, refused):
    with av.open(str(tmp_path / "empty.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = SIZE[1], SIZE[0]
        container.start_encoding()
    refused("empty.mkv", footage=tmp_path / "empty.mkv")


def test_a_folder_without_images(tmp_path, refused):
    (tmp_path / "empty").mkdir()
    refused("empty holds no images", footage=tmp_path / "empty")


@pytest.mark.parametrize("options", [("--start", 12), ("--end", 12), ("--start", 5, "--end", 4), ("--start", -1)])
def test_a_range_outside_the_footage(refused, options):
    refused("0 to 11", *options[1::2], options=options)


# --- masks


def test_no_such_mask(tmp_path, refused):
    refused("none.png", masks=tmp_path / "none.png")


def test_a_folder_without_masks(tmp_path, refused):
    (tmp_path / "masks").mkdir()
    refused("masks holds no PNG", masks=tmp_path / "masks")


def test_a_mask_of_another_shape(tmp_path, refused):
    write_label_map(tmp_path / "square.png", np.ones((64, 64), np.uint8))
    refused("square.png is 64x64, but the footage is 96x64", masks=tmp_path / "square.png")


def test_a_mask_without_an_object(tmp_path, refused):
    write_label_map(tmp_path / "black.png", np.zeros(SIZE, np.uint8))
    refused("No object", "black.png", masks=tmp_path / "black.png")


def test_more_than_254_ids(tmp_path, refused):
    Image.fromarray(np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE) % 300).save(tmp_path / "many.png")
    refused("many.png", "254", masks=tmp_path / "many.png")


@pytest.mark.parametrize("name", ["00012.png", "clip.99.png"])
def test_a_stem_without_a_frame(tmp_path, scene, refused, name):
    write_label_map(tmp_path / name, scene.labels[0])
    refused(name, "belongs to no frame", masks=tmp_path / name)


@pytest.mark.parametrize("frame", [-1, FRAMES])
def test_a_mask_frame_outside_the_footage(refused, frame):
    refused(f"frame {frame} is outside the footage", options=("--mask-frame", frame))


# --- weights and device


def test_no_such_weights(tmp_path, refused):
    refused("none.safetensors", options=("--weights", tmp_path / "none.safetensors"))


@pytest.mark.parametrize("name", ["text.safetensors", "text.pth"])
def test_a_file_that_holds_no_weights(tmp_path, refused, name):
    (tmp_path / name).write_text("nothing of the kind")
    refused(name, options=("--weights", tmp_path / name))


def test_weights_of_another_network(tmp_path, refused):
    save_file({"conv.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    refused("other.safetensors", options=("--weights", tmp_path / "other.safetensors"))


def test_weights_that_fit_but_for_a_shape(tmp_path, refused):
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in PCVOS(PAPER).state_dict().items()}
    # The keys of the published network, and not one value: shapes are all wrong, and the file is small.
    save_file({key: torch.zeros(1 if shape else ()) for key, shape in shapes.items()}, tmp_path / "shape.safetensors")
    refused("shape.safetensors does not fit", options=("--weights", tmp_path / "shape.safetensors"))


def test_code_in_a_weights_file_is_never_run(tmp_path, refused, recwarn):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "trap.pth").write_bytes(pickle.dumps(Trap()))
    refused("trap.pth", options=("--weights", tmp_path / "trap.pth"))
    torch.save({"trap": Trap()}, tmp_path / "zipped.pth")
    refused("zipped.pth", options=("--weights", tmp_path / "zipped.pth"))
    assert not recwarn.list, "warnings would be more lines than one"


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
def test_no_cuda(refused):
    refused("CUDA", "--device", options=("--device", "cuda"))


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_no_such_device(refused, device):
    refused(device, options=("--device", device))


# --- settings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--interval", 0), ["interval is 0", "1 to 50"]),
        (("--interval", 51), ["interval is 51", "1 to 50"]),
        (("--progressive", -1), ["-1"]),
        (("--top-k", 0), ["Top-k is 0"]),
        (("--memory-frames", 0), ["Memory frames is 0"]),
        (("--resolution", "large"), ["--resolution large", "native"]),
        (("--resolution", 1), ["Resolution is 1"]),
        (("--exact", "--precision", "fp16"), ["exact", "--precision fp16"]),
        (("--exact", "--direction", "both"), ["exact", "--direction both"]),
        (("--exact", "--direction", "backward"), ["exact", "--direction backward"]),
        (("--resume", "--overwrite"), ["--resume", "--overwrite"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_settings_that_cannot_be(refused, options, words):
    refused(*words, options=options)


@pytest.mark.parametrize("options", [("--direction", "sideways"), ("--interval", "five"), ("--precision", "fp8")])
def test_values_that_no_option_takes(tmp_path, scene, mask, options):
    result = pcvos("propagate", scene.video, "--masks", mask, "--output", tmp_path / "out", *options)
    assert result.code == 2
    assert options[0] in result.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


# --- places


def test_results_never_go_where_the_footage_lies(tmp_path, refused):
    footage = write_folder(tmp_path / "frames", moving_disc()[0][:3])
    refused("footage", footage, footage=footage, output=footage, options=("--overwrite",))
    refused("footage", footage=footage, output=tmp_path / "frames" / ".." / "frames", options=("--overwrite",))


def test_results_never_go_where_the_masks_lie(tmp_path, scene, refused):
    (tmp_path / "masks").mkdir()
    write_label_map(tmp_path / "masks" / "00000.png", scene.labels[0])
    refused("masks", masks=tmp_path / "masks", output=tmp_path / "masks", options=("--overwrite",))
    refused("masks", masks=tmp_path / "masks" / "00000.png", output=tmp_path / "masks", options=("--overwrite",))


def test_output_that_is_not_empty(tmp_path, refused):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    refused("out is not empty", "--resume", "--overwrite")
    refused("no run to resume", options=("--resume",))


def test_output_that_has_no_run_to_resume(refused):
    refused("no run to resume", options=("--resume",))


RECORD = {"command": "", "started": "", "frames": 2, "masks": {}, "settings": {}, "versions": {}, "stems": []}


@pytest.mark.parametrize("content", [{"distance": 10}, RECORD | {"input": 10}])
def test_output_with_a_run_json_of_something_else(tmp_path, refused, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text(json.dumps(content))
    refused("run.json", "not of a run", options=("--resume",))
    refused("run.json", "not of a run", options=("--overwrite",))


def test_output_that_is_or_lies_in_a_file(tmp_path, mask, refused):
    refused(mask, "is a file", output=mask)
    refused(mask, output=mask / "out")


@pytest.mark.parametrize(
    ("name", "word"),
    [("none/overlay.mp4", "no folder"), ("overlay.avi", ".mp4"), ("folder", "is a folder"), ("old.mp4", "exists")],
)
def test_overlay_that_cannot_be(tmp_path, refused, name, word):
    (tmp_path / "folder").mkdir()
    (tmp_path / "old.mp4").write_text("a film")
    refused(word, options=("--overlay", tmp_path / name))


def test_overlay_never_replaces_the_footage(tmp_path, refused):
    footage = write_video(tmp_path / "clip.mp4", moving_disc()[0][:3])
    (tmp_path / "link.mp4").symlink_to(footage)
    for name in ("clip.mp4", "link.mp4"):
        refused("replace the footage", footage=footage, options=("--overlay", tmp_path / name, "--overwrite"))


# --- memory and disk


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")])
def test_out_of_memory_says_which_setting_to_lower(refused, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(PCVOS, "encode_key", fail)
    refused("memory", "--resolution", "--interval", code=1)
    monkeypatch.setattr(command, "load_network", fail)
    refused("memory", "--resolution", "--interval", code=1)


def test_full_disk_leaves_whole_files_and_can_be_resumed(tmp_path, scene, mask, propagate, monkeypatch):
    replace, renamed = os.replace, []

    def fill_up(source, target):
        if str(target).endswith(".png"):
            renamed.append(target)
            if len(renamed) > 5:
                raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fill_up)
        result = propagate(scene.video, mask, "--interval", 2)
    assert result.code == 1
    assert result.error.startswith("Error: The disk is full: ")
    found = results(tmp_path / "out")
    assert 0 < len(found) <= 5
    assert all(not name.startswith(".") and labels.shape == SIZE for name, labels in found.items())
    assert propagate(scene.video, mask, "--interval", 2, "--resume").code == 0
    assert len(results(tmp_path / "out")) == FRAMES


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, with room for next to nothing."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root on Linux can mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_really_full(small_disk, scene, mask):
    process = start_pcvos(
        *("propagate", scene.video, "--masks", mask, "--output", small_disk / "out", "--end", 5, "--soft"),
        *("--weights", scene.weights, "--device", "cpu", "--resolution", 64),
    )
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    (line,) = Result(1, out, err).remarks
    assert line.startswith("Error: The disk is full: ")
    assert out == ""
    assert all(labels.shape == SIZE for labels in results(small_disk / "out").values())
