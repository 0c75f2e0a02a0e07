"""`pcvos validate`: weights judged on the held-out sequences, as they are and made harder."""

from pathlib import Path

import cv2
import pytest
from pcvos_command import Scene, moving_disc, pcvos


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    """A data folder with two of the held-out sequences: discs on different grounds."""
    for seed, name in enumerate(("dog-agility", "horsejump-low")):
        frames, labels = moving_disc(10, seed=seed)
        for kind, ending, pictures in (("JPEGImages", "jpg", frames[..., ::-1]), ("Annotations", "png", labels)):
            folder = tmp_path / kind / name
            folder.mkdir(parents=True)
            for i, picture in enumerate(pictures):
                cv2.imwrite(str(folder / f"{i:05d}.{ending}"), picture)
    return tmp_path


def test_scores_and_confidence_of_every_object_are_told(scene: Scene, held_out: Path):
    common = ("--data", held_out, "--weights", scene.weights, "--resolution", "64", "--precision", "fp32")
    plain, two = pcvos("validate", *common), pcvos("validate", *common, "--pasted", "two")
    assert plain.code == two.code == 0, (plain.err, two.err)
    assert "horsejump-low + dog-agility" in two.out and "horsejump-low + dog-agility" not in plain.out
    for said in (plain.out, two.out):
        assert "Confidence against true J" in said and "falls of J" in said
