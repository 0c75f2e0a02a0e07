"""Intra-clip refinement (paper Sec. 3.4, Eq. 3): readouts exchange information with their neighbours in the clip.

Attention among positions of one 3D window, shifted in every second block (Liu et al., Video Swin, 2022). Two
properties of the published network are kept because its weights rely on them:

- cells that pad the clip to whole windows are zero *after* the norm, so behind a linear layer they hold its bias, and
  real cells attend to them;
- when a side is smaller than the window, the position bias is read as if the small window were the first cells of the
  full one.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.network.config import PCVOSConfig
from core.network.constants import made_once

Size3 = tuple[int, int, int]


def size3(sides: Sequence[int]) -> Size3:
    """Three sides, as a tuple."""
    depth, height, width = sides
    return depth, height, width


def window_and_shift(size: Size3, window: Size3, shifted: bool) -> tuple[Size3, Size3]:
    """Window and shift for a clip of `size`: a side no larger than the window is one window, unshifted."""
    fitted = [min(n, w) for n, w in zip(size, window, strict=True)]
    shift = [w // 2 if shifted and n > w else 0 for n, w in zip(size, window, strict=True)]
    return size3(fitted), size3(shift)


def split_windows(x: Tensor, window: Size3) -> Tensor:
    """(B, D, H, W, C), sides multiples of the window, to (B * windows, cells, C)."""
    b, d, h, w, c = x.shape
    wd, wh, ww = window
    x = x.view(b, d // wd, wd, h // wh, wh, w // ww, ww, c)
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, wd * wh * ww, c)


@made_once(8)
def cells_of_windows(
    batch: int, size: Size3, window: Size3, shift: Size3, device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """Which cell of the clips is where in their windows, and the way back.

    Args:
        size: the clips, not padded yet. shift: towards the first cell, as in Swin.

    Returns:
        int64 (batch * windows, cells), of the clips' cells in a row, where each clip has one more behind its own, for
        what pads it; and int64 (batch, D, H, W), of the windows' cells in a row.
    """
    count = math.prod(size)
    numbers = torch.arange(count).view(1, *size)
    short = [-n % w for n, w in zip(size, window, strict=True)]
    numbers = F.pad(numbers, (0, short[2], 0, short[1], 0, short[0]), value=count).roll([-s for s in shift], (1, 2, 3))
    own = split_windows(numbers.unsqueeze(-1), window).squeeze(-1)
    back = own.flatten().argsort()[:count].view(1, *size)  # each cell is somewhere once; what pads comes last
    clips = torch.arange(batch).view(-1, 1, 1, 1)
    cells = own + (count + 1) * clips.squeeze(-1)
    return cells.flatten(0, 1).to(device), (back + own.numel() * clips).to(device)


@made_once(8)
def shift_mask(size: Size3, window: Size3, shift: Size3, device: torch.device | None = None) -> Tensor | None:
    """True where two cells of a window come from different sides of the clip after the shift.

    Args:
        size: the padded clip. shift: as applied; None is returned when it is zero.

    Returns:
        bool (windows, cells, cells)
    """
    if not any(shift):
        return None
    region = torch.zeros(1, *size, 1, device=device)
    for axis, (n, w, s) in enumerate(zip(size, window, shift, strict=True)):
        if s:
            ids = torch.zeros(n, device=device)
            ids[n - w : n - s] = 1
            ids[n - s :] = 2
            region = region * 3 + ids.view([1, *(n if i == axis else 1 for i in range(3)), 1])
    ids = split_windows(region, window).squeeze(-1)
    return ids.unsqueeze(1) != ids.unsqueeze(2)


def relative_position_index(window: Size3) -> Tensor:
    """int64 (cells, cells): which row of the bias table belongs to a pair of cells (query, key) of a window."""
    cells = torch.cartesian_prod(*(torch.arange(n) for n in window))
    offset = cells[:, None] - cells[None] + torch.tensor(window) - 1
    return (offset[..., 0] * (2 * window[1] - 1) + offset[..., 1]) * (2 * window[2] - 1) + offset[..., 2]


class WindowAttention(nn.Module):
    """One-head attention inside windows; query and key are the same projection of the local key."""

    relative_position_index: Tensor

    def __init__(self, config: PCVOSConfig):
        super().__init__()
        self.qk = nn.Linear(config.local_dim, config.local_dim)
        self.v = nn.Linear(config.value_dim, config.value_dim)
        self.proj = nn.Linear(config.value_dim, config.value_dim)
        table = math.prod(2 * n - 1 for n in config.window)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(table, 1))
        self.register_buffer("relative_position_index", relative_position_index(config.window))

    def forward(self, keys: Tensor, values: Tensor, window: Size3, shift: Size3) -> Tensor:
        """Values that each cell gathers from its window: (B, D, H, W, C_v).

        Args:
            keys: normed local keys, (B, D, H, W, C_k'). values: normed readouts, (B, D, H, W, C_v).
        """
        batch, size = len(keys), size3(keys.shape[1:4])
        cells, back = cells_of_windows(batch, size, window, shift, keys.device)
        q = self._to_windows(self.qk(keys), self.qk.bias, cells)
        v = self._to_windows(self.v(values), self.v.bias, cells)
        padded = size3([-(-n // w) * w for n, w in zip(size, window, strict=True)])
        scores = self._scores(q, shift_mask(padded, window, shift, q.device))
        gathered = scores.softmax(-1, torch.promote_types(scores.dtype, torch.float32)).to(v.dtype) @ v
        return self.proj(F.embedding(back, gathered.flatten(0, 1)))

    def _scores(self, q: Tensor, mask: Tensor | None) -> Tensor:
        """Attention logits (windows, cells, cells), with position bias and mask (which repeats from clip to clip)."""
        cells = q.shape[1]
        bias = self.relative_position_bias_table[self.relative_position_index[:cells, :cells], 0]
        scores = torch.baddbmm(bias.to(q.dtype).expand(len(q), -1, -1), q, q.mT, alpha=1 / math.sqrt(q.shape[-1]))
        if mask is None:
            return scores
        return (scores.view(-1, *mask.shape) - 100.0 * mask.to(scores.dtype)).view_as(scores)

    @staticmethod
    def _to_windows(x: Tensor, bias: Tensor, cells: Tensor) -> Tensor:
        """Cells (B, D, H, W, C) by window, (windows, cells, C); what pads a clip is what the linear layer makes of
        zeros: its bias."""
        rows = x.flatten(1, 3)
        padding = bias.to(x.dtype).expand(len(rows), 1, -1)
        return F.embedding(cells, torch.cat([rows, padding], 1).flatten(0, 1))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class RefinementBlock(nn.Module):
    """Pre-norm attention and feed-forward, each added to the stream of values; the keys stay as they are."""

    def __init__(self, config: PCVOSConfig, shifted: bool):
        super().__init__()
        self.window, self.shifted = config.window, shifted
        self.norm1 = nn.LayerNorm(config.local_dim)
        self.norm1_v = nn.LayerNorm(config.value_dim)
        self.attn = WindowAttention(config)
        self.norm2 = nn.LayerNorm(config.value_dim)
        self.mlp = FeedForward(config.value_dim, config.refine_hidden)

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        window, shift = window_and_shift(size3(keys.shape[1:4]), self.window, self.shifted)
        values = values + self.attn(self.norm1(keys), self.norm1_v(values), window, shift)
        return values + self.mlp(self.norm2(values))


class RefinementLayer(nn.Module):
    """A plain and a shifted block."""

    def __init__(self, config: PCVOSConfig):
        super().__init__()
        self.blocks = nn.ModuleList(RefinementBlock(config, shifted) for shifted in (False, True))


class IntraClipRefinement(nn.Module):
    """The whole module: blocks, then a last norm."""

    def __init__(self, config: PCVOSConfig):
        super().__init__()
        self.layers = nn.ModuleList([RefinementLayer(config)])
        self.norm = nn.LayerNorm(config.value_dim)

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        """Refined readouts (B, C_v, D, h, w) of clips of D frames.

        Args:
            keys: local keys (B, C_k', D, h, w). values: readouts (B, C_v, D, h, w).
        """
        keys = keys.permute(0, 2, 3, 4, 1)
        values = values.permute(0, 2, 3, 4, 1)
        for layer in self.layers:
            assert isinstance(layer, RefinementLayer)
            for block in layer.blocks:
                values = block(keys, values)
        return self.norm(values).permute(0, 4, 1, 2, 3)
