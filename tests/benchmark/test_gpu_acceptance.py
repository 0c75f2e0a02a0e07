"""scripts/gpu_acceptance.py works, as far as there is no GPU: it is to run where neither PyAV nor Qt are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.network.checkpoint import DEFAULT_WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("av", "PySide6"):
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
sys.argv[0] = "scripts/gpu_acceptance.py"
runpy.run_path(sys.argv[0], run_name="__main__")
"""

pytestmark = pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="no weights in this checkout")


@pytest.mark.parametrize("parts", ["45", pytest.param("12346", marks=pytest.mark.long)])
def test_it_runs_without_pyav_and_qt(parts: str):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "--device", "cpu", "--quick", "--only", parts],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout and "all this ran without PyAV and Qt" in done.stdout
    assert "training: best: --precision" in done.stdout or "6" not in parts
