"""The panels beside the canvas: objects, propagation, memory, history."""

from pcvos_gui.panels.history import HistoryPanel
from pcvos_gui.panels.memory import MemoryPanel
from pcvos_gui.panels.objects import ObjectsPanel
from pcvos_gui.panels.propagation import PropagationPanel

__all__ = ["HistoryPanel", "MemoryPanel", "ObjectsPanel", "PropagationPanel"]
