"""The intra-clip refinement against a plain reading of its description, cell by cell.

The stand-in weights of the parity tests make its attention all but one-hot; here it is spread, so that every property
counts: cells that pad a window take part, a small window reads the first rows of the bias table, cells of different
regions are masked by -100.
"""

import itertools
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.config import SMALL
from core.network.refinement import IntraClipRefinement, RefinementBlock

CONFIG = replace(SMALL, local_dim=8, value_dim=12, refine_hidden=20)


@pytest.fixture(scope="module")
def refinement() -> IntraClipRefinement:
    torch.manual_seed(3)
    module = IntraClipRefinement(CONFIG).double().eval()
    for name, parameter in module.named_parameters():
        if "norm" not in name:
            parameter.data.normal_(0, 1 if "table" in name or "bias" in name else 0.5)
    return module.requires_grad_(False)


@pytest.mark.parametrize(
    "size",
    [(1, 3, 4), (1, 8, 9), (2, 7, 7), (3, 6, 10), (2, 5, 6), (4, 7, 14), (5, 9, 8), (6, 14, 14), (3, 15, 7)],
    ids=str,
)
def test_every_size_of_clip(refinement: IntraClipRefinement, size: tuple[int, int, int]):
    torch.manual_seed(4)
    keys = torch.randn(2, CONFIG.local_dim, *size, dtype=torch.float64)
    values = torch.randn(2, CONFIG.value_dim, *size, dtype=torch.float64)
    expected = torch.stack([refine_plainly(refinement, k, v) for k, v in zip(keys, values, strict=True)])
    torch.testing.assert_close(refinement(keys, values), expected, atol=1e-9, rtol=0)


def refine_plainly(module: IntraClipRefinement, keys: Tensor, values: Tensor) -> Tensor:
    """One clip: keys (C_k', D, h, w) and values (C_v, D, h, w)."""
    stream, keys = values.movedim(0, -1), keys.movedim(0, -1)
    for block, shifted in zip(module.layers[0].blocks, (False, True), strict=True):
        stream = stream + attend_plainly(block, keys, stream, shifted)
        stream = stream + block.mlp.fc2(F.gelu(block.mlp.fc1(block.norm2(stream))))
    return module.norm(stream).movedim(-1, 0)


def attend_plainly(block: RefinementBlock, keys: Tensor, stream: Tensor, shifted: bool) -> Tensor:
    """Attention by the plain rule, window by window: the output of each cell, (d, h, w, C)."""
    size = stream.shape[:3]
    window = [min(n, w) for n, w in zip(size, (2, 7, 7), strict=True)]
    shift = [w // 2 if shifted and n > w else 0 for n, w in zip(size, (2, 7, 7), strict=True)]
    padded = [math.ceil(n / w) * w for n, w in zip(size, window, strict=True)]
    a = torch.zeros(*padded, keys.shape[-1], dtype=keys.dtype)
    b = torch.zeros(*padded, stream.shape[-1], dtype=stream.dtype)
    inside = tuple(slice(n) for n in size)
    a[inside], b[inside] = block.norm1(keys), block.norm1_v(stream)
    q, v = block.attn.qk(a), block.attn.v(b)

    bias = position_bias(block, math.prod(window))
    # Positions in the rolled grid: cell p of it is cell (p + shift) mod n of the clip.
    out = torch.zeros_like(b)
    for corner in itertools.product(*(range(0, n, w) for n, w in zip(padded, window, strict=True))):
        places = [
            tuple(c + o for c, o in zip(corner, offset, strict=True))
            for offset in itertools.product(*(range(w) for w in window))
        ]
        cells = [tuple((p + s) % n for p, s, n in zip(place, shift, padded, strict=True)) for place in places]
        queries = torch.stack([q[cell] for cell in cells])
        regions = torch.tensor([region(place, padded, window, shift) for place in places])
        apart = (regions[:, None] != regions[None]).any(-1)
        scores = queries @ queries.t() / math.sqrt(queries.shape[-1]) + bias - 100.0 * apart
        gathered = block.attn.proj(scores.softmax(-1) @ torch.stack([v[cell] for cell in cells]))
        for cell, value in zip(cells, gathered, strict=True):
            out[cell] = value
    return out[inside]


def position_bias(block: RefinementBlock, cells: int) -> Tensor:
    """The bias of the first cells of the whole window, whatever the shape of the one at hand."""
    grid = list(itertools.product(range(2), range(7), range(7)))[:cells]
    index = [
        [(a[0] - b[0] + 1) * 169 + (a[1] - b[1] + 6) * 13 + a[2] - b[2] + 6 for b in grid] for a in grid
    ]  # a: query, b: key
    return block.attn.relative_position_bias_table[torch.tensor(index), 0]


def region(place: tuple[int, ...], padded: list[int], window: list[int], shift: list[int]) -> tuple[int, ...]:
    """A place's region of the rolled grid, per side: [0, n - w), [n - w, n - s), [n - s, n); one without a shift."""
    return tuple(
        0 if not s else (p >= n - w) + (p >= n - s) for p, n, w, s in zip(place, padded, window, shift, strict=True)
    )
