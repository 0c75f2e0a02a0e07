"""The shipped weights on the bundled footage."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from footage import collect, remembered
from pretend_device import pretend

from core.media import open_media
from core.media.arrays import ArraySource
from core.network import PCVOS, SMALL, load_network
from core.network.checkpoint import DEFAULT_WEIGHTS, read_weights
from core.propagation import ClipResult, PropagationSettings, Propagator, Remembered

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"
FIRST, LAST = 40, 54

pytestmark = pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="no weights in this checkout")


@pytest.fixture(scope="module")
def network() -> PCVOS:
    return load_network(device="cpu")


def rabbit(
    network: PCVOS,
    finished: dict[int, np.ndarray] | None = None,
    known: dict[int, Remembered] | None = None,
    exact: bool = False,
) -> list[ClipResult]:
    """The rabbit, followed from the frame its mask was drawn on, at 240p. `known`: what is remembered of `finished`."""
    mask = cv2.imread(str(DEMO / "big-buck-bunny.00040.png"), cv2.IMREAD_UNCHANGED)
    labels = np.uint8(mask[..., :3].any(-1) if mask.ndim == 3 else mask > 0)
    with open_media(DEMO / "big-buck-bunny.mp4") as media:
        propagator = Propagator(network, media, PropagationSettings(resolution=240, exact=exact))
        propagator.memory.add(FIRST, labels)
        return list(propagator.run(FIRST, LAST, finished=finished, remembered=known))


@pytest.fixture(scope="module")
def clips(network: PCVOS) -> list[ClipResult]:
    return rabbit(network)


@pytest.fixture(scope="module")
def followed(clips: list[ClipResult]) -> dict[int, np.ndarray]:
    return collect(clips)


def iou(one: dict[int, np.ndarray], other: dict[int, np.ndarray]) -> float:
    frames = sorted(one.keys() & other.keys() - {FIRST})
    a, b = (np.stack([found[f] == 1 for f in frames]) for found in (one, other))
    return (a & b).sum() / (a | b).sum()


def test_they_are_of_the_small_preset_and_small(network: PCVOS):
    assert network.config == SMALL
    assert DEFAULT_WEIGHTS.stat().st_size <= 20 * 2**20


def test_their_position_indices_are_those_of_the_window():
    """Weights averaged from several files could have others: these are whole numbers among floats."""
    _, state = read_weights(DEFAULT_WEIGHTS)
    own = PCVOS(SMALL).state_dict()
    names = [name for name in own if name.endswith("relative_position_index")]
    assert names and all(torch.equal(state[name], own[name]) for name in names)


def test_the_rabbit_is_followed(followed: dict[int, np.ndarray]):
    assert sorted(followed) == list(range(FIRST, LAST + 1))
    for frame in range(FIRST, LAST):
        before, after = followed[frame] == 1, followed[frame + 1] == 1
        assert (before & after).sum() / (before | after).sum() > 0.8, f"frame {frame + 1}"


def test_the_default_engine_is_the_published_loop_where_their_meaning_agrees(
    network: PCVOS, followed: dict[int, np.ndarray]
):
    assert iou(followed, collect(rabbit(network, exact=True))) >= 0.995


def test_a_resumed_run_is_the_unbroken_one(network: PCVOS, clips: list[ClipResult], followed: dict[int, np.ndarray]):
    """With what `--resume` has: the masks, and what the run remembered of them."""
    done = {frame: followed[frame] for frame in range(FIRST, FIRST + 6)}
    known = {frame: kept for frame, kept in remembered(clips).items() if frame in done}
    assert iou(done | collect(rabbit(network, done, known)), followed) >= 0.99


def test_a_rabbit_behind_a_board_is_nowhere_and_comes_back(network: PCVOS, followed: dict[int, np.ndarray]):
    hidden, seen_again = range(FIRST + 5, FIRST + 10), (LAST - 1, LAST)
    with open_media(DEMO / "big-buck-bunny.mp4") as media:
        frames = np.stack([media.read(frame) for frame in range(FIRST, LAST + 1)])
    board = cv2.resize(frames[0][:, : frames.shape[2] // 4], frames.shape[2:0:-1])
    for frame in hidden:
        rows, columns = np.nonzero(followed[frame] == 1)
        box = slice(max(0, rows.min() - 20), rows.max() + 20), slice(max(0, columns.min() - 20), columns.max() + 20)
        frames[frame - FIRST][box] = board[box]
    propagator = Propagator(network, ArraySource(frames), PropagationSettings(resolution=240))
    propagator.memory.add(0, followed[FIRST])
    drawn = {FIRST + frame: labels for frame, labels in collect(propagator.run()).items()}
    assert not any(drawn[frame].any() for frame in hidden)
    assert all(iou({f: drawn[f]}, {f: followed[f]}) > 0.6 for f in seen_again)


@pytest.mark.long
def test_half_precision_on_an_accelerator_draws_the_same():
    """Three objects over thirty frames of real footage, both directions, on the pretend device against this CPU."""
    with open_media(DEMO / "big-buck-bunny.mp4") as media:
        frames = [media.read(FIRST + i) for i in range(30)]
    mask = cv2.imread(str(DEMO / "big-buck-bunny.00040.png"), cv2.IMREAD_UNCHANGED)
    labels = np.uint8(mask[..., :3].any(-1) if mask.ndim == 3 else mask > 0)
    frames = np.stack([cv2.resize(frame, (256, 144), interpolation=cv2.INTER_AREA) for frame in frames])
    labels = cv2.resize(labels, (256, 144), interpolation=cv2.INTER_NEAREST)
    for obj, column in ((2, 20), (3, 200)):
        corner = labels[20:50, column : column + 36]
        corner[corner == 0] = obj

    def run(network: PCVOS, precision: str) -> np.ndarray:
        settings = PropagationSettings(resolution=None, interval=15, precision=precision)
        propagator = Propagator(network, ArraySource(frames), settings)
        propagator.memory.add(0, labels)
        propagator.memory.add(29, labels, [2, 3])
        found = collect(propagator.run(direction="both"))
        return np.stack([found[frame] for frame in sorted(found)])

    expected = run(load_network(device="cpu"), "fp32")
    with pretend():
        found = run(load_network(device="cuda"), "auto")
    for obj in (1, 2, 3):
        assert ((found == obj) & (expected == obj)).sum() >= 0.999 * ((found == obj) | (expected == obj)).sum()
