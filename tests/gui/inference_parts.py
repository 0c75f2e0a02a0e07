"""Shared parts of the inference thread's tests: footage with a ball and a box, jobs, and a record of what comes."""

import threading
from pathlib import Path

import av
import cv2
import numpy as np
from pytestqt.qtbot import QtBot

from core.masks.packed_mask import PackedMask
from core.propagation import PropagationSettings
from core.studio.jobs import (
    ClipDone,
    EngineChoice,
    JobEnded,
    PermanentFrame,
    PropagateJob,
)
from pcvos_gui.workers.inference import InferenceWorker

COUNT, SIZE = 12, (112, 144)
PATIENCE = 120_000  # ms; the machine may be busy


def ball(frame: int) -> np.ndarray:
    """bool (H, W): a ball that moves to the right."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return (y - 50) ** 2 + (x - 40 - 4 * frame) ** 2 < 22**2


def box(frame: int) -> np.ndarray:
    """bool (H, W): a box at the bottom that moves to the left."""
    mask = np.zeros(SIZE, bool)
    mask[80:105, 100 - 3 * frame : 130 - 3 * frame] = True
    return mask


def picture(frame: int) -> np.ndarray:
    ground = np.random.default_rng(3).integers(60, 120, (SIZE[0] // 8, SIZE[1] // 8, 3), np.uint8)
    image = cv2.resize(ground, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    image[ball(frame)] = 220, 60, 50
    image[box(frame)] = 60, 90, 230
    return image


def write_footage(path: Path, count: int = COUNT) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for frame in range(count):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(frame), format="rgb24")))
        output.mux(stream.encode(None))
    return path


class Recorder:
    """Everything a worker has emitted, in order."""

    def __init__(self, worker: InferenceWorker, qtbot: QtBot):
        self.qtbot, self.messages, self.threads = qtbot, [], set()
        results = (worker.started, worker.clip_done, worker.compared, worker.estimated, worker.memory_told)
        for signal in (*results, worker.ended):
            signal.connect(self._keep)

    def _keep(self, message: object) -> None:
        self.messages.append(message)
        self.threads.add(threading.current_thread())

    def of(self, number: int, kind: type = object) -> list:
        return [m for m in self.messages if m.number == number and isinstance(m, kind)]

    def end(self, number: int) -> JobEnded:
        """Wait for the end of a job."""
        self.qtbot.waitUntil(lambda: bool(self.of(number, JobEnded)), timeout=PATIENCE)
        assert isinstance(self.of(number)[-1], JobEnded), "nothing comes behind the end"
        return self.of(number, JobEnded)[0]

    def wait(self, number: int, kind: type, count: int = 1) -> None:
        self.qtbot.waitUntil(lambda: len(self.of(number, kind)) >= count, timeout=PATIENCE)


def permanent(*frames: int, objects: tuple[int, ...] = (1, 2)) -> tuple[PermanentFrame, ...]:
    shapes = {1: ball, 2: box}
    return tuple(PermanentFrame(f, {o: PackedMask.pack(shapes[o](f)) for o in objects}) for f in frames)


def job(footage: Path, *frames: int, **more) -> PropagateJob:
    settings = PropagationSettings(**{"resolution": 112, "interval": 4} | more.pop("settings", {}))
    given = {"permanent": permanent(*(frames or (0,))), "start": 0, "end": COUNT - 1, "direction": "forward"}
    return PropagateJob(footage, EngineChoice(device="cpu"), settings, **given | more)


def masks(clips: list[ClipDone], frame: int) -> dict[int, np.ndarray]:
    """The objects of a frame as the last clip with it has them."""
    found = {}
    for clip in clips:
        found |= {obj: cell.mask.unpack() for (f, obj), cell in clip.cells.items() if f == frame}
    return found


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / max(1, (one | other).sum())
