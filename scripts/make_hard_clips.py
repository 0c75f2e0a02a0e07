"""Writes the hard clips (`core/training/hard_clips.py`) as a data set in the layout of DAVIS, for `pcvos eval`.

python scripts/make_hard_clips.py --data DATA --data FURTHER --output hard
pcvos eval hard
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.masks.palette import DAVIS_PALETTE
from core.training.data import IGNORE, load_hard_sequences
from core.training.hard_clips import HARD_CLIPS, HardClip
from core.training.weather import line_kernel

MOST_OBJECTS = 8
"""Objects of a crowded clip: the largest on its first frame; the others count as background."""


def render(
    clip: HardClip, frames: list[np.ndarray], labels: list[np.ndarray], seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames (H, W, 3) and label maps (H, W) of the clip, from the last `clip.frames` frames of its sequence; the same
    for the same seed."""
    rng = np.random.default_rng(seed)
    ids, areas = np.unique(labels[0], return_counts=True)
    shown = [int(i) for i in ids[np.argsort(-areas, kind="stable")] if i not in (0, IGNORE)]
    table = np.zeros(256, np.uint8)
    table[IGNORE] = IGNORE
    kept = shown[:MOST_OBJECTS]
    table[kept] = np.arange(1, len(kept) + 1)
    for frame, ids in zip(frames[:: clip.step], labels[:: clip.step], strict=True):
        if clip.blur:
            angle, length = rng.uniform(0, np.pi), rng.uniform(0.3, 1) * clip.blur
            frame = cv2.filter2D(frame, -1, line_kernel(length * np.array([np.cos(angle), np.sin(angle)])))
        yield frame, table[ids]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder with training tars")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set, made anew")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.output.exists():
        sys.exit(f"{arguments.output} is there already: name a folder that is not.")
    sequences = load_hard_sequences(*arguments.data)
    for clip in HARD_CLIPS:
        if (found := sequences.get(clip.sequence)) is None:
            print(f"{clip.sequence}: not in these folders, left out")
            continue
        name = f"{clip.kind}-{clip.sequence}"
        images, masks = (arguments.output / kind / "480p" / name for kind in ("JPEGImages", "Annotations"))
        images.mkdir(parents=True)
        masks.mkdir(parents=True)
        for i, (frame, labels) in enumerate(render(clip, *found, arguments.seed)):
            Image.fromarray(frame).save(images / f"{i:05d}.jpg", quality=95)
            indexed = Image.fromarray(labels)
            indexed.putpalette(DAVIS_PALETTE.tobytes())
            indexed.save(masks / f"{i:05d}.png")
        print(f"{name}: {i + 1} frames")


if __name__ == "__main__":
    main()
