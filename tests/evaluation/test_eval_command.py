"""`pcvos eval` on tiny data sets, from files to files."""

import base64
import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_folders import disc_and_square, write_meta, write_predictions, write_sequence
from typer.testing import CliRunner, Result

from core.cli import app
from core.masks.label_map import read_label_map

FRAMES = 7
FIXED = ("--device", "cpu", "--resolution", "112")


def pcvos_eval(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["eval", *map(str, arguments)])


def done(*arguments: object) -> str:
    """The command's stdout; it must have gone well."""
    result = pcvos_eval(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def ytvos(tmp_path_factory) -> Path:
    """Two sequences: `early` with the disc alone, `late` with a square that comes later and some masks only."""
    root = tmp_path_factory.mktemp("ytvos")
    write_sequence(root, "early", *disc_and_square(FRAMES), step=5)
    write_sequence(root, "late", *disc_and_square(FRAMES, square_from=2, seed=1), masked=[0, 2, 4, 5, 6], step=5)
    write_meta(root, {"early": {1: "00000"}, "late": {1: "00000", 2: "00010"}})
    return root


@pytest.fixture(scope="module")
def evaluated(ytvos, tmp_path_factory) -> tuple[Path, str]:
    """The folder of an evaluation, and what it printed."""
    output = tmp_path_factory.mktemp("evaluated") / "out"
    out = done(ytvos, "--layout", "ytvos", *FIXED, "--interval", 3, "--output", output, "--save-masks")
    return output, out


def scores(folder: Path) -> dict:
    return json.loads((folder / "scores.json").read_bytes())


def test_the_table_and_the_files_say_the_same(evaluated):
    output, out = evaluated
    with (output / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["sequence"], row["object"], row["frames"]) for row in rows] == [
        ("early", "1", "5"),
        ("late", "1", "3"),  # masks of frames 2, 4, 5; 0 is given, 6 the last
        ("late", "2", "2"),  # 4, 5
    ]
    run = scores(output)["runs"][0]
    mean = run["rounds"][0]["mean"]
    assert mean["J&F"] == pytest.approx(np.mean([float(row["J&F"]) for row in rows]), abs=1e-6)
    assert mean["J"]["recall"] == pytest.approx(np.mean([float(row["J_recall"]) for row in rows]), abs=1e-6)
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["L", "=", "3"]
    assert ["late", "2", "2", *(f"{float(rows[2][k]):.3f}" for k in list(rows[2])[8:])] in lines
    assert any(line[:1] == ["mean"] and line[-1] == f"{mean['J&F']:.3f}" for line in lines)
    assert 0.3 < mean["J&F"] <= 1  # the disc is easy


def test_the_json_holds_every_frame_and_how_it_was_made(evaluated):
    output, _ = evaluated
    found = scores(output)
    assert found["complete"] and found["dataset"]["layout"] == "ytvos" and found["dataset"]["sequences"] == 2
    assert found["settings"]["resolution"] == 112 and found["settings"]["interval"] == [3]
    assert found["device"].startswith("cpu") and len(found["weights"]["fingerprint"]) == 64
    assert {"python", "torch", "system"} <= found["versions"].keys()
    late = found["runs"][0]["rounds"][0]["sequences"][1]
    assert late["frames"] == ["00000", "00010", "00020", "00025", "00030"]
    disc, square = late["objects"]
    assert (disc["given_on"], square["given_on"]) == ("00000", "00010")
    assert square["by_frame"]["J"][:2] == [None, 1] and None not in square["by_frame"]["J"][2:]
    counted = [j for j, counts in zip(square["by_frame"]["J"], square["by_frame"]["counted"], strict=True) if counts]
    assert square["J"]["mean"] == pytest.approx(np.mean(counted), abs=1e-4)
    assert all(0 <= c <= 1 for c in disc["by_frame"]["confidence"])


class Page(HTMLParser):
    """Checks that elements close in order, and notes what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href") and not value.startswith("data:")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_beside_it(evaluated):
    text = (evaluated[0] / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == [] and page.fetched == []
    assert page.seen.count("svg") == 2 and page.seen.count("figure") == 2  # of sequences this short, one frame each
    jpegs = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    image = cv2.imdecode(np.frombuffer(base64.b64decode(jpegs[0]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (240, 2 * 320 + 6, 3)
    worst = scores(evaluated[0])["runs"][0]["rounds"][0]["sequences"][0]["objects"][0]["by_frame"]
    lowest = min(j for j, counts in zip(worst["J"], worst["counted"], strict=True) if counts)
    assert f"J {lowest:.3f}</figcaption>" in text


def test_saved_masks_score_the_same(evaluated, ytvos, tmp_path):
    output, _ = evaluated
    files = sorted(path.name for path in (output / "masks" / "late").iterdir())
    assert files == [f"{5 * i:05d}.png" for i in range(FRAMES)]
    assert read_label_map(output / "masks" / "late" / "00005.png").ids == (1,)
    done(ytvos, "--layout", "ytvos", "--predictions", output / "masks", "--output", tmp_path)
    again, before = (scores(folder)["runs"][0]["rounds"][0] for folder in (tmp_path, output))
    assert again["mean"] == before["mean"]
    assert scores(tmp_path)["runs"][0]["name"] == "predictions" and "weights" not in scores(tmp_path)


def test_corrections(ytvos, tmp_path):
    split = tmp_path / "split.txt"
    split.write_text("early\n")
    out = done(ytvos, "--layout", "ytvos", "--split", split, *FIXED, "--corrections", 2, "--output", tmp_path / "out")
    rounds = scores(tmp_path / "out")["runs"][0]["rounds"]
    assert [found["corrections"] for found in rounds] == [0, 1, 2]
    assert [len(found["sequences"][0]["corrected"]) for found in rounds] == [0, 1, 2]
    sheets = [found["sequences"][0]["objects"][0] for found in rounds]
    j = sheets[0]["by_frame"]["J"]
    names = rounds[0]["sequences"][0]["frames"]
    assert rounds[1]["sequences"][0]["corrected"] == [names[1 + int(np.argmin(j[1:]))]]
    for number, sheet in enumerate(sheets):
        given = rounds[number]["sequences"][0]["corrected"]
        at = [names.index(name) for name in given]
        assert [sheet["by_frame"]["J"][i] for i in at] == [1] * number  # as they were given
        assert not any(sheet["by_frame"]["counted"][i] for i in at)
    assert rounds[2]["mean_on_frames_never_given"] == rounds[2]["mean"]
    never_given = np.array(sheets[2]["by_frame"]["counted"])
    for found, sheet in zip(rounds, sheets, strict=True):
        expected = np.array(sheet["by_frame"]["J"], float)[never_given].mean()
        assert found["mean_on_frames_never_given"]["J"]["mean"] == pytest.approx(expected, abs=1e-4)
    assert "After corrections of the worst frame" in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "2 corrections" in page and page.count('class="mark"') == 3


def test_intervals_and_what_is_switched_off(ytvos, tmp_path):
    out = done(
        *(ytvos, "--layout", "ytvos", "--limit", 1, *FIXED, "--interval", "2,4", "--progressive", 2),
        *("--without", "progressive", "--ablations", "--output", tmp_path, "--save-masks"),
    )
    runs = {run["name"]: run["rounds"][0]["mean"]["J&F"] for run in scores(tmp_path)["runs"]}
    assert list(runs) == ["L = 2", "L = 4", "L = 2, without progressive", "L = 4, without progressive"]
    assert runs["L = 2"] == runs["L = 2, without progressive"]  # clips no longer than its interval
    last = out[out.index("J&F by memory interval") :].splitlines()
    assert last[1].split() == ["L", "=", "2", "L", "=", "4", "lost"]
    assert last[2].split()[2:4] == [f"{runs['L = 2']:.3f}", f"{runs['L = 4']:.3f}"]
    folders = {path.name for path in (tmp_path / "masks").iterdir()}
    assert folders == {"L2", "L4", "L2-without-progressive", "L4-without-progressive"}
    assert all(len(list((tmp_path / "masks" / name / "early").iterdir())) == FRAMES for name in folders)


# --- masks made elsewhere


@pytest.fixture
def davis(tmp_path) -> tuple[Path, np.ndarray]:
    """A data set of one sequence of five frames, and its true masks."""
    images, labels = disc_and_square(5)
    write_sequence(tmp_path / "DAVIS", "disc", images, labels, below="480p")
    return tmp_path / "DAVIS", labels


def test_predictions_by_hand(davis, tmp_path):
    root, labels = davis
    predicted = labels.copy()
    predicted[2] = 0
    write_predictions(tmp_path / "masks", "disc", predicted, [1, 2, 3])  # neither the first nor the last is needed
    out = done(root, "--predictions", tmp_path / "masks")
    # J and F are 1, 0, 1; quarters of three frames meet at 0, 0.5, 1, 1.5, 2: (1 + 0) / 2 - 1.
    assert out.splitlines()[2].split() == ["disc", "1", "3", *["0.667", "0.667", "-0.500"] * 2, "0.667"]


def test_predictions_with_soft_edges_are_scored_as_they_are_meant(davis, tmp_path):
    """Once JPEGs, with a suffix in capitals."""
    root, labels = davis
    write_predictions(tmp_path / "hard", "disc", labels, range(5))
    (tmp_path / "soft" / "disc").mkdir(parents=True)
    for frame, own in enumerate(labels[:5]):
        data = cv2.imencode(".jpg", own * np.uint8(255), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
        cv2.imwrite(str(tmp_path / "soft" / "disc" / f"{frame:05d}.png"), cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    for path in (tmp_path / "soft" / "disc").iterdir():
        path.rename(path.with_suffix(".PNG"))
    wanted = done(root, "--predictions", tmp_path / "hard")
    result = pcvos_eval(root, "--predictions", tmp_path / "soft")
    assert result.stdout == wanted
    assert "Warning: disc/00000.PNG and 4 more: read with soft edges" in result.stderr
    (tmp_path / "soft" / "disc" / "00000.png").write_bytes((tmp_path / "soft" / "disc" / "00000.PNG").read_bytes())
    refused("00000.PNG and", root, "--predictions", tmp_path / "soft")


def test_true_masks_with_a_suffix_in_capitals(davis, tmp_path):
    """As in the shared case `eval-upper-png-bom-split`."""
    _, labels = davis
    write_sequence(tmp_path, "disc", np.repeat(labels[..., None] * np.uint8(200), 3, axis=3), labels)
    for path in (tmp_path / "Annotations" / "disc").iterdir():
        path.rename(path.with_suffix(".PNG"))
    write_predictions(tmp_path / "masks", "disc", labels, range(5))
    (tmp_path / "split.txt").write_bytes(b"\xef\xbb\xbfdisc\r\n")
    out = done(tmp_path, "--predictions", tmp_path / "masks", "--split", tmp_path / "split.txt")
    assert out.splitlines()[2].split()[:5] == ["disc", "1", "3", "1.000", "1.000"]


def test_predictions_that_cannot_be_scored(davis, tmp_path):
    root, labels = davis
    masks = tmp_path / "masks"
    refused("is no folder", root, "--predictions", masks)
    masks.mkdir()
    refused("There is no folder", root, "--predictions", masks)
    write_predictions(masks, "disc", labels, [0, 1])
    refused("lacks the masks of 2 of 3 frames that count, the first is 00002.png", root, "--predictions", masks)
    write_predictions(masks, "disc", labels[:, :-3], [2])
    refused("00002.png is 64x45", root, "--predictions", masks)
    write_predictions(masks, "disc", labels, [2, 3], step=2)
    refused("00006.png belongs to no frame of disc", root, "--predictions", masks)
    refused("leave out --corrections", root, "--predictions", masks, "--corrections", 1)


# --- wrong input


def refused(words: str, *arguments: object) -> None:
    """The command ends with one line that has `words`, exit code 2, and nothing on stdout."""
    result = pcvos_eval(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ") and words in line, line


def test_options_that_cannot_be(davis, tmp_path):
    root, _ = davis
    refused("no folder", tmp_path / "none")
    refused("--interval x", root, "--interval", "x")
    refused("Memory interval is 0", root, "--interval", "5,0")
    refused("--without decoder", root, "--without", "decoder")
    refused("--corrections -1", root, "--corrections", -1)
    refused("--save-masks needs a place", root, "--save-masks")
    refused("There is no split val", root, "--split", "val")
    refused("no weights file", root, "--weights", tmp_path / "none.safetensors")
    refused("no device", root, "--device", "abacus")
    (tmp_path / "file").touch()
    refused("is a file", root, "--output", tmp_path / "file")
    refused("is not empty", root, "--output", root)


def test_sequences_without_enough_frames_are_left_out(davis, tmp_path):
    root, labels = davis
    write_sequence(root, "short", *disc_and_square(5), masked=[0], below="480p")
    write_predictions(tmp_path / "masks", "disc", labels, range(5))
    write_predictions(tmp_path / "masks", "short", labels, range(5))
    result = pcvos_eval(root, "--predictions", tmp_path / "masks", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Warning: short is left out: no frame with a true mask counts." in result.stderr
    assert list(scores(tmp_path / "out")["dataset"]["left_out"]) == ["short"]
    for path in (root / "Annotations" / "480p" / "disc").glob("0000[1-4].png"):
        path.unlink()
    result = pcvos_eval(root, "--predictions", tmp_path / "masks")
    assert result.exit_code == 2 and "No sequence" in result.stderr.splitlines()[-1]


def test_what_was_scored_before_an_error_is_written(davis, tmp_path, monkeypatch):
    root, labels = davis
    write_sequence(root, "torn", *disc_and_square(5), below="480p")
    (root / "Annotations" / "480p" / "torn" / "00003.png").write_bytes(b"no picture")
    for name in ("disc", "torn"):
        write_predictions(tmp_path / "masks", name, labels, range(5))
    result = pcvos_eval(root, "--predictions", tmp_path / "masks", "--output", tmp_path / "out")
    assert result.exit_code == 2
    warning, error = result.stderr.splitlines()
    assert "Stopped after 1 of 2 sequences" in warning and "00003.png is not a PNG" in error
    found = scores(tmp_path / "out")
    assert not found["complete"] and found["dataset"]["sequences"] == 1
    assert found["runs"][0]["rounds"][0]["mean"]["J&F"] == 1
    refused("is not empty", root, "--predictions", tmp_path / "masks", "--output", tmp_path / "out")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # as if Ctrl-C were pressed while a mask is read
        patch.setattr("core.evaluation.truth.read_label_maps", interrupt)
        result = pcvos_eval(root, "--predictions", tmp_path / "masks", "--output", tmp_path / "other")
    assert result.exit_code == 130 and result.stderr == "Interrupted after 0 of 2 sequences.\n"
    assert not (tmp_path / "other").exists()
    (root / "Annotations" / "480p" / "torn" / "00003.png").unlink()
    done(root, "--predictions", tmp_path / "masks", "--output", tmp_path / "out", "--overwrite")
    assert scores(tmp_path / "out")["complete"]
