"""Settings of a run that seldom change."""

import platform
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QWidget,
)

from core.propagation.settings import settings_table
from core.studio.run_settings import RunSettings
from pcvos_gui.app.icons import icon
from pcvos_gui.session.runs import RunController
from pcvos_gui.widgets.layouts import laid_out

TABLE = settings_table(RunSettings)
RESOLUTIONS = (600, 480, 360, 240)
_CUSTOM = -1


def devices() -> list[str]:
    """The devices a person may choose from, found without loading torch; other names can be typed."""
    found = ["auto", "cpu"]
    if Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi"):
        cards = sum(1 for _ in Path("/proc/driver/nvidia/gpus").glob("*"))
        found += ["cuda", *(f"cuda:{number}" for number in range(cards) if cards > 1)]  # "cuda": the freest of them
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.append("mps")
    return found


class AdvancedSettings(QWidget):
    """A form; each change is the next run's. Its fields, but for a few with parts of their own, are made of the table
    of settings."""

    def __init__(self, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._runs = runs
        self._dialog: QFileDialog | None = None
        self._custom = 0  # a round number that was typed, and stays "custom"
        self._is_refreshing = False
        self.progressive_every = _number("progressive")
        self.progressive = QCheckBox(self.tr("on, every"))
        self.top_k = _number("top_k")
        self.memory_frames = _number("memory_frames")
        self.distractors = QCheckBox(self.tr("kept apart"))
        self.resolution, self.resolution_pixels = QComboBox(), _number("resolution")
        self.device, self.precision = QComboBox(), QComboBox()
        self.weights, self.weights_button = QLineEdit(), QToolButton()
        self._fill()
        form = laid_out(QFormLayout(self), (0, 8, 0, 0))
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name, fields in (
            ("progressive", (self.progressive, self.progressive_every)),
            ("top_k", (self.top_k,)),
            ("memory_frames", (self.memory_frames,)),
            ("distractors", (self.distractors,)),
            ("resolution", (self.resolution, self.resolution_pixels)),
            ("device", (self.device,)),
            ("precision", (self.precision,)),
            ("weights", (self.weights, self.weights_button)),
        ):
            for field in fields:
                if not field.toolTip():
                    field.setToolTip(TABLE[name].help)
                    field.setAccessibleName(TABLE[name].label)
            form.addRow(TABLE[name].label, fields[0] if len(fields) == 1 else _row(*fields))
        self._connect()
        self.refresh()

    def _fill(self) -> None:
        """Give the fields what can be chosen."""
        for pixels in RESOLUTIONS:
            self.resolution.addItem(self.tr("{} pixels").format(pixels), pixels)
        self.resolution.addItem(self.tr("native"), None)
        self.resolution.addItem(self.tr("custom"), _CUSTOM)
        self.device.setEditable(True)
        self.device.addItems(devices())
        self.device.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.precision.addItems(TABLE["precision"].choices)
        self.weights.setPlaceholderText(self.tr("shipped"))
        self.weights.setClearButtonEnabled(True)
        self.weights_button.setIcon(icon("folder-open-outline"))
        self.weights_button.setToolTip(self.tr("Choose a file with weights"))
        self.weights_button.setAccessibleName(self.tr("Choose a file with weights"))
        self.weights_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _connect(self) -> None:
        for box in (self.progressive, self.distractors):
            box.toggled.connect(self._commit)
        for number in (self.progressive_every, self.top_k, self.memory_frames, self.resolution_pixels):
            number.valueChanged.connect(self._commit)
        self.resolution.activated.connect(self._on_resolution)
        self.device.activated.connect(self._commit)
        self.device.lineEdit().editingFinished.connect(self._commit)
        self.precision.activated.connect(self._commit)
        self.weights.editingFinished.connect(self._commit)
        self.weights_button.clicked.connect(self._choose_weights)
        self._runs.settings_changed.connect(self.refresh)

    # from the run's settings to the fields, and back

    def refresh(self) -> None:
        """Show the settings of the next run."""
        settings = self._runs.settings
        self._is_refreshing = True
        self.progressive.setChecked(settings.progressive > 0)
        self.progressive_every.setEnabled(settings.progressive > 0)
        if settings.progressive:
            self.progressive_every.setValue(settings.progressive)
        self.top_k.setValue(settings.top_k)
        self.memory_frames.setValue(settings.memory_frames)
        self.distractors.setChecked(settings.distractors)
        self._show_resolution(settings.resolution)
        self.device.setEditText(settings.device)
        self.precision.setCurrentText(settings.precision)
        self.weights.setText(settings.weights)
        self._is_refreshing = False

    def _show_resolution(self, resolution: int | None) -> None:
        is_custom = resolution == self._custom or (resolution is not None and resolution not in RESOLUTIONS)
        self.resolution.setCurrentIndex(self.resolution.findData(_CUSTOM if is_custom else resolution))
        self.resolution_pixels.setVisible(is_custom)
        if resolution is not None:
            self.resolution_pixels.setValue(resolution)

    def _on_resolution(self) -> None:
        chosen = self.resolution.currentData()
        self._custom = self.resolution_pixels.value() if chosen == _CUSTOM else 0
        self._commit()
        self._show_resolution(self._runs.settings.resolution)

    def _commit(self) -> None:
        if self._is_refreshing:
            return
        chosen = self.resolution.currentData()
        settings = replace(
            self._runs.settings,
            progressive=self.progressive_every.value() if self.progressive.isChecked() else 0,
            top_k=self.top_k.value(),
            memory_frames=self.memory_frames.value(),
            distractors=self.distractors.isChecked(),
            resolution=self.resolution_pixels.value() if chosen == _CUSTOM else chosen,
            device=self.device.currentText().strip() or "auto",
            precision=self.precision.currentText(),
            weights=self.weights.text().strip(),
        )
        if chosen == _CUSTOM:
            self._custom = settings.resolution
        self._runs.set_settings(settings)

    def _choose_weights(self) -> None:
        if self._dialog is None:
            self._dialog = QFileDialog(self, self.tr("Weights"), fileMode=QFileDialog.FileMode.ExistingFile)
            self._dialog.setNameFilters(
                [self.tr("Weights (*.safetensors *.pth *.pt *.ckpt)"), self.tr("All files (*)")]
            )
            self._dialog.fileSelected.connect(self._on_weights)
        self._dialog.open()

    def _on_weights(self, path: str) -> None:
        self.weights.setText(path)
        self._commit()


def _number(name: str) -> QSpinBox:
    """A field for a number of the table."""
    row, spin = TABLE[name], QSpinBox()
    spin.setRange(int(row.low), int(row.high))
    spin.setKeyboardTracking(False)
    return spin


def _row(*fields: QWidget) -> QWidget:
    row = QWidget()
    layout = laid_out(QHBoxLayout(row), 0, 8)
    for place, field in enumerate(fields):
        layout.addWidget(field, 1 - place)
    return row
