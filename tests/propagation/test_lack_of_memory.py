"""Memory that runs out, and devices that fail."""

import numpy as np
import pytest
import torch
from footage import collect, footage, make_propagator
from pretend_device import pretend

from core.errors import ResourceError
from core.network import PCVOS
from core.network.devices import DeviceLostError
from core.propagation.batches import Batches

FRAMES, LABELS = footage()
OUT_OF_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


def test_batches_are_as_equal_as_can_be():
    batches = Batches(torch.device("cpu"))
    assert batches.split(3, 10) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    batches.bytes = 80
    sizes = [[s.stop - s.start for s in batches.split(count, 10)] for count in (0, 1, 8, 9, 15, 25)]
    assert sizes == [[], [1], [8], [4, 5], [7, 8], [6, 6, 6, 7]]
    assert batches.split(2, 1000) == [slice(0, 1), slice(1, 2)], "what does not fit goes one by one"


def test_lack_of_memory_is_met_with_the_cache_and_then_with_smaller_batches():
    batches, tried, let_go = Batches(torch.device("cpu")), [], iter([True, False, False])
    batches.bytes, batches.let_go = 2**26, lambda: next(let_go)

    def work() -> str:
        tried.append(batches.bytes)
        if len(tried) < 4:
            raise OUT_OF_MEMORY
        return "done"

    assert batches.attempt(work) == "done"
    assert tried == [2**26, 2**26, 2**24, 2**22]


def test_what_never_fits_is_raised():
    batches, tried = Batches(torch.device("cpu")), []
    batches.bytes = 2**24

    def work() -> None:
        tried.append(1)
        raise MemoryError

    with pytest.raises(MemoryError):
        batches.attempt(work)
    assert len(tried) == 2


@pytest.mark.parametrize("part", ["encode_key", "decode", "encode_value"])
def test_a_run_whose_memory_runs_out_once_gives_the_same(
    small_network: PCVOS, monkeypatch: pytest.MonkeyPatch, part: str
):
    expected = collect(make_propagator(small_network, FRAMES, [(0, LABELS[0])]).run())
    real, calls = getattr(small_network, part), []

    def short(*args: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise OUT_OF_MEMORY
        return real(*args)

    monkeypatch.setattr(small_network, part, short)
    found = collect(make_propagator(small_network, FRAMES, [(0, LABELS[0])]).run())
    assert len(calls) > 3
    assert np.mean([(found[f] == expected[f]).mean() for f in expected]) >= 0.999


def test_a_device_that_fails_is_told_as_such(small_network_on_pretend_device: PCVOS):
    with pretend() as device:
        propagator = make_propagator(small_network_on_pretend_device, FRAMES, [(0, LABELS[0])])
        run = propagator.run()
        next(run)
        device.error = RuntimeError("CUDA error: an illegal memory access was encountered")
        with pytest.raises(DeviceLostError, match="start it again") as caught:
            next(run)
    assert isinstance(caught.value, ResourceError) and caught.value.code == "device lost"
