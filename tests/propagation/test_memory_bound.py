"""That the bound on a run's memory holds, against peaks measured on this CPU."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from footage import make_propagator
from stand_in_network import stand_in_network

from core.benchmark.bench import peak_memory
from core.network import PCVOS, SMALL
from core.network.preparation import prepare
from core.propagation import PropagationSettings
from core.propagation.memory_bound import RunSize, memory_bound

SIZE = (160, 256)
CPU = torch.device("cpu")


def _bound(size: tuple[int, int] = (720, 1280), frames: int = 300, objects: int = 1, **settings: object) -> int:
    given = PropagationSettings(**settings)
    bound = memory_bound(SMALL, given, RunSize(size, frames, objects), torch.device("cuda"), 0)
    return bound.device_bytes


CASES = (
    (1, 1, {"interval": 3, "cache_bytes": 0}),
    (1, 1, {"interval": 3, "cache_bytes": 2**30}),
    (4, 3, {"interval": 2, "cache_bytes": 0}),
    (2, 1, {"interval": 11, "cache_bytes": 0, "soft": True}),
    (2, 1, {"interval": 5, "resolution": 96}),
)


def said_and_taken() -> list[tuple[int, int]]:
    """The bound and the peak of each of `CASES`, bytes."""
    torch.set_num_threads(1)
    network = prepare(stand_in_network(SMALL))
    frames = np.random.default_rng(0).integers(0, 256, (12, *SIZE, 3), np.uint8)
    found = []
    for objects, annotated, settings in CASES:
        labels = np.zeros(SIZE, np.uint8)
        for obj in range(objects):
            labels[40:120, 60 * obj : 60 * obj + 50] = obj + 1
        given = [(frame, labels) for frame in range(annotated)]
        propagator = make_propagator(network, frames, given, {"keep_lost": True, **settings})
        bound = propagator.memory_bound()
        peaks: list[int] = []
        with peak_memory(CPU, peaks):
            for _ in propagator.run():
                pass
        found.append((bound.device_bytes + bound.machine_bytes, peaks[0]))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_a_run_takes_no_more_than_was_said():
    """In a process of its own, where nothing else takes and gives back memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        found = process.submit(said_and_taken).result()
    for case, (said, taken) in zip(CASES, found, strict=True):
        assert taken <= said <= 8 * max(taken, 2**24), (case, "a bound, and no idle one")


def test_the_bound_grows_with_what_it_depends_on():
    least = _bound()
    assert _bound(objects=4) > least and _bound(interval=25) > least and _bound(size=(2160, 3840)) > least
    assert _bound(resolution=None) > least > _bound(resolution=240)
    assert least > _bound(memory_frames=5)
    assert _bound(precision="fp32") > least, "half precision takes less"


def test_what_does_not_fit_ends_in_what_to_change():
    settings = PropagationSettings(memory_frames=100, interval=1)
    bound = memory_bound(SMALL, settings, RunSize((720, 1280), 500, 10), torch.device("cuda"), 0)
    assert bound.advice(bound.device_bytes) is None
    assert "fewer memory frames" in bound.advice(2**30)


def test_what_is_kept_already_counts_as_free(small_network: PCVOS, monkeypatch: pytest.MonkeyPatch):
    frames = np.random.default_rng(0).integers(0, 256, (6, *SIZE, 3), np.uint8)
    labels = np.zeros(SIZE, np.uint8)
    labels[40:120, 60:110] = 1
    propagator = make_propagator(small_network, frames, [(0, labels)], {"interval": 2})
    need = propagator.memory_bound().device_bytes
    free = [need]
    monkeypatch.setattr("core.propagation.propagator.memory_of", lambda device: (free[0], 2 * need))
    assert propagator.memory_advice() is None
    free[0] = need - 1
    assert propagator.memory_advice().startswith("This run may take")
    for _ in propagator.run():
        pass
    free[0] = need - propagator.cache.bytes
    assert propagator.memory_advice() is None, "the next run finds these features"
