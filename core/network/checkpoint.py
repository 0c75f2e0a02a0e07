"""Loading and saving weights: safetensors files of this project, published PCVOS and STCN checkpoints.

Nothing in a file is ever executed: safetensors holds no code, and PyTorch files are read with `weights_only`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from core.errors import PCVOSError
from core.files import atomic_write
from core.network.choices import Choices
from core.network.config import PAPER, PRESETS, PCVOSConfig
from core.network.devices import choose_device
from core.network.marking_weights import features_fingerprint
from core.network.pcvos import PCVOS
from core.network.preparation import prepare

DEFAULT_WEIGHTS = Path(__file__).resolve().parents[2] / "weights" / "pcvos-small.safetensors"
"""The file that ships."""

_METADATA_KEY = "pcvos"


def load_network(
    weights: str | Path | None = None, device: str = "auto", choose: Callable[[PCVOS], Choices] | None = None
) -> PCVOS:
    """A network ready for inference on `device`, from a weights file (the shipped one if None).

    Args:
        weights: a safetensors file written by `save_network`, or a published PCVOS or STCN checkpoint (.pth).
        device: "auto" (CUDA, else MPS, else CPU), "cpu", "cuda", "cuda:1", "mps" (`devices.choose_device`).
        choose: asked, where it is a CPU, how the network shall run there, with the network not yet prepared.

    Returns:
        The network, in eval mode, batch norms folded, channels-last; `weights_fingerprint` is the file's SHA-256, and
        `passed_over` says why "auto" did not take a better device that seems to be there, or is "";
        `features_fingerprint` says which marking weights belong to it.

    Raises:
        PCVOSError: no such file, not weights of this network, no such device, or one that does not work.
    """
    choice = choose_device(device)
    path = Path(weights) if weights is not None else DEFAULT_WEIGHTS
    config, state = read_weights(path)
    network = PCVOS(config)
    load_state(network, state, path)
    features = features_fingerprint(network)
    network.weights_fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()
    network.features_fingerprint = features
    network.passed_over = choice.passed_over
    if choose is not None and choice.device.type == "cpu":
        return prepare(network, choice.device, choose(network))
    return prepare(network, choice.device)


def _other_weights(sentence: str) -> PCVOSError:
    """The error that a weights file cannot be used, with what to do about it."""
    return PCVOSError(f"{sentence}: choose another one.", "weights")


def read_weights(path: Path) -> tuple[PCVOSConfig, dict[str, Tensor]]:
    """The network a file is for, and its weights, on the CPU, floats as float32."""
    if not path.is_file():
        raise _other_weights(f"There is no weights file {path}")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                preset = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}")).get("preset")
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        else:
            preset, state = None, torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes PyTorch's unpickler raise nearly anything
        raise _other_weights(f"{path} is not a weights file this program can read") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()
    ):
        raise _other_weights(f"{path} holds no network weights (a plain state dict is wanted)")
    state = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    return _config_of(preset, state, path), state


def load_state(network: PCVOS, state: Mapping[str, Tensor], path: Path) -> None:
    """Load weights strictly: every key, and every shape."""
    own = network.state_dict()
    wrong = [k for k in own if k not in state] + [k for k in state if k not in own]
    wrong += [k for k, v in own.items() if k in state and state[k].shape != v.shape]
    if wrong:
        differ = f"{len(wrong)} parts differ, the first is {wrong[0]}"
        raise _other_weights(f"{path} does not fit the {network.config.name} network ({differ})")
    network.load_state_dict(state)


def save_network(path: str | Path, network: PCVOS, dtype: torch.dtype = torch.float16) -> None:
    """Write the weights with the network's preset, floats as `dtype`, as a whole or not at all."""
    state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in network.state_dict().items()}
    state = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    atomic_write(path, save(state, {_METADATA_KEY: json.dumps({"preset": network.config.name})}))


def _config_of(preset: object, state: Mapping[str, Tensor], path: Path) -> PCVOSConfig:
    """The preset named in the file; for files of others, what their keys say."""
    if isinstance(preset, str) and preset in PRESETS:
        return PRESETS[preset]
    if preset is None and "value_encoder.mask_stem.weight" in state:
        return PRESETS["small"]
    if preset is None and "key_encoder.res2.0.conv3.weight" in state:
        refined = any(key.startswith("refine_transformer.") for key in state)
        return PAPER if refined else replace(PAPER, refinement=False)
    raise _other_weights(f"{path} holds weights of another network, not of PCVOS or STCN")
