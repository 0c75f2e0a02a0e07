"""The best few of each row against PyTorch's own search: the same numbers, ties included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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
    values, index = best_few(_in_block(scores), columns, k)
    assert torch.equal(values, scores.topk(k, dim=-1).values)
    assert torch.equal(values, scores.gather(1, index))
    assert all(len(set(row)) == k for row in index.tolist())


@pytest.mark.parametrize("hidden", [0.0, 0.5, 0.999])
def test_columns_that_cannot_be_read_are_none_of_the_best(hidden: float):
    scores = torch.randn(50, 6000)
    scores[torch.rand(scores.shape) < hidden] = -torch.inf
    values, index = best_few(_in_block(scores), 6000, 20)
    expected = scores.topk(20, dim=-1)
    assert torch.equal(values, expected.values)
    assert torch.equal(scores.gather(1, index), values)


def test_little_is_sorted_where_much_is_searched(monkeypatch: pytest.MonkeyPatch):
    """Neither the whole row nor half of it, but where equal numbers leave nothing else."""
    searched = []
    partition = np.partition
    monkeypatch.setattr(
        np, "partition", lambda a, *more, **named: searched.append(a.shape[1]) or partition(a, *more, **named)
    )
    monkeypatch.setattr(torch.Tensor, "topk", lambda *_, **__: pytest.fail("sorted whole"))
    best_few(_in_block(torch.randn(10, 8100)), 8100, 20)
    assert 0 < sum(searched) < 8100 / 8


def test_numbers_that_are_none_are_the_largest():
    scores = torch.randn(30, 2000)
    scores[3, 1000] = scores[8, :30] = torch.nan
    scores[5, :40] = 7.0
    values, index = best_few(_in_block(scores), 2000, 20)
    expected = scores.topk(20, dim=-1)
    assert torch.equal(values.nan_to_num(99.0), expected.values.nan_to_num(99.0))
    rows = [r for r in range(30) if r not in (3, 5, 8)]
    assert torch.equal(index[rows], expected.indices[rows])
    assert torch.equal(scores.gather(1, index).nan_to_num(99.0), values.nan_to_num(99.0))


def test_the_first_of_equal_numbers_is_the_best():
    scores = torch.randn(40, 333).round()
    assert torch.equal(first_best(scores), scores.argmax(-1))
    assert first_best(torch.zeros(2, 7)).tolist() == [0, 0]
