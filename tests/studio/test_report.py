"""The report on a project: one page that stands alone, and every figure as CSV beside it."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from studio_projects import FRAMES, SIZE, make_project, put, square
from typer.testing import CliRunner

from core.cli import app
from core.errors import PCVOSError
from core.evaluation.charts import WIDTH, thinned
from core.evaluation.scores import summarize_objects
from core.masks.label_map import write_label_map
from core.media.arrays import ArraySource
from core.progress import Cancelled, Progress
from core.project.model import Author, Cell, Change, RunInfo
from core.studio.comparison import read_reference, score
from core.studio.done import set_done
from core.studio.report import ReportFiles, write_report


@pytest.fixture
def media():
    return ArraySource(np.random.default_rng(0).integers(0, 255, (FRAMES, *SIZE, 3), np.uint8))


@pytest.fixture
def project(tmp_path):
    """Object 1 corrected on frame 0, drawn on the others, in doubt on frame 5; object 2 unknown, with an odd name."""
    made = make_project(tmp_path)
    put(made, 0, 1, corrected=True)
    cells = {(f, 1): (None, Cell(square(4), confidence=0.2 if f == 5 else 0.9)) for f in range(1, FRAMES)}
    made.apply(Change("drawn", cells, made_by=Author.RUN))
    made.update_run(1, RunInfo("2026-01-02T10:11:12+00:00", 0, 11, "forward", {"interval": 7}, "done", 11, 2.5))
    infos = (made.objects[0], made.objects[1].__class__(2, "<b>Tom & Jerry</b>", (1, 2, 3)))
    made.apply(Change("name", objects=(made.objects, infos)))
    yield made
    made.close()


def masks(folder: Path, media: ArraySource, size: tuple[int, int] = SIZE, frames: int = FRAMES) -> Path:
    """A reference of object 1, two pixels beside the project's."""
    folder.mkdir()
    for frame in range(frames):
        labels = np.zeros(size, np.uint8)
        labels[4:12, 6:14] = 1
        stem = media.stems[frame] if frame < len(media) else f"{frame:05d}"
        write_label_map(folder / f"{stem}.png", labels)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_marks_and_time_of_working(project, media, tmp_path):
    page = write_report(project, media, tmp_path / "before.html").page.read_text()
    assert "not known" in page and table(tmp_path / "before-objects.csv")[0]["marks"] == ""
    project.remember(marks={"1": 5, "9": 2}, seconds_worked=400.0)
    files = write_report(project, media, tmp_path / "r.html")
    page = files.page.read_text()
    assert "7 min in the window" in page and "<dt>marks</dt><dd>7</dd>" in page and "not known" not in page
    assert [row["marks"] for row in table(files.objects)] == ["5", "0"]


def test_one_page_that_needs_nothing_beside_it(project, media, tmp_path):
    project.apply(set_done(project, "done", (1,), 0, 3))
    text = write_report(project, media, tmp_path / "r.html").page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text) and "@media print" in text
    assert "&lt;b&gt;Tom &amp; Jerry&lt;/b&gt;" in text and "<b>Tom" not in text
    assert text.count("<img") == 1 and "Object 1, frame 5 (of 5)" in text and "confidence 20%" in text
    assert text.count("<svg") == 1, "nothing is known of the other object"
    assert "interval 7" in text and "0 to 11" in text and "2.5" in text and "time of working" in text
    assert "Not done yet: Object 1 on 8 frames (4 to 11)" in text


def test_every_figure_is_in_the_tables(project, media, tmp_path):
    files = write_report(project, media, tmp_path / "r.html")
    cells = table(files.cells)
    assert len(cells) == 2 * FRAMES
    row = next(row for row in cells if row["frame"] == "5" and row["id"] == "1")
    assert (row["state"], row["confidence"], row["done"]) == ("doubtful", "0.2", "0")
    assert [row["state"] for row in cells if row["frame"] == "0"] == ["in memory", "unknown"]
    first, second = table(files.objects)
    assert (first["propagated"], first["corrected"], first["doubtful places"]) == ("11", "1", "1")
    assert (second["unprocessed"], second["mean confidence"]) == (str(FRAMES), "")


def test_with_a_reference_the_numbers_are_those_of_eval(project, media, tmp_path):
    reference = read_reference(masks(tmp_path / "truth", media), media)
    files = write_report(project, media, tmp_path / "r.html", reference)
    (expected,) = summarize_objects(score(project, reference))
    row = table(files.objects)[0]
    assert float(row["J"]) == expected.j.mean and float(row["F"]) == expected.f.mean == pytest.approx(expected.f.mean)
    assert int(row["frames scored"]) == expected.frames == FRAMES - 2
    counted = [float(row["J"]) for row in table(files.cells) if row["counted"] == "1"]
    assert np.mean(counted) == pytest.approx(expected.j.mean, abs=1e-5) and len(counted) == FRAMES - 2
    text = files.page.read_text()
    assert f"{expected.j.mean:.3f}" in text and "reference left, project right" in text
    assert "The reference has no masks of: &lt;b&gt;Tom" in text


@pytest.mark.parametrize("change", [{"size": (10, 10)}, {"frames": FRAMES + 3}, "missing", "empty"])
def test_a_reference_that_does_not_fit_is_one_sentence(project, media, tmp_path, change):
    folder = tmp_path / "truth"
    if change == "empty":
        folder.mkdir()
    elif change != "missing":
        masks(folder, media, **change)
    with pytest.raises(PCVOSError) as caught:
        write_report(project, media, tmp_path / "r.html", read_reference(folder, media))
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    assert not (tmp_path / "r.html").exists()


def test_files_that_are_there_are_replaced_only_when_asked(project, media, tmp_path):
    files = ReportFiles(tmp_path / "r.html")
    files.objects.write_text("mine")
    with pytest.raises(PCVOSError, match=r"r-objects\.csv exists already"):
        write_report(project, media, files.page)
    assert files.objects.read_text() == "mine" and not files.page.exists()
    assert write_report(project, media, tmp_path / "r", overwrite=True) == files and files.page.exists()


def test_cancelled_it_writes_nothing(project, media, tmp_path):
    with pytest.raises(Cancelled):
        write_report(project, media, tmp_path / "r.html", progress=Progress(is_cancelled=lambda: True))
    assert not list(tmp_path.glob("r*"))


def test_long_footage_is_drawn_with_as_many_points_as_there_are_pixels(tmp_path):
    values = np.full(20_000, 0.9)
    values[12_345] = 0.1
    frames, least = thinned(values)
    assert len(frames) <= WIDTH and len(least) == len(frames) and least.min() == 0.1


def test_the_command(tmp_path):
    answer = CliRunner().invoke(app, ["report", str(tmp_path / "none.pcvos"), "--output", str(tmp_path / "r.html")])
    assert answer.exit_code != 0 and "none.pcvos" in answer.output
