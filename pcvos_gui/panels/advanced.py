"""Settings of a run that seldom change."""

import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, SignalInstance
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
from pcvos_gui.app.settings import stored_settings
from pcvos_gui.session.next_run import NextRun
from pcvos_gui.widgets.layouts import laid_out

TABLE = settings_table(RunSettings)
RESOLUTIONS = (600, 480, 360, 240)
_CUSTOM = -1


def devices() -> list[str]:
    """The devices a person may choose from, found without loading torch; other names can be typed."""
    names = ["auto", "cpu"]
    if Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi"):
        cards = sum(1 for _ in Path("/proc/driver/nvidia/gpus").glob("*"))
        names += ["cuda", *(f"cuda:{number}" for number in range(cards) if cards > 1)]  # "cuda": the freest of them
    if sys.platform == "darwin" and platform.machine() == "arm64":
        names.append("mps")
    return names


@dataclass(frozen=True)
class _Field:
    """The widgets of a setting, how they show its value, how they give it, and the signals of a choice."""

    widgets: tuple[QWidget, ...]
    show: Callable[[Any], object]
    value: Callable[[], Any]
    chosen: tuple[SignalInstance, ...]


class AdvancedSettings(QWidget):
    """A form; each change is the next run's. A setting that it shows is a row of `_made`: its range, choices, label and
    help are those of the table of settings."""

    def __init__(self, next_run: NextRun, parent: QWidget | None = None):
        super().__init__(parent)
        self._next = next_run
        self._dialog: QFileDialog | None = None
        self._custom = 0  # a round number that was typed, and stays "custom"
        self._is_refreshing = False
        form = laid_out(QFormLayout(self), (0, 8, 0, 0))
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._fields = self._made()
        for name, field in self._fields.items():
            for widget in field.widgets:
                if not widget.toolTip():
                    widget.setToolTip(TABLE[name].help)
                    widget.setAccessibleName(TABLE[name].label)
            form.addRow(TABLE[name].label, field.widgets[0] if len(field.widgets) == 1 else _row(*field.widgets))
            for signal in field.chosen:
                signal.connect(self._commit)
        self._next.settings_changed.connect(self.refresh)
        self.refresh()

    @property
    def fields(self) -> Mapping[str, tuple[QWidget, ...]]:
        """The widgets of each setting, by its name."""
        return {name: field.widgets for name, field in self._fields.items()}

    def _made(self) -> dict[str, _Field]:
        return {
            "progressive": self._progressive(),
            "top_k": _number("top_k"),
            "memory_frames": _number("memory_frames"),
            "distractors": _switch(self.tr("kept apart")),
            "resolution": self._resolution(),
            "device": self._device(),
            "precision": _choice("precision"),
            "weights": self._weights(),
        }

    # fields with parts of their own

    def _progressive(self) -> _Field:
        switch, every = QCheckBox(self.tr("on, every")), _spin_box("progressive")

        def show(frames: int) -> None:
            switch.setChecked(frames > 0)
            every.setEnabled(frames > 0)
            every.setValue(frames or every.value())

        def value() -> int:
            return every.value() if switch.isChecked() else 0

        return _Field((switch, every), show, value, (switch.toggled, every.valueChanged))

    def _resolution(self) -> _Field:
        box, pixels = QComboBox(), _spin_box("resolution")
        for number in RESOLUTIONS:
            box.addItem(self.tr("{} pixels").format(number), number)
        box.addItem(self.tr("native"), None)
        box.addItem(self.tr("custom"), _CUSTOM)

        def show(resolution: int | None) -> None:
            is_custom = resolution == self._custom or (resolution is not None and resolution not in RESOLUTIONS)
            box.setCurrentIndex(box.findData(_CUSTOM if is_custom else resolution))
            pixels.setVisible(is_custom)
            if resolution is not None:
                pixels.setValue(resolution)

        def value() -> int | None:
            chosen = box.currentData()
            self._custom = pixels.value() if chosen == _CUSTOM else 0
            return self._custom or chosen

        return _Field((box, pixels), show, value, (box.activated, pixels.valueChanged))

    def _device(self) -> _Field:
        box = QComboBox(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        box.addItems(devices())
        line = box.lineEdit()
        assert line is not None, "it is editable"
        chosen = box.activated, line.editingFinished
        return _Field((box,), box.setEditText, lambda: box.currentText().strip() or "auto", chosen)

    def _weights(self) -> _Field:
        line, button = QLineEdit(clearButtonEnabled=True), QToolButton()
        line.setPlaceholderText(self.tr("shipped"))
        button.setIcon(icon("folder-open-outline"))
        button.setToolTip(self.tr("Choose a file with weights"))
        button.setAccessibleName(self.tr("Choose a file with weights"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self._choose_weights)
        return _Field((line, button), line.setText, lambda: line.text().strip(), (line.editingFinished,))

    def _choose_weights(self) -> None:
        if self._dialog is None:
            self._dialog = QFileDialog(self, self.tr("Weights"), fileMode=QFileDialog.FileMode.ExistingFile)
            self._dialog.setNameFilters(
                [self.tr("Weights (*.safetensors *.pth *.pt *.ckpt)"), self.tr("All files (*)")]
            )
            given = Path(self._next.settings.weights)
            self._dialog.setDirectory(str(given.parent) if given.is_file() else stored_settings().start_folder)
            self._dialog.fileSelected.connect(lambda path: self._change(weights=path))
        self._dialog.open()

    # from the run's settings to the fields, and back

    def refresh(self) -> None:
        """Show the settings of the next run."""
        self._is_refreshing = True
        for name, field in self._fields.items():
            field.show(getattr(self._next.settings, name))
        self._is_refreshing = False

    def _commit(self) -> None:
        if not self._is_refreshing:
            self._change(**{name: field.value() for name, field in self._fields.items()})
            self.refresh()  # also where nothing is other than before: "custom" has a field for its number

    def _change(self, **values: Any) -> None:
        self._next.set_settings(replace(self._next.settings, **values))


def _number(name: str) -> _Field:
    spin = _spin_box(name)
    return _Field((spin,), spin.setValue, spin.value, (spin.valueChanged,))


def _switch(text: str) -> _Field:
    box = QCheckBox(text)
    return _Field((box,), box.setChecked, box.isChecked, (box.toggled,))


def _choice(name: str) -> _Field:
    box = QComboBox()
    box.addItems(TABLE[name].choices)
    return _Field((box,), box.setCurrentText, box.currentText, (box.activated,))


def _spin_box(name: str) -> QSpinBox:
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
