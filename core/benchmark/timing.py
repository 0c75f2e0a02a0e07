"""Ways of running a network on this machine's CPU, timed side by side.

All ways compute the same; bfloat16, which rounds, is only taken where it draws the same masks on real footage. What is
not clearly faster than the default is not taken, so that a machine that does other things meanwhile changes little.
"""

import copy
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from core import demo
from core.errors import PCVOSError
from core.marking.marker import Marker
from core.marking.marks import Marks
from core.marking.wrong_parts import largest_wrong_part
from core.masks.label_map import read_label_map
from core.media import open_media
from core.network.choices import DEFAULT, Choices, MarkingWay
from core.network.config import SMALL
from core.network.marking import PLANES, MarkingNetwork
from core.network.marking_weights import in_way, load_marking
from core.network.pcvos import PCVOS
from core.network.preparation import could_be_winograd, in_type, memory_format, prepare
from core.network.winograd import WinogradConv2d
from core.progress import UNWATCHED, Progress
from core.propagation import PropagationSettings, Propagator

SIZE = (480, 864)
"""(H, W) of the frame that is measured with, as the network sees it."""

CLEARLY = 1.1
"""Speed, as a multiple of the default way's, from which another way is taken in its place."""

CLEARLY_ROUNDED = 1.15
"""The same for bfloat16."""

AGREEMENT = 0.997
"""IoU with float32, frame by frame, of masks in bfloat16 that is taken."""

AGREEING_FRAMES = 6

TURNS = 5

_IS_FINE = time.get_clock_info("process_time").resolution < 1e-4  # on Windows it is not
CLOCK = time.process_time if _IS_FINE else time.perf_counter
"""The processor's time: what other programs do meanwhile is none of it."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of two ways or more to do the same, and which one is taken."""

    what: str
    ms: Mapping[str, float]
    taken: str


@dataclass(frozen=True)
class Measured:
    """The choices for one network on this machine, and the timings that they come from.

    Attributes:
        notes: what was found besides, in sentences.
    """

    choices: Choices
    timings: tuple[Timing, ...] = ()
    notes: tuple[str, ...] = ()


@functools.cache
def most_threads() -> int:
    """PyTorch's threads before any were chosen: what the command, the window or OMP_NUM_THREADS allow."""
    return torch.get_num_threads()


@torch.inference_mode()
def measure(network: PCVOS, progress: Progress = UNWATCHED) -> Measured:
    """Measure which ways are fastest for a network that is not yet prepared.

    On one thread, but for how many there should be: where cores are shared, several wait for each other, and what they
    wait looks like work.
    """
    torch.set_num_threads(1)
    try:
        return _measured(network, progress)
    finally:
        torch.set_num_threads(most_threads())


def _measured(network: PCVOS, progress: Progress) -> Measured:
    timings: list[Timing] = []
    notes: list[str] = []

    def take(
        what: str,
        ways: Mapping[str, Callable[[], object]],
        margin: float = CLEARLY,
        clock: Callable[[], float] | None = None,
    ) -> str:
        timings.append(time_ways(what, ways, margin, progress, clock))
        return timings[-1].taken

    plain = prepare(copy.deepcopy(network), choices=Choices(winograd=frozenset()))
    winograd: set[str] = set()
    for (size, shape), names in _shape_classes(plain).items():
        conv = plain.get_submodule(names[0])
        assert isinstance(conv, nn.Conv2d)
        x = torch.randn(size).contiguous(memory_format=torch.channels_last)
        what = f"{len(names)} x convolution {shape}"
        ways = {"Winograd": functools.partial(WinogradConv2d(conv), x), "direct": functools.partial(conv, x)}
        if take(what, ways) == "Winograd":
            winograd.update(names)
    choices = Choices(frozenset(winograd))
    best = prepare(copy.deepcopy(network), choices=choices)
    other = Choices(frozenset(), channels_last=False)
    first = prepare(copy.deepcopy(network), choices=other)
    if take("frame", {"channels-last": _frame(best), "channels-first": _frame(first)}) == "channels-first":
        choices, best = other, first
    may_round = _may_be_faster_rounded(take)
    if may_round:
        rounded = in_type(best, torch.bfloat16)
        frames = {"fp32": _frame(best), "bf16": _frame(rounded, torch.bfloat16)}
        if take("frame", frames, CLEARLY_ROUNDED) == "bf16":
            least = agreement(best, progress)
            notes.append(f"bf16 agrees with fp32 to an IoU of {least:.4f} on the worst of {AGREEING_FRAMES} frames.")
            if least >= AGREEMENT:
                choices = replace(choices, precision="bf16")
            else:
                notes.append(f"Less than {AGREEMENT}: it is not taken.")
    marking = _best_marking(best, may_round, take, notes)
    choices = replace(choices, threads=_best_threads(best, choices, take), marking=marking)
    return Measured(choices, tuple(timings), tuple(notes))


Take = Callable[..., str]


def _may_be_faster_rounded(take: Take) -> bool:
    """Whether one convolution is faster in bfloat16: where a CPU only emulates it, a frame would take minutes."""
    conv = nn.Conv2d(128, 128, 3, padding=1).requires_grad_(False).to(memory_format=torch.channels_last)
    x = torch.randn(1, 128, 30, 54).contiguous(memory_format=torch.channels_last)
    rounded, y = copy.deepcopy(conv).bfloat16(), x.bfloat16()
    what = "convolution 128 to 128, 30 x 54"
    return take(what, {"fp32": functools.partial(conv, x), "bf16": functools.partial(rounded, y)}) == "bf16"


def _best_marking(network: PCVOS, may_round: bool, take: Take, notes: list[str]) -> MarkingWay:
    """The cheapest way of a mark; where there are no marking weights for the network, by weights that mean nothing.

    Only the `small` preset has features that a marking network takes.
    """
    if network.config != SMALL:
        return DEFAULT.marking
    try:
        marking = load_marking()
    except PCVOSError:
        marking = MarkingNetwork().eval().requires_grad_(False).to(memory_format=torch.channels_last)
    image = torch.randn(1, 3, *SIZE).contiguous(memory_format=memory_format(network))
    features = network.encode_key(image)

    def mark(way: MarkingWay) -> Callable[[], object]:
        ready, dtype = in_way(marking, way), torch.bfloat16 if way == "bf16" else torch.float32
        seen = features.each(lambda plane: plane.to(dtype))
        planes = torch.rand(1, len(PLANES), *SIZE).to(dtype).contiguous(memory_format=torch.channels_last)
        return functools.partial(ready, seen, planes)

    plain: tuple[MarkingWay, MarkingWay] = ("winograd", "direct")
    taken = take("mark", {way: mark(way) for way in plain})
    best: MarkingWay = "direct" if taken == "direct" else "winograd"
    if not may_round or marking.features != network.features_fingerprint:
        return best
    if take("mark", {best: mark(best), "bf16": mark("bf16")}, CLEARLY_ROUNDED) != "bf16":
        return best
    least = marking_agreement(network, marking)
    notes.append(f"Marks in bf16 agree with those in fp32 to an IoU of {least:.4f} at the worst.")
    return "bf16" if least >= AGREEMENT else best


def _best_threads(network: PCVOS, choices: Choices, take: Take) -> int | None:
    """Fewer threads than may be, where that is faster: two of one core get in each other's way."""
    most = most_threads()
    if most < 4:
        return None
    dtype = torch.bfloat16 if choices.precision == "bf16" else torch.float32
    frame = _frame(in_type(network, dtype), dtype)

    def with_threads(count: int) -> Callable[[], None]:
        def run() -> None:
            torch.set_num_threads(count)
            frame()

        return run

    ways = {f"{count} threads": with_threads(count) for count in (most, most // 2)}
    taken = take("frame", ways, clock=time.perf_counter)  # the processor's time is that of all threads
    count = int(taken.split()[0])
    return None if count == most else count


def _shape_classes(plain: PCVOS) -> dict[tuple[tuple[int, ...], str], list[str]]:
    """Convolutions that could take their Winograd form, by size of the input and shape in words."""
    sizes: dict[str, tuple[int, ...]] = {}
    convs = could_be_winograd(plain)

    def noting(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: sizes.update({name: tuple(inputs[0].shape)})

    hooks = [conv.register_forward_pre_hook(noting(name)) for name, conv in convs.items()]
    _frame(plain)()
    for hook in hooks:
        hook.remove()
    classes: dict[tuple[tuple[int, ...], str], list[str]] = {}
    for name, size in sizes.items():
        shape = f"{size[1]} to {convs[name].out_channels}, {size[2]} x {size[3]}"
        classes.setdefault((size, shape), []).append(name)
    return classes


def _frame(network: PCVOS, dtype: torch.dtype = torch.float32) -> Callable[[], None]:
    """The network's work for a frame with one object, but for matching and refinement, which are the same in all
    ways."""
    layout = memory_format(network)
    image = torch.randn(1, 3, *SIZE).to(dtype).contiguous(memory_format=layout)
    grid = (SIZE[0] // 16, SIZE[1] // 16)
    refined = torch.randn(1, network.config.value_dim, *grid).to(dtype).contiguous(memory_format=layout)

    def run() -> None:
        features = network.encode_key(image)
        network.decode(refined, features.thin, features.skip8, features.skip4)

    return run


def time_ways(
    what: str,
    ways: Mapping[str, Callable[[], object]],
    margin: float,
    progress: Progress,
    clock: Callable[[], float] | None = None,
) -> Timing:
    """Time ways in turns; the first one is taken unless another is `margin` times faster."""
    clock = CLOCK if clock is None else clock
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TURNS + 1):
        for name, run in ways.items():
            progress.raise_if_cancelled()
            begin = clock()
            run()
            if turn:  # the first one warms up
                seconds[name].append(clock() - begin)
    ms = {name: 1000 * min(some) for name, some in seconds.items()}  # what else runs makes a turn slower, never faster
    default, fastest = next(iter(ms)), min(ms, key=lambda name: ms[name])
    return Timing(what, ms, fastest if ms[default] > margin * ms[fastest] else default)


def agreement(
    network: PCVOS, progress: Progress = UNWATCHED, resolution: int = 480, frames: int = AGREEING_FRAMES
) -> float:
    """Least IoU, over frames of the clip that ships, of masks drawn in bfloat16 with those in float32, 0 to 1.

    Args:
        network: as `prepare` leaves it.
    """
    start = demo.MASK_FRAME
    mask = read_label_map(demo.MASK).labels
    drawn: list[np.ndarray] = []
    with open_media(demo.CLIP) as media:
        for precision in ("fp32", "bf16"):
            settings = PropagationSettings(precision=precision, resolution=resolution, distractors=False)
            propagator = Propagator(network, media, settings)
            propagator.progress = progress
            propagator.memory.add(start, mask)
            clips = propagator.run(start, start + frames)
            drawn.append(np.concatenate([clip.labels for clip in clips]))
    return min(_iou(*pair) for pair in zip(*drawn, strict=True))


def marking_agreement(network: PCVOS, marking: MarkingNetwork, clicks: int = 4) -> float:
    """Least IoU, over clicks on the frame of the clip that ships and its mirror image, of what they mean in bfloat16
    with what they mean in float32, 0 to 1; each click is where the mask in float32 is wrong.

    Args:
        network: as `prepare` leaves it. marking: as `load_marking` gives it.
    """
    labels = np.asarray(read_label_map(demo.MASK).labels)
    with open_media(demo.CLIP) as media:
        image = media.read(demo.MASK_FRAME)
    ious = []
    for flip in (1, -1):
        shown, truth = np.ascontiguousarray(image[:, ::flip]), np.ascontiguousarray(labels[:, ::flip]) > 0
        markers = [Marker(network, marking, way) for way in ("direct", "bf16")]
        seen = [marker.see(shown) for marker in markers]
        marks, mask = Marks(), None
        for _ in range(clicks):
            part = largest_wrong_part(np.zeros_like(truth) if mask is None else mask.label, truth)
            if part is None:
                break
            marks = marks.and_click(*part.deepest(), part.is_missing)
            mask, other = (marker.mask(frame, marks, mask) for marker, frame in zip(markers, seen, strict=True))
            ious.append(_iou(mask.label, other.label))
    return min(ious)


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    union = int(((one > 0) | (other > 0)).sum())
    return float(((one == other) & (one > 0)).sum()) / union if union else 1.0
