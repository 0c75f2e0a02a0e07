"""Soft masks: what is kept of them, and how they are enlarged."""

import numpy as np
import pytest
import torch

from core.masks.soft_mask import CERTAIN, STRIDE, SoftMask
from core.network.decoder import enlarge
from core.propagation.geometry import Geometry


def disc(grid: tuple[int, int], centre: tuple[float, float] = (9, 14), radius: float = 6) -> np.ndarray:
    """Levels uint8 of a soft disc."""
    y, x = np.mgrid[: grid[0], : grid[1]]
    away = np.hypot(y - centre[0], x - centre[1])
    return np.round(255 / (1 + np.exp((away - radius) * 2))).astype(np.uint8)


def whole(grid: tuple[int, int]) -> tuple[int, int, int, int]:
    return 0, 0, grid[0] * STRIDE, grid[1] * STRIDE


@pytest.mark.parametrize("grid", [(20, 30), (1, 1), (1, 9), (7, 1)])
def test_levels_come_back(grid):
    levels = np.random.default_rng(1).integers(0, 256, grid, np.uint8)
    soft = SoftMask.pack(levels, whole(grid))
    again = SoftMask.from_bytes(soft.to_bytes())
    assert again == soft
    difference = np.abs(again.levels().astype(int) - levels)
    assert difference.max() <= CERTAIN and not difference[(levels > CERTAIN) & (levels < 255 - CERTAIN)].any()
    assert again.enlarged((5, 6)).shape == (5, 6)


def test_what_is_certain_takes_no_space():
    empty = SoftMask.pack(np.full((120, 216), CERTAIN, np.uint8), whole((120, 216)))
    assert len(empty.to_bytes()) < 32 and not empty.levels().any()
    full = SoftMask.pack(np.full((120, 216), 255 - CERTAIN, np.uint8), whole((120, 216)))
    assert len(full.to_bytes()) < 512 and (full.levels() == 255).all()


@pytest.mark.parametrize("size", [(75, 121), (150, 242), (112, 180)])
def test_enlarged_as_the_network_does_it(size):
    """At the network's size logits are interpolated; padding is cut off; then it is resized to the footage."""
    geometry = Geometry((75, 121), None)
    levels = disc(tuple(n // STRIDE for n in geometry.padded))
    soft = SoftMask.pack(levels, geometry.window)
    p = np.clip(soft.levels() / 255, 0.5 / 255, 1 - 0.5 / 255)
    logits = torch.from_numpy(np.log(p / (1 - p))).float()[None, None]
    expected = geometry.restore(torch.sigmoid(enlarge(logits, STRIDE))[0, 0], size).numpy()
    found = soft.enlarged(size)
    assert found.dtype == np.float32
    # Beyond the network's size, its way is coarser than interpolating logits.
    np.testing.assert_allclose(found, expected, atol=1e-4 if size == geometry.size else 0.08)


def test_a_region_is_cut_out_of_the_whole():
    soft = SoftMask.pack(disc((20, 30)), whole((20, 30)))
    plane = soft.enlarged((101, 77))
    np.testing.assert_allclose(soft.enlarged((101, 77), (13, 20, 50, 31)), plane[13:63, 20:51], atol=1e-6)


@pytest.mark.parametrize("change", ["cut", "flip", "short"])
def test_damage_is_noticed(change):
    data = bytearray(SoftMask.pack(disc((20, 30)), whole((20, 30))).to_bytes())
    if change == "cut":
        del data[-5:]
    elif change == "short":
        del data[10:]
    else:
        data[30] ^= 1
    with pytest.raises(ValueError, match="damaged soft mask"):
        SoftMask.from_bytes(bytes(data))


def test_data_of_another_box_are_refused():
    soft = SoftMask.pack(disc((20, 30)), whole((20, 30)))
    for box in ((0, 0, 2, 2), (0, 0, 20, 30)):
        with pytest.raises(ValueError, match="not its box's"):
            SoftMask(soft.grid, soft.window, box, soft.data).levels()
