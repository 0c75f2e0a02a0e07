"""The protocol of marking, with annotated methods whose answers are known, and the command with the shipped weights."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dataset_folders import disc_and_square, write_sequence
from typer.testing import CliRunner

from core.cli import app
from core.evaluation.corrections import Correction, corrections_table, far_off
from core.evaluation.marking import (
    MOST,
    CaseResult,
    MarkedCase,
    annotate,
    first_mark,
    marking_table,
)
from core.evaluation.tables import table_lines
from core.marking.marks import Marks
from core.marking.wrong_parts import largest_wrong_part
from core.masks.label_map import write_label_map


def case() -> MarkedCase:
    images, labels = disc_and_square(1)
    return MarkedCase("disc", images[0], labels[0] == 1)


class Quarters:
    """Gives a quarter more of the truth with each mark; remembers what it was given."""

    def __init__(self, truth: np.ndarray, leak: bool = False):
        self.truth, self.leak, self.given = truth, leak, []

    def see(self, image: np.ndarray) -> str:
        self.given.clear()
        return "seen"

    def mask(self, seen: str, marks: Marks, previous: np.ndarray | None) -> SimpleNamespace:
        assert seen == "seen"
        self.given.append((marks, previous))
        if self.leak:
            return SimpleNamespace(label=np.ones_like(self.truth))
        cells = np.flatnonzero(self.truth)
        mask = np.zeros_like(self.truth)
        mask.flat[cells[: len(cells) * len(self.given) // 4]] = True
        return SimpleNamespace(label=mask)


def test_the_next_mark_is_in_the_middle_of_the_largest_wrong_part():
    one = case()
    method = Quarters(one.truth)
    result = annotate(method, one, "clicks")
    assert [round(iou, 1) for iou in result.ious] == [0.2, 0.5, 0.7, 1.0] and len(result.milliseconds) == 4
    assert (result.after(1), result.after(10)) == (result.ious[0], 1.0)
    assert (result.marks_to(0.4), result.marks_to(0.85)) == (2, 4)
    (first, nothing), (second, mask), *_ = method.given
    assert nothing is None and len(first.strokes) == 1 and len(second.strokes) == 2
    assert first.strokes[0].points == ((14, 16),) and first.strokes[0].is_object
    x, y = second.strokes[1].points[0]
    assert one.truth[y, x] and not mask[y, x] and second.strokes[1].is_object


def test_too_much_is_marked_as_not_this_and_annotators_give_up():
    one = case()
    method = Quarters(one.truth, leak=True)
    result = annotate(method, one, "clicks")
    assert len(result.ious) == MOST == result.marks_to(0.85)
    assert not method.given[1][0].strokes[1].is_object


def test_first_marks_by_kind():
    truth = case().truth
    assert first_mark(truth, "boxes").box == (5, 7, 24, 26)
    (stroke,) = first_mark(truth, "strokes").strokes
    assert len(stroke.points) >= 2 and all(truth[y, x] for x, y in stroke.points)


def test_the_table():
    cases = [CaseResult("a", (0.5, 0.86, 0.95), (10, 20, 30)), CaseResult("b", (0.7,) * 20, (10,) * 20)]
    lines = list(table_lines(marking_table(cases, "clicks")))
    assert "clicks: 2 objects" in lines[0]
    assert lines[1].split() == ["1", "2", "3", "5", "10", "NoC@85", "NoC@90", "ms"]
    assert lines[2].split() == ["0.600", "0.780", "0.825", "0.825", "0.825", "11.00", "11.50", "10"]


@pytest.mark.parametrize("kind", ["clicks", "boxes"])
def test_the_command(tmp_path: Path, kind: str):
    write_sequence(tmp_path / "set", "disc", *disc_and_square(4, square_from=2))
    output = tmp_path / "out"
    arguments = ["eval", str(tmp_path / "set"), "--marking", kind, "--every", "3", "--device", "cpu"]
    result = CliRunner().invoke(app, [*arguments, "--output", str(output)])
    assert result.exit_code == 0, result.output
    assert "3 objects" in result.stdout.splitlines()[0]
    found = json.loads((output / "marking.json").read_bytes())
    assert found["first mark"] == kind
    assert [one["name"] for one in found["cases"]] == ["disc 0 1", "disc 3 1", "disc 3 2"]
    assert "leaves no frame" in CliRunner().invoke(app, [*arguments[:-4], "--every", "0"]).stderr


def test_far_off_is_what_lies_beyond_one_and_a_half_extents():
    truth, mask = np.zeros((2, 40, 60), bool)
    truth[10:20, 20:40] = True
    far = far_off(largest_wrong_part(mask, truth), mask.shape)
    ys, xs = np.nonzero(~far)
    assert (ys.min(), ys.max(), xs.min(), xs.max()) == (7, 22, 15, 44), "2.5 more above and below, 5 at the sides"


def test_the_table_of_corrections():
    lines = list(
        table_lines(
            corrections_table([Correction("a", 0.5, 0.8, 0.9, 0, 10), Correction("b", 0.7, 0.6, 0.8, 0.002, 30)])
        )
    )
    assert "2 masks" in lines[0]
    assert lines[2].split() == ["0.600", "0.700", "0.100", "0.250", "50.00", "%", "0.10", "%", "0.20", "%", "20"]


def test_the_command_corrects_masks_that_are_wrong(tmp_path: Path):
    images, labels = disc_and_square(4, square_from=2)
    write_sequence(tmp_path / "set", "disc", images, labels)
    (tmp_path / "masks" / "disc").mkdir(parents=True)
    for frame in range(4):
        spoilt = labels[frame].copy()
        spoilt[:, : int(np.quantile(np.nonzero(spoilt == 1)[1], 0.3))] = 0
        write_label_map(tmp_path / "masks" / "disc" / f"{frame:05}.png", spoilt)
    arguments = ["eval", str(tmp_path / "set"), "--marking", "corrections", "--every", "3", "--device", "cpu"]
    made = CliRunner().invoke(app, [*arguments, "--predictions", str(tmp_path / "masks"), "--output", str(tmp_path)])
    assert made.exit_code == 0, made.output
    found = json.loads((tmp_path / "marking.json").read_bytes())["corrections"]
    assert found and all(0.5 <= one["before"] <= 0.85 for one in found)
    assert f"{len(found)} masks" in made.stdout
    assert "--save-masks" in CliRunner().invoke(app, arguments).stderr, "it says where masks come from"
