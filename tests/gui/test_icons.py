"""Icons take their colour from the palette at the moment they are painted."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette

from pcvos_gui.app.icons import icon


def middle(made: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> QColor:
    """The colour in the middle of the square that "stop" is."""
    return made.pixmap(QSize(32, 32), mode).toImage().pixelColor(16, 16)


def test_an_icon_that_is_there_already_follows_a_new_palette(qapp):
    made, before = icon("stop"), qapp.palette()
    try:
        for name in ("#e4e4e4", "#1c1c1c"):
            palette = QPalette(before)
            palette.setColor(QPalette.ColorRole.WindowText, QColor(name))
            palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText, QColor("#7c7c7c"))
            qapp.setPalette(palette)
            assert middle(made) == QColor(name)
            assert middle(made, QIcon.Mode.Disabled) == QColor("#7c7c7c")
    finally:
        qapp.setPalette(before)


def test_a_colour_of_its_own_and_both_ways_to_name_it(qapp):
    assert middle(icon("mdi6.stop", "#ff0000")) == QColor("#ff0000")
    assert icon("mdi6.stop").cacheKey() == icon("stop").cacheKey()


def test_sharp_on_dense_screens(qapp):
    pixmap = icon("stop").pixmap(QSize(24, 24), 2.0)
    assert pixmap.size() == QSize(48, 48) and pixmap.devicePixelRatio() == 2.0


def test_an_unknown_name_is_an_error(qapp):
    with pytest.raises(KeyError, match="no icon is called nonsense"):
        icon("nonsense")
