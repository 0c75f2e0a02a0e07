"""Fields for what a format lets a person choose, made from its `Option`s."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QWidget

from core.exchange.options import Option, Value
from pcvos_gui.panels.wheel import WheelGuard

_NO_LIMIT = 999_999


class OptionForm(QWidget):
    """A field for each option, with its unit, its range, and its help as a tip.

    Signals:
        changed(): the person has chosen something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._fields: dict[str, QWidget] = {}
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setSpacing(8)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    @property
    def fields(self) -> Mapping[str, QWidget]:
        """By the names of the options."""
        return self._fields

    @property
    def values(self) -> dict[str, Value]:
        """What is chosen, by the names of the options."""
        return {name: _value(field) for name, field in self._fields.items()}

    def show_options(self, options: Iterable[Option], values: Mapping[str, Value]) -> None:
        """Fields for these options in place of those that are there; `values` are those that are not the default."""
        while self._form.rowCount():
            self._form.removeRow(0)
        self._fields = {}
        for option in options:
            field = self._fields[option.name] = self._made(option, values.get(option.name, option.default))
            field.setAccessibleName(option.label)
            field.setToolTip(option.help)
            if isinstance(field, QCheckBox):
                self._form.addRow(field)
            else:
                label = QLabel(option.label)
                label.setToolTip(option.help)
                label.setBuddy(field)
                self._form.addRow(label, field)
        WheelGuard(self)

    def set_shown(self, name: str, shown: bool) -> None:
        """Show the field of an option, or hide it where there is nothing to choose."""
        self._form.setRowVisible(self._fields[name], shown)

    def show_values(self, values: Mapping[str, Value]) -> None:
        """Other values in the fields that are there, which keep the keyboard; not told by `changed`."""
        for name, field in self._fields.items():
            field.blockSignals(True)
            _set_value(field, values[name])
            field.blockSignals(False)

    def _made(self, option: Option, value: Value) -> QWidget:
        match option.kind:
            case "bool":
                field = QCheckBox(option.label)
                field.setChecked(bool(value))
                field.toggled.connect(self.changed)
            case "choice":
                field = QComboBox()
                field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                field.setMinimumContentsLength(8)
                for choice, label in option.choices:
                    field.addItem(label, choice)
                field.setCurrentIndex(field.findData(value))
                field.currentIndexChanged.connect(self.changed)
            case _:
                field = _spin_box(option)
                field.setValue(value)
                field.valueChanged.connect(self.changed)
        return field


def order_tabs(widgets: Iterable[QWidget]) -> None:
    """Have the tab key go through widgets in this order; those made late would come last."""
    for before, after in pairwise(widgets):
        QWidget.setTabOrder(before, after)


def _spin_box(option: Option) -> QSpinBox | QDoubleSpinBox:
    low = -_NO_LIMIT if option.minimum is None else option.minimum
    high = _NO_LIMIT if option.maximum is None else option.maximum
    if option.kind == "int":
        field = QSpinBox()
        field.setRange(int(low), int(high))
        field.setSingleStep(int(option.step or 1))
    else:
        field = QDoubleSpinBox()
        field.setDecimals(1 if option.step and (10 * option.step).is_integer() else 2)
        field.setRange(low, high)
        field.setSingleStep(option.step or 0.1)
    field.setSpecialValueText(option.lowest)
    field.setSuffix(f" {option.unit}" if option.unit else "")
    return field


def _set_value(field: QWidget, value: Value) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QComboBox):
        field.setCurrentIndex(field.findData(value))
    else:
        field.setValue(value)


def _value(field: QWidget) -> Value:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, QComboBox):
        return field.currentData()
    return field.value()
