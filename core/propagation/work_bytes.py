"""Memory that the parts of the work take, from the network's widths: bounds, not estimates."""

import torch

from core.network.config import PCVOSConfig
from core.propagation.geometry import STRIDE


class WorkBytes:
    """Bytes of the temporaries of one frame (and object), and of what is kept of them.

    Args:
        grid: (h, w) of the memory positions. dtype: what the network runs in.

    Attributes:
        encoded: temporaries of the key encoder. refined, decoded: those of an object on a frame.
        features: what is kept of a frame. trunk: what its trunk features take besides.
        key, value: of a frame in memory; the value for each object.
    """

    def __init__(self, config: PCVOSConfig, grid: tuple[int, int], dtype: torch.dtype = torch.float32):
        cells, size = grid[0] * grid[1], dtype.itemsize
        pixels = cells * STRIDE**2
        deep = config.key_trunk == "resnet50"
        f4, f16 = (256, 1024) if deep else (64, 256)
        coarse, fine = config.decoder_dims
        window = 2 * config.window[0] * config.window[1] * config.window[2]
        # the stem's 64 channels at half the size; three tensors of the widest layer and a convolution's workspace
        self.encoded = size * (pixels // 4 * 64 * 3 + pixels // 16 * f4 * 4)
        self.refined = size * cells * (8 * config.value_dim + 3 * config.refine_hidden + 4 * config.local_dim) + (
            4 * 3 * cells * window
        )
        self.decoded = size * (pixels // 16 * 7 * fine + pixels // 64 * 7 * coarse)
        self.features = cells * (
            4 * config.key_dim
            + size * (config.thin_dim + config.local_dim * config.refinement + 4 * coarse + 16 * fine)
        )
        self.trunk = size * (pixels * 3 + pixels // 16 * f4 + cells * f16)
        self.key = 4 * config.key_dim * cells
        self.value = size * config.value_dim * cells
