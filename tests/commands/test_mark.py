"""`pcvos mark`, from footage to a mask."""

from pathlib import Path

import numpy as np
import pytest
from pcvos_command import Scene, pcvos

from core.masks.label_map import read_label_map, write_label_map

MIDDLE = "29,32"  # of the disc on frame 0: 96 x 64


def test_a_point_becomes_a_mask_and_a_mask_is_corrected(scene: Scene, tmp_path: Path):
    output = tmp_path / "disc.00000.png"
    result = pcvos("mark", scene.video, "--frame", 0, "--point", MIDDLE, "--not", "90,5", "--output", output)
    assert result.code == 0 and result.out.startswith(f"{output}: ")
    mask = read_label_map(output).packed.unpack()
    assert set(np.unique(mask)) <= {0, 1} and mask.shape == scene.labels.shape[1:]
    assert mask[32, 29] == 1 and mask[5, 90] == 0

    written = output.read_bytes()
    again = pcvos("mark", scene.folder, "--frame", 0, "--box", "10,12,50,52", "--output", output)
    assert "exists already" in again.error and output.read_bytes() == written
    wrong = scene.labels[0].copy()
    wrong[50:, 80:] = 1
    write_label_map(tmp_path / "wrong.png", wrong)
    better = tmp_path / "better.png"
    wrong_mask = tmp_path / "wrong.png"
    result = pcvos("mark", scene.folder, "--frame", 0, "--mask", wrong_mask, "--not", "88,57", "--output", better)
    assert result.code == 0
    corrected = read_label_map(better).packed.unpack()
    assert corrected[57, 88] == 0
    np.testing.assert_array_equal(corrected[:, :70], wrong[:, :70])


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--point", "500,3"), "500,3 is outside of the frame, which is 96x64"),
        (("--point", "3"), "--point 3 is no point"),
        (("--box", "1,2,3"), "--box 1,2,3 is no box"),
        (("--box", "30,30,10,40"), "no extent"),
        ((), "Nothing is marked"),
        (("--point", MIDDLE, "--frame", "99"), "There is no frame 99"),
        (("--point", MIDDLE, "--marking-weights", "none.safetensors"), "There are no marking weights at none"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(scene: Scene, tmp_path: Path, arguments: tuple, words: str):
    output = tmp_path / "mask.png"
    frame = () if "--frame" in arguments else ("--frame", 0)
    result = pcvos("mark", scene.video, *frame, *arguments, "--output", output)
    assert result.code != 0 and words in result.error and not output.exists()


def test_masks_are_pngs(scene: Scene, tmp_path: Path):
    result = pcvos("mark", scene.video, "--frame", 0, "--point", MIDDLE, "--output", tmp_path / "mask.jpg")
    assert "ends in .png" in result.error
