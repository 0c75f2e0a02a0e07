"""`pcvos train-marking`: train the marking network on a trained network's key features, in pieces that follow."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.commands.train import trained_network
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.network.config import SMALL
from core.network.devices import find_device
from core.network.marking_weights import features_fingerprint, initial_marking_network, read_marking, save_marking
from core.training.marking import LATE, SCHEDULE, MarkingTrainer, MarkingTrainingSettings
from core.training.marking_photos import PhotoStore
from core.training.precision import faster_precision

log = logging.getLogger(__name__)


def train_marking(
    data: Sequence[Path],
    weights: Path | None,
    begin: Path | None,
    folder: Path,
    settings: MarkingTrainingSettings,
    device: str,
    output: Path | None,
    late: bool = False,
) -> None:
    """Start or resume the run in `folder`; write the averaged weights to `output` (fp16) at the end of the session.

    Args:
        weights: of the `small` network whose key features are used; the shipped ones if None.
        begin: marking weights to go on from, of any features; None: from the value encoder and decoder of `weights`.
        late: large crops from the start.
    """
    place = find_device(device)
    settings = replace(settings, precision=faster_precision(place))
    log.info("training on %s in %s", place, settings.precision)
    network = trained_network(weights or DEFAULT_WEIGHTS, SMALL)
    marking = initial_marking_network(network, settings.seed) if begin is None else read_marking(begin)
    marking.features = features_fingerprint(network)
    trainer = MarkingTrainer(network, marking, PhotoStore(data), folder, settings, place, LATE if late else SCHEDULE)
    try:
        trainer.run()
    finally:
        if output is not None:
            save_marking(output, trainer.ema)
            log.info("weights written to %s", output)
