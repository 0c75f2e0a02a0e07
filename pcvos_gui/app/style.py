"""Qt's Fusion style, with controls whose borders and states are seen in both themes.

Fusion derives its lines from the window's colour by darkening it: on dark windows unchecked boxes, radio buttons,
grooves and the selected tab nearly vanish. Here they have a contrast of 3:1 or more with what is around them, as WCAG
2.2 asks for (1.4.11).
"""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import (
    QProxyStyle,
    QStyle,
    QStyleOption,
    QStyleOptionComboBox,
    QStyleOptionComplex,
    QStyleOptionSlider,
    QStyleOptionSpinBox,
    QStyleOptionTab,
    QTabBar,
    QWidget,
)

from pcvos_gui.app.colours import mixed

_LINE, _FAINT_LINE, _STRONG_LINE = 0.55, 0.28, 0.8  # share of the text's colour in a line's
_GROOVE = 4.0
_BAR = 3.0  # on the selected tab
_SOUTH = (QTabBar.Shape.RoundedSouth, QTabBar.Shape.TriangularSouth)
_EAST_OR_WEST = (
    QTabBar.Shape.RoundedEast,
    QTabBar.Shape.TriangularEast,
    QTabBar.Shape.RoundedWest,
    QTabBar.Shape.TriangularWest,
)


def line_colour(palette: QPalette, share: float = _LINE) -> QColor:
    """Colour of borders and grooves, between the window's and its text's, of which it has this share."""
    group = QPalette.ColorGroup.Active
    window = palette.color(group, QPalette.ColorRole.Window)
    return mixed(window, palette.color(group, QPalette.ColorRole.WindowText), share)


class Style(QProxyStyle):
    """Paints what Fusion paints too faintly."""

    def __init__(self) -> None:
        super().__init__("Fusion")

    # Qt

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        match element:
            case QStyle.PrimitiveElement.PE_IndicatorCheckBox | QStyle.PrimitiveElement.PE_IndicatorItemViewItemCheck:
                _paint_indicator(painter, option, is_round=False)
            case QStyle.PrimitiveElement.PE_IndicatorRadioButton:
                _paint_indicator(painter, option, is_round=True)
            case QStyle.PrimitiveElement.PE_FrameLineEdit:
                super().drawPrimitive(element, option, painter, widget)
                _paint_frame(painter, option)
            case QStyle.PrimitiveElement.PE_PanelButtonTool if option.state & QStyle.StateFlag.State_On:
                _paint_pressed(painter, option)
            case _:
                super().drawPrimitive(element, option, painter, widget)

    def drawControl(
        self, element: QStyle.ControlElement, option: QStyleOption, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if element == QStyle.ControlElement.CE_TabBarTabShape and isinstance(option, QStyleOptionTab):
            _paint_tab(painter, option)
            return
        super().drawControl(element, option, painter, widget)
        if element == QStyle.ControlElement.CE_ProgressBarGroove:
            _paint_frame(painter, option)

    def drawComplexControl(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        if control == QStyle.ComplexControl.CC_Slider and isinstance(option, QStyleOptionSlider):
            _paint_slider(painter, option, self._part(control, option, QStyle.SubControl.SC_SliderHandle, widget))
            return
        super().drawComplexControl(control, option, painter, widget)
        match option:
            case QStyleOptionSpinBox(frame=True) | QStyleOptionComboBox(editable=True):
                _paint_frame(painter, option)
            case QStyleOptionSlider() if (
                control == QStyle.ComplexControl.CC_ScrollBar and option.minimum < option.maximum
            ):
                handle = self._part(control, option, QStyle.SubControl.SC_ScrollBarSlider, widget)
                _paint_scroll_handle(painter, option, handle)

    def _part(
        self,
        control: QStyle.ComplexControl,
        option: QStyleOptionComplex,
        part: QStyle.SubControl,
        widget: QWidget | None,
    ) -> QRect:
        return self.subControlRect(control, option, part, widget)  # type: ignore[arg-type]  # None is fine


class _Painting:
    """A painter that is smooth, and left as it was."""

    def __init__(self, painter: QPainter):
        self._painter = painter

    def __enter__(self) -> QPainter:
        self._painter.save()
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        return self._painter

    def __exit__(self, *error: object) -> None:
        self._painter.restore()


def _is(option: QStyleOption, flag: QStyle.StateFlag) -> bool:
    return bool(option.state & flag)


def _border(option: QStyleOption) -> QColor:
    """Border of a control; stronger under the pointer, fainter where it cannot be used."""
    if not _is(option, QStyle.StateFlag.State_Enabled):
        return line_colour(option.palette, _FAINT_LINE)
    is_under = _is(option, QStyle.StateFlag.State_MouseOver)
    return line_colour(option.palette, _STRONG_LINE if is_under else _LINE)


def _paint_indicator(painter: QPainter, option: QStyleOption, is_round: bool) -> None:
    """A box or a ring; filled with the accent colour where it is on."""
    flag, palette = QStyle.StateFlag, option.palette
    side = min(option.rect.width(), option.rect.height())
    box = QRectF(0, 0, side - 1, side - 1)
    box.moveCenter(QRectF(option.rect).center())
    is_partly, is_on = _is(option, flag.State_NoChange), _is(option, flag.State_On)
    group = QPalette.ColorGroup.Normal if _is(option, flag.State_Enabled) else QPalette.ColorGroup.Disabled
    accent, ink = (
        palette.color(group, role) for role in (QPalette.ColorRole.Highlight, QPalette.ColorRole.HighlightedText)
    )
    is_filled = is_partly or is_on
    on_accent = _is(option, flag.State_Selected)  # in a row of that colour
    border = ink if on_accent else accent if is_filled else _border(option)
    with _Painting(painter):
        painter.setPen(QPen(border, 1.2))
        painter.setBrush(accent if is_filled else palette.color(QPalette.ColorRole.Base))
        if is_round:
            painter.drawEllipse(box)
        else:
            painter.drawRoundedRect(box, 2.5, 2.5)
        if is_filled:
            _paint_sign(painter, box, ink, is_partly, is_round)


def _paint_sign(painter: QPainter, box: QRectF, ink: QColor, is_partly: bool, is_round: bool) -> None:
    """A tick, a dash, or a radio button's dot."""
    if is_round:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawEllipse(box.center(), box.width() * 0.2, box.height() * 0.2)
        return
    pen = QPen(ink, max(1.6, box.width() * 0.14))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    places = ((0.25, 0.5), (0.75, 0.5)) if is_partly else ((0.24, 0.53), (0.43, 0.71), (0.77, 0.31))
    painter.drawPolyline(
        QPolygonF([QPointF(box.left() + x * box.width(), box.top() + y * box.height()) for x, y in places])
    )


def _paint_frame(painter: QPainter, option: QStyleOption) -> None:
    """Around a field."""
    has_focus = _is(option, QStyle.StateFlag.State_HasFocus)
    with _Painting(painter):
        colour = option.palette.color(QPalette.ColorRole.Highlight) if has_focus else _border(option)
        painter.setPen(QPen(colour, 1.5 if has_focus else 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)


def _paint_pressed(painter: QPainter, option: QStyleOption) -> None:
    """A button that is on, e.g. of the tool in hand."""
    enabled = _is(option, QStyle.StateFlag.State_Enabled)
    group = QPalette.ColorGroup.Normal if enabled else QPalette.ColorGroup.Disabled
    accent = option.palette.color(group, QPalette.ColorRole.Highlight)
    rect = QRectF(option.rect)
    with _Painting(painter):
        painter.setPen(Qt.PenStyle.NoPen)
        for colour, edge in ((accent, 0.0), (mixed(option.palette.color(QPalette.ColorRole.Window), accent, 0.3), 2.0)):
            painter.setBrush(colour)
            painter.drawRoundedRect(rect.adjusted(edge, edge, -edge, -edge), 3, 3)


def _paint_tab(painter: QPainter, option: QStyleOptionTab) -> None:
    """The selected one has a bar in the accent colour where it touches its panel."""
    rect, palette = QRectF(option.rect), option.palette
    is_selected = _is(option, QStyle.StateFlag.State_Selected)
    is_under = _is(option, QStyle.StateFlag.State_MouseOver)
    with _Painting(painter):
        if is_selected or is_under:
            role = QPalette.ColorRole.Base if is_selected else QPalette.ColorRole.Midlight
            painter.fillRect(rect.adjusted(1, 0, -1, 0), palette.color(role))
        if not is_selected:
            return
        bar = QRectF(rect.left() + 1, rect.bottom() - _BAR, rect.width() - 2, _BAR)
        if option.shape in _SOUTH:
            bar.moveTop(rect.top())
        elif option.shape in _EAST_OR_WEST:
            is_east = option.shape in _EAST_OR_WEST[:2]
            bar = QRectF(rect.left() if is_east else rect.right() - _BAR, rect.top() + 1, _BAR, rect.height() - 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(bar, palette.color(QPalette.ColorRole.Highlight))


def _paint_slider(painter: QPainter, option: QStyleOptionSlider, handle: QRect) -> None:
    """A groove, in the accent colour up to the handle, and the handle."""
    rect, middle = QRectF(option.rect), QRectF(handle).center()
    is_level = option.orientation == Qt.Orientation.Horizontal
    enabled = _is(option, QStyle.StateFlag.State_Enabled)
    group = QPalette.ColorGroup.Normal if enabled else QPalette.ColorGroup.Disabled
    if is_level:
        groove = QRectF(rect.left() + 1, middle.y() - _GROOVE / 2, rect.width() - 2, _GROOVE)
        done = QRectF(groove.topLeft(), QPointF(middle.x(), groove.bottom()))
        if option.upsideDown:
            done = QRectF(QPointF(middle.x(), groove.top()), groove.bottomRight())
    else:
        groove = QRectF(middle.x() - _GROOVE / 2, rect.top() + 1, _GROOVE, rect.height() - 2)
        done = QRectF(groove.topLeft(), QPointF(groove.right(), middle.y()))
        if option.upsideDown:
            done = QRectF(QPointF(groove.left(), middle.y()), groove.bottomRight())
    ink = line_colour(option.palette, _LINE if enabled else _FAINT_LINE)
    with _Painting(painter):
        path = QPainterPath()
        path.addRoundedRect(groove, _GROOVE / 2, _GROOVE / 2)
        painter.fillPath(path, ink)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(done, option.palette.color(group, QPalette.ColorRole.Highlight))
        painter.restore()
        is_held = option.activeSubControls == QStyle.SubControl.SC_SliderHandle or _is(
            option, QStyle.StateFlag.State_HasFocus
        )
        accent = option.palette.color(group, QPalette.ColorRole.Highlight)
        painter.setPen(QPen(accent if enabled and is_held else ink, 2 if is_held else 1.5))
        painter.setBrush(option.palette.color(group, QPalette.ColorRole.Button))
        side = min(handle.width(), handle.height()) - 2.0
        knob = QRectF(0, 0, side, side)
        knob.moveCenter(middle)
        painter.drawEllipse(knob)


def _paint_scroll_handle(painter: QPainter, option: QStyleOptionSlider, handle: QRect) -> None:
    is_level = option.orientation == Qt.Orientation.Horizontal
    inside = QRectF(handle).adjusted(1, 4, -1, -4) if is_level else QRectF(handle).adjusted(4, 1, -4, -1)
    with _Painting(painter):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(line_colour(option.palette))
        radius = min(inside.width(), inside.height()) / 2
        painter.drawRoundedRect(inside, radius, radius)
