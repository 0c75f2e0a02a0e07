"""`pcvos train`: train the small network within a time limit, in pieces that follow each other."""

import logging
from dataclasses import replace
from pathlib import Path

import torch

from core.errors import PCVOSError
from core.evaluation.sequences import mean_j
from core.network.checkpoint import load_state, read_weights, save_network
from core.network.config import SMALL
from core.network.devices import find_device
from core.network.inference import prepare
from core.network.pcvos import PCVOS
from core.propagation import PropagationSettings
from core.training.data import TrainingData, load_training_data
from core.training.initialise import initial_network
from core.training.precision import faster_precision
from core.training.schedule import CONTINUATION, FROM_IMAGENET
from core.training.trainer import Trainer, TrainingSettings

log = logging.getLogger(__name__)

VALIDATION_RESOLUTION = 240
"""Shorter side at which a run is validated as it goes: a quarter of the time that 480 takes."""


def train(
    data: Path,
    init: Path | None,
    weights: Path | None,
    folder: Path,
    settings: TrainingSettings,
    device: str,
    precision: str,
    output: Path | None,
) -> None:
    """Start or resume the run in `folder`; write the averaged weights to `output` (fp16) at the end of the session.

    Args:
        init: ImageNet weights to start from. weights: trained weights to go on from instead.
    """
    if (init is None) == (weights is None):
        raise PCVOSError("A run starts from --init (ImageNet) or goes on from --weights (trained): give one of them.")
    place = find_device(device)
    settings = replace(settings, precision=faster_precision(place) if precision == "auto" else precision)
    log.info("training on %s in %s", place, settings.precision)
    training_data = load_training_data(data)
    resumes = (folder / "progress.json").is_file()
    if resumes:
        network = PCVOS(SMALL)
    elif weights is not None:
        network = _trained_network(weights)
    else:
        network = initial_network(SMALL, init, training_data, settings.seed)
    schedule = FROM_IMAGENET if weights is None else CONTINUATION
    validate = lambda ema: _validate(ema, training_data)  # noqa: E731
    trainer = Trainer(network, training_data, folder, settings, place, validate, schedule)
    try:
        trainer.run()
    finally:
        if output is not None:
            save_network(output, trainer.ema)
            log.info("weights written to %s", output)


def _trained_network(weights: Path) -> PCVOS:
    config, state = read_weights(weights)
    if config != SMALL:
        raise PCVOSError(f"{weights} holds the {config.name} network, and only small ones are trained here.")
    network = PCVOS(config)
    load_state(network, state, weights)
    return network


def _validate(averaged: PCVOS, data: TrainingData) -> float:
    network = PCVOS(averaged.config)
    network.load_state_dict(averaged.state_dict())
    network = prepare(network, next(averaged.parameters()).device)
    settings = PropagationSettings(resolution=VALIDATION_RESOLUTION, precision="fp32")
    with torch.inference_mode():
        return mean_j(network, data.validation, settings, log.info)
