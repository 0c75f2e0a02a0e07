"""Making a network fast for inference, its function unchanged."""

import copy
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.network.pcvos import PCVOS
from core.network.winograd import WinogradConv2d


def prepare(network: PCVOS, device: torch.device | None = None) -> PCVOS:
    """Fold batch norms into the convolutions before them, lay weights out channels-last, move to `device`; in place.

    On a CPU the wide convolutions that run for every frame take their Winograd form. The value encoder's do not: it
    runs once a clip, and transformed kernels take four times the memory.
    """
    device = device or torch.device("cpu")
    network.eval().requires_grad_(False)
    for module in network.modules():
        _fold(module)
    network = network.to(device).to(memory_format=torch.channels_last)
    if device.type == "cpu":
        for name, part in network.named_children():
            if name != "value_encoder":
                use_winograd(part)
        if isinstance(network.key_comp, nn.Conv2d) and WinogradConv2d.fits(network.key_comp):
            network.key_comp = WinogradConv2d(network.key_comp)
    return network


_CONVERTED: WeakKeyDictionary[PCVOS, dict[torch.dtype, PCVOS]] = WeakKeyDictionary()


def in_type(network: PCVOS, dtype: torch.dtype) -> PCVOS:
    """`network` with weights of another floating-point type; the same one each time as long as `network` lives.

    On an accelerator this takes the place of autocast, which casts all weights at every call.
    """
    if next(network.parameters()).dtype == dtype:
        return network
    known = _CONVERTED.setdefault(network, {})
    if dtype not in known:
        known[dtype] = copy.deepcopy(network).to(dtype)
    return known[dtype]


def _fold(module: nn.Module) -> None:
    """Fold each batch norm of `module` into the convolution declared just before it."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        before = (name, child)


def use_winograd(module: nn.Module) -> None:
    """Give the convolutions of `module` for which it pays their Winograd form, in place; for CPUs."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.Conv2d) and WinogradConv2d.fits(child):
            setattr(module, name, WinogradConv2d(child))
        else:
            use_winograd(child)
