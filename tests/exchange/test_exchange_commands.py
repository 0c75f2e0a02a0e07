"""`pcvos export`, `pcvos import`, `pcvos formats`, from files to files."""

import json
import subprocess
import sys

import numpy as np
import pytest
from exchange_projects import SIZE, STEMS, all_labels, all_masks, tree
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.exchange import registry
from core.project.project import Project
from core.studio.done import set_done


@pytest.fixture
def path(project):
    """The project's file, closed."""
    project.close()
    return project.path


@pytest.fixture
def empty(other):
    other.close()
    return other.path


def pcvos(*arguments):
    """Run the command; frames never processed are exported as absent (for the rest: `test_unprocessed.py`)."""
    absent = ("--option", "unprocessed=empty") if arguments[0] == "export" else ()
    return CliRunner().invoke(app, [str(argument) for argument in (*arguments, *absent)])


def opened(path, read):
    with Project.open(path) as project:
        return read(project)


def test_out_of_one_project_and_into_another(path, empty, out):
    done = pcvos("export", path, "--format", "coco", "--output", out / "masks.json", "--option", "compressed=no")
    assert done.exit_code == 0, done.output
    assert done.stdout == f"COCO JSON: frames 0 to 5 are in {out / 'masks.json'}.\n"
    assert isinstance(json.loads((out / "masks.json").read_text())["annotations"][0]["segmentation"]["counts"], list)

    tried = pcvos("import", empty, out / "masks.json", "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "Masks for 6 frames (0 to 5) as corrections" in tried.stdout and "(--dry-run)" in tried.stdout
    assert "rabbit (2, new)" in tried.stdout
    assert not opened(empty, all_masks)

    done = pcvos("import", empty, out / "masks.json")
    assert done.exit_code == 0, done.output
    assert opened(empty, all_masks) == opened(path, all_masks)
    assert opened(empty, lambda project: project.cell(0, 2).in_memory)

    again = pcvos("import", empty, out / "masks.json", "--not-corrected")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1) and "Nothing to import" in again.stderr
    assert "Nothing would change" in pcvos("import", empty, out / "masks.json", "--dry-run").stdout


def test_it_says_what_is_not_done(project, out):
    assert "Not done" not in pcvos("export", project.path, "--format", "png", "--output", out).output
    info = project.objects[0]
    project.apply(set_done(project, "done", (info.id,), 0, 1))
    said = pcvos(
        "export", project.path, "--format", "png", "--output", out, "--overwrite", "--objects", str(info.id)
    ).output
    assert f"Not done yet: {info.name} on" in " ".join(said.split())


def test_not_corrected(path, empty, out):
    pcvos("export", path, "--format", "png", "--output", out / "masks")
    done = pcvos("import", empty, out / "masks", "--format", "png", "--not-corrected")
    assert done.exit_code == 0 and "as predictions" in done.stdout
    cells = opened(empty, lambda project: [cell for _, cell in project.cells_in(0, 5)])
    assert cells and not any(cell.corrected or cell.in_memory for cell in cells)


def test_a_part(path, out):
    where = ["--start", 1, "--end", 3, "--objects", "7,254", "--output", out / "masks"]
    done = pcvos("export", path, "--format", "png-binary", "--option", "objects=each", *where)
    assert done.exit_code == 0, done.output
    assert sorted(tree(out / "masks")) == sorted(
        ["007", "254", *(f"{id}/{stem}.png" for id in ("007", "254") for stem in STEMS[1:4])]
    )


def exported_alpha(path, place, *options):
    """Alpha of the first frame, and the command's words."""
    given = [part for option in options for part in ("--option", option)]
    done = pcvos("export", path, "--format", "rgba", "--output", place, "--end", 0, *given)
    assert done.exit_code == 0, done.output
    with Image.open(place / f"{STEMS[0]}.png") as image:
        return np.array(image)[..., 3], done.stderr


def test_edges_begin_as_the_project_has_them(project, out):
    plain, said = exported_alpha(project.path, out / "plain")
    assert "Edges" not in said
    project.keep(edges={"edges": "hard", "grow": 3.0, "feather": 0, "gamma": "bright"})
    project.close()
    own, said = exported_alpha(project.path, out / "own")
    assert "Note: Edges as the project has them" in said and "edges=hard, grow=3.0." in said
    given, _ = exported_alpha(project.path, out / "given", "edges=hard", "grow=3")
    np.testing.assert_array_equal(own, given)
    assert np.count_nonzero(own == 255) > np.count_nonzero(plain == 255)

    smaller, said = exported_alpha(project.path, out / "smaller", "grow=-1")
    assert "edges=hard." in said and np.count_nonzero(smaller) < np.count_nonzero(plain)
    as_ever, said = exported_alpha(project.path, out / "as ever", "grow=0", "edges=picture")
    np.testing.assert_array_equal(as_ever, plain)
    assert "Edges" not in said
    assert "Edges" not in pcvos("export", project.path, "--format", "png", "--output", out / "masks").stderr


def test_overwriting(path, out):
    command = ["export", path, "--format", "overlay", "--output", out / "a.mp4"]
    assert pcvos(*command).exit_code == 0
    refused = pcvos(*command)
    assert refused.exit_code == 2
    assert (
        refused.stderr.splitlines()[-1]
        == f"Error: a.mp4 exists already in {out}: choose another place, or have it replaced. "
        "--overwrite replaces what is there."
    )
    done = pcvos(*command, "--overwrite")
    assert done.exit_code == 0 and "Note: H.264 needs even sides" in done.stderr


def test_a_question_says_how_it_is_answered(path, out):
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[9:20, 9:30] = (255, 128, 0)
    Image.fromarray(picture).save(out / f"{STEMS[0]}.png")
    asked = pcvos("import", path, out / f"{STEMS[0]}.png")
    assert asked.exit_code == 2 and "an --answer: '#ff8000=…'" in asked.stderr.splitlines()[-1]
    assert pcvos("import", path, out / f"{STEMS[0]}.png", "--answer", "#ff8000=7").exit_code == 0
    np.testing.assert_array_equal(opened(path, all_masks)[0, 7].unpack(), picture.any(axis=2))


def test_a_project_that_is_open_can_be_exported_but_not_imported_into(project, out):
    assert pcvos("export", project.path, "--format", "png", "--output", out / "masks").exit_code == 0
    refused = pcvos("import", project.path, out / "masks")
    assert refused.exit_code == 2
    labels = all_labels(project)
    pcvos("import", project.path, out / "masks", "--dry-run")
    assert (all_labels(project) == labels).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "tiff", "--output", "x"], "No format tiff can be written"),
        (["--format", "png", "--output", "x", "--objects", "2,x"], "--objects 2,x is no list of numbers"),
        (["--format", "png", "--output", "x", "--objects", "4"], "no object 4"),
        (["--format", "png", "--output", "x", "--start", "7"], "Frames 7 to 5"),
        (["--format", "yolo", "--output", "x", "--option", "tolerance"], "tolerance is no option: write name=value"),
        (["--format", "yolo", "--output", "x", "--option", "tolerance=99"], "0 to 20 pixels"),
        (["--format", "yolo", "--output", "x", "--option", "size=3"], "no option size: its options are pieces"),
        (["--format", "coco", "--output", "x"], "let it end in .json"),
    ],
)
def test_wrong_requests_end_in_one_sentence(arguments, words, path, out, monkeypatch):
    monkeypatch.chdir(out)
    done = pcvos("export", path, *arguments)
    assert done.exit_code == 2 and done.stdout == ""
    *_, line = done.stderr.splitlines()
    assert words in line and line.startswith("Error: ")
    assert tree(out) == {"notes.txt": b"mine"}


def test_missing_projects_and_footage(path, out, media):
    assert "Error: " in pcvos("export", out / "gone.pcvos", "--format", "png", "--output", out / "x").stderr
    assert "Error: " in pcvos("import", out / "notes.txt", out).stderr
    media.path.rename(media.path.with_name("elsewhere"))
    done = pcvos("export", path, "--format", "png", "--output", out / "x")
    assert done.exit_code == 2 and "footage" in done.stderr and str(media.path) in done.stderr
    assert not (out / "x").exists()


def test_without_pycocotools_a_sentence_says_how_to_get_it(path, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    for name in ("coco", "youtube-vis"):
        done = pcvos("export", path, "--format", name, "--output", out / "masks.json")
        assert done.exit_code == 2 and "pip install pycocotools" in done.stderr
        assert not (out / "masks.json").exists()
    assert pcvos("export", path, "--format", "png", "--output", out / "masks").exit_code == 0


def test_formats_lists_all_of_them_with_their_options():
    text = pcvos("formats").stdout
    for known in (*registry.EXPORTERS, *registry.IMPORTERS):
        assert f"  {known.name}" in text
        assert all(f"{option.name}=" in text for option in known.options)


def test_help_does_not_wait_for_the_formats():
    code = "import sys, core.cli\nassert not {'cv2', 'av', 'torch', 'core.exchange'} & sys.modules.keys()"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_registry_needs_neither_av_nor_pycocotools_nor_torch():
    code = "import sys, core.exchange.registry\nprint({'av', 'pycocotools', 'torch', 'PySide6'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
