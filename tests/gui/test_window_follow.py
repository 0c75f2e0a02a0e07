"""The canvas goes along with a run, and lets go when the person does something else; undo shows where."""

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from window_parts import COUNT, Hands, truth

from core.studio.run_settings import Range
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.view_state import Tool


def marked(hands: Hands, clip: Path) -> None:
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")


def idle(hands: Hands) -> None:
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)


def test_a_run_is_followed_and_leads_back_to_where_it_began(hands: Hands, clip: Path):
    marked(hands, clip)
    seen = []
    hands.session.navigator.frame_changed.connect(seen.append)
    hands.run(interval=3, direction="forward", range=Range.TO_END)
    assert seen[-2:] == [COUNT - 1, 0] and len(seen) > 3


def test_a_run_that_is_stopped_leaves_the_playhead_where_it_is(hands: Hands, clip: Path):
    marked(hands, clip)
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done >= 4 and hands.session.navigator.frame >= 3, timeout=120_000)
    hands.act("stop")
    seen_last = hands.session.navigator.frame
    hands.wait_for_frame()
    assert hands.session.navigator.frame == seen_last >= 3


def test_a_run_that_fails_leaves_the_playhead_where_it_is(hands: Hands, clip: Path, monkeypatch):
    from core.propagation import Propagator

    plain = Propagator.run

    def fail(self, *args, **kwargs):
        clips = plain(self, *args, **kwargs)
        for _ in range(4):
            yield next(clips)
        raise RuntimeError("a fault")

    marked(hands, clip)
    monkeypatch.setattr(Propagator, "run", fail)
    hands.run(interval=1, direction="forward", range=Range.TO_END)
    assert hands.session.navigator.frame > 0


def test_who_steps_away_stays_there(hands: Hands, clip: Path):
    marked(hands, clip)
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done >= 3, timeout=120_000)
    hands.go_to(1)
    done = hands.runs.progress.done
    idle(hands)
    assert hands.runs.progress.done > done and hands.session.navigator.frame == 1


def test_an_unfinished_scribble_is_neither_left_nor_accepted(hands: Hands, clip: Path):
    marked(hands, clip)
    hands.begin_run(interval=1, direction="forward", range=Range.TO_END)
    hands.bot.waitUntil(lambda: hands.runs.progress.done >= 3, timeout=120_000)
    hands.go_to(COUNT - 1)
    hands.window.view_state.set_tool(Tool.MARK)
    hands.drag((20, 20), (40, 20))
    idle(hands)
    assert hands.session.navigator.frame == COUNT - 1 and hands.window.canvas.tool.is_busy
    assert hands.session.document.project.permanent_memory().keys() == {0}


def test_undo_says_what_it_took_back_and_shows_the_frame(hands: Hands, clip: Path):
    marked(hands, clip)
    hands.go_to(5)
    hands.paint((20, 20), (40, 20))
    hands.go_to(9)
    hands.act("undo")
    hands.wait_for_frame()
    assert hands.session.navigator.frame == 5
    assert any("Undone" in m.text and "5" in m.text for m in hands.window.messages.messages)
    hands.go_to(9)
    hands.act("redo")
    assert hands.session.navigator.frame == 5


def test_in_and_out_choose_the_range_and_speed_is_that_of_real_work(hands: Hands, clip: Path):
    marked(hands, clip)
    hands.runs.next.set_in_out(0, 4)
    assert hands.runs.next.settings.range is Range.IN_OUT and hands.runs.next.frames_to_draw() == (0, 4)
    hands.runs.next.set_in_out(None, None)
    assert hands.runs.next.settings.range is Range.TO_END
    hands.runs.next.set_in_out(0, 0)
    hands.run()
    assert hands.runs.progress.frames_per_second is None, "a frame that was given says nothing of the speed"


def test_the_wheel_changes_no_setting_that_has_not_the_focus(hands: Hands, clip: Path):
    marked(hands, clip)
    panel = hands.window.propagation_panel
    before = hands.runs.next.settings
    for field in (panel.range, panel.interval.spin, panel.interval.slider):
        event = QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(field, event)
    assert hands.runs.next.settings == before
