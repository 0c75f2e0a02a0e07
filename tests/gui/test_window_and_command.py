"""A project run by the window and by the command: the same masks, and one undo."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from typer.testing import CliRunner
from window_parts import COUNT, RESOLUTION, Hands, truth

from core.cli import app
from core.project.project import Project
from core.studio.run_settings import Range


def marked(hands: Hands, clip: Path) -> Path:
    """Open the clip, mark two objects, the second one locked, with a mask of its own on frame 5; a copy of the project
    as it is then."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.go_to(8)
    hands.session.replace_mask(truth(8), "Mask")
    hands.session.add_object("Still")
    hands.paint((110, 16), brush=20)
    cell = hands.session.document.project.cell(8, 2)
    drawn = replace(cell, corrected=False, in_memory=False)
    hands.session.document.push_change(
        replace(hands.session.undo_stack.command(2).change, cells={(5, 2): (None, drawn)})
    )
    hands.act("toggle_locked")
    hands.runs.next.set_in_out(1, COUNT - 2)
    small = replace(hands.runs.next.settings, resolution=RESOLUTION, device="cpu")
    hands.runs.next.set_settings(replace(small, interval=3, direction="both", range=Range.IN_OUT))
    path = hands.session.document.project.path
    for ending in ("", "-wal"):
        shutil.copyfile(f"{path}{ending}", f"{path.with_name('copy.pcvos')}{ending}")
    return path.with_name("copy.pcvos")


def content(project: Project) -> dict:
    return dict(project.cells_in(0, COUNT - 1))


def test_the_command_runs_a_project_as_the_window_does_and_the_window_takes_it_back(hands: Hands, clip: Path):
    copy = marked(hands, clip)
    before = content(hands.session.document.project)
    hands.act("propagate")
    hands.bot.waitUntil(lambda: not hands.runs.is_busy, timeout=120_000)
    in_window = content(hands.session.document.project)
    assert len(in_window) > len(before) + COUNT - 4

    done = CliRunner().invoke(app, ["propagate", str(copy)])
    assert done.exit_code == 0, done.output
    with Project.open(copy) as project:
        assert content(project) == in_window
        ((_, run),) = project.runs()
        assert (run.state, run.start, run.end, run.direction) == ("done", 1, COUNT - 2, "both")

    hands.open(copy)
    assert hands.window.actions_by_name["undo"].text() == f"Undo: Propagate frames 1 to {COUNT - 2}"
    hands.act("undo")
    assert content(hands.session.document.project) == before
    hands.act("redo")
    assert content(hands.session.document.project) == in_window
    hands.act("undo")
    hands.go_to(0)
    hands.session.set_active(1)
    hands.act("clear_here")
    hands.open(clip)
    hands.open(copy)
    assert not hands.window.actions_by_name["undo"].isEnabled(), "what was done since made it void"
    assert not np.array_equal(hands.labels(0), truth(0))


def test_a_project_that_the_window_has_open_is_not_run_by_the_command(hands: Hands, clip: Path):
    marked(hands, clip)
    before = content(hands.session.document.project)
    refused = CliRunner().invoke(app, ["propagate", str(hands.session.document.project.path)])
    assert refused.exit_code == 2 and "is open in another window" in refused.stderr
    assert content(hands.session.document.project) == before
