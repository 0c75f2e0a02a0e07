"""3x3 convolutions with a quarter of the multiplications, for CPUs (Lavin and Gray, CVPR 2016: F(4x4, 3x3)).

Tiles of 6x6 inputs give 4x4 outputs. Tiles and kernels are transformed so that the convolution becomes 36 independent
matrix products over channels, which a CPU does at its full rate; the tiles go in strips small enough for its caches.
The result differs from the direct convolution by about 1e-5 of its maximum.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.network.resnet import bias_of

MIN_CHANNELS = 128
"""Narrower inputs spend more on the transforms than the products save."""

STRIP_BYTES = 8 * 2**20

_INPUT = [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0]]
_INPUT += [[0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]]
_OUTPUT = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
_KERNEL = [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6]]
_KERNEL += [[1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]]


def _both_ways(matrix: Sequence[Sequence[float]]) -> Tensor:
    """The transform of rows and columns as one matrix on flattened tiles, float64."""
    one = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one, one)


class WinogradConv2d(nn.Module):
    """Does what `conv` does: kernel 3, stride 1, padding 1, one group; float32 whatever comes in.

    Input and output are channels-last (B, C, H, W).
    """

    kernels: Tensor
    bias: Tensor
    input_transform: Tensor
    output_transform: Tensor

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        out_dim, in_dim = conv.weight.shape[:2]
        kernels = conv.weight.detach().double().reshape(out_dim * in_dim, 9) @ _both_ways(_KERNEL).t()
        kernels = kernels.float().view(out_dim, in_dim, 36).permute(2, 1, 0).contiguous()
        self.register_buffer("kernels", kernels)  # (36, C_in, C_out)
        self.register_buffer("bias", bias_of(conv).detach())
        self.register_buffer("input_transform", _both_ways(_INPUT).float())
        self.register_buffer("output_transform", _both_ways(_OUTPUT).float())

    def plain(self) -> nn.Conv2d:
        """The convolution that this stands in for; its weights to within a few units of their last place."""
        in_dim, out_dim = self.kernels.shape[1:]
        conv = nn.Conv2d(in_dim, out_dim, 3, padding=1).to(self.kernels.device).requires_grad_(False)
        kernels = self.kernels.double().permute(2, 1, 0).reshape(-1, 36)
        weight = kernels @ torch.linalg.pinv(_both_ways(_KERNEL).t()).to(kernels.device)
        conv.weight.copy_(weight.view(out_dim, in_dim, 3, 3))
        assert conv.bias is not None
        conv.bias.copy_(self.bias)
        return conv

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether a module is a convolution this can stand in for, to advantage."""
        return (
            isinstance(module, nn.Conv2d)
            and (module.kernel_size, module.stride, module.padding) == ((3, 3), (1, 1), (1, 1))
            and (module.groups, module.dilation) == (1, (1, 1))
            and module.bias is not None
            and module.in_channels >= MIN_CHANNELS
            and module.out_channels > 1
        )

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self._convolve(x.float())

    def _convolve(self, x: Tensor) -> Tensor:
        batch, in_dim, height, width = x.shape
        out_dim = len(self.bias)
        rows, columns = -(-height // 4), -(-width // 4)
        padded = F.pad(x, (1, 4 * columns - width + 1, 1, 4 * rows - height + 1)).permute(0, 2, 3, 1)
        out = x.new_empty(batch, 4 * rows, 4 * columns, out_dim)
        strip = max(1, STRIP_BYTES // (36 * 4 * max(in_dim, out_dim) * columns * batch))
        for top in range(0, rows, strip):
            count = min(strip, rows - top)
            tiles = padded[:, 4 * top : 4 * (top + count) + 2].unfold(1, 6, 4).unfold(2, 6, 4)
            tiles = tiles.permute(4, 5, 0, 1, 2, 3).reshape(36, -1)
            products = torch.bmm((self.input_transform @ tiles).view(36, -1, in_dim), self.kernels)
            pixels = (self.output_transform @ products.view(36, -1)).view(4, 4, batch, count, columns, out_dim)
            out[:, 4 * top : 4 * (top + count)] = pixels.permute(2, 3, 0, 4, 1, 5).reshape(
                batch, 4 * count, 4 * columns, out_dim
            )
        out += self.bias
        return out[:, :height, :width].permute(0, 3, 1, 2)
