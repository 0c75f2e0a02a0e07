"""Buttons of panels, all alike."""

from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QAbstractButton

B = TypeVar("B", bound=QAbstractButton)


def panel_button(button: B) -> B:
    """Make a button easy to hit, with an icon that is seen; the tab key leads to it, a click leaves the tools' keys."""
    button.setMinimumHeight(32)
    button.setIconSize(QSize(18, 18))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
