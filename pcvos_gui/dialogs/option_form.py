"""Fields for what a format lets a person choose, made from its `Option`s."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QWidget

from core.exchange.options import Option, Value
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.scrolling import WheelGuard

_NO_LIMIT = 999_999

Field = QCheckBox | QComboBox | QSpinBox | QDoubleSpinBox


class OptionForm(QWidget):
    """A field for each option, with its unit, its range, and its help as a tip.

    Signals:
        changed(): the person has chosen something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._fields: dict[str, Field] = {}
        self._form = laid_out(QFormLayout(self), 0, 8)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    @property
    def fields(self) -> Mapping[str, QWidget]:
        """By the names of the options."""
        return self._fields

    @property
    def values(self) -> dict[str, Value]:
        """The choices, by the names of the options."""
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
            with QSignalBlocker(field):
                _set_value(field, values[name])

    def _made(self, option: Option, value: Value) -> Field:
        match option.kind:
            case "bool":
                box = QCheckBox(option.label)
                box.setChecked(bool(value))
                box.toggled.connect(self.changed)
                return box
            case "choice":
                choices = QComboBox(sizeAdjustPolicy=QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                choices.setMinimumContentsLength(8)
                for choice, label in option.choices:
                    choices.addItem(label, choice)
                choices.setCurrentIndex(choices.findData(value))
                choices.currentIndexChanged.connect(self.changed)
                return choices
            case _:
                number = _spin_box(option)
                _set_value(number, value)
                number.valueChanged.connect(self.changed)
                return number


def order_tabs(widgets: Iterable[QWidget]) -> None:
    """Have the tab key go through widgets in this order; those made late would come last."""
    for before, after in pairwise(widgets):
        QWidget.setTabOrder(before, after)


def _spin_box(option: Option) -> QSpinBox | QDoubleSpinBox:
    low = -_NO_LIMIT if option.minimum is None else option.minimum
    high = _NO_LIMIT if option.maximum is None else option.maximum
    field: QSpinBox | QDoubleSpinBox
    if option.kind == "int":
        field = QSpinBox()
        field.setRange(int(low), int(high))
        field.setSingleStep(int(option.step or 1))
    else:
        field = QDoubleSpinBox(decimals=1 if option.step and (10 * option.step).is_integer() else 2)
        field.setRange(low, high)
        field.setSingleStep(option.step or 0.1)
    field.setSpecialValueText(option.lowest)
    field.setSuffix(f" {option.unit}" if option.unit else "")
    return field


def _set_value(field: Field, value: Value) -> None:
    if isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QComboBox):
        field.setCurrentIndex(field.findData(value))
    elif isinstance(field, QSpinBox):
        field.setValue(int(value))
    else:
        field.setValue(float(value))


def _value(field: Field) -> Value:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    if isinstance(field, QComboBox):
        chosen: Value = field.currentData()
        return chosen
    return field.value()
