"""Train a network of another width or depth than the small one, for as many clips as the others, to compare them.

    python scripts/compare_networks.py NAME --data DATA --init resnet18_to_layer3.safetensors --run FOLDER

NAME is one of NETWORKS. The schedule is that of a run from ImageNet, stretched over --clips instead of over minutes, so
that what else the machine does changes nothing. Prints the size and the cost of the network, and at the end J at 240p:
of the held-out sequences, and of their pieces of 10 frames, each followed from its own first mask. After so little
training the first is mostly chance, an object lost early on or not. FOLDER/log.csv is the curve. The same command
resumes.
"""

import argparse
import copy
import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.evaluation.held_out import mean_j
from core.network import PCVOS, SMALL
from core.network.config import PCVOSConfig
from core.network.preparation import prepare
from core.network.value_encoder import FeatureFuser
from core.propagation import PropagationSettings
from core.training.data import Sequence, TrainingData, load_training_data
from core.training.initialise import initial_network
from core.training.trainer import Trainer, TrainingSettings

INTERVAL = 5
SIZE = (480, 864)
PIECE = 10


@dataclass(frozen=True)
class Variant:
    """A shape, and whether the value encoder has no trunk of its own."""

    config: PCVOSConfig
    one_trunk: bool = False


NETWORKS = {
    "as-it-is": Variant(SMALL),
    "one-trunk": Variant(replace(SMALL, value_dim=256), one_trunk=True),
    "wide-values": Variant(replace(SMALL, value_blocks=(0, 1, 1), value_dim=224)),
    "deep-values": Variant(replace(SMALL, value_blocks=(0, 2, 2), value_dim=160)),
    "fine-decoder": Variant(replace(SMALL, decoder_dims=(96, 56))),
    "coarse-decoder": Variant(replace(SMALL, decoder_dims=(160, 40))),
}


class MaskPyramid(nn.Module):
    """A value encoder that has the key encoder's stride-16 features, and of the masks three light convolutions.

    Takes and gives what `ValueEncoder` does.
    """

    def __init__(self, config: PCVOSConfig, key_dims: tuple[int, int, int]):
        super().__init__()
        self.pyramid = nn.Sequential(
            nn.Conv2d(2, 32, 7, stride=4, padding=3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 128, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.fuser = FeatureFuser(128 + key_dims[2], config.value_dim)

    def forward(self, frames: Tensor, f4: Tensor, f16: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        return self.fuser(self.pyramid(torch.cat([masks, others], 1)), f16)


class ByClips(Trainer):
    """A trainer whose progress is counted in clips."""

    clips: int

    @property
    def share(self) -> float:
        return min(1.0, self.progress.clips / self.clips)


def build(variant: Variant, init: Path, data: TrainingData, seed: int) -> PCVOS:
    """The network of a variant, from ImageNet weights."""
    network = initial_network(variant.config, init, data, seed)
    if variant.one_trunk:
        network.value_encoder = MaskPyramid(variant.config, network.key_encoder.dims)
    return network


def cost(network: PCVOS) -> tuple[float, float]:
    """Parameters, millions; multiplications, billions a frame of 480 x 864 with one object, matching left out."""
    frames = torch.rand(INTERVAL, 3, *SIZE)
    masks = torch.rand(1, 1, *SIZE)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        features = network.encode_key(frames)
        last = slice(INTERVAL - 1, INTERVAL)
        value = network.encode_value(frames[last], features.f4[last], features.f16[last], masks, masks)
        readout = value.transpose(0, 1)[None].expand(-1, -1, INTERVAL, -1, -1)
        refined = network.refine(features.local.transpose(0, 1)[None], readout)
        network.decode(refined[0].transpose(0, 1), features.thin, features.skip8, features.skip4)
    parameters = sum(p.numel() for p in network.parameters())
    return parameters / 1e6, counter.get_total_flops() / 2 / INTERVAL / 1e9


def pieces(sequences: list[Sequence]) -> list[Sequence]:
    """From every tenth frame that shows the object, it and the ten behind it."""
    starts = [(s, i) for s in sequences for i in range(0, len(s.frames) - PIECE, PIECE) if s.labels[i].any()]
    return [Sequence(s.name, s.frames[i : i + PIECE + 1], s.labels[i : i + PIECE + 1]) for s, i in starts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("--data", type=Path, required=True, help="folder with the training tars")
    parser.add_argument("--init", type=Path, required=True, help="ResNet-18, ImageNet weights")
    parser.add_argument("--run", type=Path, help="folder of the run; without one only the cost is printed")
    parser.add_argument("--clips", type=int, default=1280)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    data = load_training_data(arguments.data)
    network = build(NETWORKS[arguments.name], arguments.init, data, arguments.seed)
    parameters, multiplications = cost(network)
    print(f"{arguments.name}: {parameters:.2f} M parameters, {multiplications:.2f} GMAC a frame", flush=True)
    if arguments.run is None:
        return
    settings = TrainingSettings(seed=arguments.seed, precision="fp32", validate_minutes=float("inf"))
    trainer = ByClips(network, data, arguments.run, settings, torch.device("cpu"))
    trainer.clips = arguments.clips
    trainer.run()
    network = prepare(copy.deepcopy(trainer.ema))
    propagation = PropagationSettings(resolution=240, precision="fp32", distractors=False)
    whole = mean_j(network, data.validation, propagation, logging.info)
    short = mean_j(network, pieces(data.validation), propagation, logging.debug)
    after = f"{arguments.name}, seed {arguments.seed}, {trainer.progress.clips} clips"
    print(f"{after}: J {whole:.4f}, of pieces {short:.4f}", flush=True)


if __name__ == "__main__":
    main()
