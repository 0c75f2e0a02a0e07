"""Marking in the real window, by the real network: clicks, strokes, boxes, and what becomes of them."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_parts import RADIUS, Hands, centre, overlap, truth

from core.masks.packed_mask import PackedMask
from core.network import marking_weights
from core.project.model import Cell, ObjectInfo
from core.studio.comparison import Apart
from pcvos_gui.canvas.tools.click_preview import REST_MS
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.side_by_side import Seen
from pcvos_gui.session.view_state import Tool

RIGHT = Qt.MouseButton.RightButton
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
NONE = Qt.KeyboardModifier.NoModifier


class Pointing:
    """Marks as a person makes them, in a window over `clip`."""

    def __init__(self, hands: Hands, clip: Path):
        self.hands = hands
        hands.open(clip)
        self.tool = hands.window.canvas.tools[Tool.MARK]
        self.view = hands.view

    def mark(self, *points, button=Qt.MouseButton.LeftButton, modifiers=NONE) -> np.ndarray:
        """Press, drag, release, and wait for the mask that is proposed then."""
        with self.hands.bot.waitSignal(self.hands.window.assist.done, timeout=60_000):
            self.drag(*points, button=button, modifiers=modifiers)
        return self.tool.proposed.copy()

    def drag(self, *points, button=Qt.MouseButton.LeftButton, modifiers=NONE) -> None:
        up = Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseButtonPress, points[0], button, button, modifiers)
        for point in points[1:]:
            self._send(QEvent.Type.MouseMove, point, up, button, modifiers)
        self._send(QEvent.Type.MouseButtonRelease, points[-1], button, up, modifiers)

    def rest(self, point) -> None:
        up = Qt.MouseButton.NoButton
        self._send(QEvent.Type.MouseMove, point, up, up, NONE)

    def key(self, key) -> None:
        QTest.keyClick(self.view, key)

    def _send(self, kind, point, button, buttons, modifiers) -> None:
        viewport = self.view.viewport()
        at = QPointF(self.view.to_view(QPointF(*point)).toPoint())
        QApplication.sendEvent(viewport, QMouseEvent(kind, at, viewport.mapToGlobal(at), button, buttons, modifiers))


@pytest.fixture
def pointing(hands: Hands, clip: Path) -> Pointing:
    return Pointing(hands, clip)


def box_around(frame: int) -> tuple[tuple[float, float], tuple[float, float]]:
    x, y = centre(frame)
    return (x - RADIUS - 1, y - RADIUS - 1), (x + RADIUS + 2, y + RADIUS + 2)


def test_marking_is_the_tool_that_one_begins_with(pointing: Pointing):
    assert pointing.hands.window.view_state.tool is Tool.MARK
    assert "click" in pointing.tool.hint and "box" in pointing.tool.hint
    assert not pointing.tool.has_brush


def test_a_click_begins_an_object_and_enter_accepts_its_mask(pointing: Pointing):
    session = pointing.hands.session
    proposed = pointing.mark(centre(0))
    assert len(session.objects) == 1 and overlap(proposed, truth(0)) > 0.7
    assert not session.labels.any(), "nothing is changed yet"
    pointing.key(Qt.Key.Key_Return)
    assert np.array_equal(session.labels == 1, proposed)
    assert session.document.project.content.marks == ()
    session.undo_stack.undo()
    assert not session.labels.any()


@pytest.mark.parametrize("how", [{"button": RIGHT}, {"modifiers": ALT}])
def test_a_click_can_say_not_this_and_backspace_takes_it_back(pointing: Pointing, how):
    x, y = centre(0)
    before = pointing.mark((x, y))
    after = pointing.mark((x + 8, y + 6), **how)
    assert before[54, 38] and not after[54, 38], "the click counts"
    with pointing.hands.bot.waitSignal(pointing.hands.window.assist.done, timeout=60_000):
        pointing.key(Qt.Key.Key_Backspace)
    assert np.array_equal(pointing.tool.proposed, before)
    pointing.key(Qt.Key.Key_Backspace)
    assert not pointing.tool.is_busy and not pointing.hands.session.labels.any()


def test_accepted_marks_are_taken_up_again_and_give_what_they_gave(pointing: Pointing):
    x, y = centre(0)
    first = pointing.mark((x, y))
    both = pointing.mark((x + 8, y + 6), button=RIGHT)
    pointing.key(Qt.Key.Key_Return)
    pointing.hands.go_to(5)
    pointing.hands.go_to(0)
    assert "Backspace" in pointing.tool.hint
    pointing.key(Qt.Key.Key_Backspace)
    step = pointing.hands.window.canvas.strip.step
    assert np.array_equal(pointing.tool.proposed, both) and "accept it" in step.text()
    with pointing.hands.bot.waitSignal(pointing.hands.window.assist.done, timeout=60_000):
        pointing.key(Qt.Key.Key_Backspace)
    assert np.array_equal(pointing.tool.proposed, first)
    pointing.key(Qt.Key.Key_Escape)
    assert "accept it" not in step.text(), "nothing is offered any more"


def test_a_mark_after_an_accepted_one_corrects_the_mask_and_drops_nothing_of_it(pointing: Pointing):
    accepted = pointing.mark(centre(0))
    pointing.key(Qt.Key.Key_Return)
    proposed = pointing.mark((110, 16))  # the disc that stands still, far away
    assert proposed[16, 110] and np.count_nonzero(proposed & accepted) == np.count_nonzero(accepted)


def test_a_stroke_and_a_box_mean_the_object(pointing: Pointing):
    x, y = centre(0)
    assert overlap(pointing.mark((x - 10, y), (x, y + 2), (x + 10, y)), truth(0)) > 0.7
    pointing.key(Qt.Key.Key_Escape)
    assert not pointing.tool.is_busy
    assert overlap(pointing.mark(*box_around(0), modifiers=SHIFT), truth(0)) > 0.7


def test_a_box_without_extent_is_said_and_leaves_nothing(pointing: Pointing):
    pointing.drag((40, 40), modifiers=SHIFT)
    assert pointing.hands.told("box", "no extent") and not pointing.tool.is_busy


def test_a_click_beside_the_frame_marks_nothing(pointing: Pointing):
    pointing.drag((-3, 40))
    assert not pointing.tool.is_busy


def test_a_correction_changes_only_what_hangs_together_with_it(pointing: Pointing):
    session = pointing.hands.session
    there = truth(0)
    there[80:90, 5:15] = True  # far away
    session.add_object()
    session.replace_mask(there, "Given")
    proposed = pointing.mark((110, 16))
    assert proposed[16, 110], "the click counts"
    assert np.array_equal(proposed[:, :70], there[:, :70]), "the rest stays, pixel for pixel"


def test_marks_wait_on_their_frame_and_are_in_the_project(pointing: Pointing):
    first = pointing.mark(centre(0))
    pointing.mark(*box_around(0), modifiers=SHIFT)
    pointing.hands.go_to(5)
    assert pointing.tool.waiting == [(0, 1)] and not pointing.hands.session.labels.any()
    pointing.mark(centre(5))
    stored = pointing.hands.session.document.project.content.marks
    assert sorted(one.frame for one in stored) == [0, 0, 5]
    with pointing.hands.bot.waitSignal(pointing.hands.window.assist.done, timeout=60_000):
        pointing.hands.go_to(0)
    assert pointing.tool.is_busy and overlap(pointing.tool.proposed, truth(0)) > 0.7
    with pointing.hands.bot.waitSignal(pointing.hands.window.assist.done, timeout=60_000):
        pointing.key(Qt.Key.Key_Backspace)
    assert np.array_equal(pointing.tool.proposed, first), "what one mark gave, it gives again"


def test_a_mask_that_is_still_being_made_is_accepted_with_the_tool(pointing: Pointing):
    pointing.drag(centre(0))
    pointing.hands.window.view_state.set_tool(Tool.BRUSH)
    assert overlap(pointing.hands.labels(0) == 1, truth(0)) > 0.7


def test_another_objects_pixels_are_taken_unless_it_is_locked(pointing: Pointing):
    session = pointing.hands.session
    session.add_object()
    session.replace_mask(truth(0), "Given")
    session.add_object()
    session.change_object(ObjectInfo(1, "one", (255, 0, 0), locked=True))
    pointing.drag(centre(0))
    assert pointing.hands.told("one", "locked") and not pointing.tool.is_busy
    session.change_object(ObjectInfo(1, "one", (255, 0, 0)))
    proposed = pointing.mark(centre(0))
    pointing.key(Qt.Key.Key_Return)
    assert np.array_equal(session.labels == 2, proposed)
    assert np.array_equal(session.labels == 1, truth(0) & ~proposed)


def test_a_preview_is_seen_while_the_pointer_rests_and_is_no_mask(pointing: Pointing):
    tool = pointing.tool
    pointing.rest(centre(0))
    pointing.hands.bot.waitUntil(lambda: tool.preview is not None, timeout=60_000)
    seen = tool.preview.copy()
    assert overlap(seen, truth(0)) > 0.7 and not tool.is_busy and not pointing.hands.session.objects
    proposed = pointing.mark(centre(0))
    assert tool.preview is None and overlap(seen, proposed) > 0.95, "the click gives what was shown"


def test_no_preview_lies_over_the_other_side_of_a_comparison(pointing: Pointing):
    tool, sides, bot = pointing.tool, pointing.hands.window.sides, pointing.hands.bot
    pointing.hands.session.add_object("Ball")
    sides.set_apart({"Drawn elsewhere": Apart({(0, 1): Cell(PackedMask.pack(truth(0)))})})
    pointing.rest(centre(0))
    bot.waitUntil(lambda: tool.preview is not None, timeout=60_000)
    pointing.hands.act("flip_sides")
    assert sides.seen is Seen.OTHER and tool.preview is None
    pointing.rest(centre(1))
    bot.wait(3 * REST_MS)
    assert tool.preview is None
    sides.see(Seen.ONE)
    pointing.rest(centre(0))
    bot.waitUntil(lambda: tool.preview is not None, timeout=60_000)


def test_a_run_gives_way_to_a_mark(pointing: Pointing):
    """Within its clips: tests/gui/test_inference_worker.py."""
    hands = pointing.hands
    pointing.mark(centre(0))
    pointing.key(Qt.Key.Key_Return)
    order: list[str] = []
    hands.window.inference.ended.connect(lambda _: order.append("end"))
    hands.window.inference.marked.connect(lambda m: m.mask is None or order.append("mark"))
    hands.window.inference.started.connect(lambda _: pointing.drag((110, 16)))
    hands.begin_run(interval=2)
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)
    assert order == ["mark", "end"], order
    assert pointing.tool.proposed[16, 110]
    assert all(hands.labels(frame).any() for frame in range(1, 13)), "the run has gone on to its end"


@pytest.mark.loads_anew
def test_without_marking_weights_strokes_work_and_it_is_said_once(hands: Hands, clip: Path, monkeypatch, tmp_path):
    monkeypatch.setattr(marking_weights, "DEFAULT_MARKING_WEIGHTS", tmp_path / "gone.safetensors")
    pointing = Pointing(hands, clip)
    x, y = centre(0)
    hands.window.view_state.set_brush(8)
    proposed = pointing.mark((x - 10, y), (x + 10, y))
    assert proposed[48, 22:38].all() and np.count_nonzero(proposed) < 600, "painted, as the brush does"
    assert sum("gone.safetensors" in text for text in hands.texts) == 1
    assert (pointing.tool.has_brush and "paint" in pointing.tool.hint) or pointing.tool.is_busy


@pytest.mark.loads_anew
def test_weights_of_another_network_are_said(hands: Hands, clip: Path, monkeypatch, tmp_path):
    other = marking_weights.load_marking()
    other.features = "another"
    marking_weights.save_marking(tmp_path / "other.safetensors", marking_weights.MarkingNetwork())
    monkeypatch.setattr(marking_weights, "DEFAULT_MARKING_WEIGHTS", tmp_path / "other.safetensors")
    pointing = Pointing(hands, clip)
    hands.bot.waitUntil(lambda: not hands.window.assist.has_network, timeout=60_000)
    assert hands.told("other weights of the network")
    assert pointing.tool.has_brush
