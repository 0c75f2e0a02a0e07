"""For the tests of the command: footage of a disc that moves over a textured ground, and ways to run `pcvos`."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from core.cli import main

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 96)
FRAMES = 12


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that it must have ended with."""
        assert self.out == "", self.out
        (line,) = self.remarks
        return line

    @property
    def remarks(self) -> list[str]:
        """Lines on stderr beside the one that every run has, on its memory."""
        return [line for line in self.err.splitlines() if not line.startswith("Note: Memory: at most ")]


@dataclass(frozen=True)
class Scene:
    """Footage as a video and as a folder of the same frames, the true labels (T, H, W), and weights."""

    video: Path
    folder: Path
    labels: np.ndarray
    weights: Path


def moving_disc(frames: int = FRAMES, size: tuple[int, int] = SIZE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (T, H, W, 3) and labels (T, H, W): a bright disc (id 1) on dark noise, a few pixels further each frame."""
    height, width = size
    rng = np.random.default_rng(seed)
    ground = rng.integers(20, 90, (height, width, 3)).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    images, labels = [], []
    for t in range(frames):
        centre = width * 0.3 + t * width * 0.4 / frames
        disc = (y - height / 2) ** 2 + (x - centre) ** 2 < (height * 0.3) ** 2
        stripes = np.where((x - round(centre) + y) // 4 % 2, 250, 190).astype(np.uint8)
        colour = np.stack([stripes, stripes // 2, stripes // 4], axis=-1)
        images.append(np.where(disc[..., None], colour, ground))
        labels.append(disc.astype(np.uint8))
    return np.stack(images), np.stack(labels)


def hard_motion(frames: int = 16, size: tuple[int, int] = (96, 144)) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (T, H, W, 3) and labels (T, H, W): a spotted ball (id 1) that bounces, changes its size and passes behind
    bars, blurred: the shipped weights follow it, and are not sure of its edges."""
    height, width = size
    rng = np.random.default_rng(5)
    ground = cv2.resize(rng.integers(40, 150, (12, 18, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    coat = cv2.resize(rng.integers(150, 255, (12, 18, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width]
    bars = (x // 12) % 4 == 3
    images, labels = [], []
    for t in range(frames):
        radius = height * (0.22 + 0.05 * np.sin(1.9 * t))
        row, column = height * (0.5 + 0.1 * np.sin(0.5 * t)), width * (0.25 + 0.5 * t / frames)
        ball = (y - row) ** 2 + (x - column) ** 2 < radius**2
        image = np.where(ball[..., None], np.roll(coat, (round(row), round(column)), (0, 1)), ground)
        image[bars] = (70, 80, 60)
        images.append(cv2.GaussianBlur(image, (5, 5), 0))
        labels.append((ball & ~bars).astype(np.uint8))
    return np.stack(images), np.stack(labels)


def write_video(path: Path, images: np.ndarray, ticks: list[int] | None = None) -> Path:
    """H.264 at 25 frames a second, or shown at `ticks` / 1000 seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "12"}
        base = Fraction(1, 25) if ticks is None else Fraction(1, 1000)
        stream.time_base = stream.codec_context.time_base = base
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = (i if ticks is None else ticks[i]), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_folder(path: Path, images: np.ndarray, stems: list[str] | None = None) -> Path:
    path.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(path / f"{stems[i] if stems else f'{i:05d}'}.png")
    return path


def read_png(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def results(folder: Path) -> dict[str, np.ndarray]:
    """Name and labels of each PNG in a folder of results, hidden ones too."""
    return {file.name: read_png(file) for file in sorted(folder.glob("*.png"))}


def tree(folder: Path) -> dict[str, bytes | None]:
    """All there is under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def pcvos(*arguments: object) -> Result:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["pcvos", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return Result(end.value.code or 0, out.getvalue(), err.getvalue())


def start_pcvos(*arguments: object, before: str = "") -> subprocess.Popen:
    """Start the command in a process of its own; `before` is Python that it runs first."""
    # Where the tests run in the background of a shell, SIGINT is ignored, and what they start inherits that.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return subprocess.Popen(
        [sys.executable, "-c", f"{heed}\n{before}\nfrom core.cli import main; main()", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
