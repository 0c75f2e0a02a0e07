"""Making a network fast for inference, its function unchanged."""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.network.pcvos import PCVOS


def prepare(network: PCVOS) -> PCVOS:
    """Fold batch norms into the convolutions before them and lay weights out channels-last; in place."""
    network.eval().requires_grad_(False)
    for module in network.modules():
        _fold(module)
    return network.to(memory_format=torch.channels_last)


def _fold(module: nn.Module) -> None:
    """Fold each batch norm of `module` into the convolution declared just before it."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        before = (name, child)
