"""A run is a proposal: flipped by a key, left as it was by stretch, compared with others and with a reference."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from window_parts import COUNT, HEIGHT, WIDTH, Hands, truth

from core.evaluation.scores import Judge
from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change
from core.studio.run_records import run_records
from core.studio.run_settings import Range
from pcvos_gui.dialogs.report_dialog import ReportDialog
from pcvos_gui.session.side_by_side import ONLY_ONE, ONLY_OTHER, PRESENT, REFERENCE, Choice, Seen
from pcvos_gui.timeline.row_paint import ROW

LAST = COUNT - 1


@pytest.fixture
def twice(hands: Hands, clip: Path) -> Hands:
    """A ball that was propagated, corrected to half of it on frame 4, and propagated again."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.window.view_state.set_follow(False)
    hands.run(interval=3, direction="forward", range=Range.TO_END)
    hands.go_to(4)
    hands.session.replace_mask(truth(4) & (np.arange(WIDTH) < 46), "Mask")
    hands.run()
    hands.go_to(6)
    return hands


def compared(hands: Hands) -> None:
    hands.bot.waitUntil(lambda: hands.window.sides.comparison is not None, timeout=20_000)


def seen(hands: Hands) -> np.ndarray | None:
    item = hands.window.other_side.item
    return item.labels if item.isVisible() else None


def test_a_key_flips_before_difference_and_after(twice: Hands):
    hands, sides = twice, twice.window.sides
    before = dict(hands.session.document.project.kept_runs.cells(2, 6, 6, before=True))[6, 1].mask.unpack()
    assert not np.array_equal(before, hands.labels(6) == 1)
    hands.act("flip_sides")
    assert sides.seen is Seen.OTHER and np.array_equal(seen(hands) == 1, before)
    assert (
        hands.window.other_side.badge.text() == "Before propagation 2"
        and not hands.window.canvas.labels_item.isVisible()
    )
    hands.act("flip_sides")
    after = hands.labels(6) == 1
    assert np.array_equal(seen(hands) == ONLY_ONE, after & ~before)
    assert np.array_equal(seen(hands) == ONLY_OTHER, before & ~after)
    hands.go_to(0)
    assert not seen(hands).any(), "nothing was changed there"
    hands.act("flip_sides")
    assert seen(hands) is None and hands.window.canvas.labels_item.isVisible()
    hands.act("flip_sides")
    hands.session.replace_mask(truth(0), "Mask", even_if_unchanged=True)
    assert sides.seen is Seen.ONE, "what is painted is seen"


def test_a_stretch_is_left_as_it_was_by_one_step_of_undo(twice: Hands):
    hands, panel, sides = twice, twice.window.runs_panel, twice.window.sides
    hands.window.show_dock("runs")
    rows = [panel.other.itemData(row) for row in range(panel.other.count())]
    panel.other.setCurrentIndex(rows.index(Choice(2, before=True)))
    panel.other.activated.emit(panel.other.currentIndex())
    compared(hands)
    assert panel.list.count() == len(sides.comparison.differences) >= 1 and "mean agreement" in panel.summary.text()
    curve = hands.window.timeline.curves
    assert curve.isVisibleTo(hands.window.timeline) and "agreement" in curve.text_at(curve.width() / 2)
    panel.list.setCurrentRow(0)
    panel.list.itemClicked.emit(panel.list.item(0))
    first = sides.comparison.differences[0]
    assert hands.session.navigator.frame == first.frame and panel.take_button.text() == "Leave as it was"
    project = hands.session.document.project
    before = dict(project.kept_runs.cells(2, 0, LAST, before=True))
    after = {frame: hands.labels(frame) for frame in range(COUNT)}
    hands.bot.mouseClick(panel.take_button, Qt.MouseButton.LeftButton)
    assert np.array_equal(hands.labels(first.frame) == 1, before[first.frame, 1].mask.unpack())
    assert np.array_equal(hands.labels(4), after[4]), "the correction stays"
    hands.act("undo")
    assert all(np.array_equal(hands.labels(frame), after[frame]) for frame in after)


def test_an_object_that_makes_room_for_one_left_as_it_was_is_told(twice: Hands):
    hands, sides = twice, twice.window.sides
    project = hands.session.document.project
    before = dict(project.kept_runs.cells(2, 6, 6, before=True))[6, 1].mask
    hands.session.add_object("Dog")
    grown = {
        (6, id): (project.cell(6, id), Cell(mask)) for id, mask in ((1, PackedMask.empty(before.size)), (2, before))
    }
    hands.session.document.apply(Change("A run", grown))
    sides.choose(PRESENT, Choice(2, before=True))
    sides.take(6, 6, (1,))
    assert project.cell(6, 1).mask == before and project.cell(6, 2).mask.is_empty
    assert hands.told("Dog changed as well", "one undo")
    hands.act("undo")
    assert project.cell(6, 2).mask == before
    hands.session.replace_mask(before.unpack(), "Mask", even_if_unchanged=True)  # of the dog, which is active
    sides.take(6, 6, (1,))
    assert project.cell(6, 2).mask == before and hands.told("Dog keeps its pixels")


def test_the_curves_take_no_room_from_the_rows_of_objects(twice: Hands):
    hands, timeline = twice, twice.window.timeline
    hands.window.resize(1440, 900)
    for _ in range(2):
        hands.session.add_object()
    rows = timeline.rows
    hands.bot.waitUntil(lambda: rows.height() == 4 * ROW and not rows.bar.isVisible(), timeout=5000)
    height = timeline.height()
    hands.window.sides.choose(Choice(1), Choice(2))
    compared(hands)
    hands.bot.waitUntil(lambda: timeline.height() == height + timeline.curves.height(), timeout=5000)
    assert timeline.curves.isVisible() and rows.height() == 4 * ROW
    assert timeline.curves.geometry().bottom() < rows.geometry().top()
    hands.window.sides.choose(PRESENT, None)
    hands.bot.waitUntil(lambda: timeline.height() == height, timeout=5000)
    assert rows.height() == 4 * ROW


def test_any_two_runs_and_their_settings(twice: Hands):
    hands, sides, panel = twice, twice.window.sides, twice.window.runs_panel
    sides.choose(Choice(1), Choice(2))
    compared(hands)
    assert sides.comparison.agreement[1][6] < 1 and "Propagation 1: frames 0 to 13, L = 3" in sides.name(Choice(1))
    record = sides.record
    sides.pin(record)
    assert "pinned" in sides.name(Choice(2)) and run_records(hands.session.document.project)[0].info.pinned
    assert record.info.weights, "the fingerprint of what drew it"
    hands.runs.next.set_settings(type(hands.runs.next.settings)(interval=9))
    sides.use_settings(sides.record)
    assert hands.runs.next.settings.interval == 3
    panel.more.aboutToShow.emit()
    texts = {action.text() for action in panel.more.actions()}
    assert {"Unpin this propagation", "Use its settings", "Take all masks of all objects"} <= texts
    sides.take(0, LAST, None)  # of run 2: they are there
    assert hands.told("Nothing changes")
    sides.choose(PRESENT, Choice(1))
    before = hands.labels(6)
    sides.take(0, LAST, (1,))
    assert not np.array_equal(hands.labels(6), before)
    hands.act("undo")
    assert np.array_equal(hands.labels(6), before)


def write_reference(folder: Path, count: int = COUNT, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    folder.mkdir()
    for frame in range(count):
        labels = np.zeros(size, np.uint8)
        labels[:HEIGHT, :WIDTH][truth(frame)] = 1
        write_label_map(folder / f"{frame:05d}.png", labels)
    return folder


def test_a_reference_gives_the_figures_of_the_evaluation_along_the_timeline(twice: Hands, tmp_path, monkeypatch):
    hands, sides, panel = twice, twice.window.sides, twice.window.runs_panel
    hands.session.set_active(1)
    folder = write_reference(tmp_path / "reference")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    panel.more.aboutToShow.emit()
    next(a for a in panel.more.actions() if "reference" in a.text()).trigger()
    hands.bot.waitUntil(lambda: sides.scores is not None, timeout=20_000)
    judge = Judge("", sides.reference.truth)
    for frame in range(COUNT):
        judge.see(frame, hands.labels(frame))
    (expected,) = judge.scores().objects
    curves = sides.curves()
    assert np.allclose(curves["J"], expected.j) and np.allclose(curves["F"], expected.f)
    assert "J&F" in panel.summary.text() and "Ball J" in panel.summary.text()
    assert f"J {expected.j[6]:.3f}" in hands.window.timeline.curves.text_at(
        hands.window.timeline.scrubber.visible.centre(6)
    )
    assert sides.other == REFERENCE and panel.take_button.text() == "Take these"


@pytest.mark.parametrize(
    ("made", "words"), [((COUNT + 2, (HEIGHT, WIDTH)), "belongs to no frame"), ((3, (200, 300)), "300x200")]
)
def test_a_reference_that_does_not_fit_is_told_and_changes_nothing(twice: Hands, tmp_path, made, words):
    folder = write_reference(tmp_path / "reference", *made) if made[1][0] > 100 else None
    if folder is None:
        folder = tmp_path / "reference"
        folder.mkdir()
        for frame in range(made[0]):
            write_label_map(folder / f"{frame:05d}.png", np.ones(made[1], np.uint8))
    twice.window.sides.open_reference(folder)
    twice.bot.waitUntil(lambda: twice.told(words), timeout=20_000)
    assert twice.window.sides.reference is None and twice.window.sides.other is None


def open_again(hands: Hands, project: Path) -> None:
    hands.act("close")
    hands.open(project)


def test_a_reference_is_there_again_with_the_project_until_it_is_gone_or_forgotten(hands: Hands, clip, tmp_path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    sides, folder = hands.window.sides, write_reference(tmp_path / "reference")
    sides.open_reference(folder)
    hands.bot.waitUntil(lambda: sides.scores is not None, timeout=20_000)
    project = hands.session.document.project.path
    open_again(hands, project)
    assert sides.reference is None and sides.choices == [PRESENT, REFERENCE] and "reference" in sides.name(REFERENCE)
    hands.act("flip_sides")
    assert np.array_equal(seen(hands), hands.labels(0)), "until it is read"
    hands.bot.waitUntil(lambda: sides.scores is not None, timeout=20_000)
    hands.go_to(6)
    assert np.array_equal(seen(hands) == 1, truth(6))
    folder.rename(tmp_path / "elsewhere")
    open_again(hands, project)
    assert hands.told(str(folder), "is gone") and sides.choices == [PRESENT]
    (tmp_path / "elsewhere").rename(folder)
    open_again(hands, project)
    sides.choose(PRESENT, REFERENCE)
    sides.forget_reference()
    open_again(hands, project)
    assert sides.choices == [PRESENT]


def test_nothing_to_compare_is_told(hands: Hands, clip: Path):
    hands.open(clip)
    hands.act("flip_sides")
    assert hands.told("nothing to compare") and "Each propagation is kept" in hands.window.runs_panel.summary.text()


def test_weights_that_are_gone_are_told_and_its_masks_are_here(twice: Hands, tmp_path):
    hands, sides = twice, twice.window.sides
    record = sides.records[0]
    record.info.settings["weights"] = str(tmp_path / "gone.safetensors")
    sides.choose(PRESENT, Choice(record.id))
    sides.use_settings(record)
    assert hands.told("gone.safetensors", "masks are still here") and hands.runs.next.settings.weights == ""
    compared(hands)


def test_choosing_a_reference_begins_beside_the_footage_or_at_the_last_one(
    hands: Hands, clip: Path, tmp_path, monkeypatch
):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    asked: list[str] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _, title, start="": asked.append(start) or "")
    panel, folder = hands.window.runs_panel, write_reference(tmp_path / "reference")

    def ask() -> str:
        panel.more.aboutToShow.emit()
        next(a for a in panel.more.actions() if "Open a reference" in a.text()).trigger()
        hands.act("report")
        dialog = hands.dialog(ReportDialog)
        dialog._choose_reference()
        dialog.reject()
        assert asked[-1] == asked[-2]
        return asked[-1]

    assert ask() == str(clip.parent)
    hands.window.sides.open_reference(folder)
    hands.bot.waitUntil(lambda: hands.window.sides.scores is not None, timeout=20_000)
    assert ask() == str(folder)


def test_steps_and_sums_are_sentences(twice: Hands):
    hands, sides = twice, twice.window.sides
    legend = hands.window.timeline.curves_legend
    assert not legend.isVisible()
    sides.choose(PRESENT, Choice(2))
    compared(hands)
    assert sides.summary() == "No difference: the two agree on all that they have in common (12 frames)."
    assert legend.isVisible() and legend.accessibleName() == "Curves: agreement"
    assert legend.geometry().right() < hands.window.timeline.curves.geometry().left()
    assert not legend.grab().isNull()
    sides.choose(PRESENT, Choice(2, before=True))
    compared(hands)
    sides.take(0, LAST, None)
    assert hands.session.undo_stack.undoText() == "Take what was there before propagation 2"
    hands.act("undo")
    sides.take(6, 6, (1,))
    assert hands.session.undo_stack.undoText() == "Take what was there before propagation 2: Ball, frame 6"
    hands.act("undo")
    sides.choose(PRESENT, Choice(1))
    sides.take(5, 7, (1,))
    assert hands.session.undo_stack.undoText() == "Take what propagation 1 drew: Ball, frames 5 to 7"


def test_its_buttons_are_in_sight_in_a_low_window(hands: Hands, clip: Path):
    hands.open(clip)
    hands.window.resize(1200, 560)
    hands.window.show_dock("runs")
    panel = hands.window.runs_panel
    for button in (panel.flip_button, panel.take_button, panel.more_button):
        hands.bot.waitUntil(lambda b=button: b.visibleRegion().boundingRect() == b.rect())


def test_of_two_runs_each_is_seen(twice: Hands):
    hands, sides = twice, twice.window.sides
    kept, badge = hands.session.document.project.kept_runs, hands.window.other_side.badge
    sides.choose(Choice(1), Choice(2))
    for run in (1, 2):
        hands.act("flip_sides")
        mask = dict(kept.cells(run, 6, 6))[6, 1].mask.unpack()
        assert badge.text().startswith(f"Propagation {run}:") and np.array_equal(seen(hands) == 1, mask)
    hands.act("flip_sides")
    assert badge.text().startswith("Difference: green only in")
    hands.act("flip_sides")
    assert seen(hands) is None
    hands.act("flip_sides")
    sides.choose(PRESENT, Choice(2))
    assert seen(hands) is None, "the first side is what is there now"
