"""How long a scribble takes to become a mask at 1080p, and how near that is to the true mask.

Frames of the demo clip, and with --footage and --masks the middle frame of every sequence there (folders a sequence,
images and indexed PNGs of the same names, as DAVIS has them), enlarged to 1920x1080. On each, strokes are simulated
from the true mask: one inside the object; the same and one beside it; both where the network's estimate is the true
mask of some frames before; and one stroke on what is wrong with a mask that lacks a part and has one too many. Times
are of the processor, with one thread. From the top folder: .venv/bin/python scripts/scribble_speed.py
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.demo import CLIP, MASK
from core.masks.scribble import BACKGROUND, OBJECT, scribble_mask
from core.media import open_media

SIZE = (1080, 1920)
BRUSH = 12  # pixels; half the width of a stroke
LIMIT = 300.0  # ms
BEFORE = 3  # frames between a mask and the estimate made from it
REPEATS = 3
CASES = ("object", "object, background", "with an estimate", "correction")

Maker = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Shown:
    """A frame, uint8 (H, W, 3), its true mask and that of a frame before, bool (H, W)."""

    name: str
    image: np.ndarray
    mask: np.ndarray
    earlier: np.ndarray


def main() -> None:
    options = _options()
    cv2.setNumThreads(1)
    maker = _maker(options.code)
    times: dict[str, list[float]] = {case: [] for case in CASES}
    overlaps: dict[str, list[float]] = {case: [] for case in CASES}
    for shown in _frames(options.footage, options.masks):
        row = []
        for case in CASES:
            strokes, present, estimate = _case(case, shown)
            milliseconds, mask = _timed(maker, shown.image, strokes, present, estimate)
            times[case].append(milliseconds)
            overlaps[case].append(overlap(mask, shown.mask))
            row.append(f"{case} {milliseconds:4.0f} ms {overlaps[case][-1]:.3f}")
        if options.each:
            print(f"{shown.name:20}", *row, sep="  ", flush=True)
    for case in CASES:
        _report(case, times[case], overlaps[case])
    _report("all", [*chain(*times.values())], [*chain(*overlaps.values())])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, help="folder of image folders")
    parser.add_argument("--masks", type=Path, help="folder of mask folders of the same names")
    parser.add_argument("--each", action="store_true", help="print every frame")
    parser.add_argument("--code", type=Path, help="another version of scribble.py to measure instead")
    options = parser.parse_args()
    if (options.footage is None) != (options.masks is None):
        parser.error("--footage and --masks go together")
    return options


def _maker(code: Path | None) -> Maker:
    if code is None:
        return scribble_mask
    spec = importlib.util.spec_from_file_location("measured_scribble", code)
    module = importlib.util.module_from_spec(spec)
    sys.modules["measured_scribble"] = module
    spec.loader.exec_module(module)
    return module.scribble_mask


def _frames(footage: Path | None, masks: Path | None) -> Iterator[Shown]:
    with open_media(CLIP) as media:
        demo = _enlarged_mask(np.array(Image.open(MASK)) > 0)
        yield Shown("demo", _enlarged(media.read(int(MASK.stem.split(".")[-1]))), demo, demo)
    for folder in sorted(masks.iterdir()) if masks else ():
        stems = sorted(path.stem for path in folder.glob("*.png"))
        if len(stems) > BEFORE:
            middle = max(BEFORE, len(stems) // 2)
            now, earlier = (np.array(Image.open(folder / f"{stems[i]}.png")) > 0 for i in (middle, middle - BEFORE))
            if now.any():
                path = next((footage / folder.name).glob(f"{stems[middle]}.*"))
                image = np.array(Image.open(path).convert("RGB"))
                yield Shown(folder.name, _enlarged(image), _enlarged_mask(now), _enlarged_mask(earlier))


def _enlarged(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def _enlarged_mask(mask: np.ndarray) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_LINEAR) > 0.5


# strokes


def _case(case: str, shown: Shown) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Strokes, present mask, estimate."""
    match case:
        case "object":
            return stroke_inside(shown.mask), None, None
        case "object, background":
            return np.maximum(stroke_inside(shown.mask), stroke_beside(shown.mask)), None, None
        case "with an estimate":
            estimate = shown.earlier if shown.earlier.any() else None
            return np.maximum(stroke_inside(shown.mask), stroke_beside(shown.mask)), None, estimate
    wrong = _spoilt(shown.mask)
    strokes = np.zeros(SIZE, np.uint8)
    for error, value in ((shown.mask & ~wrong, OBJECT), (wrong & ~shown.mask, BACKGROUND)):
        if error.any():
            strokes[stroke_inside(error) > 0] = value
    return strokes, wrong, None


def stroke_inside(mask: np.ndarray) -> np.ndarray:
    """A stroke along the mask's thickest part, uint8 (H, W) of OBJECT and 0."""
    depth = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(depth > 0.5 * depth.max())
    points = np.stack([columns, rows], 1).astype(np.float32)
    middle = points.mean(0)
    along = np.linalg.svd(points[:: 1 + len(points) // 5000] - middle, full_matrices=False)[2][0]
    reach = (points - middle) @ along
    ends = points[[reach.argmin(), reach.argmax()]]
    deepest = np.array(np.unravel_index(depth.argmax(), depth.shape)[::-1])
    strokes = np.zeros(SIZE, np.uint8)
    width = int(max(2, min(2 * BRUSH, depth.max())))
    cv2.polylines(strokes, [np.array([ends[0], deepest, ends[1]], np.int32)], False, OBJECT, width)
    strokes[depth <= 0.25 * depth.max()] = 0  # a hand stays inside
    return strokes


def stroke_beside(mask: np.ndarray) -> np.ndarray:
    """A stroke around half of the mask, at some distance, uint8 (H, W) of BACKGROUND and 0."""
    away = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5)
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    distance = 20 + 0.1 * max(width, height)
    ring = np.abs(away - distance) < BRUSH
    half = np.arange(SIZE[1])[None] * height + np.arange(SIZE[0])[:, None] * width
    return np.where(ring & (half > (left + width / 2) * height + (top + height / 2) * width), BACKGROUND, 0).astype(
        np.uint8
    )


def _spoilt(mask: np.ndarray) -> np.ndarray:
    """A mask that lacks a quarter of the object, at one side, and has a disc too many at the other."""
    width, height = cv2.boundingRect(mask.view(np.uint8))[2:]
    spoilt = mask.copy()
    columns = np.nonzero(mask.any(0))[0]
    shares = np.cumsum(mask.sum(0)) / mask.sum()
    spoilt[:, : int(np.searchsorted(shares, 0.25))] = False
    disc = np.zeros(SIZE, np.uint8)
    rows = np.nonzero(mask[:, columns[-1]])[0]
    cv2.circle(disc, (int(columns[-1]), int(rows.mean())), max(8, min(width, height) // 5), 1, -1)
    return spoilt | (disc > 0)


# figures


def _timed(maker: Maker, *given: np.ndarray | None) -> tuple[float, np.ndarray]:
    """The least of some times, ms, and the mask: what else runs on the machine only adds."""
    times = []
    for _ in range(REPEATS):
        begin = time.thread_time()
        mask = maker(*given)
        times.append(1000 * (time.thread_time() - begin))
    return min(times), mask


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return np.count_nonzero(one & other) / max(1, np.count_nonzero(one | other))


def _report(case: str, times: list[float], overlaps: list[float]) -> None:
    over = sum(t > LIMIT for t in times)
    print(
        f"{case:20} {len(times):4}  median {np.median(times):5.0f}  95 % {np.percentile(times, 95):5.0f}"
        f"  worst {max(times):5.0f} ms  over {LIMIT:.0f} ms: {over:2}"
        f"   IoU mean {np.mean(overlaps):.3f}  median {np.median(overlaps):.3f}  10 % {np.percentile(overlaps, 10):.3f}"
    )


if __name__ == "__main__":
    main()
