"""The best few of each column by maxima of groups, against PyTorch's own search: the same numbers, ties included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.network.best_few import FINE, GROUP, best_groups, first_best, largest, members, products


def _best_few(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Columns of the best few of each row, as matching looks for them."""
    groups = best_groups(scores.t().reshape(-1, FINE, len(scores)).amax(1), k)
    places = members(groups, FINE)
    return places.gather(1, largest(scores.gather(1, places), k))


@settings(max_examples=60)
@given(st.integers(1, 6), st.integers(1, 30), st.integers(1, 45), st.sampled_from([0, 1, 3, 200]), st.integers(0, 99))
def test_it_gives_what_topk_gives(rows: int, groups: int, k: int, levels: int, seed: int):
    """Few `levels` make rows full of equal numbers; 0: all differ."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(rows, groups * GROUP, generator=generator)
    if levels:
        scores = (scores * levels).round()
    k = min(k, scores.shape[1])
    index = _best_few(scores, k)
    assert torch.equal(scores.gather(1, index).sort(descending=True).values, scores.topk(k, dim=-1).values)
    assert all(row == sorted(set(row)) for row in index.tolist())


@pytest.mark.parametrize("hidden", [0.0, 0.5, 0.999])
def test_columns_that_cannot_be_read_are_none_of_the_best(hidden: float):
    scores = torch.randn(50, 6400)
    scores[torch.rand(scores.shape) < hidden] = -torch.inf
    found = scores.gather(1, _best_few(scores, 20)).sort(descending=True).values
    assert torch.equal(found, scores.topk(20, dim=-1).values)


def test_little_is_sorted_where_much_is_searched(monkeypatch: pytest.MonkeyPatch):
    """Neither the whole row nor half of it, and nothing with indices but where equal numbers leave nothing else."""
    searched = []
    partition = np.partition
    monkeypatch.setattr(
        np, "partition", lambda a, *more, **named: searched.append(a.shape[1]) or partition(a, *more, **named)
    )
    monkeypatch.setattr(np, "argpartition", lambda *_, **__: pytest.fail("searched with indices"))
    _best_few(torch.randn(10, 8192), 20)
    assert 0 < sum(searched) < 8192 / 8


def test_numbers_that_are_none_are_the_largest():
    scores = torch.randn(30, 2048)
    scores[3, 1000] = scores[8, :30] = torch.nan
    scores[5, :40] = 7.0
    index = _best_few(scores, 20)
    expected = scores.topk(20, dim=-1)
    rows = [r for r in range(30) if r not in (3, 5, 8)]
    assert torch.equal(index[rows], expected.indices[rows].sort().values)
    found = scores.gather(1, index).nan_to_num(99.0).sort(descending=True).values
    assert torch.equal(found, expected.values.nan_to_num(99.0))


def test_products_are_those_of_the_rows_asked_for():
    one, other = torch.randn(7, 10), torch.randn(90, 10)
    places = torch.rand(7, 90).topk(12).indices.sort().values
    torch.testing.assert_close(products(one, other, places), (one @ other.t()).gather(1, places))


def test_the_first_of_equal_numbers_is_the_best():
    scores = torch.randn(40, 333).round()
    assert torch.equal(first_best(scores), scores.argmax(-1))
    assert first_best(torch.zeros(2, 7)).tolist() == [0, 0]


def test_a_row_with_one_too_few_makes_up_for_none_with_one_too_many():
    scores = torch.tensor([[torch.nan, 3.0, 2.0, 1.0], [5.0, 4.0, 4.0, 1.0], [1.0, 2.0, 3.0, 4.0]])
    assert largest(scores, 2).tolist()[::2] == [[0, 1], [2, 3]]
    assert largest(scores, 2).tolist()[1] in ([0, 1], [0, 2])
