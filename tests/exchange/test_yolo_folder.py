"""Folders of YOLO's segmentation that other programs have made, and broken ones."""

import numpy as np
import pytest
from exchange_projects import SIZE, STEMS, all_masks, bring_in, plan

from core.errors import PCVOSError
from core.exchange import registry

HEIGHT, WIDTH = SIZE
SQUARE = "0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4"


@pytest.fixture
def folder(out):
    """A data set as Roboflow writes it: splits, and a list of names."""
    for split, stem, lines in (
        ("train", STEMS[0], f"1 {SQUARE}\n0 0.6 0.6 0.9 0.6 0.9 0.9\n"),
        ("train", STEMS[1], ""),
        ("valid", STEMS[2], f"1 {SQUARE} 0.87\n"),  # a prediction, with its confidence
    ):
        labels = out / "set" / split / "labels"
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{stem}.txt").write_text(lines)
    (out / "set" / "data.yaml").write_text("train: ../train/images\nnc: 2\nnames: ['car', 'Fußgänger']\n", "utf-8")
    return out / "set"


def first(folder):
    return folder / "train" / "labels" / f"{STEMS[0]}.txt"


def test_a_class_is_an_object(folder, other, media):
    assert registry.recognise(folder).name == "yolo"
    bring_in(folder, other, media)
    assert [(i.id, i.name, i.class_name) for i in other.objects] == [(1, "car", "car"), (2, "Fußgänger", "Fußgänger")]
    masks = all_masks(other)
    assert masks.keys() == {(0, 1), (0, 2), (2, 2)}
    rows, columns = np.nonzero(masks[0, 2].unpack())
    expected = [round(share * side - 0.5) for side, share in ((HEIGHT, 0.1), (HEIGHT, 0.4), (WIDTH, 0.1), (WIDTH, 0.4))]
    assert [rows.min(), rows.max(), columns.min(), columns.max()] == expected
    assert len(rows) == (expected[1] - expected[0] + 1) * (expected[3] - expected[2] + 1), "a filled square"


def test_a_frame_without_lines_says_that_all_are_absent_if_asked_to(folder, other, media):
    bring_in(folder, other, media, complete=True)
    assert other.cell(1, 1).mask.is_empty and other.cell(1, 2).mask.is_empty and other.cell(3, 1) is None


def test_names_from_elsewhere_or_none(folder, other, media):
    (folder / "data.yaml").unlink()
    assert [info.name for info in plan(folder, other, media).new] == ["Class 0", "Class 1"]
    (folder / "classes.txt").write_text("dog\ncat\n")
    assert [info.name for info in plan(folder, other, media).new] == ["dog", "cat"]
    (folder / "data.yaml").write_text("names:\n  0: a\n  1: b\n")
    assert [info.name for info in plan(folder / "train" / "labels", other, media).new] == ["Class 0", "Class 1"]


def test_boxes_and_strangers_are_counted(folder, other, media):
    first(folder).write_text(f"1 0.5 0.5 0.1 0.1\n1 {SQUARE}\n")
    (folder / "train" / "labels" / "stranger.txt").write_text(f"0 {SQUARE}\n")
    said = " ".join(plan(folder, other, media).warnings)
    assert "Boxes, which are no masks, left out: 1." in said and "no frame of the footage, left out: 1." in said


@pytest.mark.parametrize(
    "line", ["x 0.1", "1.5 0 0 1 1 0 1", "1 0.1 0.1 0.2", "1 nan 0 1 1 0 1", "-1 0 0 1 1 0 1", "1 9 9 9 9 9 9"]
)
def test_a_broken_line_is_named(line, folder, other, media):
    first(folder).write_text(f"1 {SQUARE}\n\n{line}\n")
    with pytest.raises(PCVOSError, match=rf"{STEMS[0]}\.txt, line 3 is (no polygon|not a class)"):
        plan(folder, other, media)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("names: [a, b\n", "is no YAML"),
        ("names: 3\n", "neither a list nor numbers"),
        ("names: {x: a}\n", "neither a list nor numbers"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, *b]\n", "neither a list nor numbers"),
        ("names: !!python/object/apply:os.getcwd []\n", "is no YAML"),
    ],
)
def test_a_broken_list_of_classes(text, words, folder, other, media):
    (folder / "data.yaml").write_text(text)
    with pytest.raises(PCVOSError, match=words) as caught:
        plan(folder, other, media)
    assert "\n" not in str(caught.value) and "data.yaml" in str(caught.value)


def test_of_other_footage(folder, other, media):
    for i, path in enumerate(sorted(folder.rglob("0*.txt"))):
        path.rename(path.with_name(f"picture-of-{'abcdefghij'[i]}.txt"))
    with pytest.raises(PCVOSError, match="belongs to no frame of the footage"):
        plan(folder, other, media)
