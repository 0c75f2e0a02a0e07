"""The cost of a mark on this machine: prints milliseconds of a frame's features, of the first mark and of further ones.

    python scripts/marking_speed.py [--height 1080] [--threads 2]

A frame of the demo clip, enlarged; marks by the protocol of `pcvos eval --marking clicks`, on the objects of the demo's
mask and, mirrored, on them once more. Medians and 95th percentiles.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from core.benchmark.machine import choices_for  # noqa: E402
from core.demo import CLIP, MASK  # noqa: E402
from core.evaluation.marking import MarkedCase, annotate  # noqa: E402
from core.marking.marker import Marker  # noqa: E402
from core.masks.label_map import read_label_map  # noqa: E402
from core.media import open_media  # noqa: E402
from core.network.checkpoint import load_network  # noqa: E402
from core.network.marking_weights import load_marking  # noqa: E402


def figures(name: str, ms: list[float]) -> None:
    """One line: how many, the median, the 95th percentile."""
    at95 = sorted(ms)[min(len(ms) - 1, int(0.95 * len(ms)))]
    print(f"{name:28} {len(ms):4}  median {statistics.median(ms):6.0f}  95 % {at95:6.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way", choices=("winograd", "direct", "bf16"), help="how the marking network runs")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with open_media(CLIP) as media:
        image = media.read(int(MASK.stem.rpartition(".")[2]))
    labels = np.asarray(read_label_map(MASK).labels)
    size = round(arguments.height * image.shape[1] / image.shape[0]), arguments.height
    image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    network = load_network(None, "cpu", choices_for)
    torch.set_num_threads(arguments.threads)
    marker = Marker(network, load_marking(), arguments.way)
    features, first, later = [], [], []
    for turn in range(6):
        shown, truth = (image, labels) if turn % 2 == 0 else (image[:, ::-1].copy(), labels[:, ::-1].copy())
        begin = time.perf_counter()
        marker.see(shown)
        took = 1000 * (time.perf_counter() - begin)
        for obj in np.unique(truth[truth > 0]):
            found = annotate(marker, MarkedCase("demo", shown, truth == obj), "clicks", 6)
            if turn:  # the first turn warms up
                first.append(found.milliseconds[0])
                later.extend(found.milliseconds[1:])
        if turn:
            features.append(took)
    print(
        f"{size[0]}x{size[1]}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, "
        f"marking {arguments.way or network.choices.marking}"
    )
    figures("features of a frame", features)
    figures("the first mark", first)
    figures("a further mark", later)


if __name__ == "__main__":
    main()
