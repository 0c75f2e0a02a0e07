"""The simulated annotator: its marks, the frames that each policy names, and the command with the shipped weights."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dataset_folders import disc_and_square, write_sequence
from typer.testing import CliRunner

from core.cli import app
from core.evaluation.annotator import (
    TOUCHED,
    AnnotatedRound,
    Annotator,
    annotator_table,
    area,
    marks_to,
    touched_table,
)
from core.evaluation.tables import table_lines
from core.evaluation.truth import Truth
from core.media.arrays import ArraySource
from core.network import PCVOS
from core.propagation import PropagationSettings


class Answers:
    """Stands in for the marker: half of the truth after one mark, all of it after two."""

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels, self.asked = images, labels, []

    def see(self, image: np.ndarray) -> int:
        return next(i for i, known in enumerate(self.images) if np.array_equal(known, image))

    def mask(self, frame: int, marks, previous):
        self.asked.append((frame, previous is not None))
        whole = self.labels[frame] == 1
        cells = np.flatnonzero(whole)
        half = np.zeros_like(whole)
        half.flat[cells[: len(cells) // 2]] = True
        return SimpleNamespace(label=whole if previous is not None else half)


@pytest.fixture
def setup(small_network: PCVOS):
    images, labels = disc_and_square(9)
    marker = Answers(images, labels)
    settings = PropagationSettings(interval=3, resolution=64, distractors=False)
    truth = Truth.from_array(labels)
    return Annotator(small_network, marker, ArraySource(images), truth, settings, 3, lambda _: None), marker


def test_an_object_is_marked_until_its_mask_is_good(setup):
    annotator, marker = setup
    (only,) = annotator.work("even", 0)
    assert only.marks == 2 and marker.asked == [(0, False), (0, True)] and only.frame == 0


@pytest.mark.parametrize(("policy", "frames"), [("even", [0, 8, 4]), ("worst", None), ("suggested", None)])
def test_each_round_corrects_another_frame_and_right_masks_stay(setup, policy: str, frames: list[int] | None):
    annotator, marker = setup
    rounds = annotator.work(policy, 2)
    chosen = [one.frame for one in rounds]
    assert len(set(chosen)) == 3 and (frames is None or chosen == frames)
    assert [one.marks for one in rounds] == sorted(one.marks for one in rounds)
    assert {frame for frame, _ in marker.asked} <= set(chosen)
    assert all(0 <= one.j <= 1 and 0 <= one.f <= 1 for one in rounds)


def test_the_table():
    curve = [AnnotatedRound(0.8, 0.8, 5, 1.0, 0), AnnotatedRound(0.9, 0.9, 9, 3.0, 4)]
    assert area(curve) == pytest.approx(0.85) and area(curve[:1]) == 0.8
    assert (marks_to(curve, 0.85), marks_to(curve, 0.8), marks_to(curve, 0.95)) == (9, 5, None)
    _, columns, row = table_lines(annotator_table({"even": [curve, curve[:1]]}, 1, 5))
    assert columns.split()[:4] == ["policy", "0", "1", "area"]
    assert row.split() == ["even", "0.800", "0.850", "0.825", "-", "-", "-", "1.7"]


def test_what_it_spares_to_draw_only_what_corrections_touch(setup):
    annotator, _ = setup
    full, touched = annotator.work("even", 2), annotator.work("even", 2, touched=True)
    assert [one.frame for one in full] == [one.frame for one in touched] and full[0].drawn == touched[0].drawn == 8
    assert [one.drawn for one in full[1:]] == [7 * 2, 6 + 6], "both passes"
    assert touched[1].drawn <= 7 and touched[2].drawn <= 6
    _, columns, row = table_lines(touched_table({"even": [full], "even" + TOUCHED: [touched]}, 2))
    assert columns.split() == ["policy", "frames", "1", "2", "J&F", "1", "2"]
    assert row.split()[:2] == ["even", f"{(touched[1].drawn + touched[2].drawn) / 26:.3f}"]


@pytest.mark.long
def test_the_command_goes_on_where_it_was(tmp_path: Path):
    write_sequence(tmp_path / "set", "disc", *disc_and_square(5))
    output = tmp_path / "out"
    arguments = [
        "eval",
        str(tmp_path / "set"),
        "--annotator",
        "1",
        "--marks",
        "2",
        "--interval",
        "3",
        "--device",
        "cpu",
    ]
    first = CliRunner().invoke(app, [*arguments, "--output", str(output)])
    assert first.exit_code == 0, first.output
    assert [line.split()[0] for line in first.stdout.splitlines()[2:]] == ["suggested", "even", "worst"]
    stored = (output / "annotator.json").read_bytes()
    assert len(json.loads(stored)["sequences"]["disc"]["even"]) == 2
    again = CliRunner().invoke(app, [*arguments, "--output", str(output)])
    assert again.stdout == first.stdout and (output / "annotator.json").read_bytes() == stored
    other = CliRunner().invoke(app, [*arguments, "--output", str(output), "--top-k", "9"])
    assert other.exit_code == 2 and "of another evaluation" in other.stderr
    wrong = CliRunner().invoke(app, [*arguments[:2], "--annotator", "-1"])
    assert wrong.exit_code == 2 and "0 to 100 rounds" in wrong.stderr
