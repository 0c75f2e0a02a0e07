"""Peak memory of `pcvos propagate` on 200 and on 2,000 frames of 480p: it should hardly differ.

By frame 200 both budgets are full: the working memory's 40 frames (one in five enters) and the feature cache. Takes
some minutes; needs Linux or macOS. From the top folder: .venv/bin/python scripts/memory_growth.py
"""

import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.masks.label_map import write_label_map
from core.media import VideoWriter

SIZE = (480, 854)
LENGTHS = (200, 2000)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mask = _footage(folder / "clip.mp4")
        write_label_map(folder / "clip.00000.png", mask)
        peaks = [_peak(folder, length) for length in LENGTHS]
    for length, peak in zip(LENGTHS, peaks, strict=True):
        print(f"{length:5} frames: peak {peak / 2**20:.0f} MiB")
    print(f"ratio {peaks[1] / peaks[0]:.3f}")


def _footage(path: Path) -> np.ndarray:
    """A disc that circles over a texture; returns the mask of frame 0."""
    height, width = SIZE
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (height // 8, width // 8 + 1, 3), np.uint8).repeat(8, 0).repeat(8, 1)[:, :width]
    y, x = np.mgrid[:height, :width]
    with VideoWriter(path, SIZE, Fraction(25)) as video:
        for i in range(max(LENGTHS)):
            angle = i / 40
            disc = (y - 240 - 90 * np.sin(angle)) ** 2 + (x - 427 - 240 * np.cos(angle)) ** 2 < 70**2
            if i == 0:
                mask = disc.astype(np.uint8)
            video.write(np.where(disc[..., None], np.uint8([220, 60, 40]), texture))
    return mask


def _peak(folder: Path, length: int) -> int:
    """Peak resident memory of one run of the command, bytes."""
    command = [sys.executable, "app.py", "propagate", folder / "clip.mp4", "--masks", folder / "clip.00000.png"]
    process = subprocess.Popen([*command, "--output", folder / f"{length}", "--end", str(length - 1)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"The command failed at {length} frames.")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
