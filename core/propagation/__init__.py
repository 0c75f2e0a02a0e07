"""Per-clip inference: masks carried through footage, with permanent, working and temporary memory."""

from core.propagation.propagator import ClipResult, Propagator
from core.propagation.settings import PropagationSettings

__all__ = ["ClipResult", "PropagationSettings", "Propagator"]
