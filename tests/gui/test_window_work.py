"""What the window does over and over: counted, for nothing shall be done that nobody sees or that changes nothing."""

import gc
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QTimer
from window_parts import Hands, truth

from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change
from core.project.project import Project
from core.studio.explanation import make_explain_job
from core.studio.run_settings import RunSettings
from pcvos_gui.canvas.items import LabelsItem
from pcvos_gui.panels.why import WhyPanel
from pcvos_gui.session import why as why_module
from pcvos_gui.session.runs import RunState
from pcvos_gui.session.session import Session


@pytest.fixture
def marked(hands: Hands, clip: Path) -> Hands:
    """One object, marked on frame 0, and nothing propagated."""
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    return hands


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[object]:
    """Have the calls of a method noted, by the object that it is called on."""
    calls: list[object] = []
    real: Callable = getattr(owner, name)

    def noting(self, *arguments, **options):
        calls.append(self)
        return real(self, *arguments, **options)

    monkeypatch.setattr(owner, name, noting)
    return calls


class LayoutCount(QObject):
    """How often the window lays itself out."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


def test_a_step_lays_nothing_out_anew(marked: Hands):
    for frame in (1, 2):
        marked.go_to(frame)
        marked.bot.wait(300)  # longer than a frame has to rest
    layouts = LayoutCount()
    marked.window.installEventFilter(layouts)
    marked.go_to(3)
    marked.bot.wait(300)
    assert marked.window.status.place.text().startswith("frame 3 ") and not layouts.count
    marked.window.removeEventFilter(layouts)


def test_a_step_checks_no_settings_again_and_again(marked: Hands, monkeypatch):
    """Costs at each quality were worked out with settings made anew, 19 times a step."""
    marked.go_to(1)
    marked.bot.wait(300)
    made = counted(monkeypatch, RunSettings, "__post_init__")
    marked.go_to(2)
    marked.bot.wait(300)
    assert len(made) <= 1


def test_undo_is_not_named_anew_while_a_button_is_held(marked: Hands):
    """Each name of an action lays the toolbar out anew, and the window with it."""
    undo = marked.window.actions_by_name["undo"]
    marked.paint((40, 40), (46, 40))
    assert undo.text() == "Undo: Brush, frame 0"
    texts: list[str] = []
    undo.changed.connect(lambda: texts.append(undo.text()))
    steps = marked.session.undo_stack.count()
    marked.paint((48, 30), (54, 30))
    assert marked.session.undo_stack.count() == steps + 1 and undo.isEnabled() and not texts


def test_a_step_draws_anew_only_the_masks_that_there_are(marked: Hands, monkeypatch):
    painted = counted(monkeypatch, LabelsItem, "update")
    marked.go_to(1)
    assert painted and set(painted) == {marked.window.canvas.labels_item}


def test_modules_are_not_searched_for_garbage_again_and_again(marked: Hands):
    """A full collection stops all threads for as long as it takes to go through every object that it knows."""
    marked.window.runs.start()
    marked.bot.waitUntil(lambda: marked.window.runs.state is RunState.IDLE, timeout=120_000)
    assert gc.get_freeze_count() > 100_000, "PyTorch and Qt"


def test_footage_that_was_closed_is_freed_nevertheless(marked: Hands, clip: Path, tmp_path: Path):
    project = weakref.ref(marked.session.document.project)
    gc.freeze()  # as where the network is loaded while footage is open
    marked.open(Path(shutil.copy(clip, tmp_path / f"other{clip.suffix}")))
    marked.bot.waitUntil(lambda: project() is None)
    assert gc.get_freeze_count() > 100_000, "modules are kept again"


def test_a_panel_behind_another_asks_and_shows_nothing(marked: Hands, monkeypatch):
    why = marked.window.why
    shown = counted(monkeypatch, WhyPanel, "_fill")
    asked: list[int] = []
    monkeypatch.setattr(why_module, "make_explain_job", lambda *of: asked.append(of[2]) or make_explain_job(*of))
    marked.go_to(1)
    marked.bot.wait(300)  # longer than a frame has to rest
    assert not shown and not asked and why.explained is None
    marked.window.show_dock("why")
    marked.bot.waitUntil(lambda: asked == [1] and bool(shown))
    marked.window.show_dock("propagation")
    marked.bot.waitUntil(lambda: not any(timer.isActive() for timer in why.findChildren(QTimer)))
    shown.clear()
    marked.go_to(2)
    marked.bot.wait(300)
    assert not shown and asked == [1]


def test_during_a_run_no_action_goes_to_and_fro(marked: Hands, monkeypatch):
    changed: list[str] = []
    for name, action in marked.window.actions_by_name.items():
        action.enabledChanged.connect(lambda _, name=name: changed.append(name))
    marked.window.action_states.refresh()
    assert not changed
    monkeypatch.setattr(marked.runs, "state", RunState.RUNNING, raising=False)
    marked.window.action_states.refresh()
    assert set(changed) == {"propagate", "propagate_everything", "compare", "learn", "pause", "stop"}
    changed.clear()
    marked.window.action_states.refresh()
    assert not changed


def test_the_next_step_is_told_without_reading_a_mask(marked: Hands, monkeypatch):
    read = counted(monkeypatch, Project, "permanent_memory")
    marked.window.next_step.refresh()
    assert "Ball is marked" in marked.window.canvas.strip.step.text() and not read


def test_the_review_is_told_only_where_it_has_changed(marked: Hands):
    session: Session = marked.session
    cells = {(frame, 1): (None, Cell(PackedMask.pack(truth(frame)), confidence=0.3)) for frame in (2, 3)}
    session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    reviewer, told = marked.window.reviewer, []
    reviewer.refresh()
    assert [s.is_unprocessed for s in reviewer.stretches] == [False, True, True]
    reviewer.changed.connect(lambda: told.append(1))
    reviewer.refresh()
    assert not told
