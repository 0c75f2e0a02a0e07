"""The slider of the memory interval L, and what it says about cost."""

from dataclasses import replace

from PySide6.QtCore import QRect, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)

from pcvos_gui.panels.costs import cost_text, paper_summary, paper_text
from pcvos_gui.session.runs import RunController
from pcvos_gui.widgets.layouts import laid_out

SHORTEST, LONGEST = 1, 50
TICKS = (1, 5, 10, 15, 25, 50)


class _Ticks(QWidget):
    """Numbers below a slider, each under the place of its value; a click chooses it."""

    def __init__(self, slider: QSlider):
        super().__init__()
        self._slider = slider
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(self.tr("Click a number to choose it"))
        slider.valueChanged.connect(lambda _: self.update())

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 6)

    def place(self, value: int) -> int:
        """Middle of the handle at a value."""
        slider, option = self._slider, QStyleOptionSlider()
        slider.initStyleOption(option)
        style = slider.style()
        length = style.pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, slider)
        room = slider.width() - length
        position = style.sliderPositionFromValue(slider.minimum(), slider.maximum(), value, room)
        return slider.x() - self.geometry().x() + position + length // 2

    def _label(self, value: int) -> QRect:
        width = self.fontMetrics().horizontalAdvance(str(value)) + 4
        left = min(max(self.place(value) - width // 2, 0), self.width() - width)
        return QRect(left, 4, width, self.height() - 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        group = QPalette.ColorGroup.Normal if self._slider.isEnabled() else QPalette.ColorGroup.Disabled
        for value in TICKS:
            is_chosen = value == self._slider.value()
            is_strong = is_chosen or not self._slider.isEnabled()  # the other role is as dark where it is disabled
            role = QPalette.ColorRole.WindowText if is_strong else QPalette.ColorRole.PlaceholderText
            painter.setPen(palette.color(group, role))
            font = self.font()
            font.setBold(is_chosen)
            painter.setFont(font)
            painter.fillRect(self.place(value), 0, 1, 4, palette.color(group, QPalette.ColorRole.PlaceholderText))
            painter.drawText(self._label(value).adjusted(-4, 0, 4, 0), Qt.AlignmentFlag.AlignCenter, str(value))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._slider.isEnabled():
            x = event.position().x()
            self._slider.setValue(min(TICKS, key=lambda value: abs(self.place(value) - x)))


class IntervalControl(QWidget):
    """L from 1 to 50. While the handle is dragged only the texts follow; letting go chooses.

    Attributes:
        cost: what it buys on this machine; more: what else is known of it. Widgets for other places.
    """

    def __init__(self, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._runs = runs
        title = QLabel(self.tr("Frames at a time (L)"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.spin = QSpinBox()
        self.spin.setKeyboardTracking(False)
        self.spin.setMinimumWidth(56)
        tip = self.tr(
            "How many frames are drawn at once before the last of them is remembered: the paper's memory interval L. "
            "Small for accuracy, large for speed"
        )
        for widget in (title, self.slider, self.spin):
            widget.setToolTip(tip)
        for control in (self.slider, self.spin):
            control.setRange(SHORTEST, LONGEST)
            control.setAccessibleName(title.text())
        self.slider.setPageStep(5)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        title.setBuddy(self.spin)
        self.cost, self.hint, self.paper = self._text(False), self._text(True), self._text(True)
        self.hint.setText(
            self.tr("Small: more accurate. Large: faster on a GPU; on a CPU it mainly limits how memory grows.")
        )
        self.ticks = _Ticks(self.slider)
        layout = laid_out(QGridLayout(self), 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(0)
        layout.addWidget(title, 0, 0)
        layout.addWidget(self.slider, 0, 1)
        layout.addWidget(self.spin, 0, 2)
        layout.setColumnStretch(1, 1)
        layout.setRowMinimumHeight(0, 32)
        layout.addWidget(self.ticks, 1, 1)
        self.more = QWidget()
        words = laid_out(QVBoxLayout(self.more), 0, 4)
        for label in (self.hint, self.paper):
            words.addWidget(label)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(lambda: self._choose(self.slider.value()))
        self.spin.valueChanged.connect(self._choose)
        for signal in (runs.next.settings_changed, runs.forecast.changed):
            signal.connect(self.refresh)
        self.refresh()

    def _text(self, is_dim: bool) -> QLabel:
        label = QLabel(wordWrap=True)
        if is_dim:
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        return label

    def refresh(self) -> None:
        """Show the run's interval, and what it costs."""
        if self.slider.isSliderDown():
            return
        for control in (self.slider, self.spin):
            with QSignalBlocker(control):
                control.setValue(self._runs.next.settings.interval)
        self.ticks.update()
        self.update_texts()

    def update_texts(self) -> None:
        """The costs, for where the handle is now."""
        interval = self.slider.value()
        self.cost.setText(cost_text(self._runs, interval))
        self.paper.setText(f"{paper_text(interval)} {paper_summary()}")

    def _on_slider(self, value: int) -> None:
        if self.slider.isSliderDown():
            with QSignalBlocker(self.spin):
                self.spin.setValue(value)
            self.update_texts()
        else:
            self._choose(value)

    def _choose(self, value: int) -> None:
        self._runs.next.set_settings(replace(self._runs.next.settings, interval=value))
        self.refresh()
