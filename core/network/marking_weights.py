"""Weights of the marking network: where they begin, loading and saving them, and which features they are for.

Nothing in a file is ever executed: safetensors holds no code.
"""

import copy
import hashlib
import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from core.errors import PCVOSError
from core.files import atomic_write
from core.network.choices import MarkingWay
from core.network.marking import PLANES, MarkingNetwork
from core.network.pcvos import PCVOS
from core.network.preparation import use_winograd
from core.network.resnet import bias_of

DEFAULT_MARKING_WEIGHTS = Path(__file__).resolve().parents[2] / "weights" / "pcvos-marking.safetensors"
"""The file that ships."""

_METADATA_KEY = "pcvos_marking"
FEATURE_PARTS = ("key_encoder.", "key_proj.", "key_comp.", "decoder.up_16_8.skip_conv.", "decoder.up_8_4.skip_conv.")
"""Parts of a network that make its key features, by the beginnings of their names."""


def initial_marking_network(network: PCVOS, seed: int = 0) -> MarkingNetwork:
    """A marking network that starts from the value encoder and the decoder of a trained `small` network, on the CPU.

    What has no counterpart there begins at zero, so that it takes no part at first. A 3 x 3 shortcut becomes the sum of
    its taps.
    """
    torch.manual_seed(seed)
    marking = MarkingNetwork()
    encoder, decoder = network.value_encoder, network.decoder
    with torch.no_grad():
        mask = encoder.mask_stem.weight[:, 0]
        for plane, factor in enumerate((2.0, -2.0, 1.0, 0.5, 0.5)):
            marking.stem.weight[:, plane] = factor * mask
        bias_of(marking.stem).copy_(bias_of(encoder.mask_stem))
        marking.layer2[0].load_state_dict(encoder.layer2[0].state_dict())
        marking.layer3.load_state_dict(encoder.layer3.state_dict())
        marking.attention.load_state_dict(encoder.fuser.attention.state_dict())
        for own, theirs in (
            (marking.fuse1, encoder.fuser.block1),
            (marking.fuse2, encoder.fuser.block2),
            (marking.compress, decoder.compress),
            (marking.up_16_8.out_conv, decoder.up_16_8.out_conv),
            (marking.up_8_4.out_conv, decoder.up_8_4.out_conv),
        ):
            own.conv1.load_state_dict(theirs.conv1.state_dict())
            own.conv2.load_state_dict(theirs.conv2.state_dict())
            if theirs.downsample is not None and isinstance(own.shortcut, nn.Conv2d):
                own.shortcut.weight.copy_(theirs.downsample.weight.sum((2, 3), keepdim=True))
                bias_of(own.shortcut).copy_(bias_of(theirs.downsample))
        marking.pred.load_state_dict(decoder.pred.state_dict())
        for part in (marking.context.out, marking.up_16_8.own, marking.up_8_4.own):
            part.weight.zero_()
            bias_of(part).zero_()
    marking.features = features_fingerprint(network)
    return marking


def features_fingerprint(network: PCVOS) -> str:
    """SHA-256 of the weights that make a network's key features, as fp16: which features a marking network knows."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if name.startswith(FEATURE_PARTS):
            digest.update(name.encode())
            digest.update(value.detach().half().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_marking(weights: str | Path | None = None, device: torch.device | str = "cpu") -> MarkingNetwork:
    """The marking network of a weights file (the shipped one if None) on `device`, for `Marker`, which makes it fast.

    Raises:
        PCVOSError: there is no such file, or it holds no marking weights.
    """
    path = Path(weights) if weights is not None else DEFAULT_MARKING_WEIGHTS
    marking = read_marking(path).eval().requires_grad_(False)
    return marking.to(device).to(memory_format=torch.channels_last)


def read_marking(path: Path) -> MarkingNetwork:
    """The marking network of a weights file as it was saved, on the CPU; raises as `load_marking` does."""
    features, state = _read(path)
    marking = MarkingNetwork()
    own = marking.state_dict()
    wrong = [k for k in own if k not in state] + [k for k in state if k not in own]
    wrong += [k for k, v in own.items() if k in state and state[k].shape != v.shape]
    if wrong:
        raise _other(f"{path} does not fit the marking network ({len(wrong)} parts differ, the first is {wrong[0]})")
    marking.load_state_dict(state)
    marking.features = features
    return marking


def in_way(marking: MarkingNetwork, way: MarkingWay) -> MarkingNetwork:
    """A marking network, as `load_marking` gives it, that runs in a way chosen for CPUs; elsewhere it is as it was."""
    if next(marking.parameters()).device.type != "cpu" or way == "direct":
        return marking
    marking = copy.deepcopy(marking)
    if way == "bf16":
        return marking.bfloat16()
    use_winograd(marking)
    return marking


def save_marking(path: str | Path, marking: MarkingNetwork, dtype: torch.dtype = torch.float16) -> None:
    """Write the weights and what features they are for, floats as `dtype`, as a whole or not at all."""
    state = {k: v.detach().to("cpu", dtype).contiguous() for k, v in marking.state_dict().items()}
    config = {"features": marking.features, "planes": list(PLANES)}
    atomic_write(path, save(state, {_METADATA_KEY: json.dumps(config)}))


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
    """The features a file is for, and its weights as float32."""
    if not path.is_file():
        raise _other(f"There are no marking weights at {path}")
    try:
        with safe_open(path, "pt") as file:
            config = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except Exception as error:  # a damaged file makes safetensors raise nearly anything
        raise _other(f"{path} is not a weights file this program can read") from error
    if not isinstance(config, dict) or config.get("planes") != list(PLANES):
        raise _other(f"{path} holds weights of another network, not for marking")
    return str(config.get("features", "")), state


def _other(sentence: str) -> PCVOSError:
    return PCVOSError(f"{sentence}: choose another file.", "marking weights")
