"""Memory readout against its definition, written out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.network import matching
from core.network.aggregation import aggregate, own_logits
from core.network.matching import best_near, localised, read_dense, read_localised, read_top_k, similarity

cases = st.tuples(st.integers(1, 30), st.integers(1, 900), st.integers(1, 45), st.integers(1, 3), st.integers(0, 999))


def plain_readout(query: np.ndarray, memory: np.ndarray, value: np.ndarray, top_k: int) -> np.ndarray:
    """Softmax of the negative squared distances over sqrt(C_k), of the best few."""
    out = []
    for q in query.astype(np.float64):
        scores = -np.square(q - memory.astype(np.float64)).sum(1) / np.sqrt(len(q))
        best = np.argsort(-scores, kind="stable")[:top_k]
        weights = np.exp(scores[best] - scores[best].max())
        out.append(weights / weights.sum() @ value[best])
    return np.array(out)


@given(cases)
def test_readout_of_the_best_few(case: tuple[int, int, int, int, int]):
    queries, positions, top_k, objects, seed = case
    rng = np.random.default_rng(seed)
    query, memory = rng.normal(size=(queries, 8)), rng.normal(size=(positions, 8))
    values = [rng.normal(size=(positions, 5)) for _ in range(objects)]
    tensors = [torch.from_numpy(a.astype(np.float32)) for a in (query, memory, *values)]
    block = 4 * positions * int(rng.integers(1, queries + 1))
    found = read_top_k(tensors[0], tensors[1], tensors[2:], top_k, block_bytes=block)
    assert len(found) == objects
    for readout, value in zip(found, values, strict=True):
        np.testing.assert_allclose(readout, plain_readout(query, memory, value, top_k), atol=2e-5)
    (dense,) = read_dense(tensors[0][None], tensors[1][None], tensors[2][None])
    np.testing.assert_allclose(dense, plain_readout(query, memory, values[0], positions), atol=2e-5)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 30), st.sampled_from([0.5, 7.0, 100.0]), st.integers(0, 99))
def test_the_kernel_is_a_gaussian_around_where_the_frame_shows_a_memory_position_best(
    height: int, width: int, positions: int, sigma: float, seed: int
):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(height * width, 8, generator=generator)
    memory = torch.randn(positions, 8, generator=generator)
    distances = torch.cdist(query, memory)
    place = [divmod(q, width) for q in distances.argmin(0).tolist()]
    own = [divmod(q, width) for q in range(height * width)]
    kernel = [[-((y - b) ** 2 + (x - a) ** 2) / (2 * sigma**2) for b, a in place] for y, x in own]
    expected = (-distances.square() / 8**0.5 + torch.tensor(kernel)).softmax(1)
    found = similarity(*localised(query, memory, height, width, sigma, block_bytes=4 * height * width * 7)).softmax(1)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("positions", [3, 700, 2011])
@pytest.mark.parametrize("sigma", [0.5, 3.0])
def test_memory_is_read_as_of_localised_keys(positions: int, sigma: float):
    """Computed once, in strips that are not kept, it is what all similarities give."""
    torch.manual_seed(positions)
    query, memory, values = torch.randn(240, 64), torch.randn(positions, 64), torch.randn(positions, 5)
    scores = similarity(*localised(query, memory, 12, 20, sigma))
    best, index = scores.topk(min(5, positions))
    expected = (values[index] * best.softmax(-1).unsqueeze(-1)).sum(1)
    (found,) = read_localised(query, memory, [values], 12, 20, sigma, 5)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_the_similarity_never_takes_more_than_its_share(monkeypatch: pytest.MonkeyPatch):
    sizes: dict[str, list[int]] = {"mm": [], "best_groups": [], "similarity": []}

    def noting(module: object, name: str) -> None:
        made = getattr(module, name)

        def note(*given: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
            found = made(*given, **named)
            sizes[name].append((given[0] if name == "best_groups" else found).nbytes)
            return found

        monkeypatch.setattr(module, name, note)

    noting(torch, "mm")
    noting(matching, "best_groups")
    noting(matching, "similarity")
    query, memory, values = torch.randn(100, 8), torch.randn(2000, 8), [torch.randn(2000, 3)]
    read_top_k(query, memory, values, 5, block_bytes=4 * 100 * 70)
    assert max(sizes["mm"]) <= 4 * 100 * 70 and max(sizes["best_groups"]) <= 4 * 100 * 70
    assert sum(sizes["mm"]) == 4 * 100 * 2016, "once, and what makes it whole groups"
    read_top_k(query, memory, values, 100, block_bytes=4 * 2000 * 7)
    assert max(sizes["similarity"]) <= 4 * 2000 * 7 and sum(sizes["similarity"]) == 4 * 2000 * 100
    sizes["similarity"].clear()
    read_top_k(query, memory, values, 100, block_bytes=1)
    assert sizes["similarity"] == [4 * 2000] * 100, "a query at a time, if there is no room for more"


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_extreme_keys_stay_finite(scale: float):
    """The published softmax overflows where a key is long (|q|^2 > 709) or all memory is far away."""
    query, memory = scale * torch.randn(9, 64), scale * torch.randn(40, 64)
    (near,) = read_top_k(query, query, [torch.eye(9)], 5)
    (far,) = read_top_k(query, memory + 100 * scale, [torch.randn(40, 3)])
    assert near.isfinite().all() and far.isfinite().all()
    torch.testing.assert_close(near.sum(1), torch.ones(9))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_only_of_keys_and_values(dtype: torch.dtype):
    """Similarities and softmax are float32 whatever comes in, inside autocast too."""
    query, memory, value = torch.randn(9, 64).to(dtype), torch.randn(40, 64).to(dtype), torch.randn(40, 6).to(dtype)
    with torch.autocast("cpu", dtype):
        scores = similarity(query, memory)
        (found,) = read_top_k(query, memory, [value], 20)
    assert scores.dtype == torch.float32 and found.dtype == dtype
    torch.testing.assert_close(scores, similarity(query.float(), memory.float()))
    (expected,) = read_top_k(query.float(), memory.float(), [value.float()], 20)
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 3.0])
def test_a_few_queries_read_what_they_read_among_all(sigma: float):
    """Also with a kernel so narrow that most of what is similar lies too far away."""
    torch.manual_seed(0)
    query, memory, values = torch.randn(240, 64), torch.randn(700, 64), torch.randn(700, 5)
    at = torch.tensor([0, 3, 100, 239])
    near = localised(query, memory, 12, 20, sigma) if sigma else (query, memory)
    (expected,) = read_top_k(*near, [values], 20)
    shown = torch.full((700,), -1)
    best_near(query, memory, at[2:], 12, 20, sigma, 20, shown)  # what it has looked up is taken as it is
    weights, places = best_near(query, memory, at, 12, 20, sigma, 20, shown)
    read = (values[places] * weights.unsqueeze(-1)).sum(1)
    torch.testing.assert_close(read, expected[at], rtol=1e-4, atol=1e-4)  # float32 of scores up to a thousand
    assert best_near(query, memory, at[:0], 12, 20, sigma)[0].shape == (0, 20)


@pytest.mark.parametrize("objects", [1, 3])
def test_own_probabilities_come_back_from_aggregated_ones(objects: int):
    own = torch.rand(objects, 400) * 0.96 + 0.02
    torch.testing.assert_close(torch.sigmoid(own_logits(aggregate(own)[1:])), own, rtol=0, atol=1e-3)
