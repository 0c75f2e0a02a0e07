"""A new user is told what comes next, where the eye is, by one name for one act; words of the trade are for those who
ask."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, Qt
from window_parts import COUNT, RESOLUTION, Hands, truth

from core.studio.run_settings import Range
from pcvos_gui.app.actions import ACTIONS, MENUS
from pcvos_gui.app.handlers.files import open_demo
from pcvos_gui.panels.compare import CompareDialog
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.side_by_side import PRESENT, Choice
from pcvos_gui.widgets.primary_button import PrimaryButton

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform

PACKAGE = Path(__file__).resolve().parents[2] / "pcvos_gui"


def test_from_the_first_mark_to_the_first_correction(hands: Hands, clip: Path):
    hands.open(clip)
    step = hands.window.canvas.strip.step
    assert step.isVisible() and step.text() == "Next: mark an object on any frame"
    hands.scribble((20, 48), (38, 48))
    assert step.text() == "Next: accept it, or go on marking"
    hands.window.canvas.accept()
    assert (
        step.text()
        == "Object 1 is marked. Next: propagate it to the other frames (Ctrl+Return), or add an object (Ctrl+N)"
    )
    hands.session.add_object("Ball")
    assert step.text().startswith("Object 1 is marked."), "the other one is not"
    hands.session.replace_mask(truth(0), "Mask")
    assert step.text().startswith("2 objects are marked.")
    hands.begin_run()
    assert step.text() == "Loading the network; longer the first time…"
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.RUNNING, timeout=120_000)
    assert step.text().startswith("Propagating:")
    hands.bot.waitUntil(lambda: hands.runs.state is RunState.IDLE, timeout=120_000)
    hands.bot.waitUntil(lambda: hands.window.reviewer.is_settled)
    assert re.fullmatch(
        r"Next: (look at the one place|go through the \d+ places) in doubt .*; or export|Object 1: .* wait(s \(F8\))?",
        step.text(),
    )
    hands.go_to(5)
    hands.session.replace_mask(truth(5), "Mask")
    assert step.text().startswith("Corrected. Next: fix more frames, or propagate again (Ctrl+Return)")
    assert hands.runs.next.settings.resolution == RESOLUTION


def test_frames_that_no_run_has_reached_are_told_of(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=2, range=Range.ONE_CLIP)
    step = hands.window.canvas.strip.step
    assert step.text().startswith("Next: fix the first frame that is wrong, or propagate to the frames that are left")
    hands.run(range=Range.TO_END)
    assert "frames that are left" not in step.text()


CORRECTED = "Corrected. Next: fix more frames, or propagate again (Ctrl+Return)"


def test_only_what_a_person_corrected_is_called_a_correction(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=2, range=Range.TO_END)
    step, session, project = hands.window.canvas.strip.step, hands.session, hands.session.document.project
    hands.bot.waitUntil(lambda: hands.window.reviewer.is_settled)
    assert "Corrected" not in step.text()
    hands.go_to(5)
    session.replace_mask(truth(5), "Mask")
    assert step.text().startswith(CORRECTED)
    hands.act("undo")
    hands.bot.waitUntil(lambda: hands.window.reviewer.is_settled)
    assert "Corrected" not in step.text(), "the correction is gone"
    hands.act("redo")
    assert step.text().startswith(CORRECTED)
    session.document.set_done(1, 8, 9, True)
    assert step.text().startswith(CORRECTED), "still to be propagated"
    path = project.path
    hands.act("close")
    hands.open(path)
    assert step.text().startswith(CORRECTED), "also when it is opened again"


def test_taking_back_clearing_and_declaring_done_are_no_corrections(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=2, range=Range.TO_END)
    hands.run(interval=4, range=Range.TO_END)
    step, document, sides = hands.window.canvas.strip.step, hands.session.document, hands.window.sides
    before = document.undo_stack.index()
    sides.choose(PRESENT, Choice(2, before=True))
    sides.take(0, COUNT - 1, None)
    assert document.undo_stack.index() == before + 1 and "Corrected" not in step.text()
    document.set_done(1, 8, 9, True)
    assert "Corrected" not in step.text()
    document.clear(5, 6)
    assert step.text().startswith("Next: fix the first frame that is wrong, or propagate to the frames that are left")
    hands.session.add_object("Cap")
    hands.session.replace_mask(truth(0) & False, "Mask", even_if_unchanged=True)
    assert (
        step.text() == "Cap is marked. Next: propagate it to the other frames (Ctrl+Return), or add an object (Ctrl+N)"
    )


def test_while_intervals_are_compared_nothing_else_can_begin(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.replace_mask(truth(0), "Mask")
    window = hands.window
    hands.runs.next.set_settings(replace(hands.runs.next.settings, resolution=RESOLUTION, device="cpu"))
    hands.act("compare")
    assert not window.actions_by_name["propagate"].isEnabled() and not window.toolbar.propagate.isEnabled()
    window.findChild(CompareDialog).reject()
    assert window.actions_by_name["propagate"].isEnabled() and window.propagation_panel.run_button.isEnabled()
    hands.begin_run()
    assert not window.actions_by_name["compare"].isEnabled()
    hands.runs.stop()


def test_the_demo_opens_with_its_next_step_and_nothing_else(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    mask = tmp_path / "00001.png"
    Image.fromarray(truth(1).astype(np.uint8)).save(mask)
    monkeypatch.setattr("pcvos_gui.app.handlers.files.MASK", mask)
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        open_demo(hands.window, clip)
    hands.wait_for_frame()
    assert hands.session.navigator.frame == 1
    assert hands.texts == [], "nothing covers the picture"
    step = hands.window.canvas.strip.step
    assert step.isVisible() and "Next: propagate it to the other frames" in step.text()


def test_propagate_is_accented_wherever_it_can_be_pressed(hands: Hands, clip: Path):
    hands.open(clip)
    window = hands.window
    for button in (window.toolbar.propagate, window.propagation_panel.run_button):
        assert isinstance(button, PrimaryButton) and button.text() == "Propagate" and button.isEnabled()
    hands.session.replace_mask(truth(0), "Mask")
    hands.bot.mouseClick(window.toolbar.propagate, Qt.MouseButton.LeftButton)
    assert hands.runs.is_busy and not window.toolbar.propagate.isEnabled()
    hands.runs.stop()


def test_one_act_has_one_name():
    """ "Run" is nowhere in what a person reads: the act is "Propagate", what comes of it "propagated"."""
    assert "Propagate" in MENUS and "Run" not in MENUS
    texts = [text for spec in ACTIONS for text in (spec.text, spec.tip)]
    calls = re.compile(r"(?:\btr|\b_tr|\bN|\btranslate)\(((?:\s*(?:_CONTEXT,|\"[a-z]+\",)?\s*f?\"(?:[^\"\\]|\\.)*\")+)")
    for path in PACKAGE.rglob("*.py"):
        texts += [match.group(1) for match in calls.finditer(path.read_text())]
    assert len(texts) > 500
    named = [text for text in texts if re.search(r"\b[Rr](?:un|uns|an|unning)\b", text)]
    assert named == []


def test_words_of_the_trade_are_not_where_everybody_reads(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.replace_mask(truth(0), "Mask")
    hands.run()
    window = hands.window
    assert window.status.engine.text() == "CPU ·"
    assert "working memory" in window.status.engine.toolTip() and "shipped" in window.status.engine.toolTip()
    for name in ("propagation", "memory"):
        window.show_dock(name)
        QCoreApplication.processEvents()
        seen = [label.text() for label in window.findChildren(type(window.status.engine)) if label.isVisible()]
        words = ("paper", "scores", "small on", "Working memory", "ook-alikes", "features", "YouTube")
        assert not [text for text in seen for word in words if word in text]
