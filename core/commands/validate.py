"""`pcvos validate`: J and F of weights, or of plain feature matching, on the held-out sequences."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.evaluation.pasting import paste_next
from core.evaluation.plain_matching import imagenet_trunk, match_labels
from core.evaluation.sequences import propagate_sequence, score
from core.network.checkpoint import load_network
from core.propagation import PropagationSettings
from core.training.data import load_validation_sequences


def validate(
    data: Path,
    weights: Path | None,
    intervals: list[int],
    progressive: int,
    resolution: int,
    two_objects: bool,
    plain: Path | None,
    device: str,
    say: Callable[[str], None],
) -> None:
    """Print a table for each memory interval; plain feature matching has none and gives one table."""
    sequences = load_validation_sequences(data)
    if two_objects:
        sequences = paste_next(sequences)
    if plain is not None:
        trunk = imagenet_trunk(plain)
        _table(sequences, lambda s: match_labels(trunk, s.frames, s.labels[0], resolution), say)
        return
    network = load_network(weights, device)
    for interval in intervals:
        settings = PropagationSettings(interval=interval, progressive=progressive, resolution=resolution)
        say(f"L = {interval}, F = {progressive}, {resolution}p")
        _table(sequences, lambda s, t=settings: propagate_sequence(network, s.frames, s.labels[0], t), say)


def _table(sequences: list, predict: Callable, say: Callable[[str], None]) -> None:
    scores = []
    for sequence in sequences:
        for found in score(sequence.name, predict(sequence), sequence.labels):
            say(f"{found.sequence:34} object {found.object}  J {found.j:.4f}  F {found.f:.4f}")
            scores.append(found)
    j, f = np.mean([s.j for s in scores]), np.mean([s.f for s in scores])
    say(f"{'mean':34}           J {j:.4f}  F {f:.4f}  J&F {(j + f) / 2:.4f}")
