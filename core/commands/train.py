"""`pcvos train`: train a network within a time limit or a number of steps, in pieces that follow each other."""

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from core.errors import PCVOSError
from core.evaluation.held_out import mean_j
from core.network.checkpoint import load_state, read_weights, save_network
from core.network.config import PRESETS, PCVOSConfig
from core.network.devices import find_device
from core.network.pcvos import PCVOS
from core.network.preparation import prepare
from core.propagation import PropagationSettings
from core.training.data import DataFolder, TrainingData, load_training_data
from core.training.distributed import joined_processes
from core.training.initialise import initial_network, initial_paper_network
from core.training.precision import faster_precision
from core.training.stages import CONTINUATION, FROM_IMAGENET, Schedule
from core.training.trainer import Trainer, TrainingSettings

log = logging.getLogger(__name__)

VALIDATION_RESOLUTION = 240
"""Shorter side at which a run is validated as it goes: a quarter of the time that 480 takes."""


@dataclass(frozen=True)
class TrainRequest:
    """The request for a training.

    Attributes:
        folders: training data, each folder with its weight. run: folder of the run, resumed if it holds one.
        init: ImageNet weights to start from; weights: trained weights to go on from instead.
        preset: "small" or "paper". schedule: None: this project's own, from ImageNet or as a continuation.
        output: where the averaged weights are written (fp16) at the end of the session, too.
    """

    folders: list[DataFolder]
    run: Path
    init: list[Path] = field(default_factory=list)
    weights: Path | None = None
    preset: str = "small"
    schedule: Schedule | None = None
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    device: str = "auto"
    precision: str = "auto"
    output: Path | None = None


def train(request: TrainRequest) -> None:
    """Start or resume a run; under torchrun, on all its processes.

    Raises:
        PCVOSError: there is no start, or two; data, weights or device cannot be used.
    """
    if bool(request.init) == (request.weights is not None):
        raise PCVOSError("A run starts from --init (ImageNet) or goes on from --weights (trained): give one of them.")
    config = PRESETS[request.preset]
    with joined_processes(request.device) as (processes, device):
        place = find_device(device)
        precision = faster_precision(place) if request.precision == "auto" else request.precision
        settings = replace(request.settings, precision=precision)
        log.info("training on %s in %s", place, settings.precision)
        data = load_training_data(*request.folders)
        network = _network_to_train(request, config, data)
        schedule = request.schedule or (CONTINUATION if request.weights else FROM_IMAGENET)
        validate = (lambda averaged: _validate(averaged, data)) if data.validation else None
        trainer = Trainer(network, data, request.run, settings, place, validate, schedule, processes)
        try:
            trainer.run()
        finally:
            if request.output is not None and processes.is_first:
                save_network(request.output, trainer.ema)
                log.info("weights written to %s", request.output)


def _network_to_train(request: TrainRequest, config: PCVOSConfig, data: TrainingData) -> PCVOS:
    if (request.run / "progress.json").is_file():
        return PCVOS(config)  # the run's own weights are read by the trainer
    if request.weights is not None:
        return trained_network(request.weights, config)
    if config.batch_norm:
        return initial_paper_network(config, request.init, request.settings.seed)
    return initial_network(config, request.init[0], data, request.settings.seed)


def trained_network(weights: Path, wanted: PCVOSConfig) -> PCVOS:
    """A network to go on from; raises PCVOSError if the file holds another one than `wanted`."""
    config, state = read_weights(weights)
    if config != wanted:
        raise PCVOSError(f"{weights} holds the {config.name} network: give --preset {config.name}, or other weights.")
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
