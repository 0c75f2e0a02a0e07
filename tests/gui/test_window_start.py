"""From `python app.py` to a window: in processes of their own, since there can be but one application in each."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QT = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def python(*arguments: str | Path, home: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run Python for a person without settings, and without a screen unless `environment` brings one."""
    places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "CACHE")}
    kept = {name: value for name, value in os.environ.items() if name not in QT}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=home,
        env=kept | places | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


# Runs app.py as it is, with somebody at the window who does what the person at the test says.
DRIVER = """
import json, sys, threading
sys.argv = ["app.py", *sys.argv[1:]]
import app
from pcvos_gui.app.environment import drop_opencv_variables
drop_opencv_variables()
from PySide6.QtCore import QTimer
from pcvos_gui.app import main_window
from pcvos_gui.app import theme
from pcvos_gui.workers.inference import InferenceWorker
from PySide6.QtWidgets import QApplication

InferenceWorker.warm_up = lambda self: None  # takes seconds, and nothing is propagated here

def fail():
    raise ValueError("nobody expected this")

class Window(main_window.MainWindow):
    def show(self):
        super().show()
        self.seen = {}
        self.session.navigator.image_changed.connect(lambda: QTimer.singleShot(0, self.act))
        said = self.session.messages.said
        said.connect(lambda message: message.level == "error" and QTimer.singleShot(0, self.leave))

    def act(self):
        if not self.session.is_open or "footage" in self.seen:
            return
        self.seen["footage"] = self.session.document.media.path.name
        self.look_at("dark", lambda: self.look_at("light", self.go_wrong))

    def look_at(self, name, then):
        theme.choose(QApplication.instance(), name)
        self.wait_for_colours(name, then, 500)

    def wait_for_colours(self, name, then, tries):
        lightness = self.palette().window().color().lightness()
        if (lightness < 128) != (name == "dark") and tries:  # the change comes with the events, late on a busy machine
            QTimer.singleShot(20, lambda: self.wait_for_colours(name, then, tries - 1))
            return
        self.seen[name] = lightness
        then()

    def go_wrong(self):
        QTimer.singleShot(0, fail)
        QTimer.singleShot(50, lambda: threading.Thread(target=fail).start())
        self.errors = []
        show = self.messages.show_message
        self.messages.show_message = lambda message, *project: (
            show(message, *project),
            self.errors.append(message.text),
        )
        QTimer.singleShot(50, self.wait)

    def wait(self):
        if len(self.errors) < 2:
            QTimer.singleShot(20, self.wait)
            return
        self.session.add_object("still alive")
        self.seen["objects"] = [o.name for o in self.session.objects]
        self.leave()

    def leave(self):
        self.seen["messages"] = [m.text for m in self.messages.messages]
        self.close()
        print(json.dumps(self.seen))

main_window.MainWindow = Window
sys.exit(app.main())
"""


def window_for(argument: Path, home: Path) -> tuple[dict, str]:
    run = python("-c", DRIVER, argument, home=home, QT_QPA_PLATFORM="offscreen")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1]), run.stderr


def test_a_file_is_opened_and_errors_that_nobody_caught_are_shown(clip: Path, tmp_path: Path):
    seen, said = window_for(clip, tmp_path)
    assert seen["footage"] == "clip.mp4"
    assert seen["dark"] < 128 < seen["light"], "windows that are there follow the theme"
    (message,) = [text for text in seen["messages"] if "wrong" in text]
    assert "ValueError: nobody expected this" in message and "Your work is saved" in message
    assert said.count("Traceback") == 2, "both, also the thread's, are in the log"
    assert seen["objects"] == ["still alive"] and clip.with_suffix(".pcvos").is_file()


def test_a_file_that_is_not_there_is_named_in_the_window(tmp_path: Path):
    seen, _ = window_for(tmp_path / "nothing.mp4", tmp_path)
    assert any("nothing.mp4" in text for text in seen["messages"]) and "footage" not in seen


def test_without_a_display_one_sentence_says_what_works(tmp_path: Path):
    for arguments in ((), ("clip.mp4",)):
        run = python(ROOT / "app.py", *arguments, home=tmp_path)
        assert (run.returncode, run.stdout) == (2, "")
        assert len(run.stderr.splitlines()) == 1
        assert "no display" in run.stderr and "app.py propagate" in run.stderr


def test_without_a_display_the_demo_runs_the_command(tmp_path: Path):
    code = (
        "import json, sys, core.cli\n"
        "core.cli.main = lambda: print(json.dumps(sys.argv[1:])) or 0\n"
        "sys.argv = ['app.py', 'demo']\n"
        "import app\n"
        "sys.exit(app.main())\n"
    )
    run = python("-c", code, home=tmp_path)
    assert run.returncode == 0, run.stderr
    said, command = run.stdout.splitlines()
    assert "no display" in said
    name, clip, *options = json.loads(command)
    assert name == "propagate" and Path(clip).is_file()
    given = dict(zip(options[0:-1:2], options[1::2], strict=True))
    assert given["--direction"] == "both" and Path(given["--masks"]).is_file()


def test_subcommands_need_no_display(tmp_path: Path):
    run = python(ROOT / "app.py", "propagate", "--help", home=tmp_path)
    assert run.returncode == 0 and "--interval" in run.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere OpenCV sets none")
def test_what_opencv_sets_is_gone_before_qt_starts(tmp_path: Path):
    code = (
        "import os\n"
        "import cv2\n"
        "names = ('QT_QPA_PLATFORM_PLUGIN_PATH', 'QT_QPA_FONTDIR')\n"
        "print([name for name in names if name in os.environ])\n"
        "from pcvos_gui.app.environment import drop_opencv_variables\n"
        "drop_opencv_variables()\n"
        "print([name for name in names if name in os.environ])\n"
        "from PySide6.QtWidgets import QApplication\n"
        "print(QApplication([]).platformName())\n"
    )
    run = python("-c", code, home=tmp_path, QT_QPA_PLATFORM="offscreen")
    assert run.returncode == 0, run.stderr
    before, after, platform = run.stdout.splitlines()
    if before == "[]":
        pytest.skip("this OpenCV has no Qt in it")
    assert before == "['QT_QPA_PLATFORM_PLUGIN_PATH', 'QT_QPA_FONTDIR']" and after == "[]" and platform == "offscreen"


@pytest.mark.long
@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="needs xvfb-run")
def test_on_a_virtual_x_server(tmp_path: Path):
    test = "tests/gui/test_window.py::test_scribble_propagate_correct_again_undo"
    run = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", sys.executable, "-m", "pytest", "-q", test],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k not in QT} | {"QT_QPA_PLATFORM": "xcb"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stdout
    assert "1 passed" in run.stdout
