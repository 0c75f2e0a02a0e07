"""A network to start training from: ImageNet trunks, and a key head that already matches features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.errors import PCVOSError
from core.network.config import PCVOSConfig
from core.network.imagenet import copy_weights, fold_norms, load_imagenet_trunk, normalise, read_weights
from core.network.pcvos import PCVOS
from core.network.refinement import RefinementBlock, RefinementLayer
from core.network.resnet import bias_of
from core.training.data import TrainingData

MATCHING_TEMPERATURE = 0.2
"""Softmax temperature, relative to the features' mean squared norm, of the matching that training starts from."""


def initial_network(config: PCVOSConfig, weights: str | Path, data: TrainingData, seed: int = 0) -> PCVOS:
    """A network without batch norms whose trunks hold ImageNet weights.

    The key head starts as the principal components of the trunk's features, so that training starts from plain
    feature matching; the refinement starts as the identity (its residual branches end in zeros); the value encoder's
    mask planes start by adding a random sign per channel.

    Args:
        weights: safetensors file with torchvision's ResNet-18 names, conv1 to layer3, batch norms included.
    """
    torch.manual_seed(seed)
    network = PCVOS(config)
    load_imagenet_trunk(network.key_encoder, weights)
    copy_weights(network.value_encoder, fold_norms(read_weights(weights)), strict=False)
    with torch.no_grad():
        layer = network.refine_transformer.layers[0]
        assert isinstance(layer, RefinementLayer)
        for block in layer.blocks:
            assert isinstance(block, RefinementBlock)
            for last in (block.attn.proj, block.mlp.fc2):
                nn.init.zeros_(last.weight)
                nn.init.zeros_(bias_of(last))
        stem = network.value_encoder.mask_stem
        sign = torch.randint(0, 2, (stem.out_channels, stem.in_channels, 1, 1)) * 2.0 - 1
        stem.weight.mul_(0.3).add_(0.5 * sign / stem.weight[0, 0].numel())
        nn.init.zeros_(bias_of(stem))
        bias_of(network.decoder.pred).fill_(-1.0)
        _principal_keys(network, data, np.random.default_rng(seed))
    return network


def initial_paper_network(config: PCVOSConfig, weights: Sequence[str | Path], seed: int = 0) -> PCVOS:
    """The published architecture with ImageNet trunks, as its training starts: what the files lack is random.

    Args:
        weights: torchvision's ResNet-50 (for the key encoder) and ResNet-18 (for the value encoder), in any order, as
            safetensors or as plain state dicts of PyTorch.

    Raises:
        PCVOSError: one of the two is missing, or cannot be read.
    """
    torch.manual_seed(seed)
    network = PCVOS(config)
    states = [read_weights(path) for path in weights]
    for trunk, is_wanted, what in (
        (network.key_encoder, lambda state: "layer1.0.conv3.weight" in state, "ResNet-50"),
        (network.value_encoder, lambda state: "layer1.0.conv3.weight" not in state, "ResNet-18"),
    ):
        state = next((state for state in states if is_wanted(state)), None)
        if state is None:
            raise PCVOSError(
                f"The paper network starts from ResNet-50 and ResNet-18, and {what} is missing: give both."
            )
        renamed = {k.replace("layer1.", "res2."): v for k, v in state.items()} if what == "ResNet-50" else dict(state)
        if what == "ResNet-18":  # frame, mask, others: the planes of the masks stay random, as small as they are
            stem = network.value_encoder.conv1.weight.detach().clone()
            stem[:, :3] = renamed["conv1.weight"]
            renamed["conv1.weight"] = stem
        copy_weights(trunk, renamed, strict=what == "ResNet-50")
    return network


def _principal_keys(network: PCVOS, data: TrainingData, rng: np.random.Generator) -> None:
    """Set the key head's centre tap to the leading principal components of the stride-16 features, scaled."""
    photos = [p for group in data.photos.values() for p in group]
    features = []
    for i in rng.choice(len(photos), 200, replace=len(photos) < 200):
        image = photos[i].image
        h, w = (n // 16 * 16 for n in image.shape[:2])
        frame = normalise(torch.from_numpy(image[:h, :w]).permute(2, 0, 1)[None])
        features.append(network.key_encoder(frame).f16[0].flatten(1).t())
    rows = torch.cat(features)
    mean = rows.mean(0)
    centred = rows - mean
    _, vectors = torch.linalg.eigh(centred.t() @ centred / len(centred))
    head = network.key_proj.key_proj
    components = vectors[:, -head.out_channels :].t()
    energy = (centred @ components.t()).square().sum(1).mean()
    scale = (head.out_channels**0.5 / (2 * MATCHING_TEMPERATURE * energy)).sqrt()
    nn.init.zeros_(head.weight)
    head.weight[:, :, 1, 1] = components * scale
    bias_of(head).copy_(-(components @ mean) * scale)
