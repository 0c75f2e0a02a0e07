"""The project as a whole: its layers, its size, its demo clip, its way onto a fresh machine."""

import ast
import ctypes
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from core.commands.terminal import check_packages

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "resources" / "demo" / "big-buck-bunny.mp4"
MASK = ROOT / "resources" / "demo" / "big-buck-bunny.00040.png"
QT_PACKAGES = {"PySide6", "shiboken6", "qtawesome", "superqt", "qtpy", "pcvos_gui"}


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


# --- layers


def imported_packages(path):
    """Top-level names of all that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.partition(".")[0]


def shown_sentences(path):
    """The sentences of a module's errors in the window: the first argument of each, as it is written."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("Error") and node.args:
            yield ast.unparse(node.args[0])


def test_the_window_is_told_of_no_options_of_commands():
    folders = ("annotation", "exchange", "media", "network", "project", "propagation")
    modules = [path for folder in folders for path in sorted((ROOT / "core" / folder).rglob("*.py"))]
    sentences = [sentence for path in modules for sentence in shown_sentences(path)]
    assert len(sentences) > 100
    assert not [sentence for sentence in sentences if re.search(r"(^|[ '\"(])--[a-z]", sentence)]


def test_core_imports_no_qt():
    modules = sorted((ROOT / "core").rglob("*.py"))
    assert len(modules) > 10
    offenders = {
        str(path.relative_to(ROOT)): found
        for path in modules
        if (found := QT_PACKAGES.intersection(imported_packages(path)))
    }
    assert offenders == {}


IMPORT_WITHOUT = """
import importlib, json, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"av", "PySide6", "shiboken6", "qtawesome", "pcvos_gui"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
failed = {}
names = []
for package in sys.argv[1:]:
    module = importlib.import_module(package)
    names += [package, *(found.name for found in pkgutil.walk_packages(module.__path__, package + "."))]
for name in names:
    if not name.endswith("__main__"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            failed[name] = str(error)
print(json.dumps([len(names), failed]))
"""


def test_network_propagation_and_training_need_neither_av_nor_qt():
    # So that they run on a machine that has torch and little else.
    run = python(IMPORT_WITHOUT, "core.network", "core.propagation", "core.training")
    assert run.returncode == 0, run.stderr
    count, failed = json.loads(run.stdout.splitlines()[-1])
    assert count > 5
    assert failed == {}


# --- what is shipped


def test_tracked_files_stay_small():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    # Whoever runs the tests need not be who made the checkout: git would call its owner dubious.
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    files = [ROOT / os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
    assert len(files) > 20
    total = sum(path.stat().st_size for path in files if path.is_file())
    assert total < 36 * 2**20


def test_demo_clip_and_its_mask():
    with av.open(str(CLIP)) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(1280, 720)] * 132

    with Image.open(MASK) as image:
        assert image.mode == "P"
        assert image.size == (1280, 720)
        assert image.getpalette()[:6] == [0, 0, 0, 128, 0, 0]  # DAVIS: background, object 1
        ids, counts = np.unique(np.array(image), return_counts=True)
    assert ids.tolist() == [0, 1]
    assert 0.05 < counts[1] / counts.sum() < 0.5
    assert int(MASK.stem.rpartition(".")[2]) in range(132)
    assert "CC BY 3.0" in CLIP.with_name("ATTRIBUTION.md").read_text(encoding="utf-8")


# --- a fresh machine


@pytest.fixture
def machine(monkeypatch):
    """A pretended Linux that has `machine.libraries`; its apt-get brings the packages in `machine.archive`."""
    script = load_script("qt_libraries")
    known = script.OPENCV | script.QT
    script.libraries = set(known)
    script.archive = set(known.values())
    script.calls = []

    def load(name):
        if name not in script.libraries:
            raise OSError(f"{name}: cannot open shared object file")

    def run(command, **options):
        script.calls.append(command)
        if "install" in command:
            got = script.archive.intersection(command)
            script.libraries |= {name for name, package in known.items() if package in got}

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(script.subprocess, "run", run)
    monkeypatch.setattr(script.sys, "platform", "linux")
    monkeypatch.setattr(script.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(script.shutil, "which", lambda name: f"/usr/bin/{name}")
    return script


def test_nothing_missing_says_and_installs_nothing(machine, capsys):
    assert machine.main() == 0
    assert machine.calls == []
    assert capsys.readouterr().err == ""


def test_root_with_apt_installs_just_what_is_missing(machine, capsys):
    machine.libraries -= {"libEGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"}
    assert machine.main() == 0
    update, install = machine.calls
    assert update[0] == "apt-get" and "update" in update
    assert install[0] == "apt-get" and "--no-install-recommends" in install
    assert install[-2:] == ["libegl1", "libglib2.0-0"]
    assert "libegl1 libglib2.0-0" in capsys.readouterr().err


def test_without_root_the_command_to_run_is_named(machine, monkeypatch, capsys):
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    machine.libraries -= {"libxcb-cursor.so.0"}
    assert machine.main() == 0, "only the window needs it: go on"
    assert machine.calls == []
    said = capsys.readouterr().err
    assert "libxcb-cursor.so.0" in said
    assert "sudo apt-get update && sudo apt-get install -y --no-install-recommends libxcb-cursor0" in said


def test_a_library_that_no_package_brings_stops_only_if_the_command_needs_it(machine, capsys):
    machine.archive.clear()
    machine.libraries -= {"libxcb-icccm.so.4"}
    assert machine.main() == 0
    machine.libraries -= {"libGL.so.1"}
    assert machine.main() == 1
    assert "libGL.so.1, libxcb-icccm.so.4" in capsys.readouterr().err


def test_other_systems_are_left_alone(machine, monkeypatch):
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    machine.libraries.clear()
    assert machine.main() == 0
    assert machine.calls == []


@pytest.mark.parametrize(
    ("version", "has_venv", "words"),
    [((3, 10), True, ["3.11 or newer", "3.10"]), ((3, 12), False, ["python3-venv"]), ((3, 11), True, [])],
)
def test_unusable_python_is_named_in_a_sentence(version, has_venv, words):
    sentence = load_script("check_python").complaint(version, has_venv)
    assert bool(sentence) == bool(words)
    assert all(word in sentence for word in words)
    assert "\n" not in sentence


# --- torch and torchvision


def test_installed_torchvision_fits():
    check_packages()


@pytest.mark.parametrize(
    "package",
    ["raise RuntimeError('operator torchvision::nms does not exist')", "", "raise ImportError('libcudart.so.13')"],
    ids=["import-raises", "operators-absent", "library-absent"],
)
def test_mismatched_torchvision_gives_one_sentence(tmp_path, package):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(package)
    (tmp_path / "torchvision-0.1.2.dist-info").mkdir()
    (tmp_path / "torchvision-0.1.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.1.2\n"
    )
    run = python(
        "from core.commands.terminal import check_packages\n"
        "from core.errors import PCVOSError\n"
        "try:\n    check_packages()\n"
        "except PCVOSError as error:\n    print(error)\n",
        PYTHONPATH=str(tmp_path),
    )
    assert run.returncode == 0, run.stderr
    (sentence,) = run.stdout.splitlines()
    assert sentence.startswith("torchvision 0.1.2 does not match torch ")
    assert "pip install --upgrade --force-reinstall torch torchvision" in sentence


# --- the way in


def test_app_knows_every_command_before_it_imports_them():
    # What it does not know it takes for a file, and opens a window.
    code = "import app, core.cli, typer\nprint(*app.COMMANDS)\nprint(*typer.main.get_command(core.cli.app).commands)"
    run = python(code)
    assert run.returncode == 0, run.stderr
    known, offered = (line.split() for line in run.stdout.splitlines())
    assert sorted(known) == sorted(offered) and len(known) > 3
