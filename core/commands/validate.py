"""`pcvos validate`: J and F of weights, or of plain feature matching, on the held-out sequences."""

from collections.abc import Callable
from pathlib import Path

from core.errors import PCVOSError
from core.evaluation.held_out import label_all, propagate_all
from core.evaluation.pasted_sequences import PASTED
from core.evaluation.plain_matching import imagenet_trunk, match_labels
from core.evaluation.results import all_tables
from core.evaluation.sequence_runner import variants
from core.evaluation.tables import table_lines
from core.network.checkpoint import load_network
from core.propagation import PropagationSettings
from core.training.data import load_validation_sequences


def validate(
    data: Path,
    weights: Path | None,
    settings: PropagationSettings,
    intervals: list[int],
    pasted: str | None,
    plain: Path | None,
    device: str,
    say: Callable[[str], None],
) -> None:
    """Print a table for each memory interval, and one that tells whether confidence knows where masks are wrong; plain
    feature matching has no interval and no confidence.

    Args:
        pasted: which of `PASTED` to make of the sequences; None: as they are.
    """
    if pasted is not None and pasted not in PASTED:
        raise PCVOSError(f"--pasted {pasted} is not known: it is one of {', '.join(PASTED)}.")
    chosen = variants(settings, intervals)
    sequences = load_validation_sequences(data)
    if pasted is not None:
        sequences = PASTED[pasted](sequences)
    if plain is not None:
        trunk = imagenet_trunk(plain)
        label = lambda frames, first: match_labels(trunk, frames, first, settings.resolution)  # noqa: E731
        results = [label_all("plain feature matching", sequences, label)]
    else:
        network = load_network(weights, device)
        results = propagate_all(network, sequences, chosen)
    for table in all_tables(results):
        for line in table_lines(table):
            say(line)
