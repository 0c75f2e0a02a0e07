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

from pcvos_gui.app.icons import icon
from pcvos_gui.session.runs import RunController

RESOLUTIONS = (480, 360, 240)
_CUSTOM = -1


def devices() -> list[str]:
    """What a person may choose from, found without loading torch; other names can be typed."""
    found = ["auto", "cpu"]
    if Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi"):
        found.append("cuda")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.append("mps")
    return found


class AdvancedSettings(QWidget):
    """A form; each change is the next run's."""

    def __init__(self, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._runs = runs
        self._dialog: QFileDialog | None = None
        self._custom = 0  # a round number that was typed, and stays "custom"
        self._is_refreshing = False
        form = QFormLayout(self)
        form.setContentsMargins(0, 8, 0, 0)
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._make_fields()
        for text, field in (
            (self.tr("Progressive"), _row(self.progressive, self.progressive_every)),
            (self.tr("Top-k"), self.top_k),
            (self.tr("Memory frames"), self.memory_frames),
            (self.tr("Look-alikes"), self.distractors),
            (self.tr("Resolution"), _row(self.resolution, self.resolution_pixels)),
            (self.tr("Device"), self.device),
            (self.tr("Precision"), self.precision),
            (self.tr("Weights"), _row(self.weights, self.weights_button)),
        ):
            form.addRow(text, field)
        self._connect()
        self.refresh()

    def _make_fields(self) -> None:
        self.progressive = QCheckBox(self.tr("on, every"))
        self.progressive.setToolTip(
            self.tr("Progressive matching: within a clip, frames drawn first help with those behind them")
        )
        self.progressive_every = _number(1, 50, self.tr("Progressive matching: every so many frames (F)"))
        self.top_k = _number(1, 10_000, self.tr("How many places in memory each place of a frame is compared with (k)"))
        self.memory_frames = _number(
            1, 10_000, self.tr("Most frames kept in working memory: the newest stay, older ones are thinned evenly")
        )
        self.distractors = QCheckBox(self.tr("kept apart"))
        self.distractors.setToolTip(
            self.tr(
                "What looks like an object on a frame that you marked is followed as well, unseen, so as not to be "
                "taken for it. "
                "Turn this off where an object loses parts that it should have"
            )
        )
        self.resolution = QComboBox()
        for pixels in RESOLUTIONS:
            self.resolution.addItem(self.tr("{} pixels").format(pixels), pixels)
        self.resolution.addItem(self.tr("native"), None)
        self.resolution.addItem(self.tr("custom"), _CUSTOM)
        self.resolution.setToolTip(
            self.tr("The shorter side of what the network sees: smaller is faster and takes less memory")
        )
        self.resolution_pixels = _number(64, 4320, self.tr("The shorter side of what the network sees, in pixels"))
        self.device = QComboBox()
        self.device.setEditable(True)
        self.device.addItems(devices())
        self.device.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.device.setToolTip(self.tr("Where the network computes; auto takes a GPU if there is one"))
        self.precision = QComboBox()
        self.precision.addItems(["auto", "fp32", "fp16", "bf16"])
        self.precision.setToolTip(self.tr("Of the network's numbers; auto is fp16 on CUDA and fp32 elsewhere"))
        self.weights = QLineEdit()
        self.weights.setPlaceholderText(self.tr("shipped"))
        self.weights.setClearButtonEnabled(True)
        self.weights.setToolTip(self.tr("A file with weights, e.g. the published checkpoint; empty: the shipped ones"))
        self.weights_button = QToolButton()
        self.weights_button.setIcon(icon("folder-open-outline"))
        self.weights_button.setToolTip(self.tr("Choose a file with weights"))
        self.weights_button.setAccessibleName(self.tr("Choose a file with weights"))
        self.weights_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for field, name in (
            (self.progressive, self.tr("Progressive matching")),
            (self.distractors, self.tr("Look-alikes are kept apart")),
            (self.resolution, self.tr("Resolution")),
            (self.device, self.tr("Device")),
            (self.precision, self.tr("Precision")),
            (self.weights, self.tr("Weights")),
        ):
            field.setAccessibleName(name)

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
            self._dialog = QFileDialog(self, self.tr("Weights"))
            self._dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            self._dialog.setNameFilters(
                [self.tr("Weights (*.safetensors *.pth *.pt *.ckpt)"), self.tr("All files (*)")]
            )
            self._dialog.fileSelected.connect(self._on_weights)
        self._dialog.open()

    def _on_weights(self, path: str) -> None:
        self.weights.setText(path)
        self._commit()


def _number(low: int, high: int, tip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setKeyboardTracking(False)
    spin.setToolTip(tip)
    spin.setAccessibleName(tip)
    return spin


def _row(*fields: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for place, field in enumerate(fields):
        layout.addWidget(field, 1 - place)
    return row
