"""Scribbles on the canvas: strokes, the proposed mask, and what becomes of it."""

from pathlib import Path

import numpy as np
import pytest
from canvas_parts import CanvasRig
from PySide6.QtCore import QObject, Qt, Signal

from core.masks.packed_mask import PackedMask
from core.media.arrays import ArraySource
from core.project.content import MarkStroke
from core.project.model import Cell, Change, ObjectInfo
from core.project.project import Project
from core.studio.jobs import Estimated, MarkFailed, MarkJob, Predicted
from pcvos_gui.session.session import Leaving
from pcvos_gui.session.view_state import Tool
from pcvos_gui.workers.marking import MarkingWorker

HEIGHT, WIDTH = 60, 80
RIGHT, ALT = Qt.MouseButton.RightButton, Qt.KeyboardModifier.AltModifier


def box(top, left, bottom, right) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


DISC = box(15, 20, 45, 60)


def footage() -> np.ndarray:
    """Red on blue, where DISC is."""
    frames = np.full((3, HEIGHT, WIDTH, 3), (40, 60, 160), np.uint8)
    frames[:, DISC] = (220, 50, 30)
    return frames


class BrokenInference(QObject):
    """Stands in for the inference thread: every mark fails at once."""

    marked = Signal(object)
    mark_failed = Signal(object)
    is_missing = True

    def mark(self, job: MarkJob) -> None:
        self.mark_failed.emit(MarkFailed(job.number, "There are no marking weights at gone: choose.", self.is_missing))

    def mark_now(self, job: MarkJob, seconds: float) -> MarkFailed:
        return MarkFailed(job.number, "The device is lost.", self.is_missing)

    def drop_marks(self, previews_only: bool = False) -> None:
        """There are none."""


@pytest.fixture
def rig(qtbot, tmp_path) -> CanvasRig:
    rig = CanvasRig(qtbot, tmp_path, footage(), objects=2)
    rig.take(Tool.MARK, 6)
    return rig


def test_without_a_marking_network_strokes_paint_and_enter_accepts(qtbot, tmp_path):
    rig = CanvasRig(qtbot, tmp_path, footage(), objects=2, assist=MarkingWorker(BrokenInference()))
    rig.take(Tool.MARK, 6)
    rig.give_mask(box(0, 0, 60, 10), 1)
    rig.give_mask(box(28, 55, 32, 60), 2)
    rig.session.change_object(ObjectInfo(2, "two", (0, 0, 255), locked=True))
    rig.drag((30, 30), (58, 30))
    assert any("no marking weights at gone: until" in message.text for message in rig.messages)
    rig.drag((5, 5), (5, 20), button=RIGHT)
    proposed = rig.canvas.tool.proposed.copy()
    assert proposed[30, 30:54].all() and proposed[50, 5], "painted, and what was there"
    assert not proposed[5:21, 5].any() and not proposed[30, 57], "not this, and a locked object's"
    assert not proposed[DISC & (np.mgrid[:HEIGHT, :WIDTH][0] > 40)].any(), "nothing is guessed"
    rig.key(Qt.Key.Key_Return)
    assert np.array_equal(rig.session.labels == 1, proposed)
    rig.session.undo_stack.undo()
    assert np.array_equal(rig.session.labels == 1, box(0, 0, 60, 10))
    rig.session.close()


def test_a_mark_that_fails_is_said_and_the_next_one_is_asked_for(qtbot, tmp_path):
    inference = BrokenInference()
    inference.is_missing = False
    assist = MarkingWorker(inference)
    rig = CanvasRig(qtbot, tmp_path, footage(), assist=assist)
    rig.take(Tool.MARK)
    rig.drag((30, 30))
    assert rig.messages and rig.canvas.tool.proposed is None and assist.has_network
    rig.canvas.drop()
    asked = []
    inference.mark = asked.append
    rig.drag((30, 30))
    assert [job.steps for job in asked if job.steps]
    assert assist.work_out(asked[-1]) == "The device is lost."
    rig.canvas.drop()
    rig.session.close()


def test_the_job_says_what_was_drawn_and_what_is_known(rig):
    rig.give_mask(box(0, 0, 10, 10), 1)
    rig.give_mask(box(50, 70, 60, 80), 2)
    rig.session.change_object(ObjectInfo(2, "two", (0, 0, 255), locked=True))
    rig.drag((30, 30), (50, 30))
    rig.drag((5, 50), (30, 50), modifiers=ALT)
    first, second = rig.assist.jobs
    assert set(np.unique(first.strokes)) == {0, 1}
    assert second.strokes[30, 40] == 1
    assert second.strokes[50, 20] == 2
    assert not (first.strokes == 2).any()
    assert np.array_equal(second.present, box(0, 0, 10, 10))
    assert np.array_equal(second.forbidden, box(50, 70, 60, 80))
    assert second.estimate is None
    assert np.array_equal(second.image, rig.session.navigator.image)


def test_the_preview_is_seen_and_nothing_is_changed_yet(rig):
    before = rig.seen(40, 20)
    rig.drag((30, 30), (50, 30))
    assert np.subtract(rig.seen(40, 30), before).sum() > 150, "lighter"
    beside = rig.seen(10, 40)
    rig.drag((5, 50), (15, 50), button=RIGHT)
    assert np.subtract(rig.seen(10, 50), beside).sum() < -50, "darker"
    rig.assist.answer(DISC)
    assert rig.seen(40, 20) != before
    assert not rig.session.labels.any()
    rig.key(Qt.Key.Key_Escape)
    assert rig.seen(40, 20) == before
    assert rig.seen(40, 30) == (220, 50, 30)


def test_a_mask_that_marks_leave_as_it_is_becomes_a_correction_when_it_is_accepted(rig):
    project, stack = rig.session.document.project, rig.session.undo_stack
    rig.session.document.apply(Change("A run", {(0, 1): (None, Cell(PackedMask.pack(DISC)))}))
    rig.drag((30, 30), (50, 30))
    rig.assist.answer(DISC)
    rig.key(Qt.Key.Key_Return)
    assert project.cell(0, 1).in_memory and project.cell(0, 1).mask == PackedMask.pack(DISC)
    steps = stack.count()
    rig.key(Qt.Key.Key_Backspace)
    rig.key(Qt.Key.Key_Return)
    assert stack.count() == steps, "marks that are taken up again and left as they are say nothing new"
    stack.undo()
    assert not project.cell(0, 1).corrected


def test_the_preview_hides_the_mask_it_is_to_replace(rig):
    rig.view_state.set_opacity(1.0)
    rig.give_mask(box(0, 0, 10, 10), 1)
    assert rig.seen(5, 5) == rig.session.object(1).colour
    rig.drag((30, 30), (50, 30))
    rig.assist.answer(DISC)
    assert rig.seen(5, 5) == (40, 60, 160)
    rig.key(Qt.Key.Key_Escape)
    assert rig.seen(5, 5) == rig.session.object(1).colour


def test_strokes_are_taken_back_one_by_one(rig):
    rig.drag((30, 30), (50, 30))
    alone = rig.assist.jobs[-1].strokes
    rig.drag((30, 25), (50, 35), button=RIGHT)
    rig.key(Qt.Key.Key_Backspace)
    assert np.array_equal(rig.assist.jobs[-1].strokes, alone)
    assert rig.canvas.undo_step()
    assert not rig.canvas.tool.is_busy
    assert not rig.canvas.undo_step()


def test_esc_in_a_stroke_takes_that_stroke_alone(rig):
    rig.drag((30, 30), (50, 30))
    alone = rig.assist.jobs[-1].strokes
    rig.press(10, 10)
    rig.key(Qt.Key.Key_Escape)
    rig.move(60, 50)
    rig.release(60, 50)
    assert np.array_equal(rig.assist.jobs[-1].strokes, alone)
    assert rig.canvas.tool.is_busy


def test_results_of_older_strokes_are_not_shown(rig):
    rig.drag((30, 30), (50, 30))
    rig.drag((30, 40), (50, 40))
    rig.assist.answer(DISC, rig.assist.jobs[0])
    assert rig.canvas.tool.proposed is None
    rig.key(Qt.Key.Key_Escape)
    rig.assist.answer(DISC)
    assert rig.canvas.tool.proposed is None


def test_enter_before_the_mask_is_there_accepts_it_when_it_comes(rig):
    rig.drag((30, 30), (50, 30))
    rig.key(Qt.Key.Key_Return)
    assert not rig.session.labels.any()
    rig.assist.answer(DISC)
    assert np.array_equal(rig.session.labels, DISC.astype(np.uint8))


@pytest.mark.parametrize("what", ["object", "tool", "run", "close"])
@pytest.mark.parametrize("is_there", [True, False])
def test_what_comes_next_accepts_the_proposed_mask(rig, what, is_there):
    """Also where it is still being made."""
    rig.drag((30, 30), (50, 30))
    if is_there:
        rig.assist.answer(DISC)
    kept = []
    rig.session.closing.connect(lambda: kept.append(rig.project.labels(0)))
    match what:
        case "object":
            rig.session.set_active(2)
        case "tool":
            rig.take(Tool.BRUSH)
        case "run":
            rig.session.settling.emit(Leaving.FOR_RUN)
        case "close":
            rig.session.close()
    labels = kept[0] if kept else rig.project.labels(0)
    assert np.array_equal(labels, DISC.astype(np.uint8)) if is_there else labels[30, 30:50].all()
    assert not rig.canvas.tools[Tool.MARK].is_busy
    if not kept:
        assert not rig.project.labels(1).any()
        rig.session.undo_stack.undo()
        assert not rig.project.labels(0).any()


def test_an_object_that_goes_takes_its_preview_along(rig):
    rig.session.add_object()
    rig.drag((30, 30), (50, 30))
    rig.assist.answer(DISC)
    rig.session.undo_stack.undo()
    assert not rig.canvas.tool.is_busy
    assert not rig.session.labels.any()


@pytest.fixture
def empty(qtbot, tmp_path) -> CanvasRig:
    """Without an object: the first mark makes one."""
    rig = CanvasRig(qtbot, tmp_path, footage(), objects=0)
    rig.assist.has_network = True
    rig.take(Tool.MARK)
    return rig


@pytest.mark.parametrize("how", ["Esc", "Backspace", "beside the frame", "waiting"])
def test_an_object_goes_again_when_the_marks_that_made_it_are_dropped(empty, how):
    session, stack = empty.session, empty.session.undo_stack
    empty.click(*((-3, 40) if how == "beside the frame" else (30, 30)))
    match how:
        case "Esc":
            empty.key(Qt.Key.Key_Escape)
        case "Backspace":
            empty.key(Qt.Key.Key_Backspace)
        case "waiting":
            session.navigator.go_to(1)
            assert len(session.objects) == 1, "its marks wait"
            empty.canvas.tool.drop_waiting()
    assert not session.objects and not session.active and not empty.canvas.tool.is_busy
    assert not stack.count(), "nothing to undo, nothing to do again"
    empty.click(30, 30)
    empty.assist.answer(DISC)
    empty.key(Qt.Key.Key_Return)
    empty.click(10, 10)
    empty.key(Qt.Key.Key_Escape)
    assert [one.id for one in session.objects] == [1] and stack.count() == 2, "it has a mask"


def test_after_other_steps_it_goes_by_one_more(empty):
    session = empty.session
    empty.click(30, 30)
    session.navigator.go_to(1)
    session.add_object()
    empty.canvas.tool.drop_waiting()
    assert [one.id for one in session.objects] == [2] and session.undo_stack.count() == 3
    for count in (2, 1, 0):
        session.undo_stack.undo()
        assert len(session.objects) == count


def test_locked_objects_keep_their_pixels(rig):
    rig.give_mask(box(0, 0, 60, 30), 2)
    rig.session.change_object(ObjectInfo(2, "two", (0, 0, 255), locked=True))
    rig.drag((40, 30), (50, 30))
    rig.assist.answer(DISC)
    rig.key(Qt.Key.Key_Return)
    assert np.array_equal(rig.session.labels == 2, box(0, 0, 60, 30))
    assert np.array_equal(rig.session.labels == 1, DISC & ~box(0, 0, 60, 30))


def test_a_locked_object_is_not_scribbled(rig):
    rig.session.change_object(ObjectInfo(1, "one", (0, 0, 255), locked=True))
    rig.drag((40, 30), (50, 30))
    assert not rig.assist.jobs
    assert any("locked" in m.text for m in rig.messages)


def test_the_estimate_is_asked_for_once_a_frame_and_used_when_it_comes(rig):
    rig.drag((40, 30), (50, 30))
    rig.drag((40, 35), (50, 35))
    assert rig.asked == [0]
    found = {1: Predicted(PackedMask.pack(DISC), 0.9)}
    rig.canvas.set_estimate(Estimated(7, 1, found))  # another frame's
    assert len(rig.assist.jobs) == 2
    rig.canvas.set_estimate(Estimated(7, 0, found))
    assert len(rig.assist.jobs) == 3
    assert np.array_equal(rig.assist.jobs[-1].estimate, DISC)
    rig.drag((40, 40), (50, 40))
    assert np.array_equal(rig.assist.jobs[-1].estimate, DISC)
    rig.key(Qt.Key.Key_Escape)
    rig.session.navigator.go_to(1)
    rig.drag((40, 30), (50, 30))
    assert rig.asked == [0, 1]
    assert rig.assist.jobs[-1].estimate is None
    rig.key(Qt.Key.Key_Escape)
    rig.session.navigator.go_to(2)
    rig.session.navigator.go_to(1)
    rig.drag((40, 30), (50, 30))
    assert rig.asked == [0, 1, 1]


def test_a_failure_is_said_and_the_strokes_stay(rig):
    rig.drag((40, 30), (50, 30))
    rig.assist.failed.emit(rig.assist.jobs[-1].number, "It failed: try the brush.")
    assert rig.messages[-1].text == "It failed: try the brush."
    assert rig.canvas.tool.is_busy


def test_strokes_that_leave_the_frame_leave_nothing_around_it(rig):
    before = rig.picture()
    rig.drag((40, 40), (40, HEIGHT + 5))
    rig.drag((-3, 30), (20, 30))
    seen = rig.seen(40, HEIGHT + 2), rig.seen(-2, 30)
    assert seen == (rig.seen(40, HEIGHT + 2, before), rig.seen(-2, 30, before))
    rig.key(Qt.Key.Key_Escape)
    assert rig.picture() == before


# other frames


@pytest.mark.parametrize("is_there", [True, False])
def test_a_scribble_waits_on_its_frame_until_it_is_accepted(rig, is_there):
    rig.drag((30, 30), (50, 30))
    drawn = rig.assist.jobs[-1].strokes
    if is_there:
        rig.assist.answer(DISC)
    rig.session.navigator.go_to(1)
    tool = rig.canvas.tool
    assert not tool.is_busy and tool.waiting == [(0, 1)]
    assert not rig.project.labels(0).any() and not rig.project.labels(1).any()
    assert rig.seen(40, 30) == (220, 50, 30), "nothing of it is seen here"
    if not is_there:
        rig.assist.answer(DISC, rig.assist.jobs[0])
        assert not rig.project.labels(0).any(), "nobody accepted it"
    rig.session.navigator.go_to(0)
    assert tool.is_busy and tool.waiting == []
    assert np.array_equal(tool.proposed, DISC)
    assert np.array_equal(rig.assist.jobs[-1].strokes, drawn), "looked at again: the mask under it may be another"
    rig.assist.answer(DISC)
    rig.key(Qt.Key.Key_Return)
    assert np.array_equal(rig.project.labels(0), DISC.astype(np.uint8))


def test_the_stroke_in_the_making_goes_along(rig):
    rig.press(30, 30)
    rig.move(50, 30)
    rig.session.navigator.go_to(1)
    rig.move(60, 50)
    rig.release(60, 50)
    assert rig.assist.jobs[-1].strokes[30, 30:50].all()
    assert not rig.assist.jobs[-1].strokes[45:].any()
    assert rig.canvas.tool.waiting == [(0, 1)]


def test_scribbles_on_several_frames_are_accepted_or_dropped_together(rig):
    for frame in (0, 1):
        rig.session.navigator.go_to(frame)
        rig.drag((30, 30), (50, 30))
        rig.assist.answer(DISC)
    rig.session.navigator.go_to(2)
    assert rig.canvas.tool.waiting == [(0, 1), (1, 1)]
    rig.canvas.tool.accept_waiting()
    for frame in (0, 1):
        assert np.array_equal(rig.project.labels(frame), DISC.astype(np.uint8))
        assert rig.project.cell(frame, 1).corrected
    assert rig.session.undo_stack.count() == 2, "a step each"
    rig.session.undo_stack.undo()
    assert rig.project.labels(0).any() and not rig.project.labels(1).any()
    rig.drag((30, 30), (50, 30))
    rig.session.navigator.go_to(0)
    rig.canvas.tool.drop_waiting()
    rig.session.navigator.go_to(2)
    assert not rig.canvas.tool.is_busy and not rig.canvas.tool.waiting


def test_what_waits_is_kept_when_the_footage_is_closed(rig):
    rig.drag((30, 30), (50, 30))
    rig.session.navigator.go_to(1)
    kept = []
    rig.session.closing.connect(lambda: kept.append(rig.project.labels(0)))
    rig.session.close()
    assert kept[0][30, 30:50].all()
    assert not rig.canvas.tool.waiting


def test_the_scribble_of_an_object_that_goes_is_forgotten_on_other_frames_too(rig):
    rig.drag((30, 30), (50, 30))
    rig.session.navigator.go_to(1)
    rig.session.delete_object(1)
    assert not rig.canvas.tool.waiting


def test_a_scribble_waits_while_another_tool_is_in_hand(rig):
    rig.drag((30, 30), (50, 30))
    rig.session.navigator.go_to(1)
    rig.take(Tool.BRUSH)
    rig.session.navigator.go_to(0)
    assert rig.canvas.tools[Tool.MARK].waiting == [(0, 1)]
    rig.take(Tool.MARK)
    assert rig.canvas.tool.is_busy


def test_finished_strokes_are_in_the_project_file_until_they_are_accepted(rig, tmp_path):
    rig.drag((30, 30), (50, 30))
    drawn = rig.assist.jobs[-1].strokes
    rig.session.navigator.go_to(2)
    rig.drag((5, 5), (20, 5), button=RIGHT)
    copy = tmp_path / "copy.pcvos"  # as a killed process leaves it
    for end in ("", "-wal"):
        Path(f"{copy}{end}").write_bytes(Path(f"{rig.project.path}{end}").read_bytes())
    rig.session.close()
    project = Project.open(copy)
    rig.session.open(ArraySource(footage()), project)
    tool = rig.canvas.tool
    assert tool.is_busy and tool.waiting == [(2, 1)], "the one on the frame that is shown is open"
    assert np.array_equal(rig.assist.jobs[-1].strokes, drawn)
    tool.accept_waiting()
    assert tool.waiting == [(2, 1)], "it has no mask yet"
    rig.assist.answer(DISC)
    rig.key(Qt.Key.Key_Return)
    rig.session.navigator.go_to(2)
    assert rig.assist.jobs[-1].strokes[5, 10] == 2
    rig.key(Qt.Key.Key_Escape)
    assert project.content.marks == ()
    assert np.array_equal(project.labels(0), DISC.astype(np.uint8))


@pytest.mark.parametrize("stroke", [(0, 1, 9, ((1, 1, 1),)), (0, 1, 1, ()), (0, 1, 1, ((1, 1),))])
def test_what_cannot_be_read_of_them_is_left_out(rig, stroke):
    rig.session.keep(marks=(MarkStroke(*stroke),))
    path = rig.project.path
    rig.session.close()
    rig.session.open(ArraySource(footage()), Project.open(path))
    assert not rig.canvas.tool.waiting and not rig.canvas.tool.is_busy


# accepted marks


OTHER = box(0, 0, 10, 10)


def accept(rig, mask, *points, **how) -> None:
    rig.drag(*points, **how)
    rig.assist.answer(mask)
    rig.key(Qt.Key.Key_Return)


def test_accepted_marks_stay_in_the_project_and_are_taken_up_again(rig):
    rig.give_mask(OTHER, 1)
    before = rig.session.labels.copy()
    rig.drag((30, 30), (50, 30))
    accept(rig, DISC, (5, 5), button=RIGHT)
    assert rig.project.content.marks == () and "Backspace" in rig.canvas.hint
    drawn, path = rig.assist.jobs[-1].strokes, rig.project.path
    rig.session.navigator.go_to(1)
    assert "Backspace" not in rig.canvas.hint
    rig.session.close()
    project = Project.open(path)
    rig.session.open(ArraySource(footage()), project)
    rig.session.navigator.go_to(0)
    tool = rig.canvas.tool
    assert not tool.is_busy and "Backspace" in rig.canvas.hint
    bare = rig.seen(40, 30)
    rig.key(Qt.Key.Key_Backspace)
    assert tool.is_busy and np.array_equal(tool.proposed, DISC) and rig.seen(40, 30) != bare, "marks are seen"
    rig.session.navigator.go_to(1)
    assert not tool.waiting, "nothing in it is new"
    rig.session.navigator.go_to(0)
    rig.key(Qt.Key.Key_Backspace)
    rig.key(Qt.Key.Key_Backspace)
    job = rig.assist.jobs[-1]
    assert np.array_equal(job.strokes == 1, drawn == 1) and not (job.strokes == 2).any(), "the last is taken back"
    assert np.array_equal(job.present, before == 1), "made anew from what was there before the marks"
    accept(rig, OTHER, (60, 50))
    assert np.array_equal(project.labels(0) == 1, OTHER)
    (marks,) = [one for one in project.content.accepted_marks if one.mask == PackedMask.pack(OTHER).checksum]
    assert [stroke.points[0][:2] for stroke in marks.strokes] == [rig.point(30, 30), rig.point(60, 50)]


def test_esc_leaves_the_mask_and_its_marks(rig):
    accept(rig, DISC, (30, 30), (50, 30))
    for _ in range(2):
        rig.key(Qt.Key.Key_Backspace)
        assert rig.canvas.tool.is_busy
        rig.key(Qt.Key.Key_Escape)
        assert np.array_equal(rig.session.labels == 1, DISC) and not rig.canvas.tool.is_busy
    assert rig.session.undo_stack.count() == 1


def test_a_correction_adds_its_marks_and_undo_takes_them_away(rig):
    accept(rig, DISC, (30, 30), (50, 30))
    accept(rig, OTHER, (5, 5))
    assert np.array_equal(rig.assist.jobs[-1].present, DISC), "by itself it corrects what is there"
    rig.key(Qt.Key.Key_Backspace)
    rig.key(Qt.Key.Key_Backspace)
    first = rig.assist.jobs[-1]
    assert first.strokes[30, 40] and not first.strokes[5, 5] and first.present is None
    rig.key(Qt.Key.Key_Escape)
    rig.session.undo_stack.undo()
    rig.key(Qt.Key.Key_Backspace)
    assert np.array_equal(rig.canvas.tool.proposed, DISC)
    rig.drag((60, 50))
    assert np.array_equal(np.unique(rig.assist.jobs[-1].strokes[[30, 50, 5], [40, 60, 5]]), [0, 1])
    assert rig.assist.jobs[-1].strokes[30, 40] and not rig.assist.jobs[-1].strokes[5, 5]
    rig.key(Qt.Key.Key_Escape)
    rig.session.undo_stack.undo()
    rig.key(Qt.Key.Key_Backspace)
    assert not rig.canvas.tool.is_busy, "no mask, no marks"


def test_a_mask_that_something_else_has_made_has_no_marks(rig):
    accept(rig, DISC, (30, 30), (50, 30))
    path = rig.project.path
    rig.take(Tool.BRUSH)
    rig.click(5, 5)
    rig.take(Tool.MARK)
    rig.key(Qt.Key.Key_Backspace)
    assert not rig.canvas.tool.is_busy and "Backspace" not in rig.canvas.hint
    rig.session.undo_stack.undo()
    assert "Backspace" in rig.canvas.hint
    rig.session.undo_stack.redo()
    rig.session.close()
    project = Project.open(path)
    rig.session.open(ArraySource(footage()), project)
    assert project.content.accepted_marks == (), "undo cannot bring the mask back any more"
