"""Acceptance of a GPU, before it is called supported: the same masks, half precision that agrees, and speed.

    python scripts/gpu_acceptance.py --device cuda            under 8 minutes on one card
    python scripts/gpu_acceptance.py --device cpu --quick     to see that the script itself works

Run it from the repository's root. It needs neither PyAV nor Qt: footage is read with OpenCV. It prints tables, PASS or
FAIL for each check, and ends with 1 if any failed.
"""

import argparse
import statistics
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch

from core.benchmark.bench import peak_memory
from core.benchmark.launches import count
from core.demo import CLIP, MASK
from core.errors import PCVOSError, ResourceError
from core.media.arrays import ArraySource
from core.network import PCVOS, SMALL, load_network
from core.network.devices import describe_devices, is_lack_of_memory, release_memory, wait_for
from core.propagation import ClipResult, PropagationSettings, Propagator

FLOOR = 150
"""Frames a second wanted at L = 15, one object, with memory full (40)."""

TIMES = 2.0
"""How much faster L = 15 is to be than L = 5, with memory full."""

TABLE = {(15, 1, 10): (120, 3.5), (15, 1, 40): (120, 3.5), (15, 8, 10): (200, 3.5), (1, 1, 10): (360, 6.0)}
"""Most launches and waits a frame, by interval, objects and frames in memory."""


class Checks:
    """Counts the checks that hold, and keeps those that do not."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.count = 0

    def __call__(self, name: str, good: bool, what: str) -> None:
        self.count += 1
        if not good:
            self.failed.append(name)
        print(f"    {'PASS' if good else 'FAIL'}  {name}: {what}", flush=True)


check = Checks()


# footage and runs


def demo(count: int, height: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (T, H, W, 3) of the demo clip from the annotated one on, there and back where it is too short; and
    its mask, uint8 (H, W)."""
    video, frames = cv2.VideoCapture(str(CLIP)), []
    while True:
        good, image = video.read()
        if not good:
            break
        frames.append(image[..., ::-1])
    mask = cv2.imread(str(MASK), cv2.IMREAD_UNCHANGED)
    mask = ((mask.max(-1) if mask.ndim == 3 else mask) > 0).astype(np.uint8)  # OpenCV expands palettes
    frames = frames[int(MASK.stem.rsplit(".", 1)[-1]) :]
    there_and_back = frames + frames[-2:0:-1]
    frames = [there_and_back[i % len(there_and_back)] for i in range(count)]
    if height:
        width = round(frames[0].shape[1] * height / frames[0].shape[0] / 2) * 2
        frames = [cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames]
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.stack(frames), mask


def with_objects(mask: np.ndarray, count: int) -> np.ndarray:
    """The mask with further objects beside what is there: square patches."""
    labels, size = mask.copy(), mask.shape[0] // 8
    places = [(y, x) for y in range(0, mask.shape[0] - size, size) for x in range(0, mask.shape[1] - size, size)]
    free = [(y, x) for y, x in places if not mask[y : y + size, x : x + size].any()]
    for number, (y, x) in zip(range(2, count + 1), free[:: max(1, len(free) // max(1, count - 1))], strict=False):
        labels[y : y + size, x : x + size] = number
    return labels


def make(network: PCVOS, frames: np.ndarray, given: Iterable[tuple], **settings: object) -> Propagator:
    propagator = Propagator(network, ArraySource(frames), PropagationSettings(**settings))
    for annotation in given:
        propagator.memory.add(*annotation)
    return propagator


def full_memory(network: PCVOS, case: tuple[int, int, int], drawn: int, quick: bool, **settings: object) -> Propagator:
    """Behind so many annotated frames, that many to draw: 720p, the network at 480p; features are not kept."""
    interval, objects, memory = case
    frames, mask = demo(drawn, 120 if quick else None)
    labels = with_objects(mask, objects)
    given = [(i, labels, range(1, objects + 1)) for i in range(memory)]
    frames = np.concatenate([frames[:1].repeat(memory, 0), frames])
    fixed = {"resolution": None if quick else 480, "interval": interval, "distractors": False, "cache_bytes": 0}
    propagator = make(network, frames, given, **fixed | settings)
    propagator.prepare()
    return propagator


def collect(clips: Iterable[ClipResult]) -> tuple[np.ndarray, dict]:
    """Label maps (T, H, W), and the small soft masks by frame and object."""
    labels, small = {}, {}
    for clip in clips:
        labels.update(zip(clip.frames, clip.labels, strict=True))
        small.update(zip(clip.frames, clip.small, strict=True))
    return np.stack([labels[f] for f in sorted(labels)]), small


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """The IoU of the object that agrees least, over all frames together."""
    objects = set(np.unique(one)) | set(np.unique(other))
    return min(
        float(((one == o) & (other == o)).sum() / max(1, ((one == o) | (other == o)).sum())) for o in objects - {0}
    )


def difference(one: dict, other: dict) -> float:
    """Largest difference of probabilities on the decoder's grid, of 1."""
    pairs = [(planes[o], other[f][o]) for f, planes in one.items() for o in planes.keys() & other[f].keys()]
    return max((int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs), default=0) / 255


# parts


def parity(network: PCVOS, reference: PCVOS, quick: bool) -> None:
    """The same masks as on the CPU, float32, in all kinds of run."""
    frames, mask = demo(6 if quick else 16, 120 if quick else 240)
    two, half = with_objects(mask, 2), len(frames) // 2
    late = np.zeros_like(mask)
    late[: mask.shape[0] // 6, : mask.shape[1] // 6] = 9
    one = [(0, mask, [1])]
    ways = {
        "forward": (one, {}, {}),
        "exact mode": (one, {"exact": True}, {}),
        "two objects, one from a later frame, both directions": ([*one, (half, late, [9])], {}, {"direction": "both"}),
        "backward": ([(len(frames) - 1, mask, [1])], {}, {"direction": "backward"}),
        "soft masks, two objects": ([(0, two, None)], {"soft": True}, {}),
        "no kernel, no progressive matching": (one, {"kernel": 0.0, "progressive": 0}, {}),
        "smaller than the footage": (one, {"resolution": 96}, {}),
        "one working frame": (one, {"memory_frames": 1, "interval": 2}, {}),
    }
    for name, (given, settings, run) in ways.items():
        settings = {"resolution": None, "precision": "fp32", "interval": 5} | settings
        with reported(name):
            expected, expected_small = collect(make(reference, frames, given, **settings).run(**run))
            found, small = collect(make(network, frames, given, **settings).run(**run))
            iou, off = agreement(expected, found), difference(expected_small, small)
            check(name, iou >= 0.999 and off <= 0.02, f"IoU {iou:.5f}, probabilities differ by {off:.4f} at most")


def half_precision(network: PCVOS, quick: bool) -> None:
    """fp16 and bf16 against fp32, on the device: 30 frames, three objects, both directions."""
    frames, mask = demo(6 if quick else 30, 120 if quick else None)
    given = [(0, with_objects(mask, 3), None), (len(frames) - 1, with_objects(mask, 3), [2, 3])]
    for interval in (5, 15):
        settings = {"resolution": None if quick else 480, "interval": interval}
        runs = {
            precision: collect(make(network, frames, given, precision=precision, **settings).run(direction="both"))
            for precision in ("fp32", "fp16", "bf16")
        }
        for precision, floor in (("fp16", 0.999), ("bf16", 0.985)):
            iou = agreement(runs["fp32"][0], runs[precision][0])
            off = difference(runs["fp32"][1], runs[precision][1])
            check(f"{precision}, L = {interval}", iou >= floor, f"IoU {iou:.5f}, probabilities by {off:.3f} at most")


def speed(network: PCVOS, device: torch.device, quick: bool, floor: float) -> None:
    """Frames a second: frames in RAM as 720p to label maps at 720p, the network at 480p."""
    print("    L  K  memory   frames/s  (least, most)")
    cases = [(length, objects, 1) for length in (1, 5, 10, 15, 25) for objects in (1, 3, 10)]
    cases += [(5, 1, 40), (15, 1, 40), (25, 1, 40), (15, 3, 40)]
    rates = {}
    for case in [(5, 1, 1), (15, 1, 2)] if quick else cases:
        propagator, drawn = full_memory(network, case, 12 if quick else 75, quick), 12 if quick else 75
        turns = []
        for _ in range(2 if quick else 4):
            begin = time.perf_counter()
            for _ in propagator.run(start=case[2]):
                pass
            wait_for(device)
            turns.append(drawn / (time.perf_counter() - begin))
        rates[case] = statistics.median(turns[1:])  # the first warms up
        spread = f"({min(turns[1:]):.0f}, {max(turns[1:]):.0f})"
        print(f"   {case[0]:2} {case[1]:2} {case[2]:7} {rates[case]:10.1f}  {spread}", flush=True)
    if floor and (15, 1, 40) in rates:
        rate, times = rates[15, 1, 40], rates[15, 1, 40] / rates[5, 1, 40]
        check("L = 15, memory full", rate >= floor, f"{rate:.0f} frames/s, wanted {floor:.0f}")
        check("L = 15 over L = 5, memory full", times >= TIMES, f"{times:.2f} times, wanted {TIMES}")


def launches(network: PCVOS, device: torch.device) -> None:
    """Kernels launched, times that the host waits, by line, and how busy the device is."""
    if device.type != "cuda":
        print("    left out: on CUDA only")
        return
    for case, (most, most_waits) in TABLE.items():
        drawn = 2 * case[0] if case[0] > 1 else 10
        propagator = full_memory(network, case, drawn, quick=False)
        run = lambda propagator=propagator, case=case: list(propagator.run(start=case[2]))  # noqa: E731
        run()
        counted = count(run, device)
        launched, waited = counted.launches / drawn, counted.waits.total() / drawn
        told = f"{launched:.0f} launches, {waited:.1f} waits a frame; the device is busy {100 * counted.busy:.0f} %"
        check(f"L, K, memory = {case}", launched <= most and waited <= most_waits, told)
        for place, number in counted.waits.most_common(8):
            print(f"          {number / drawn:5.2f}  {place}")


def memory(network: PCVOS, device: torch.device) -> None:
    """Memory at the peak, against what is said before; and what happens when it runs out."""
    if device.type != "cuda":
        print("    left out: on CUDA only")
        return
    frames, mask = demo(30)
    for interval, objects in ((5, 1), (15, 1), (25, 3), (15, 10)):
        torch.cuda.empty_cache()
        given = [(0, with_objects(mask, objects), range(1, objects + 1))]
        propagator = make(network, frames, given, interval=interval, cache_bytes=2**28)
        said = propagator.memory_bound().device_bytes
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        list(propagator.run())
        peak = torch.cuda.max_memory_allocated(device) - before
        told = f"{peak / 2**20:.0f} MiB, said {said / 2**20:.0f}"
        check(f"memory, L = {interval}, {objects} objects", peak <= said, told)
    with reported("out of memory"):
        torch.cuda.set_per_process_memory_fraction(0.004, device)
        try:
            list(make(network, frames, [(0, mask, [1])], interval=15).run())
            check("out of memory", True, "0.4 % of the device was enough")
        except ResourceError as error:
            check("out of memory", True, str(error)[:120])
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
    with reported("the run after that"):
        list(make(network, frames, [(0, mask, [1])], interval=15).run())
        check("the run after that", True, "works")


def training(device: torch.device, seconds: float, quick: bool) -> None:
    """Training steps on made-up samples, as long as that: samples a second by precision and batch, the memory that they
    take, and which settings are best."""
    cases = [("fp32", 8), *(("bf16", batch) for batch in (2, 4, 8, 16, 32))]
    rates = {}
    for precision, batch in [("bf16", 1)] if quick else cases:
        try:
            peaks: list[int] = []
            with peak_memory(device, peaks):
                rates[precision, batch] = _training_rate(device, precision, batch, seconds / len(cases), quick)
        except RuntimeError as error:
            if not is_lack_of_memory(error):
                raise
            print(f"    {precision}, batch {batch:2}: does not fit into memory", flush=True)
            release_memory(device)
            continue
        taken = f", {max(peaks) / 2**30:.1f} GiB" if peaks else ""
        print(f"    {precision}, batch {batch:2}: {rates[precision, batch]:7.1f} samples/s{taken}", flush=True)
    best = max(rates, key=rates.__getitem__, default=None)
    check(
        "training",
        best is not None,
        "nothing fits" if best is None else f"best: --precision {best[0]} --batch {best[1]}",
    )


def _training_rate(device: torch.device, precision: str, batch: int, seconds: float, quick: bool) -> float:
    """Samples a second, after steps that warm up."""
    from core.training.losses import clip_loss
    from core.training.rollout import rollout

    warm, side = 1 if quick else 3, 112 if quick else 224
    network, generator = PCVOS(SMALL).to(device), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    frames = torch.randint(0, 255, (batch, 5, 3, side, side), dtype=torch.uint8, device=device)
    labels = torch.zeros(batch, 5, side, side, dtype=torch.uint8, device=device)
    labels[..., 20:60, 20:60], labels[..., 65:100, 30:80] = 1, 2
    steps, begin = 0, time.perf_counter()
    while steps <= warm or (not quick and time.perf_counter() - begin < seconds):
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            predictions = rollout(network, frames, labels, 2, 0.5, generator)
        sum(clip_loss(p, 0.5) for p in predictions).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        steps += 1
        if steps == warm:
            wait_for(device)
            begin = time.perf_counter()
    wait_for(device)
    return (steps - warm) * batch / (time.perf_counter() - begin)


@contextmanager
def reported(name: str) -> Iterator[None]:
    """An error fails the check and lets the next one come."""
    try:
        yield
    except Exception as error:
        check(name, False, f"{type(error).__name__}: {str(error)[:160]}")
        traceback.print_exc(limit=-4)


def _cudnn() -> object:
    try:
        return torch.backends.cudnn.version()
    except RuntimeError as error:  # it is not made for this card
        return error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="thumbnails: to see that the script works")
    parser.add_argument("--floor", type=float, default=FLOOR, help="frames/s wanted at L = 15, memory full; 0: none")
    parser.add_argument("--training-seconds", type=float, default=60, help="what training may take; 300 for figures")
    parser.add_argument("--only", default="123456", help="which parts")
    arguments = parser.parse_args()
    quick = arguments.quick
    for one in describe_devices():
        print(f"{one.name}: {one.title}, {(one.total_bytes or 0) / 2**30:.0f} GiB {one.problem or ''}")
    print(f"torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {_cudnn()}")
    try:
        network, reference = load_network(None, arguments.device), load_network(None, "cpu")
    except PCVOSError as error:
        print(error)
        return 1
    device = next(network.parameters()).device
    begin = time.perf_counter()
    parts = {
        "1. The same masks as on the CPU, float32": lambda: parity(network, reference, quick),
        "2. Half precision against float32": lambda: half_precision(network, quick),
        "3. Speed, features not kept": lambda: speed(network, device, quick, 0 if quick else arguments.floor),
        "4. Launches and waits": lambda: launches(network, device),
        "5. Memory": lambda: memory(network, device),
        "6. Training, 224 pixels": lambda: training(device, arguments.training_seconds, quick),
    }
    for title, part in parts.items():
        if title[0] in arguments.only:
            print(f"\n{title}", flush=True)
            with reported(title):
                part()
            print(f"   ({time.perf_counter() - begin:.0f} s so far)", flush=True)
    check("imports", not {"av", "PySide6"} & sys.modules.keys(), "all this ran without PyAV and Qt")
    failed = f"; failed: {', '.join(check.failed)}" if check.failed else ""
    print(f"\n{check.count - len(check.failed)} of {check.count} checks passed{failed}")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
