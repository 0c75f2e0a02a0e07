"""The window's tests need no screen, and leave a person's settings alone."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QSettings, QStandardPaths

from pcvos_gui.app.environment import drop_opencv_variables

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow

drop_opencv_variables()  # as the application does, before pytest-qt makes its own


@pytest.fixture(autouse=True)
def settings_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins without settings, and its caches and projects go where nobody's are."""
    for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(form, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    QStandardPaths.setTestModeEnabled(True)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "loads_anew: the test is about loading the shipped networks")


_loaded: dict[tuple, object] = {}


@pytest.fixture(autouse=True)
def shipped_networks_are_loaded_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading them takes a second or two, and nearly every window does; not so where a test is about it."""
    if request.node.get_closest_marker("loads_anew"):
        return
    from core.studio import engine, mark_engine

    def once(load):
        def remembered(weights: Path | None, device: object, *_: object):
            key = load, device
            if weights is not None:
                return load(weights, device)
            if key not in _loaded:
                _loaded[key] = load(weights, device)
            return _loaded[key]

        return remembered

    monkeypatch.setattr(engine, "load_network", once(engine.load_network))
    monkeypatch.setattr(mark_engine, "load_marking", once(mark_engine.load_marking))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video of `window_parts.COUNT` frames."""
    from window_parts import make_clip

    return make_clip(tmp_path / "clip.mp4")


@pytest.fixture
def window(qtbot):
    """The whole window, shown."""
    from pcvos_gui.app.main_window import MainWindow

    window = MainWindow()
    qtbot.addWidget(window, before_close_func=_ask_nobody)
    window.resize(1200, 800)
    with qtbot.waitExposed(window):
        window.show()
    return window


def _ask_nobody(window: "MainWindow") -> None:
    """A test may end during a run, and there is nobody to say that the window may be closed nevertheless."""
    window.session.may_leave = lambda: True


@pytest.fixture
def hands(qtbot, window):
    """A person's hands at `window`."""
    from window_parts import Hands

    return Hands(qtbot, window)


@pytest.fixture
def answers(monkeypatch) -> tuple[list[str], list[str]]:
    """The answers to questions, in order, and the questions that were asked."""
    given: list[str] = []
    asked: list[str] = []

    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QMessageBox

    ask = QMessageBox.exec

    def answer(box: "QMessageBox") -> int:
        asked.append(box.text())
        button = next(button for button in box.buttons() if button.text() == given[0])
        QTimer.singleShot(0, button, lambda: (given.pop(0), button.click()))
        return ask(box)

    monkeypatch.setattr(QMessageBox, "exec", answer)
    return given, asked
