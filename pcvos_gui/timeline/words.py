"""The state of a frame in words."""

import math

from PySide6.QtCore import QCoreApplication

from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED
from core.propagation.doubt import LOW_CONFIDENCE
from core.studio.cell_states import CellState
from pcvos_gui.timeline.columns import HIGH_CONFIDENCE, timecode


def _tr(text: str) -> str:
    return QCoreApplication.translate("timeline", text)


def describe(frame: int, seconds: float, state: int, confidence: float, was_memory: bool) -> str:
    """A few lines about a frame.

    Args:
        state: its flags. confidence: 0 to 1, NaN: unknown. was_memory: the last run had it in memory.
    """
    lines = [_tr("Frame {} · {}").format(frame, timecode(seconds))]
    if state & CORRECTED:
        lines.append(_tr("Corrected, in permanent memory") if state & IN_MEMORY else _tr("Corrected, not in memory"))
    if state & PREDICTED:
        lines.append(_tr("Propagated"))
    if not state:
        lines.append(_tr("Nothing here yet"))
    if math.isfinite(confidence):
        lines.append(f"{confidence_in_words(confidence)} ({confidence:.0%})")
    if was_memory:
        lines.append(_tr("In memory when the last propagation ended"))
    return "\n".join(lines)


def describe_cell(name: str, frame: int, seconds: float, state: CellState, confidence: float, is_done: bool) -> str:
    """A few lines about one object on a frame; confidence 0 to 1, NaN: unknown."""
    words = {
        CellState.UNKNOWN: _tr("Never processed: nothing is known here"),
        CellState.NOT_SEEN: _tr("Propagated: not seen here"),
        CellState.DRAWN: _tr("Propagated"),
        CellState.TICKED_OFF: _tr("Propagated with doubt, and ticked off: looks right"),
        CellState.SAID_ABSENT: _tr("Absent here, as a person said"),
        CellState.CORRECTED: _tr("Corrected, not in memory"),
        CellState.IN_MEMORY: _tr("Corrected, in permanent memory"),
        CellState.DOUBTFUL: _tr("Propagated with doubt: worth a look"),
    }
    lines = [f"{name} · {_tr('Frame {} · {}').format(frame, timecode(seconds))}", words[state]]
    if math.isfinite(confidence):
        lines.append(f"{confidence_in_words(confidence)} ({confidence:.0%})")
    if is_done:
        lines.append(_tr("Done: nothing changes it until it is opened again"))
    return "\n".join(lines)


def confidence_in_words(confidence: float) -> str:
    """A confidence of 0 to 1 in words: whether it asks for a look."""
    if confidence < LOW_CONFIDENCE:
        return _tr("Low confidence: worth a look")
    return _tr("Fair confidence") if confidence < HIGH_CONFIDENCE else _tr("High confidence")
