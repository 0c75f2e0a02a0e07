"""Decoder (paper Sec. 3.4): from refined readouts to a mask, with the key encoder's finer features on the way."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.network.config import PCVOSConfig
from core.network.res_block import ResBlock


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Bilinear enlargement, corners not aligned."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class UpsampleBlock(nn.Module):
    """Doubles the resolution and adds the skip features.

    `skip_conv` belongs to the frame, not to an object: callers run it once a frame and hand in what it gives.
    """

    def __init__(self, skip_dim: int, in_dim: int, out_dim: int):
        super().__init__()
        self.skip_conv = nn.Conv2d(skip_dim, in_dim, 3, padding=1)
        self.out_conv = ResBlock(in_dim, out_dim)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.out_conv(skip + enlarge(x, 2))


class Decoder(nn.Module):
    """Stride 16 to stride 4. `skips` prepares a frame's features once for all of its objects."""

    def __init__(self, config: PCVOSConfig, key_dims: tuple[int, int, int]):
        super().__init__()
        coarse, fine = config.decoder_dims
        self.compress = ResBlock(config.value_dim + config.thin_dim, coarse)
        self.up_16_8 = UpsampleBlock(key_dims[1], coarse, fine)
        self.up_8_4 = UpsampleBlock(key_dims[0], fine, fine)
        self.pred = nn.Conv2d(fine, 1, 3, padding=1)

    def skips(self, f8: Tensor, f4: Tensor) -> tuple[Tensor, Tensor]:
        """Skip features at strides 8 and 4."""
        return self.up_16_8.skip_conv(f8), self.up_8_4.skip_conv(f4)

    def forward(self, refined: Tensor, thin: Tensor, skip8: Tensor, skip4: Tensor) -> Tensor:
        """Mask logits (B, 1, H/4, W/4).

        Args:
            refined: (B, C_v, H/16, W/16). thin: (B, C_thin, H/16, W/16). skip8, skip4: as `skips` gives them.
        """
        x = self.compress(torch.cat([refined, thin], 1))
        x = self.up_8_4(self.up_16_8(x, skip8), skip4)
        return self.pred(F.relu(x))
