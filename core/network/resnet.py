"""Residual trunks (He et al., 2016), with torchvision's names for layers so that its checkpoints fit."""

import torch.nn.functional as F
from torch import Tensor, nn


def conv_norm(
    in_dim: int, out_dim: int, kernel: int, stride: int, bias: bool, norm: bool
) -> tuple[nn.Conv2d, nn.Module]:
    """A convolution (padding kernel // 2) and the batch norm behind it, or nothing in the norm's place."""
    conv = nn.Conv2d(in_dim, out_dim, kernel, stride, kernel // 2, bias=bias)
    return conv, nn.BatchNorm2d(out_dim) if norm else nn.Identity()


def bias_of(layer: nn.Conv2d | nn.Linear) -> Tensor:
    """The bias of a layer that was made with one."""
    assert layer.bias is not None
    return layer.bias


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet-18)."""

    expansion = 1

    def __init__(self, in_dim: int, dim: int, stride: int, bias: bool, norm: bool):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(in_dim, dim, 3, stride, bias, norm)
        self.conv2, self.bn2 = conv_norm(dim, dim, 3, 1, bias, norm)
        self.downsample = _downsample(in_dim, dim, stride, bias, norm)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 (with the stride: "v1.5"), 1x1 convolutions and a shortcut (ResNet-50)."""

    expansion = 4

    def __init__(self, in_dim: int, dim: int, stride: int, bias: bool, norm: bool):
        super().__init__()
        out_dim = dim * self.expansion
        self.conv1, self.bn1 = conv_norm(in_dim, dim, 1, 1, bias, norm)
        self.conv2, self.bn2 = conv_norm(dim, dim, 3, stride, bias, norm)
        self.conv3, self.bn3 = conv_norm(dim, out_dim, 1, 1, bias, norm)
        self.downsample = _downsample(in_dim, out_dim, stride, bias, norm)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


def residual_layer(
    block: type[BasicBlock] | type[Bottleneck], in_dim: int, dim: int, blocks: int, stride: int, bias: bool, norm: bool
) -> nn.Sequential:
    """`blocks` residual blocks of width `dim`, the first with `stride`, from `in_dim` channels to dim * expansion."""
    out_dim = dim * block.expansion
    first = block(in_dim, dim, stride, bias, norm)
    return nn.Sequential(first, *(block(out_dim, dim, 1, bias, norm) for _ in range(blocks - 1)))


def _downsample(in_dim: int, out_dim: int, stride: int, bias: bool, norm: bool) -> nn.Sequential | None:
    if stride == 1 and in_dim == out_dim:
        return None
    return nn.Sequential(*conv_norm(in_dim, out_dim, 1, stride, bias, norm))
