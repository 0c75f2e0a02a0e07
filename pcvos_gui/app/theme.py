"""Neutral greys around the footage, one accent colour, dark or light as the system is."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from pcvos_gui.app.style import Style

ACCENT = QColor("#2e73e2")
"""Light enough for a contrast of 3:1 with dark windows, dark enough for 4.5:1 with the white text on it."""

_DARK = {
    QPalette.ColorRole.Window: "#2b2b2b",
    QPalette.ColorRole.Base: "#232323",
    QPalette.ColorRole.AlternateBase: "#292929",
    QPalette.ColorRole.Button: "#383838",
    QPalette.ColorRole.Light: "#4a4a4a",
    QPalette.ColorRole.Midlight: "#414141",
    QPalette.ColorRole.Mid: "#1e1e1e",
    QPalette.ColorRole.Dark: "#191919",
    QPalette.ColorRole.WindowText: "#e4e4e4",
    QPalette.ColorRole.Text: "#e4e4e4",
    QPalette.ColorRole.ButtonText: "#e4e4e4",
    QPalette.ColorRole.PlaceholderText: "#9a9a9a",
    QPalette.ColorRole.ToolTipBase: "#3a3a3a",
    QPalette.ColorRole.ToolTipText: "#f0f0f0",
    QPalette.ColorRole.Link: "#7db3ff",
}
_LIGHT = {
    QPalette.ColorRole.Window: "#ececec",
    QPalette.ColorRole.Base: "#fafafa",
    QPalette.ColorRole.AlternateBase: "#f2f2f2",
    QPalette.ColorRole.Button: "#f4f4f4",
    QPalette.ColorRole.Light: "#ffffff",
    QPalette.ColorRole.Midlight: "#e2e2e2",
    QPalette.ColorRole.Mid: "#b8b8b8",
    QPalette.ColorRole.Dark: "#9a9a9a",
    QPalette.ColorRole.WindowText: "#1c1c1c",
    QPalette.ColorRole.Text: "#1c1c1c",
    QPalette.ColorRole.ButtonText: "#1c1c1c",
    QPalette.ColorRole.PlaceholderText: "#6a6a6a",
    QPalette.ColorRole.ToolTipBase: "#ffffff",
    QPalette.ColorRole.ToolTipText: "#1c1c1c",
    QPalette.ColorRole.Link: "#1a5fd0",
}
_FADED = (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText)

SCHEMES = {"system": Qt.ColorScheme.Unknown, "dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}
"""Names of the preference, and what Qt calls them."""


def palette(dark: bool) -> QPalette:
    """All colours of the window."""
    made = QPalette()
    for role, colour in (_DARK if dark else _LIGHT).items():
        made.setColor(role, QColor(colour))
    for role in _FADED:
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7c7c7c" if dark else "#9c9c9c"))
    for role in (QPalette.ColorRole.Highlight, QPalette.ColorRole.Accent):
        made.setColor(role, ACCENT)
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor("#555555" if dark else "#c4c4c4"))
    made.setColor(QPalette.ColorRole.HighlightedText, QColor("#ffffff"))
    return made


def follow(application: QApplication) -> None:
    """Use the window's style with these colours, now and whenever the system changes its mind."""
    application.setStyle(Style())
    application.styleHints().colorSchemeChanged.connect(lambda scheme: _adopt(application, scheme))
    _adopt(application, application.styleHints().colorScheme())


def choose(application: QApplication, name: str) -> None:
    """Set "system", "dark" or "light"."""
    scheme = SCHEMES.get(name, Qt.ColorScheme.Unknown)
    application.styleHints().setColorScheme(scheme)
    if scheme == Qt.ColorScheme.Unknown:
        scheme = application.styleHints().colorScheme()
    _adopt(application, scheme)  # some platforms do not tell of the change


def _adopt(application: QApplication, scheme: Qt.ColorScheme) -> None:
    application.setPalette(palette(scheme == Qt.ColorScheme.Dark))
