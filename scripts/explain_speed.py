"""How long it takes to tell what a frame was read from: the median by frames in memory, features known.

    python scripts/explain_speed.py [--threads 2] [--size 480x854] [--repeats 5]

Footage is generated; the time does not depend on what it shows.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from core.media.arrays import ArraySource
from core.network import load_network
from core.propagation import PropagationSettings, Propagator
from core.propagation.revisit import DrawnRun


class _Nothing:
    """No masks: attribution needs none."""

    def labels(self, frame: int) -> None:
        return None

    def small(self, frame: int) -> dict[int, np.ndarray]:
        return {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", default="480x854", help="HEIGHTxWIDTH")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    height, width = map(int, given.size.split("x"))
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (height + 50, width + 50, 3), np.uint8)
    frames = np.stack([ground[i : i + height, i : i + width] for i in range(45)])
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 1
    source = ArraySource(frames)
    source.path = Path("generated")
    propagator = Propagator(load_network(device="cpu"), source, PropagationSettings(interval=1, distractors=False))
    propagator.memory.add(0, mask)
    propagator.prepare()
    drawn = DrawnRun(0, len(frames) - 1, "forward", _Nothing())
    for frame in (5, 11, 21, 41):
        y, x = np.nonzero(mask)
        points = x[len(x) // 2 :][:1], y[len(y) // 2 :][:1]
        known = propagator.revisit(frame, 1, drawn)
        known.attribution(1, x, y)  # the keys are known from then on
        for name, given_points in (("object", (x, y)), ("pixel", points)):
            seconds = []
            for _ in range(given.repeats):
                begin, used = time.perf_counter(), time.process_time()
                revisit = known if name == "pixel" else propagator.revisit(frame, 1, drawn)  # as the window's thread
                found = revisit.attribution(1, *given_points)
                seconds.append((time.perf_counter() - begin, time.process_time() - used))
            clock, used = (1000 * statistics.median(column) for column in zip(*seconds, strict=True))
            what = f"{len(found.sources):3d} frames in memory, {name:6} ({len(found.queries)} positions)"
            print(f"{what}: {clock:5.0f} ms, processor {used:5.0f} ms", flush=True)


if __name__ == "__main__":
    main()
