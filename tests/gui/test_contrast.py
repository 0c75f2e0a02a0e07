"""Controls are seen in both themes: 3:1 or more with what is around them, text 4.5:1."""

import numpy as np
import pytest
from contrast import best, contrast, grabbed
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QRadioButton,
    QScrollBar,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QStyleOptionSlider,
    QTabBar,
    QToolButton,
)

from pcvos_gui.app import theme
from pcvos_gui.app.style import Style
from pcvos_gui.widgets.primary_button import PrimaryButton

LEAST, TEXT = 3.0, 4.5
Role = QPalette.ColorRole


@pytest.fixture(params=["dark", "light"])
def palette(request, qapp) -> QPalette:
    """The window's style and colours, for one test."""
    before = qapp.palette()
    style = Style()
    qapp.setStyle(style)
    made = theme.palette(request.param == "dark")
    qapp.setPalette(made)
    yield made
    qapp.setPalette(before)
    qapp.setStyle("Fusion")


def shown(qtbot, widget, width=160, height=32):
    qtbot.addWidget(widget)
    widget.resize(width, height)
    widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    widget.show()
    QApplication.processEvents()
    return widget


def test_text_can_be_read(palette):
    pairs = (
        (Role.WindowText, Role.Window),
        (Role.Text, Role.Base),
        (Role.ButtonText, Role.Button),
        (Role.PlaceholderText, Role.Window),
        (Role.PlaceholderText, Role.Base),
        (Role.ToolTipText, Role.ToolTipBase),
        (Role.HighlightedText, Role.Highlight),
        (Role.Link, Role.Base),
    )
    for ink, paper in pairs:
        assert contrast(palette.color(ink), palette.color(paper)) >= TEXT, (ink, paper)
    assert contrast(palette.color(Role.Highlight), palette.color(Role.Window)) >= LEAST
    assert contrast(palette.color(Role.Highlight), palette.color(Role.Base)) >= LEAST


@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
@pytest.mark.parametrize("state", [Qt.CheckState.Unchecked, Qt.CheckState.Checked, Qt.CheckState.PartiallyChecked])
def test_boxes_and_rings(qtbot, palette, kind, state):
    button = shown(qtbot, kind("Some text"))
    if kind is QCheckBox:
        button.setCheckState(state)
    else:
        button.setChecked(state is Qt.CheckState.Checked)
    option = QStyleOptionButton()
    button.initStyleOption(option)
    part = QStyle.SubElement.SE_CheckBoxIndicator if kind is QCheckBox else QStyle.SubElement.SE_RadioButtonIndicator
    rect = button.style().subElementRect(part, option, button)
    sides = sides_of(grabbed(button), rect)
    assert all(best(side, palette.color(Role.Window)) >= LEAST for side in sides)


def sides_of(picture: np.ndarray, rect: QRect) -> tuple[np.ndarray, ...]:
    """Short lines of pixels across the four sides of a rectangle, at their middles."""
    x, y, reach = rect.center().x(), rect.center().y(), 3
    return (
        picture[y, rect.left() : rect.left() + reach],
        picture[y, rect.right() - reach + 1 : rect.right() + 1],
        picture[rect.top() : rect.top() + reach, x],
        picture[rect.bottom() - reach + 1 : rect.bottom() + 1, x],
    )


def test_boxes_in_lists(qtbot, palette):
    made = QListWidget()
    item = QListWidgetItem("Object", made)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Unchecked)
    shown(qtbot, made, height=80)
    row = made.visualItemRect(item).translated(made.viewport().pos())
    left = grabbed(made)[row.center().y(), row.left() : row.left() + 24]
    assert best(left, palette.color(Role.Base)) >= LEAST


@pytest.mark.parametrize("value", [0, 50, 100])
@pytest.mark.parametrize("orientation", list(Qt.Orientation))
def test_grooves_and_handles_of_sliders(qtbot, palette, value, orientation):
    slider = QSlider(orientation)
    slider.setRange(0, 100)
    slider.setValue(value)
    is_level = orientation == Qt.Orientation.Horizontal
    shown(qtbot, slider, *((160, 32) if is_level else (32, 160)))
    picture = grabbed(slider)
    picture = picture if is_level else picture.transpose(1, 0, 2)
    middle = picture[7:25]
    for x in range(4, 156, 8):
        assert best(middle[:, x], palette.color(Role.Window)) >= LEAST, "all of the groove is seen"
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    handle = slider.style().subControlRect(
        QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    )
    at = handle.center().x() if is_level else handle.center().y()
    drawn = np.flatnonzero([contrast(tuple(map(int, p)), palette.color(Role.Window)) > 2 for p in picture[:, at]])
    assert drawn[-1] - drawn[0] >= 9, "the handle is higher than the groove"


@pytest.mark.parametrize("shape", [QTabBar.Shape.RoundedNorth, QTabBar.Shape.RoundedSouth])
def test_the_selected_tab(qtbot, palette, shape):
    bar = QTabBar()
    bar.setShape(shape)
    for text in ("One", "Two", "Three"):
        bar.addTab(text)
    bar.setCurrentIndex(1)
    shown(qtbot, bar, width=300)
    picture, window = grabbed(bar), palette.color(Role.Window)

    def has_bar(index: int) -> bool:
        rect = bar.tabRect(index).adjusted(3, 0, -3, 0)
        inside = picture[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1]
        return any(min(contrast(tuple(map(int, pixel)), window) for pixel in row) >= LEAST for row in inside)

    assert [has_bar(index) for index in range(3)] == [False, True, False]


@pytest.mark.parametrize("kind", [QLineEdit, QSpinBox, QProgressBar])
def test_fields_have_borders(qtbot, palette, kind):
    field = shown(qtbot, kind())
    for side in sides_of(grabbed(field), field.rect()):
        assert best(side, palette.color(Role.Window)) >= LEAST


def test_a_button_that_is_on(qtbot, palette):
    button = QToolButton()
    button.setAutoRaise(True)
    button.setCheckable(True)
    button.setChecked(True)
    shown(qtbot, button, 32, 32)
    assert all(best(side, palette.color(Role.Window)) >= LEAST for side in sides_of(grabbed(button), button.rect()))


def test_the_handle_of_a_scroll_bar(qtbot, palette):
    bar = QScrollBar(Qt.Orientation.Vertical)
    bar.setRange(0, 100)
    bar.setPageStep(100)
    shown(qtbot, bar, 16, 200)
    assert best(grabbed(bar)[60:90, 8], palette.color(Role.Window)) >= LEAST


def test_what_comes_next_is_in_the_accent_colour(qtbot, palette):
    button = PrimaryButton("play-circle-outline", "Propagate")
    shown(qtbot, button, 140, 32)
    assert tuple(grabbed(button)[4, 70]) == palette.color(Role.Highlight).getRgb()[:3]
    button.setEnabled(False)
    assert tuple(grabbed(button)[4, 70]) != palette.color(Role.Highlight).getRgb()[:3]
    assert QColor(palette.color(Role.HighlightedText)) == QColor("#ffffff")
