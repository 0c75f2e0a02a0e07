"""Panels and timeline over the real threads: frames decoded, a clip drawn by the shipped network, L compared."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from core.media import open_media
from core.project.model import FootageReference
from core.project.project import Project
from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED
from pcvos_gui.panels import MemoryPanel, PropagationPanel
from pcvos_gui.session.player import Player
from pcvos_gui.session.runs import RunController, RunState
from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState
from pcvos_gui.timeline import Timeline
from pcvos_gui.workers.frames import FrameWorker
from pcvos_gui.workers.inference import InferenceWorker

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform

FRAMES, SIZE = 12, (64, 96)


def square(frame: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[20:44, 10 + 3 * frame : 34 + 3 * frame] = True
    return mask


@pytest.fixture
def footage(tmp_path) -> Path:
    folder = tmp_path / "footage"
    folder.mkdir()
    ground = np.random.default_rng(1).integers(0, 90, (*SIZE, 3), np.uint8)
    for frame in range(FRAMES):
        picture = ground.copy()
        picture[square(frame)] = (230, 60, 40)
        Image.fromarray(picture).save(folder / f"{frame:03d}.png")
    return folder


@pytest.fixture
def open_session(qtbot, tmp_path, footage):
    frames, worker = FrameWorker(), InferenceWorker()
    session = Session(frames)
    runs = RunController(session, worker)
    media = open_media(footage)
    reference = FootageReference(footage, media.fingerprint(), len(media), media.size, Fraction(25))
    session.open(media, Project.new(reference, tmp_path / "p.pcvos"))
    runs.next.set_settings(replace(runs.next.settings, resolution=64, interval=3, device="cpu"))
    qtbot.waitUntil(lambda: session.navigator.shown == 0)
    session.add_object("square")
    session.replace_mask(square(0), "Brush")
    yield session, runs
    session.close()
    worker.shutdown()
    frames.shutdown()


def test_run_play_and_compare(qtbot, open_session):
    session, runs = open_session
    player = Player(session, runs.next)
    timeline = Timeline(session, runs, player)
    panel, memory = PropagationPanel(runs, ViewState()), MemoryPanel(session, runs)
    for widget in (timeline, panel, memory):
        qtbot.addWidget(widget)
        widget.show()
    QTest.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: runs.state is RunState.IDLE, timeout=120_000)
    states = session.document.project.states
    assert states[0] == CORRECTED | IN_MEMORY and (states[1:] == PREDICTED).all()
    assert runs.device == "CPU" and "frames on this machine" in panel.interval.cost.text()
    assert not memory.ram.isHidden() and memory.model.rowCount() == 1
    assert not timeline.scrubber.grab().isNull()

    seen = []
    session.navigator.frame_changed.connect(seen.append)
    QTest.mouseClick(timeline.buttons[2], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: FRAMES - 1 in seen and seen[-1] < FRAMES - 1, timeout=20_000)
    assert player.is_playing, "over and over"
    QTest.mouseClick(timeline.buttons[2], Qt.MouseButton.LeftButton)

    session.navigator.go_to(0)
    QTest.mouseClick(panel.compare_button, Qt.MouseButton.LeftButton)
    dialog = panel.compare_dialog
    qtbot.waitUntil(lambda: not runs.comparison.is_under_way, timeout=120_000)
    assert [c.interval for c in dialog.columns.values() if c.result is not None] == [1, 3, 5, 15, 25]
    qtbot.waitUntil(lambda: all(c.agreement.text() for c in dialog.columns.values()), timeout=20_000)
    QTest.mouseClick(dialog.columns[5].use, Qt.MouseButton.LeftButton)
    assert runs.next.settings.interval == 5
