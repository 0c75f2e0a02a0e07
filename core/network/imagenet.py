"""Frames as ImageNet's networks take them, and the weights that were learned on it, with torchvision's names."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core.errors import PCVOSError
from core.network.constants import made_once
from core.network.key_encoder import KeyEncoder

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def normalise(frames: Tensor) -> Tensor:
    """uint8 (..., 3, H, W) RGB to float32, zero mean and unit variance over ImageNet."""
    return (frames.float() / 255 - _of_channels(MEAN, frames.device)) / _of_channels(STD, frames.device)


@made_once(16)
def _of_channels(values: tuple[float, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device).view(3, 1, 1)


def load_imagenet_trunk(trunk: KeyEncoder, weights: str | Path) -> None:
    """Load a key encoder without batch norms from torchvision's ImageNet weights of a ResNet-18."""
    source = fold_norms(read_weights(weights))
    copy_weights(trunk, {k.replace("layer1.", "res2."): v for k, v in source.items()}, strict=True)


def read_weights(weights: str | Path) -> dict[str, Tensor]:
    """The tensors of a file of weights, by name, as float32; PCVOSError if it cannot be read."""
    if not Path(weights).is_file():
        raise PCVOSError(f"There are no initial weights at {weights}: name the file of the ResNet-18 weights.")
    try:
        if Path(weights).suffix == ".safetensors":
            state = load_file(weights)
        else:  # executes nothing: plain tensors alone are read
            state = torch.load(weights, map_location="cpu", weights_only=True)
        return {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    except Exception as error:  # a damaged file makes PyTorch's unpickler raise nearly anything
        raise PCVOSError(f"{weights} is no file of weights that can be read: name another one.") from error


def fold_norms(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convolution weights and biases with the batch norms behind them folded in."""
    folded = {}
    for name, weight in state.items():
        if weight.dim() != 4:
            continue
        head, _, leaf = name.removesuffix(".weight").rpartition(".")
        norm = f"{head}.1" if leaf == "0" else f"{head}.{leaf.replace('conv', 'bn')}".lstrip(".")
        if f"{norm}.running_var" not in state:
            raise PCVOSError(f"The initial weights lack the batch norm {norm}: name the file of the ResNet-18 weights.")
        scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + 1e-5).sqrt()
        folded[name] = weight * scale.view(-1, 1, 1, 1)
        folded[name.replace(".weight", ".bias")] = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return folded


def copy_weights(module: nn.Module, source: dict[str, Tensor], strict: bool) -> None:
    """Load what `source` has of the module's own names; with `strict` it must have them all."""
    own = module.state_dict()
    usable = {k: v for k, v in source.items() if k in own and own[k].shape == v.shape}
    if strict and set(usable) != set(own):
        raise PCVOSError(f"The initial weights lack {sorted(set(own) - set(usable))[0]}: they do not fit this network.")
    module.load_state_dict(usable, strict=False)
