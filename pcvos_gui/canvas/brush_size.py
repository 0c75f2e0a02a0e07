"""The brush's size as a slider and a number, for the strip of tools."""

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from pcvos_gui.session.view_state import LARGEST_BRUSH, SMALLEST_BRUSH, Tool, ViewState
from pcvos_gui.widgets.layouts import laid_out

_WITH_BRUSH = (Tool.BRUSH, Tool.ERASER)
_STEPS = 100
_HEIGHT = 120


class BrushSize(QWidget):
    """Each step of the slider makes the brush larger by the same factor. It is grey while the tool has no brush."""

    def __init__(self, view_state: ViewState, parent: QWidget | None = None):
        super().__init__(parent)
        self._state = view_state
        self.number = QLabel(self, alignment=Qt.AlignmentFlag.AlignCenter)
        self.number.setFixedWidth(self.number.fontMetrics().horizontalAdvance("1000") + 4)
        self.slider = QSlider(Qt.Orientation.Vertical, self)
        self.slider.setRange(0, _STEPS)
        self.slider.setFixedHeight(_HEIGHT)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setAccessibleName(self.tr("Size of the brush"))
        column = laid_out(QVBoxLayout(self), (0, 8, 0, 8), 4)
        column.addWidget(self.slider, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.number, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.setToolTip(self.tr("Size of the brush in pixels of the footage ([ and ], or Shift and the wheel)"))
        self.slider.valueChanged.connect(self._choose)
        view_state.brush_changed.connect(self._show)
        view_state.tool_changed.connect(self._on_tool)
        self._show(view_state.brush)
        self._on_tool(view_state.tool)

    def _choose(self, step: int) -> None:
        if step != _step_of(self._state.brush):
            self._state.set_brush(round(SMALLEST_BRUSH * (LARGEST_BRUSH / SMALLEST_BRUSH) ** (step / _STEPS)))

    def _show(self, diameter: float) -> None:
        self.number.setText(brush_text(diameter))
        self.slider.setValue(_step_of(diameter))

    def _on_tool(self, tool: Tool) -> None:
        self.setEnabled(tool in _WITH_BRUSH)


def brush_text(diameter: float) -> str:
    """The size as a number."""
    return f"{diameter:.0f}"


def _step_of(diameter: float) -> int:
    return round(_STEPS * math.log(diameter / SMALLEST_BRUSH) / math.log(LARGEST_BRUSH / SMALLEST_BRUSH))
