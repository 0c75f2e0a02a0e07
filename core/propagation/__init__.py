"""Per-clip inference: masks carried through footage, with permanent, working and temporary memory.

Importing this imports no PyTorch, which takes a second: only asking for the propagator does.
"""

from typing import TYPE_CHECKING

from core.propagation.settings import PropagationSettings

if TYPE_CHECKING:
    from core.propagation.prediction import ClipResult, Remembered
    from core.propagation.propagator import Propagator

__all__ = ["ClipResult", "PropagationSettings", "Propagator", "Remembered"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from core.propagation import propagator

        return getattr(propagator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
