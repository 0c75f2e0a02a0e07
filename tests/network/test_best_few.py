"""The best few of each row against PyTorch's own search: the same to the bit, ties included."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.network import best_few as module
from core.network.best_few import best_few, first_best, padded


def _in_block(scores: torch.Tensor) -> torch.Tensor:
    block = scores.new_full((len(scores), padded(scores.shape[1])), -torch.inf)
    block[:, : scores.shape[1]] = scores
    return block


@settings(max_examples=60)
@given(st.integers(1, 6), st.integers(1, 900), st.integers(1, 4), st.sampled_from([0, 1, 3, 200]), st.integers(0, 99))
def test_it_gives_what_topk_gives(rows: int, columns: int, k: int, levels: int, seed: int):
    """Few `levels` make rows full of equal numbers; 0: all differ."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, columns, generator=generator)
    if levels:
        scores = (scores * levels).round()
    k = min(k, columns)
    for found, expected in zip(best_few(_in_block(scores), columns, k), scores.topk(k, dim=-1), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("hidden", [0.0, 0.5, 0.999])
def test_columns_that_cannot_be_read_are_none_of_the_best(hidden: float):
    scores = torch.randn(50, 6000)
    scores[torch.rand(scores.shape) < hidden] = -torch.inf
    values, index = best_few(_in_block(scores), 6000, 20)
    expected = scores.topk(20, dim=-1)
    assert torch.equal(values, expected.values) and torch.equal(index, expected.indices)


def test_only_some_groups_are_looked_into(monkeypatch: pytest.MonkeyPatch):
    looked_into = []
    real = module._best_inside
    monkeypatch.setattr(
        module,
        "_best_inside",
        lambda g, t, *more, **named: looked_into.append(t.shape[1] * g.shape[1]) or real(g, t, *more, **named),
    )
    best_few(_in_block(torch.randn(10, 8100)), 8100, 20)
    assert 0 < sum(looked_into) < 8100 / 16


def test_the_first_of_equal_numbers_is_the_best():
    scores = torch.randn(40, 333).round()
    assert torch.equal(first_best(scores), scores.argmax(-1))
    assert first_best(torch.zeros(2, 7)).tolist() == [0, 0]
