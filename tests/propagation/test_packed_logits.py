"""Mask logits that wait for the other pass."""

import tracemalloc

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.propagation.packed_logits import LIMIT, PackedLogits


@given(st.integers(0, 10_000), st.floats(0.01, 40), st.lists(st.integers(1, 254), unique=True, max_size=4))
def test_logits_come_back_within_the_stated_bound(seed: int, scale: float, objects: list[int]):
    generator = torch.Generator().manual_seed(seed)
    logits = {o: scale * torch.randn(2, 5, 7, generator=generator) for o in objects}
    masks = PackedLogits()
    masks.put([2, 3], logits)
    found = masks.pop(3)
    assert found.keys() == logits.keys()
    for o, plane in found.items():
        assert plane.dtype == np.float32
        plane, before = torch.from_numpy(plane), logits[o][1]
        assert (plane - before.clamp(-LIMIT, LIMIT)).abs().max() <= LIMIT / 254 + 1e-6
        assert (plane.sigmoid() - before.sigmoid()).abs().max() <= 0.01
    assert masks.pop(3) == {}, "taken once"


def test_frames_are_apart_and_the_last_word_counts():
    masks = PackedLogits()
    masks.put([0], {1: torch.zeros(1, 2, 2)})
    masks.put([1], {1: torch.full((1, 2, 2), 4.0)})
    masks.put([0], {2: torch.full((1, 2, 2), -8.0)})
    assert list(masks.pop(0)) == [2]
    assert masks.pop(7) == {}
    np.testing.assert_allclose(masks.pop(1)[1], 4.0, atol=LIMIT / 254)


def test_they_take_little_space():
    """Frames of 480p, mostly certain: far below a byte for each of their logits."""
    plane = torch.full((120, 216), -20.0)
    plane[40:80, 60:120] = 20.0
    masks = PackedLogits()
    tracemalloc.start()
    for frame in range(50):
        masks.put([frame], {1: plane[None]})
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50 * plane.numel() / 20
