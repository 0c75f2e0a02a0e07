"""How much an edge changes when its frame becomes a corrected one, on real footage.

    python scripts/matte_flicker.py FOOTAGE MASK [--frames 20] [--resolution 480]

A mask is carried from frame 0. Then every frame behind it is taken twice: as it was predicted, and as if somebody had
drawn the very same mask by hand, so that there are no probabilities. The difference of both mattes is the flicker that
a correction brings; beside it stand the difference to the hard mask, which is what it would be without soft edges, and
the one from each frame to the next, which is the footage's own motion. All are mean differences of alpha, 0 to 1, over
the pixels within two cells of the network's grid from the outline.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from core.masks.label_map import read_label_map
from core.masks.matte import MatteSettings, make_matte
from core.masks.soft_mask import STRIDE, SoftMask
from core.media import FrameSource, open_media
from core.network import load_network
from core.propagation import PropagationSettings, Propagator

KINDS = {"as in the picture": MatteSettings(), "soft": MatteSettings(guided=False)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("footage", type=Path)
    arguments.add_argument("mask", type=Path)
    arguments.add_argument("--frames", type=int, default=20)
    arguments.add_argument("--resolution", type=int, default=480)
    given = arguments.parse_args()
    labels = read_label_map(given.mask).labels
    id = int(labels[labels > 0].min())
    with open_media(given.footage) as media:
        drawn = propagated(media, labels, id, min(given.frames, len(media) - 1), given.resolution)
        frames = {frame: media.read(frame) for frame in drawn}
    print("                    corrected   hard mask   next frame")
    for name, settings in KINDS.items():
        print(f"{name:<18}" + "".join(f"{value:12.4f}" for value in differences(drawn, frames, settings)))


def propagated(
    media: FrameSource, labels: np.ndarray, id: int, count: int, resolution: int
) -> dict[int, tuple[np.ndarray, SoftMask]]:
    """Mask bool (H, W) and soft mask of object `id` on frames 1 to `count`."""
    propagator = Propagator(load_network(), media, PropagationSettings(resolution=resolution))
    propagator.memory.add(0, labels, [id])
    drawn = {}
    for clip in propagator.run(0, count):
        for frame, mask, small in zip(clip.frames, clip.labels, clip.small, strict=True):
            if id in small and (mask == id).any():
                drawn[frame] = mask == id, SoftMask.pack(small[id], clip.window)
    return drawn


def differences(
    drawn: dict[int, tuple[np.ndarray, SoftMask]], frames: dict[int, np.ndarray], settings: MatteSettings
) -> tuple[float, float, float]:
    """Mean difference of a frame's matte to the one without probabilities, to its mask, and to the next frame's."""
    found: list[list[float]] = [[], [], []]
    before = None
    for frame, (mask, soft) in drawn.items():
        side = min(soft.window[2:])
        predicted = make_matte(mask, [soft], frames[frame], settings).full()
        corrected = make_matte(mask, [], frames[frame], settings, side).full()
        band = outline(mask, 2 * STRIDE * min(mask.shape) / side)
        for values, other in zip(found, (corrected, mask, before), strict=True):
            if other is not None:
                values.append(float(np.abs(predicted - other)[band].mean()))
        before = predicted
    return tuple(float(np.mean(values)) for values in found)


def outline(mask: np.ndarray, reach: float) -> np.ndarray:
    """The pixels within `reach` of a mask's outline, bool (H, W)."""
    inside, outside = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for side in (mask, ~mask)
    )
    return np.maximum(inside, outside) <= reach


if __name__ == "__main__":
    main()
