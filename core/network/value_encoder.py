"""Value encoder (paper Sec. 3.2): what a memory frame says about one object."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.network.config import PCVOSConfig
from core.network.res_block import ResBlock
from core.network.resnet import BasicBlock, conv_norm, residual_layer


class ChannelGate(nn.Module):
    """CBAM's channel attention (Woo et al., 2018)."""

    def __init__(self, dim: int, reduction: int = 16):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Flatten(), nn.Linear(dim, dim // reduction), nn.ReLU(), nn.Linear(dim // reduction, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3)))
        return x * torch.sigmoid(pooled)[:, :, None, None]


class SpatialConv(nn.Module):
    """The 7x7 convolution of CBAM's spatial attention, under the name published checkpoints give it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class SpatialGate(nn.Module):
    """CBAM's spatial attention: maximum and mean over channels, in this order."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = SpatialConv()

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.spatial(pooled))


class CBAM(nn.Module):
    """Channel, then spatial attention."""

    def __init__(self, dim: int):
        super().__init__()
        self.ChannelGate = ChannelGate(dim)
        self.SpatialGate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        return self.SpatialGate(self.ChannelGate(x))


class FeatureFuser(nn.Module):
    """Joins the value trunk's features with the key encoder's (paper Sec. 4.1: two ResBlocks and one CBAM)."""

    def __init__(self, in_dim: int, value_dim: int):
        super().__init__()
        self.block1 = ResBlock(in_dim, value_dim)
        self.attention = CBAM(value_dim)
        self.block2 = ResBlock(value_dim, value_dim)

    def forward(self, x: Tensor, f16: Tensor) -> Tensor:
        x = self.block1(torch.cat([x, f16], 1))
        return self.block2(x + self.attention(x))


class ValueEncoder(nn.Module):
    """Values of K objects on one frame or on K frames.

    With `config.shared_stem` the key encoder's stride-4 features stand in for the stem, and the two mask planes are
    added to them through `mask_stem`; otherwise the stem is a ResNet's over five channels: frame, mask, others.
    """

    def __init__(self, config: PCVOSConfig, key_dims: tuple[int, int, int]):
        super().__init__()
        self.shared_stem = config.shared_stem
        norm = config.batch_norm
        if config.shared_stem:
            self.mask_stem = nn.Conv2d(2, key_dims[0], 7, stride=4, padding=3)
            stem_dim = key_dims[0]
        else:
            self.conv1, self.bn1 = conv_norm(5, 64, 7, 2, True, norm)
            self.layer1 = residual_layer(BasicBlock, 64, 64, config.value_blocks[0], 1, True, norm)
            stem_dim = 64
        self.layer2 = residual_layer(BasicBlock, stem_dim, 128, config.value_blocks[1], 2, True, norm)
        self.layer3 = residual_layer(BasicBlock, 128, 256, config.value_blocks[2], 2, True, norm)
        self.fuser = FeatureFuser(256 + key_dims[2], config.value_dim)

    def forward(self, frames: Tensor, f4: Tensor, f16: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """Values (K, C_v, H/16, W/16).

        Args:
            frames: (K, 3, H, W), normalised, one per object (an expanded view will do).
            f4, f16: the key encoder's features of these frames, (K, C, H/4, W/4) and (K, C, H/16, W/16).
            masks: (K, 1, H, W), probability of the object, 0 to 1.
            others: (K, 1, H, W), sum of the other objects' probabilities.
        """
        if self.shared_stem:
            x = F.relu(f4 + self.mask_stem(torch.cat([masks, others], 1)), inplace=True)
        else:
            x = F.relu(self.bn1(self.conv1(torch.cat([frames, masks, others], 1))), inplace=True)
            x = self.layer1(F.max_pool2d(x, 3, 2, 1))
        return self.fuser(self.layer3(self.layer2(x)), f16)
