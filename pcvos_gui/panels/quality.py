"""The quality of the next run, with what each costs on this machine."""

from dataclasses import replace

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

from core.propagation.settings import settings_table
from core.studio.run_settings import CUSTOM, QUALITIES, RunSettings, quality_of
from pcvos_gui.panels.costs import duration
from pcvos_gui.session.runs import RunController
from pcvos_gui.widgets.layouts import laid_out


class QualityControl(QWidget):
    """Draft, normal or best; "custom" is there while the resolution is none of theirs."""

    def __init__(self, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._runs = runs
        row = settings_table(RunSettings)["quality"]
        title = QLabel(self.tr(row.label))
        self.box = QComboBox()
        self.box.setMinimumHeight(32)
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(12)
        self.box.setAccessibleName(title.text())
        title.setBuddy(self.box)
        for name in QUALITIES:
            self.box.addItem("", name)
        for widget in (title, self.box):
            widget.setToolTip(row.help)
        layout = laid_out(QHBoxLayout(self), 0, 8)
        layout.addWidget(title)
        layout.addWidget(self.box, 1)
        self.box.activated.connect(self._choose)
        for signal in (runs.next.settings_changed, runs.forecast.changed):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the quality of the run's settings, and what each costs."""
        chosen = quality_of(self._runs.next.settings.resolution)
        custom = self.box.findData(CUSTOM)
        if chosen == CUSTOM and custom < 0:
            self.box.addItem("", CUSTOM)
        elif chosen != CUSTOM and custom >= 0:
            self.box.removeItem(custom)
        names = {
            "draft": self.tr("Draft"),
            "normal": self.tr("Normal"),
            "best": self.tr("Best"),
            CUSTOM: self.tr("Custom"),
        }
        for place in range(self.box.count()):
            name = self.box.itemData(place)
            self.box.setItemText(place, names[name] + self._cost(name))
        self.box.setCurrentIndex(self.box.findData(chosen))

    def _cost(self, name: str) -> str:
        if not self._runs.session.is_open:
            return ""
        resolution = QUALITIES.get(name, self._runs.next.settings.resolution)
        seconds = self._runs.forecast.seconds_at(resolution)
        pixels = self.tr(" ({} pixels)").format(resolution or min(self._runs.session.navigator.size))
        return pixels if seconds is None else pixels + self.tr(": about {}").format(duration(seconds))

    def _choose(self) -> None:
        self._runs.next.set_settings(replace(self._runs.next.settings, quality=self.box.currentData()))
