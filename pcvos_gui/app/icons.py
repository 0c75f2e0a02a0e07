"""Icons of one family (Material Design Icons, through qtawesome) in the colours of the palette."""

from functools import lru_cache

import qtawesome
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap

_FAMILY = "mdi6"
_FILL = 0.92  # of the square: the glyphs leave a margin of their own


class _GlyphEngine(QIconEngine):
    """Draws a glyph when asked, in whatever the palette says then: a change from light to dark needs no new icons."""

    def __init__(self, glyph: str, colour: QColor | None):
        super().__init__()
        self._glyph, self._colour = glyph, colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setPen(self._pen(mode))
        font = qtawesome.font(_FAMILY, max(1, round(min(rect.width(), rect.height()) * _FILL)))
        painter.setFont(font)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._glyph)
        painter.restore()

    def _pen(self, mode: QIcon.Mode) -> QColor:
        palette = QGuiApplication.palette()
        if mode == QIcon.Mode.Disabled:
            return palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText)
        if self._colour is not None:
            return self._colour
        role = QPalette.ColorRole.HighlightedText if mode == QIcon.Mode.Selected else QPalette.ColorRole.WindowText
        return palette.color(role)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        if size.isEmpty():  # of a button that is squeezed to nothing
            return pixmap
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> "_GlyphEngine":
        return _GlyphEngine(self._glyph, self._colour)


def icon(name: str, colour: str = "") -> QIcon:
    """The icon `name` of the family, e.g. "play" (or "mdi6.play"), in the palette's text colour, or in `colour`.

    Raises:
        KeyError: the family has no such icon.
    """
    return _icon(name.removeprefix(f"{_FAMILY}."), colour)


@lru_cache(maxsize=512)
def _icon(name: str, colour: str) -> QIcon:
    try:
        glyph = qtawesome.charmap(f"{_FAMILY}.{name}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise KeyError(f"no icon is called {name}") from error
    if not glyph:
        raise KeyError(f"no icon is called {name}")
    return QIcon(_GlyphEngine(glyph, QColor(colour) if colour else None))
