"""The canvas: the view, what lies in its scene, and one file a tool."""

from pcvos_gui.canvas.brush_size import BrushSize
from pcvos_gui.canvas.canvas import Canvas, stepped_brush
from pcvos_gui.canvas.view import CanvasView

__all__ = ["BrushSize", "Canvas", "CanvasView", "stepped_brush"]
