"""The marking network: from what a person pointed at on a frame to the mask that is meant.

It stands on a frame's key features, as the propagation network has them: a mark costs no trunk. Marks, the mask so far
and what memory expects enter as planes; an encoder like the value encoder brings them to stride 16, where attention
over the whole frame tells what looks like the marked thing, and a decoder like PCVOS's leads back to stride 4.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.network.config import SMALL
from core.network.decoder import enlarge
from core.network.pcvos import KeyFeatures
from core.network.resnet import BasicBlock, residual_layer
from core.network.value_encoder import CBAM

PLANES = ("positive", "negative", "previous", "box", "estimate")
"""Planes that enter beside the key features, in this order: float of the network's input size, 0 to 1. Marks that say
"this", marks that say "not this", the mask so far, the inside of the box, and what memory expects (0 where it does not
know the object)."""

STRIDE = 4
"""Pixels of the network's input to a cell of the logits."""

_KEY_DIMS = (64, 128, 256)
_WIDTH = SMALL.value_dim
_HEADS = 4


class _ThinResBlock(nn.Module):
    """A pre-activation residual block whose shortcut is a 1 x 1 convolution."""

    def __init__(self, in_dim: int, out_dim: int):
        super().__init__()
        self.shortcut = nn.Identity() if in_dim == out_dim else nn.Conv2d(in_dim, out_dim, 1)
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, padding=1)
        self.conv2 = nn.Conv2d(out_dim, out_dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(F.relu(self.conv1(F.relu(x)), inplace=True)) + self.shortcut(x)


class _Context(nn.Module):
    """Attention of every cell to all cells of the frame, by its features and the frame's keys."""

    def __init__(self, dim: int, key_dim: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.query = nn.Linear(dim + key_dim, dim)
        self.key = nn.Linear(dim + key_dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, cells: Tensor, key: Tensor) -> Tensor:
        """(B, C, h, w) and the frame's keys (B, C_k, h, w) to (B, C, h, w)."""
        tokens = self.norm(cells.flatten(2).mT)
        both = torch.cat([tokens, key.flatten(2).mT / 8], -1)
        q, k, v = (
            y.unflatten(-1, (_HEADS, -1)).transpose(1, 2)
            for y in (self.query(both), self.key(both), self.value(tokens))
        )
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return cells + self.out(seen).mT.unflatten(-1, cells.shape[-2:])


class _Up(nn.Module):
    """Doubles the resolution; adds the frame's skip features, and those of the marks' encoder through `own`."""

    def __init__(self, own_dim: int, in_dim: int, out_dim: int):
        super().__init__()
        self.own = nn.Conv2d(own_dim, in_dim, 1)
        self.out_conv = _ThinResBlock(in_dim, out_dim)

    def forward(self, x: Tensor, skip: Tensor, own: Tensor) -> Tensor:
        return self.out_conv(enlarge(x, 2) + skip + self.own(own))


class MarkingNetwork(nn.Module):
    """Marks of B objects, each on its own frame or on one shared frame, to mask logits at stride 4.

    `features` names the propagation network whose key features it was trained on: `features_fingerprint` of it.
    """

    def __init__(self) -> None:
        super().__init__()
        coarse, fine = SMALL.decoder_dims
        self.stem = nn.Conv2d(len(PLANES), _KEY_DIMS[0], 7, stride=STRIDE, padding=3)
        self.layer2 = residual_layer(BasicBlock, _KEY_DIMS[0], 128, 1, 2, True, False)
        self.layer3 = residual_layer(BasicBlock, 128, 256, 1, 2, True, False)
        self.fuse1 = _ThinResBlock(256 + _KEY_DIMS[2], _WIDTH)
        self.attention = CBAM(_WIDTH)
        self.context = _Context(_WIDTH, SMALL.key_dim)
        self.fuse2 = _ThinResBlock(_WIDTH, _WIDTH)
        self.compress = _ThinResBlock(_WIDTH + SMALL.thin_dim, coarse)
        self.up_16_8 = _Up(128, coarse, fine)
        self.up_8_4 = _Up(_KEY_DIMS[0], fine, fine)
        self.pred = nn.Conv2d(fine, 1, 3, padding=1)
        self.features = ""

    def forward(self, features: KeyFeatures, planes: Tensor) -> Tensor:
        """Mask logits (B, 1, H/4, W/4).

        Args:
            features: of B frames, or of one frame that all B objects are on.
            planes: (B, 5, H, W), see `PLANES`; sides multiples of 16.
        """
        count = len(planes)
        f4, f16, key, thin, skip8, skip4 = (
            x.expand(count, -1, -1, -1)
            for x in (features.f4, features.f16, features.key, features.thin, features.skip8, features.skip4)
        )
        x4 = F.relu(f4 + self.stem(planes), inplace=True)
        x8 = self.layer2(x4)
        x = self.fuse1(torch.cat([self.layer3(x8), f16], 1))
        x = self.context(x + self.attention(x), key)
        x = self.compress(torch.cat([self.fuse2(x), thin], 1))
        x = self.up_8_4(self.up_16_8(x, skip8, x8), skip4, x4)
        return self.pred(F.relu(x))
