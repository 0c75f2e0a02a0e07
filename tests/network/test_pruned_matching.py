"""Reading near where a frame shows memory best, against the same with everything computed: to the bit."""

import pytest
import torch

from core.network import pruned_matching
from core.network.matching import localised, read_top_k, similarity
from core.network.pruned_matching import read_localised

HEIGHT, WIDTH = 7, 11


@pytest.fixture(autouse=True)
def worth_it_for_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruned_matching, "WORTH", 8)


def _keys(frames: int, seed: int = 0, extra: int = 0) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """Keys of a frame and of memory that shows nearly the same, and values of two objects."""
    generator = torch.Generator().manual_seed(seed)
    query = 3 * torch.randn(HEIGHT * WIDTH, 16, generator=generator)
    memory = query.repeat(frames, 1)[: frames * len(query) - extra]
    memory = memory + 0.3 * torch.randn(memory.shape, generator=generator)
    return query, memory, [torch.randn(len(memory), 5, generator=generator) for _ in range(2)]


def _check(query: torch.Tensor, memory: torch.Tensor, values: list[torch.Tensor], sigma: float, top_k: int) -> None:
    expected = read_top_k(*localised(query, memory, HEIGHT, WIDTH, sigma), values, top_k)
    for found, wanted in zip(read_localised(query, memory, values, HEIGHT, WIDTH, sigma, top_k), expected, strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("sigma", [0.3, 2.8, 1000.0])
@pytest.mark.parametrize(("frames", "extra"), [(20, 0), (31, 4), (9, 71)])
def test_the_readout_is_the_same_to_the_bit(sigma: float, frames: int, extra: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(pruned_matching.LOOKUP_BYTES, "cpu", 4 * HEIGHT * WIDTH * 100)  # several blocks
    _check(*_keys(frames, frames, extra), sigma, 3)


def test_equal_scores_are_settled_as_ever():
    """Frames that are alike to the bit, such as black ones, hold other values."""
    query, memory, values = _keys(20)
    memory[:] = query.repeat(20, 1)
    _check(query, memory, values, 2.8, 3)
    _check(torch.zeros_like(query), torch.zeros_like(memory), values, 2.8, 3)


@pytest.mark.parametrize("scale", [1e-3, 30.0, 1e4])
def test_keys_of_any_length(scale: float):
    query, memory, values = _keys(20)
    _check(scale * query, scale * memory, values, 2.8, 3)


def test_little_of_memory_is_compared_twice(monkeypatch: pytest.MonkeyPatch):
    compared = []
    monkeypatch.setattr(pruned_matching, "TILE", 7)
    monkeypatch.setattr(
        pruned_matching, "similarity", lambda q, m, *more: compared.append(len(q) * len(m)) or similarity(q, m, *more)
    )
    query, memory, values = _keys(60)
    read_localised(query, memory, values, HEIGHT, WIDTH, 1.0, 3)
    once = len(query) * len(memory)
    assert once < sum(compared) < 1.4 * once


def test_what_would_take_too_much_memory_is_computed_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pruned_matching, "MOST_BYTES", 1000)
    monkeypatch.setattr(pruned_matching, "_looked_up", lambda *_: pytest.fail("best scores by group"))
    _check(*_keys(20), 2.8, 3)
