"""`pcvos propagate`: what it writes and says when all is well."""

import io
import json
import re
import subprocess
import sys
from dataclasses import asdict

import av
import numpy as np
import pytest
from pcvos_command import (
    FRAMES,
    ROOT,
    SIZE,
    moving_disc,
    pcvos,
    read_png,
    results,
    start_pcvos,
    write_folder,
    write_video,
)
from PIL import Image
from rich.console import Console

from core.benchmark import machine, timing
from core.commands import frame_progress
from core.commands.frame_progress import FrameProgress
from core.masks.label_map import write_label_map
from core.masks.palette import DAVIS_PALETTE, DISPLAY_PALETTE
from core.propagation import PropagationSettings

NUMBERS = [f"{frame:05d}.png" for frame in range(FRAMES)]


def record(folder):
    return json.loads((folder / "run.json").read_text())


def test_a_video_gets_an_indexed_mask_for_every_frame(tmp_path, scene, mask, propagate):
    result = propagate(scene.video, mask)
    assert result.code == 0, result.err
    found = results(tmp_path / "out")
    assert list(found) == NUMBERS
    assert {(labels.dtype, labels.shape) for labels in found.values()} == {(np.dtype(np.uint8), SIZE)}
    assert np.array_equal(found["00000.png"], scene.labels[0]), "the annotated frame is as it was given"
    with Image.open(tmp_path / "out" / "00011.png") as image:
        assert image.mode == "P"
        assert image.getpalette() == DAVIS_PALETTE.ravel().tolist()
    assert re.fullmatch(r"Note: Memory: at most \d+ MiB\.\n", result.err)
    (line,) = result.out.splitlines()
    assert re.fullmatch(rf"12 frames in \d+\.\d s \(\d+\.\d fps\), masks in {tmp_path / 'out'}\.", line)


def test_run_json_says_how_the_masks_were_made(tmp_path, scene, mask, propagate):
    assert propagate(scene.video, mask, "--interval", 4, "--end", 6).code == 0
    run = record(tmp_path / "out")
    assert run["command"].startswith("pcvos propagate ")
    assert "--interval 4" in run["command"]
    assert run["state"] == "done"
    assert (run["frames"], run["frames_done"]) == (7, 7)
    assert run["input"] | {"fingerprint": ""} == {
        "path": str(scene.video),
        "fingerprint": "",
        "frames": FRAMES,
        "width": SIZE[1],
        "height": SIZE[0],
        "fps": 25.0,
    }
    assert run["masks"]["path"] == str(mask)
    assert (run["masks"]["frames"], run["masks"]["objects"]) == ([0], [1])
    assert (run["weights"]["path"], run["weights"]["preset"]) == (str(scene.weights), "small")
    assert all(len(run[what]["fingerprint"]) == 64 for what in ("input", "masks", "weights"))
    assert run["device"].startswith("cpu (")
    assert {"python", "torch", "numpy", "av", "opencv-python", "pcvos-studio"} <= run["versions"].keys()
    assert {"key encoder", "matching", "decoder", "writing", "total"} <= run["seconds"].keys()
    assert run["seconds"]["total"] >= run["seconds"]["key encoder"] > 0
    assert run["fps"] > 0


def test_options_are_the_settings_by_default_and_when_given(tmp_path, scene, mask, propagate):
    assert pcvos(
        *("propagate", scene.video, "--masks", mask, "--output", tmp_path / "out", "--end", 0),
        *("--weights", scene.weights, "--device", "cpu"),
    ).code == 0  # fmt: skip
    defaults = asdict(PropagationSettings())
    del defaults["cache_bytes"]
    expected = {"start": 0, "end": 0, "direction": "forward", "mask_frame": None, "masks_complete": False}
    assert record(tmp_path / "out")["settings"] == expected | defaults

    options = (
        "--interval 3 --progressive 2 --top-k 7 --memory-frames 9 --resolution native --start 1 --end 5 "
        "--direction both --mask-frame 4 --precision bf16 --kernel 0.5 --keep-lost --no-distractors --soft "
        "--masks-complete"
    )
    result = propagate(scene.video, mask, *options.split(), output=tmp_path / "other")
    assert result.code == 0, result.err
    assert record(tmp_path / "other")["settings"] == {
        "interval": 3,
        "progressive": 2,
        "top_k": 7,
        "memory_frames": 9,
        "resolution": "native",
        "start": 1,
        "end": 5,
        "direction": "both",
        "mask_frame": 4,
        "precision": "bf16",
        "kernel": 0.5,
        "keep_lost": True,
        "refinement": True,
        "distractors": False,
        "soft": True,
        "masks_complete": True,
        "exact": False,
    }


def test_a_quality_beside_another_resolution_is_refused(scene, mask, propagate):
    refused = propagate(scene.video, mask, "--quality", "draft")  # --resolution 64 is given too
    assert refused.code == 2
    assert "--quality draft is --resolution 240, but 64 is asked for as well: give one of the two." in refused.err


def test_measuring_the_machine_is_told(tmp_path, scene, mask, propagate, monkeypatch):
    told = "Measuring how the network runs fastest"
    monkeypatch.setenv(machine.SWITCH, "on")
    monkeypatch.setattr(machine, "cache_file", lambda: tmp_path / "machine.json")
    monkeypatch.setattr(timing, "SIZE", (32, 48))
    for expected in (True, False):
        done = propagate(scene.video, mask, "--end", 0, output=tmp_path / f"told-{expected}")
        assert done.code == 0 and (told in done.out + done.err) is expected


def test_the_exact_mode_runs(tmp_path, scene, mask, propagate):
    assert propagate(scene.video, mask, "--exact", "--end", 3).code == 0
    assert list(results(tmp_path / "out")) == NUMBERS[:4]
    settings = record(tmp_path / "out")["settings"]
    assert settings["exact"] is True and settings["progressive"] == 5, "F as published"
    assert propagate(scene.video, mask, "--exact", "--end", 3, "--progressive", 3, "--overwrite").code == 0
    assert record(tmp_path / "out")["settings"]["progressive"] == 3


@pytest.mark.parametrize(("direction", "frame"), [("forward", "frame3"), ("backward", "frame10")])
def test_a_folder_keeps_its_stems_and_a_single_mask_is_of_the_first_frame(
    tmp_path, scene, mask, propagate, direction, frame
):
    stems = [f"frame{number}" for number in (1, 2, 3, 10, 11)]  # in natural order, not in that of text
    footage = write_folder(tmp_path / "footage", moving_disc()[0][:5], stems)
    assert propagate(footage, mask, "--start", 2, "--end", 3, "--direction", direction).code == 0
    found = results(tmp_path / "out")
    assert list(found) == ["frame10.png", "frame3.png"]
    assert np.array_equal(found[f"{frame}.png"], scene.labels[0])


def test_the_frame_in_the_name_of_a_single_mask(tmp_path, scene, propagate):
    """As in the shared case `single-mask-frame-name`; an object is on no frame before the one its mask is for."""
    mask = tmp_path / "frame_000005.png"
    write_label_map(mask, scene.labels[5])
    assert propagate(scene.video, mask, "--end", 6).code == 0
    assert record(tmp_path / "out")["masks"]["frames"] == [5]
    folder = tmp_path / "masks"
    folder.mkdir()
    mask.rename(folder / mask.name)
    assert propagate(scene.video, folder, "--end", 6, output=tmp_path / "folder").code == 0
    assert record(tmp_path / "folder")["masks"]["frames"] == [5]


def test_doubt_about_numbers_is_refused_and_settled_by_an_option(tmp_path, scene, propagate):
    folder = tmp_path / "masks"
    folder.mkdir()
    for number in (1, 2, 3):
        write_label_map(folder / f"{number:04d}.png", scene.labels[number - 1])
    refused = propagate(scene.video, folder, "--end", 3)
    assert refused.code == 2 and "How are the masks numbered?" in refused.err
    assert "Counted from 1: 0001.png is frame 0" in refused.err and "--mask-numbers names or from-1" in refused.err
    done = propagate(scene.video, folder, "--end", 3, "--mask-numbers", "from-1")
    assert done.code == 0, done.err
    assert record(tmp_path / "out")["masks"]["frames"] == [0, 1, 2]
    assert "Note: Numbers of masks are read as indices, from 1: 0001.png belongs to frame 0." in done.err


def test_an_object_is_empty_before_its_first_annotation_and_ids_are_kept(tmp_path, scene, propagate):
    masks = tmp_path / "masks"
    masks.mkdir()
    late = np.where(scene.labels[4], np.uint8(7), np.uint8(0))
    late[:, :8] = 254
    write_label_map(masks / "00004.png", late)
    assert propagate(scene.video, masks, "--end", 5).code == 0
    found = results(tmp_path / "out")
    assert not any(found[name].any() for name in NUMBERS[:4])
    assert np.array_equal(found["00004.png"], late)
    assert record(tmp_path / "out")["masks"]["objects"] == [7, 254]


@pytest.mark.parametrize("direction", ["backward", "both"])
def test_other_directions_reach_every_frame(tmp_path, scene, propagate, direction):
    masks = tmp_path / "masks"
    masks.mkdir()
    for frame in (3, 9):
        write_label_map(masks / f"{frame}.png", scene.labels[frame])
    assert propagate(scene.video, masks, "--direction", direction).code == 0
    found = results(tmp_path / "out")
    assert list(found) == NUMBERS
    for frame in (3, 9):
        assert np.array_equal(found[NUMBERS[frame]], scene.labels[frame])
    if direction == "backward":
        assert not found["00010.png"].any() and not found["00011.png"].any()


def test_annotations_outside_the_range_are_memory_and_not_written(tmp_path, scene, propagate):
    soft = []
    for frames in ((0, 2, 8), (2,)):
        masks, out = tmp_path / f"masks{len(frames)}", tmp_path / f"out{len(frames)}"
        masks.mkdir()
        for frame in frames:
            write_label_map(masks / f"{frame}.png", scene.labels[frame])
        assert propagate(scene.video, masks, "--start", 2, "--end", 3, "--soft", output=out).code == 0
        assert list(results(out)) == NUMBERS[2:4]
        assert record(out)["masks"]["frames"] == list(frames)
        soft.append(read_png(out / "soft" / "1" / "00003.png"))
    assert not np.array_equal(*soft), "frames 0 and 8 were read"


def test_soft_masks(tmp_path, scene, propagate):
    labels = scene.labels[0].copy()
    labels[:, :8] = 3
    write_label_map(tmp_path / "two.png", labels)
    assert propagate(scene.video, tmp_path / "two.png", "--soft", "--end", 5).code == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in (out / "soft").iterdir()) == ["1", "3"]
    for obj in (1, 3):
        found = results(out / "soft" / str(obj))
        assert list(found) == NUMBERS[:6]
        assert {(soft.dtype, soft.shape) for soft in found.values()} == {(np.dtype(np.uint8), SIZE)}
        assert np.array_equal(found["00000.png"], np.where(labels == obj, 255, 0))
        with Image.open(out / "soft" / str(obj) / "00005.png") as image:
            assert image.mode == "L"
    last = [read_png(out / "soft" / str(obj) / "00005.png").astype(int) for obj in (1, 3)]
    hard = read_png(out / "00005.png")
    for obj, own, other in ((1, *last), (3, *reversed(last))):
        assert (own[hard == obj] >= other[hard == obj] - 1).all(), "the labels are the likeliest of the objects"


def test_masks_complete_ends_an_object_that_is_left_out(tmp_path, scene, propagate):
    masks = tmp_path / "masks"
    masks.mkdir()
    both = scene.labels[0].copy()
    both[:, :8] = 2
    write_label_map(masks / "0.png", both)
    write_label_map(masks / "3.png", scene.labels[3])
    assert propagate(scene.video, masks, "--masks-complete", "--end", 3).code == 0
    assert np.array_equal(read_png(tmp_path / "out" / "00003.png"), scene.labels[3])


def test_overlay_shows_the_masks_at_the_footages_own_times(tmp_path, scene, mask, propagate):
    ticks = [0, 40, 90, 200, 210, 330, 400, 500, 520, 640, 700, 900]
    footage = write_video(tmp_path / "variable.mkv", moving_disc()[0], ticks)
    overlay = tmp_path / "overlay.mp4"
    result = propagate(footage, mask, "--start", 1, "--end", 7, "--direction", "both", "--overlay", overlay)
    assert result.code == 0, result.err
    assert str(overlay) in result.out
    with av.open(str(overlay)) as container:
        frames = list(container.decode(video=0))
    assert [round(frame.time * 1000) for frame in frames] == [tick - 40 for tick in ticks[1:8]]
    first = frames[0].to_ndarray(format="rgb24").astype(int)
    original = moving_disc()[0][1].astype(int)
    inside = scene.labels[0] > 0  # where the mask was put: on frame 1, the range's first
    expected = (original + DISPLAY_PALETTE[1]) / 2
    assert abs(first - expected)[inside].mean() < abs(first - original)[inside].mean()
    assert abs(first - original)[~inside].mean() < 20


def test_an_overlay_may_lie_among_the_results(tmp_path, scene, mask, propagate):
    assert propagate(scene.video, mask, "--end", 1, "--overlay", tmp_path / "out" / "overlay.mp4").code == 0
    assert (tmp_path / "out" / "overlay.mp4").stat().st_size > 0


def test_a_mask_of_another_size_is_fitted_with_a_warning(tmp_path, scene, propagate):
    write_label_map(tmp_path / "double.00000.png", scene.labels[0].repeat(2, 0).repeat(2, 1))
    result = propagate(scene.video, tmp_path / "double.00000.png", "--end", 1)
    assert result.code == 0
    (line,) = result.remarks
    assert line.startswith("Warning: double.00000.png")
    assert "192x128" in line and "96x64" in line
    assert np.array_equal(read_png(tmp_path / "out" / "00000.png"), scene.labels[0])


def test_colours_become_ids_and_the_mapping_is_printed(tmp_path, scene, propagate):
    colours = np.zeros((*SIZE, 3), np.uint8)
    colours[scene.labels[0] > 0] = (255, 0, 10)
    colours[:, :8] = (0, 200, 0)
    Image.fromarray(colours).save(tmp_path / "colours.png")
    result = propagate(scene.video, tmp_path / "colours.png", "--end", 1)
    assert result.code == 0
    (line,) = result.remarks
    assert line.startswith("Note: ") and "#00c800 = 1, #ff000a = 2" in line
    assert "#00c800 = 1, #ff000a = 2" in record(tmp_path / "out")["masks"]["notes"][0]
    expected = np.where((colours == (255, 0, 10)).all(-1), 2, np.where((colours == (0, 200, 0)).all(-1), 1, 0))
    assert np.array_equal(read_png(tmp_path / "out" / "00000.png"), expected)


def test_a_truncated_video_gives_the_frames_it_has_with_a_warning(tmp_path, scene, mask, propagate):
    whole = write_video(tmp_path / "whole.mkv", moving_disc()[0]).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
    result = propagate(tmp_path / "cut.mkv", mask)
    assert result.code == 0, result.err
    (line,) = result.remarks
    assert line.startswith("Warning: ") and "truncated" in line
    found = results(tmp_path / "out")
    assert 0 < len(found) < FRAMES
    assert list(found) == NUMBERS[: len(found)]


def test_names_that_are_no_text_can_be_read_written_and_said(tmp_path, scene, mask, propagate):
    out = tmp_path / "o\udcffut\n2"
    result = propagate(scene.video, mask, "--end", 1, output=out)
    assert result.code == 0, result.err
    assert list(results(out)) == NUMBERS[:2]
    assert len(result.out.splitlines()) == 1


# --- progress


def test_progress_without_a_terminal_is_plain_lines(scene, mask, propagate, monkeypatch):
    monkeypatch.setattr(frame_progress, "LINE_EVERY", 0.0)
    result = propagate(scene.video, mask, "--interval", 4)
    lines = result.remarks
    assert "\x1b" not in result.err
    assert [line.partition(" frames")[0] for line in lines[:-1]] == [
        "Propagating: 1 of 12",
        "Propagating: 5 of 12",
        "Propagating: 9 of 12",
    ]
    assert re.fullmatch(r"Propagating: 12 of 12 frames, \d+\.\d fps, 0:00:00 left", lines[-1])


def test_progress_before_a_frame_is_drawn(monkeypatch, capsys):
    """The first clip of a run of a project may be corrected throughout."""
    monkeypatch.setattr(frame_progress, "LINE_EVERY", 0.0)
    with FrameProgress("Propagating", 20) as progress:
        progress.advance(0)
    assert capsys.readouterr().err == "Propagating: 0 of 20 frames\n"


def test_progress_on_a_terminal_shows_speed_and_time_left():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, color_system=None, width=100)
    with FrameProgress("Propagating", 20, console) as progress:
        for _ in range(4):
            progress.advance(5)
    shown = screen.getvalue()
    assert "Propagating" in shown
    assert "20/20 frames" in shown
    assert re.search(r"\d+\.\d fps", shown)
    assert "left" in shown


# --- the command itself


def test_help_lists_every_option_and_needs_no_torch():
    code = "import sys\nfrom core.cli import main\ntry:\n    main()\nfinally:\n    assert 'torch' not in sys.modules\n"
    run = subprocess.run(
        [sys.executable, "-c", code, "propagate", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    options = (
        "masks output interval progressive top-k memory-frames resolution start end direction mask-frame weights "
        "device precision soft overlay masks-complete resume overwrite exact"
    )
    assert [option for option in options.split() if f"  --{option} " not in run.stdout] == []
    assert "INPUT" in run.stdout
    assert pcvos("--help").out.count("propagate") == 1


def test_as_a_process_it_writes_and_ends_with_zero(tmp_path, scene, mask):
    process = start_pcvos(
        *("propagate", scene.folder, "--masks", mask, "--output", tmp_path / "new" / "out", "--end", 2),
        *("--weights", scene.weights, "--device", "cpu", "--resolution", 64),
    )
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and err.startswith("Note: Memory: at most ") and len(err.splitlines()) == 1
    assert out.startswith("3 frames in ")
    assert list(results(tmp_path / "new" / "out")) == NUMBERS[:3]
