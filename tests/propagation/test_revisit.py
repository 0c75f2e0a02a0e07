"""A clip of a run that is over: what it was read from is what the run read, and rebuilt it comes out as it did."""

from collections.abc import Iterable

import cv2
import numpy as np
import pytest
import torch
from footage import footage, make_propagator

from core.errors import PCVOSError
from core.network import PCVOS, load_network
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.propagation import ClipResult, Propagator
from core.propagation.clip_inference import ClipInference
from core.propagation.prediction import Track
from core.propagation.revisit import PARTS, DrawnRun

FRAMES, LABELS = footage(14)
LAST = len(FRAMES) - 1


class Drawn:
    """The masks of a run, as a project keeps them."""

    def __init__(self, clips: Iterable[ClipResult]):
        self._labels, self._small = {}, {}
        for clip in clips:
            self._labels |= dict(zip(clip.frames, clip.labels, strict=True))
            self._small |= dict(zip(clip.frames, clip.small, strict=True))

    def labels(self, frame: int) -> np.ndarray | None:
        return self._labels.get(frame)

    def small(self, frame: int) -> dict[int, np.ndarray]:
        return self._small.get(frame, {})


def run(propagator: Propagator, direction: str = "forward") -> DrawnRun:
    return DrawnRun(0, LAST, direction, Drawn(propagator.run(direction=direction)))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return np.count_nonzero(one & other) / max(1, np.count_nonzero(one | other))


@pytest.mark.parametrize("settings", [{"kernel": 0.0}, {"progressive": 2}, {"memory_frames": 2, "interval": 2}])
def test_it_is_what_the_run_read(small_network: PCVOS, monkeypatch: pytest.MonkeyPatch, settings: dict):
    """The memory values at these places, weighed, are the run's own readout."""
    read, match = [], ClipInference.match

    def noted(engine, features, history):
        found = match(engine, features, history)
        read.append((history, features, found))
        return found

    monkeypatch.setattr(ClipInference, "match", noted)
    propagator = make_propagator(
        small_network, FRAMES, [(0, LABELS[0]), (4, LABELS[4], [1])], {"interval": 4, **settings}
    )
    drawn, frame = run(propagator), 11
    everywhere = np.indices(FRAMES[0].shape[:2]).reshape(2, -1)[::-1]
    found = propagator.revisit(frame, 2, drawn).attribution(2, *everywhere)
    history, features, readouts = next(
        one
        for one in read
        if Track(2) in one[0].tracks and torch.equal(one[1][found.clip.index(frame)].key, key(propagator))
    )
    place, cells = found.clip.index(frame), len(features[0].key)
    own = history.tracks.index(Track(2))
    parts = readouts[own].split(cells)
    segment = propagator.settings.progressive
    assert len(found.queries) == cells, "24 positions are few enough for all"
    values = torch.cat([history.values[own], *(parts[i - 1] for i in range(segment, place + 1, segment))]).cpu()
    assert len(values) == cells * len(found.sources)
    expected = (values[torch.from_numpy(found.places).long()] * torch.from_numpy(found.weights)[..., None]).sum(1)
    torch.testing.assert_close(expected, parts[place].cpu(), rtol=1e-4, atol=1e-4)
    kinds = [source.kind for source in found.sources]
    assert kinds.count("permanent") == 1 and kinds.count("temporary") == (place // segment)
    assert kinds.count("working") <= propagator.settings.memory_frames


def key(propagator: Propagator) -> torch.Tensor:
    return propagator.cache.get(11).key


@pytest.fixture(scope="module")
def shipped() -> PCVOS:
    if not DEFAULT_WEIGHTS.is_file():
        pytest.skip("no weights in this checkout")
    return load_network(device="cpu")


def balls(count: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """A red ball that passes a blue one: frames uint8 (T, 96, 128, 3) and labels (T, 96, 128)."""
    ground = np.random.default_rng(3).integers(60, 120, (12, 16, 3), np.uint8)
    frames = np.stack([cv2.resize(ground, (128, 96), interpolation=cv2.INTER_CUBIC)] * count)
    labels = np.zeros((count, 96, 128), np.uint8)
    y, x = np.mgrid[:96, :128]
    for i in range(count):
        for obj, (left, top), colour in ((1, (30 + 4 * i, 40), (220, 60, 50)), (2, (80, 60), (60, 90, 230))):
            ball = (x - left) ** 2 + (y - top) ** 2 < 18**2
            frames[i][ball], labels[i][ball] = colour, obj
    return frames, labels


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_rebuilt_an_unchanged_run_comes_out_as_it_did(shipped: PCVOS, direction: str):
    frames, labels = balls()
    given = [(0, labels[0]), (13, labels[13])] if direction == "both" else [(5, labels[5]), (8, labels[8], [1])]
    propagator = make_propagator(shipped, frames, given, {"interval": 3, "distractors": True})
    drawn, frame = run(propagator, direction), 11 if direction == "forward" else 2
    clip = next(propagator.revisit(frame, 2, drawn).ablations()).clip
    assert frame in clip.frames
    for i, number in enumerate(clip.frames):
        for obj in (1, 2):
            own = drawn.there.labels(number) == obj
            assert own.any() and iou(clip.labels[i] == obj, own) > 0.98, (number, obj)
    y, x = np.nonzero(drawn.there.labels(frame) == 2)
    found = propagator.revisit(frame, 2, drawn).attribution(2, x, y)
    assert found.direction == ("backward" if direction == "backward" else "forward")
    assert found.counts == (pytest.approx(11 / 13) if direction == "both" else 1)
    assert found.shares.sum() == pytest.approx(1) and len(found.shares) == len(found.sources)
    reads = found.reads(80, 60)
    inside = [read.share for read in reads if labels[read.source.frame][int(read.y), int(read.x)] == 2]
    assert sum(inside) > 0.9, "the middle of the ball is read from the ball"


def test_of_what_a_person_drew_or_the_run_did_not_there_is_nothing(shipped: PCVOS):
    frames, labels = balls()
    propagator = make_propagator(shipped, frames, [(2, labels[2]), (8, labels[8], [1])], {"interval": 3})
    drawn = run(propagator)
    pixel = np.array([80]), np.array([60])
    found = propagator.revisit(8, 2, drawn).attribution(2, *pixel)
    assert found.reads(80, 60) and found.reads(10, 10) is None, "nobody has asked"
    assert propagator.revisit(8, 1, drawn).attribution(1, *pixel) is None, "a person drew it"
    assert not any(one.clip for one in propagator.revisit(2, 1, drawn).ablations()), "a frame that was marked whole"
    with pytest.raises(PCVOSError, match="Frame 1 was not drawn for this object"):
        propagator.revisit(1, 1, drawn)
    exact = make_propagator(shipped, frames, [(0, labels[0])], {"exact": True})
    with pytest.raises(PCVOSError, match="published loop"):
        exact.revisit(3, 1, run(exact))


def test_each_part_is_left_out_by_itself(small_network: PCVOS):
    settings = {"interval": 6, "progressive": 2, "kernel": 0.1}
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])], settings)
    found = {one.without: one.clip for one in propagator.revisit(8, 1, run(propagator)).ablations()}
    assert found.keys() == {"", *PARTS} and found["distractors"] is None, "none were looked for"
    as_it_was = found.pop("").labels
    for part in ("refinement", "progressive", "kernel"):
        assert not np.array_equal(found[part].labels, as_it_was), part
    assert propagator.settings == propagator.engine.settings
    plain = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 3, "progressive": 3, "kernel": 0.0})
    unused = {one.without: one.clip for one in plain.revisit(8, 1, run(plain)).ablations()}
    assert unused["progressive"] is None and unused["kernel"] is None and unused["refinement"] is not None
