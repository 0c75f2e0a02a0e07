"""Making a network fast for inference, its function unchanged."""

import copy
from collections.abc import Container
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.network.choices import DEFAULT, Choices
from core.network.pcvos import PCVOS
from core.network.winograd import WinogradConv2d


def prepare(network: PCVOS, device: torch.device | None = None, choices: Choices = DEFAULT) -> PCVOS:
    """Fold batch norms into the convolutions before them, lay weights out as wanted, move to `device`; in place.

    On a CPU the wide convolutions that run for every frame take their Winograd form where `choices` say so. The value
    encoder's do not: it runs once a clip, and transformed kernels take four times the memory. Elsewhere `choices` mean
    nothing.
    """
    device = device or torch.device("cpu")
    network.choices = choices if device.type == "cpu" else DEFAULT
    network.eval().requires_grad_(False)
    for module in network.modules():
        _fold(module)
    network = network.to(device).to(memory_format=memory_format(network))
    if device.type == "cpu":
        use_winograd(network, choices.winograd)
    return network


def memory_format(network: PCVOS) -> torch.memory_format:
    """Layout that a network's features have."""
    return torch.channels_last if network.choices.channels_last else torch.contiguous_format


def use_winograd(network: nn.Module, names: Container[str] | None = None) -> None:
    """Give convolutions their Winograd form, in place; for CPUs. `names`: which of those that can; None: all."""
    for name, conv in could_be_winograd(network).items():
        if names is None or name in names:
            _replace(network, name, WinogradConv2d(conv))


def could_be_winograd(network: nn.Module) -> dict[str, nn.Conv2d]:
    """Convolutions that can take their Winograd form on a CPU, by name; norms are folded."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and WinogradConv2d.fits(module) and not name.startswith("value_encoder.")
    }


_CONVERTED: WeakKeyDictionary[PCVOS, dict[torch.dtype, PCVOS]] = WeakKeyDictionary()


def in_type(network: PCVOS, dtype: torch.dtype) -> PCVOS:
    """`network` with weights of another floating-point type; the same one each time as long as `network` lives.

    This takes the place of autocast, which casts all weights at every call. Convolutions in their Winograd form, which
    is float32's, take their plain form again. On a CPU keys are still made in float32 where the rest is bfloat16:
    rounded, they are told apart no more.
    """
    if next(network.parameters()).dtype == dtype:
        return network
    known = _CONVERTED.setdefault(network, {})
    if dtype not in known:
        converted = copy.deepcopy(network)
        for name, module in list(converted.named_modules()):
            if isinstance(module, WinogradConv2d):
                _replace(converted, name, module.plain().to(memory_format=memory_format(network)))
        key_proj = copy.deepcopy(converted.key_proj)
        converted.to(dtype)
        if dtype == torch.bfloat16 and key_proj.key_proj.weight.device.type == "cpu":
            converted.key_proj, key_proj.is_single = key_proj, True
        known[dtype] = converted
    return known[dtype]


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, module)


def _fold(module: nn.Module) -> None:
    """Fold each batch norm of `module` into the convolution declared just before it."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None and isinstance(before[1], nn.Conv2d):
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, nn.Identity())
        before = (name, child)
