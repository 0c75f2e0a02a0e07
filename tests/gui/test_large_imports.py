"""Imports are computed beside the window and fit what is there when they are done; large ones are saved bit by bit."""

import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from exchange_parts import open_marked
from PIL import Image
from window_parts import COUNT, HEIGHT, WIDTH, Hands, truth

from core.errors import PCVOSError
from core.progress import Progress
from core.project.project import Project
from core.studio.imports import Reading, read_masks
from pcvos_gui.dialogs.import_dialog import ImportDialog, open_import_dialog
from pcvos_gui.workers.task import Task

OBJECTS = 20  # on every frame: more cells than are saved at once


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """A folder of PNGs with many objects on each frame."""
    folder = tmp_path / "stripes"
    folder.mkdir()
    rows = np.minimum(np.arange(HEIGHT) // 4, OBJECTS).astype(np.uint8)
    for frame in range(COUNT):
        labels = np.repeat(np.roll(rows, frame)[:, None], WIDTH, axis=1)
        Image.fromarray(labels).save(folder / f"{frame:05d}.png")
    return folder


def masks_in(project: Project) -> dict:
    return {key: cell.mask for key, cell in project.cells_in(0, COUNT - 1)}


def masks_on_disk(path: Path) -> dict:
    with Project.open(path, to_write=False) as project:
        return masks_in(project)


class Held:
    """A plan that is not made before the test wants it."""

    def __init__(self, reading: Reading):
        self.begun, self.free = threading.Event(), threading.Event()
        self._plan = reading.plan

    def __call__(self, project: Project, progress: Progress):
        plan = self._plan({}, project, progress)
        list(project.cells_in(0, COUNT - 1))
        self.begun.set()
        self.free.wait(20)
        progress.say(1, 2)
        return plan


def test_many_masks_are_one_step_and_all_in_the_file(hands: Hands, clip: Path, stripes: Path):
    open_marked(hands, clip)
    session, before = hands.session, masks_in(hands.session.document.project)
    open_import_dialog(hands.window, (stripes,))
    dialog = hands.dialog(ImportDialog)
    hands.bot.waitUntil(dialog.accept_button.isEnabled, timeout=20_000)
    steps = session.undo_stack.count()
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        dialog.accept_button.click()
    assert session.undo_stack.count() == steps + 1 and hands.told(f"masks of {COUNT} frames", "stripes")
    after = masks_in(session.document.project)
    assert len(after) == COUNT * OBJECTS and masks_on_disk(session.document.project.path) == after, (
        "told only when it is saved"
    )
    for act, there in (("undo", before), ("redo", after), ("undo", before)):
        hands.act(act)
        assert masks_in(session.document.project) == there, "at once, wherever one looks"
        hands.bot.waitUntil(lambda: not session.document.project.is_saving, timeout=20_000)
        assert masks_on_disk(session.document.project.path) == there and hands.window.status.saved.text() == "saved"


def test_what_is_painted_while_a_change_is_being_saved_is_saved_after_it(hands: Hands, clip: Path, stripes: Path):
    open_marked(hands, clip)
    session = hands.session
    hands.window.exchange.import_masks(stripes)
    hands.bot.waitUntil(lambda: session.document.project.is_saving, timeout=20_000)
    assert hands.window.status.saved.text() == "saving…"
    hands.go_to(0)
    session.set_active(1)
    session.replace_mask(truth(5), "Mask")
    assert not session.document.project.is_saving and np.array_equal(hands.labels(0) == 1, truth(5))
    path, there = session.document.project.path, masks_in(session.document.project)
    assert masks_on_disk(path) == there
    hands.act("undo")
    hands.act("undo")
    there = masks_in(session.document.project)
    assert session.close() and masks_on_disk(path) == there, "closing waits for it"


def test_what_changes_while_it_is_computed_is_kept_by_undo(hands: Hands, clip: Path, stripes: Path):
    open_marked(hands, clip)
    session, media = hands.session, hands.session.document.media
    plan = Held(read_masks((stripes,), media, 0))
    making = hands.window.exchange.bring_in(plan, "stripes")
    hands.bot.waitUntil(plan.begun.is_set, timeout=20_000)
    hands.go_to(7)
    session.set_active(1)
    session.replace_mask(truth(7), "Mask")
    there = masks_in(session.document.project)
    with hands.bot.waitSignals([making.made, hands.window.exchange.imported], timeout=20_000):
        plan.free.set()
    assert session.document.project.cell(7, 1).mask != there[7, 1], "it was replaced like the others"
    hands.act("undo")
    assert masks_in(session.document.project) == there


def test_an_object_that_is_locked_while_it_is_computed_is_left_alone(hands: Hands, clip: Path, stripes: Path):
    open_marked(hands, clip)
    session = hands.session
    plan = Held(read_masks((stripes,), session.document.media, 0))
    hands.window.exchange.bring_in(plan, "stripes")
    hands.bot.waitUntil(plan.begun.is_set, timeout=20_000)
    session.set_active(2)
    hands.act("toggle_locked")
    kept = session.document.project.cell(3, 2)
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        plan.free.set()
    assert session.document.project.cell(3, 2) == kept and hands.told("Locked", "Box")


def test_cancelled_it_changes_nothing(hands: Hands, clip: Path, stripes: Path, qtbot):
    open_marked(hands, clip)
    session, before = hands.session, masks_in(hands.session.document.project)
    plan = Held(read_masks((stripes,), session.document.media, 0))
    making = hands.window.exchange.bring_in(plan, "stripes")
    hands.bot.waitUntil(plan.begun.is_set, timeout=20_000)
    with qtbot.assertNotEmitted(hands.window.exchange.imported, wait=300):
        making.cancel()
        plan.free.set()
    assert masks_in(session.document.project) == before


def test_the_dialog_shows_how_far_it_is_and_cancel_ends_it(hands: Hands, clip: Path, stripes: Path, monkeypatch):
    open_marked(hands, clip)
    open_import_dialog(hands.window, (stripes,))
    dialog = hands.dialog(ImportDialog)
    hands.bot.waitUntil(dialog.accept_button.isEnabled, timeout=20_000)
    plan = Held(read_masks((stripes,), hands.session.document.media, 0))
    monkeypatch.setattr(Reading, "plan", lambda reading, answers, project, progress: plan(project, progress))
    dialog.accept_button.click()
    hands.bot.waitUntil(dialog.progress.isVisible, timeout=20_000)
    assert not dialog.accept_button.isEnabled() and not dialog.path.isEnabled()
    assert dialog.progress.value() <= dialog.progress.maximum()
    steps = hands.session.undo_stack.count()
    dialog.reject()
    plan.free.set()
    hands.go_to(2)
    assert hands.session.undo_stack.count() == steps


def test_a_task_tells_how_far_it_is_and_can_be_cancelled(qtbot):
    told: list[tuple[int, int]] = []
    free, begun = threading.Event(), threading.Event()

    def work(progress: Progress) -> str:
        progress.say(1, 4)
        begun.set()
        free.wait(20)
        progress.say(2, 4)
        return "done"

    task = Task(work)
    task.progressed.connect(lambda done, total: told.append((done, total)))
    with qtbot.waitSignal(task.returned, timeout=20_000) as got:
        free.set()
    assert got.args == ["done"] and told[0] == (1, 4)
    begun.clear()
    free.clear()
    task = Task(work)
    qtbot.waitUntil(begun.is_set, timeout=20_000)
    with qtbot.assertNotEmitted(task.returned, wait=200):
        task.cancel()
        free.set()
    with qtbot.waitSignal(Task(partial(fail)).failed, timeout=20_000) as got:
        pass
    assert str(got.args[0]) == "no"


def fail(progress: Progress) -> None:
    raise PCVOSError("no")
