"""Resizing, padding and the way back, beyond the cases of the reference."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.propagation.geometry import Geometry

CPU = torch.device("cpu")
sizes = st.tuples(st.integers(1, 120), st.integers(1, 120))
resolutions = st.none() | st.integers(16, 100)


@given(sizes, resolutions)
def test_sizes(size: tuple[int, int], resolution: int | None):
    geometry = Geometry(size, resolution)
    left, right, top, bottom = geometry.pad
    assert all(n % 16 == 0 for n in geometry.padded)
    assert geometry.padded == (geometry.resized[0] + top + bottom, geometry.resized[1] + left + right)
    assert 0 <= right - left <= 1 and 0 <= bottom - top <= 1 and left + right < 16 and top + bottom < 16
    if resolution is None:
        assert geometry.resized == size
    else:
        assert min(geometry.resized) == resolution
        assert max(geometry.resized) == resolution * max(size) // min(size)
        assert (geometry.resized[0] > geometry.resized[1]) <= (size[0] > size[1])


def test_published_example():
    geometry = Geometry((720, 1280), 480)
    assert geometry.resized == (480, 853)
    assert geometry.pad == (5, 6, 0, 0)


@given(sizes, st.integers(0, 1000))
def test_without_resizing_masks_come_back_as_they_were(size: tuple[int, int], seed: int):
    labels = np.random.default_rng(seed).integers(0, 4, size).astype(np.uint8)
    geometry = Geometry(size, None)
    planes = geometry.masks(labels, [3, 1], CPU)
    assert planes.shape == (2, *geometry.padded)
    back = geometry.restore(planes).numpy()
    np.testing.assert_array_equal(back[0], labels == 3)
    np.testing.assert_array_equal(back[1], labels == 1)
    assert planes.sum() == np.isin(labels, (1, 3)).sum(), "nothing in the padding"


@given(sizes, resolutions)
def test_padding_is_the_mean_colour_and_never_comes_back(size: tuple[int, int], resolution: int | None):
    geometry = Geometry(size, resolution)
    image = geometry.frame(np.full((*size, 3), 255, np.uint8), CPU)
    assert image.shape == (1, 3, *geometry.padded)
    left, right, top, bottom = geometry.pad
    inside = image[..., top : geometry.padded[0] - bottom, left : geometry.padded[1] - right]
    assert (inside > 2).all() and torch.isclose(image.sum(), inside.sum(), rtol=1e-4)
    plane = (image[0, 0] > 1).float()
    torch.testing.assert_close(geometry.restore(plane), torch.ones(size))


@pytest.mark.parametrize("resolution", [None, 64])
def test_restoring_takes_any_leading_sides_and_another_size(resolution: int | None):
    geometry = Geometry((50, 70), resolution)
    planes = torch.rand(2, 3, *geometry.padded)
    found = geometry.restore(planes, (100, 140))
    assert found.shape == (2, 3, 100, 140)
    torch.testing.assert_close(found[1, 2], geometry.restore(planes[1, 2], (100, 140)))
