"""Looks of the rows of objects: a cell's state in its place, and the names at the left."""

import numpy as np
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette

from core.studio.cell_states import CellState
from pcvos_gui.timeline.columns import Visible, at_pixels, frames_at
from pcvos_gui.timeline.paint import DIAMOND, Colours, diamond

ROW = 20
"""Height of a row, in pixels."""

_TOP, _BOTTOM = 3, 16  # of the cells, from the row's top
_LINE = (9, 11)  # of cells without a mask
_TICKED = 3  # height of the stripe of what was ticked off
_DONE = (17, 19)  # the line below what is done
_GAP_FROM = 6  # pixels of a frame from which on neighbours are parted
_APART = 8  # pixels between diamonds
_CHIP, _INDENT = 10, 18
_MARKED = (CellState.SAID_ABSENT, CellState.CORRECTED, CellState.IN_MEMORY)


def paint_cells(
    painter: QPainter, left: int, top: int, visible: Visible, states: np.ndarray, done: np.ndarray, colours: Colours
) -> None:
    """A row's cells: one bar a state, as a picture that is made at once, and diamonds where a person spoke.

    Args:
        states: uint8 (frames,), of `CellState`. done: bool (frames,).
    """
    shown = at_pixels(visible, states)
    picture = np.full((ROW, visible.width), colours.ground.rgb(), np.uint32)
    neutral, certain = colours.graph, colours.certain
    for state, (first, last), colour in (
        (CellState.NOT_SEEN, _LINE, neutral),
        (CellState.DRAWN, (_TOP, _BOTTOM), neutral),
        (CellState.TICKED_OFF, (_TOP, _BOTTOM), neutral),
        (CellState.TICKED_OFF, (_BOTTOM - _TICKED, _BOTTOM), colours.warning),
        (CellState.SAID_ABSENT, _LINE, colours.accent),
        (CellState.CORRECTED, (_TOP, _BOTTOM), certain),
        (CellState.IN_MEMORY, (_TOP, _BOTTOM), certain),
        (CellState.DOUBTFUL, (_TOP, _BOTTOM), colours.warning),
    ):
        picture[first:last, shown == state] = colour.rgb()
    frames = frames_at(visible)
    if visible.per_frame >= _GAP_FROM:
        picture[:, np.flatnonzero(np.diff(frames))] = colours.ground.rgb()
    picture[slice(*_DONE), at_pixels(visible, done.view(np.uint8), np.minimum) > 0] = colours.text.rgb()
    picture[ROW - 1] = colours.line.rgb()
    image = QImage(picture.data, visible.width, ROW, 4 * visible.width, QImage.Format.Format_RGB32)
    painter.drawImage(QRect(left, top, visible.width, ROW), image)
    _paint_diamonds(painter, left, top, visible, shown, frames, colours)


def _paint_diamonds(
    painter: QPainter,
    left: int,
    top: int,
    visible: Visible,
    shown: np.ndarray,
    frames: np.ndarray,
    colours: Colours,
) -> None:
    """Full where a cell is in memory, hollow where it is corrected only; as many as there is room for."""
    ratio = painter.device().devicePixelRatioF()
    full, hollow = (diamond(colours.accent, fill, ratio) for fill in (colours.accent, colours.ground))
    marked, last = np.flatnonzero(np.isin(shown, _MARKED)), -float(_APART)
    middles = marked + 0.5
    if visible.per_frame >= 1:
        middles = (frames[marked] + 0.5 - visible.first) * visible.per_frame
    for middle, is_hollow in zip(middles.tolist(), (shown[marked] == CellState.CORRECTED).tolist(), strict=True):
        if middle - last >= _APART:
            stamp = hollow if is_hollow else full
            painter.drawPixmap(QPointF(left + middle - DIAMOND / 2, top + (_TOP + _BOTTOM - DIAMOND) / 2), stamp)
            last = middle


def paint_name(
    painter: QPainter, where: QRect, palette: QPalette, name: str, colour: QColor | None, is_active: bool, count: int
) -> None:
    """An object's name behind its colour, and how many places of it deserve a look.

    Args:
        colour: None: of the row of all objects, which has an arrow there, painted by others.
    """
    ground = palette.color(QPalette.ColorRole.Highlight if is_active else QPalette.ColorRole.Window)
    text = palette.color(QPalette.ColorRole.HighlightedText if is_active else QPalette.ColorRole.WindowText)
    painter.fillRect(where.adjusted(0, 0, 0, -1), ground)
    metrics = painter.fontMetrics()
    inside = where.adjusted(_INDENT + 4, 0, -4, -1)
    if count:
        number = str(count)
        painter.setPen(text)
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        inside.setRight(inside.right() - metrics.horizontalAdvance(number) - 6)
    if colour is not None:
        chip = QRect(where.left() + 4, where.top() + (ROW - _CHIP) // 2, _CHIP, _CHIP)
        painter.fillRect(chip.adjusted(-1, -1, 1, 1), text)
        painter.fillRect(chip, colour)
    painter.setPen(text)
    cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, inside.width())
    painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)
