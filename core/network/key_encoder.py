"""Key encoder (paper Sec. 3.2): a frame's features, without any mask."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from core.network.config import PCVOSConfig
from core.network.resnet import BasicBlock, Bottleneck, conv_norm, residual_layer

TRUNKS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2)),
    "resnet50": (Bottleneck, (3, 4, 6)),
}


@dataclass(frozen=True)
class TrunkFeatures:
    """Post-ReLU features at strides 4, 8, 16: (B, C, H/s, W/s) each."""

    f4: Tensor
    f8: Tensor
    f16: Tensor


class KeyEncoder(nn.Module):
    """ResNet up to stride 16. `dims` are the channels at strides 4, 8, 16."""

    def __init__(self, config: PCVOSConfig):
        super().__init__()
        block, blocks = TRUNKS[config.key_trunk]
        self.dims = (64 * block.expansion, 128 * block.expansion, 256 * block.expansion)
        norm, bias = config.batch_norm, not config.batch_norm
        self.conv1, self.bn1 = conv_norm(3, 64, 7, 2, bias, norm)
        self.res2 = residual_layer(block, 64, 64, blocks[0], 1, bias, norm)
        self.layer2 = residual_layer(block, self.dims[0], 128, blocks[1], 2, bias, norm)
        self.layer3 = residual_layer(block, self.dims[1], 256, blocks[2], 2, bias, norm)

    def stem(self, frames: Tensor) -> Tensor:
        """(B, 3, H, W) to the stride-4 features."""
        x = F.relu(self.bn1(self.conv1(frames)), inplace=True)
        return self.res2(F.max_pool2d(x, 3, 2, 1))

    def forward(self, frames: Tensor) -> TrunkFeatures:
        """Frames (B, 3, H, W), normalised, sides multiples of 16."""
        f4 = self.stem(frames)
        f8 = self.layer2(f4)
        return TrunkFeatures(f4, f8, self.layer3(f8))


class KeyProjection(nn.Module):
    """3x3 convolution from stride-16 features to keys: no activation, no normalisation.

    Attributes:
        is_single: keys are made in float32 whatever the features are in.
    """

    is_single = False

    def __init__(self, in_dim: int, key_dim: int):
        super().__init__()
        self.key_proj = nn.Conv2d(in_dim, key_dim, 3, padding=1)

    def forward(self, f16: Tensor) -> Tensor:
        return self.key_proj(f16.float() if self.is_single else f16)
