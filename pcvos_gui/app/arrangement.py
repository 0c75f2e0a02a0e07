"""Places and sizes of the panels: as the person left them, made to fit where the screen is another one now."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, QEvent, QObject, QSettings, QSize, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QToolBar

from pcvos_gui.widgets.scrolling import Scroll

_GEOMETRY, _STATE, _SCREEN, _DIVIDED = "window/geometry", "window/state", "window/screen", "window/divided"
_LIST_SHARE = 0.6  # of the column's height that the list of objects may claim for some rows
_SETTLED_MS = 200  # after which Qt forgets a restored state
_HIGH = 720  # pixels of a window from which on there is room for what is useful and not needed
_SLACK = 20  # pixels, for a line of text more
_TEXT_ROOM = 2  # pixels more than a tab's text needs


class Arrangement(QObject):
    """Keeps the window's geometry and its docks'.

    Sizes are kept in points of a screen: on one that has more or fewer of them, for instance because it is scaled
    otherwise, they are worked out anew, and only what is shown where is taken over. Once a person has moved the border
    between the list and what is below it, it stays where they put it.

    Attributes:
        is_settled: whether the column is divided as it was last asked to be.
    """

    def __init__(
        self,
        window: QMainWindow,
        upper: QDockWidget,
        lower: Sequence[QDockWidget],
        bottom: QDockWidget,
        optional_height: Callable[[], int],
    ):
        """
        Args:
            upper: has a list that takes the free room. lower: tabs below it. bottom: below the canvas.
            optional_height: pixels of what is seen in the upper one and goes first where there is not room for all.
        """
        super().__init__(window)
        self._window, self._upper, self._lower, self._bottom = window, upper, lower, bottom
        self._optional_height = optional_height
        self._store = QSettings()
        self._fits_screen = self._store.value(_SCREEN) == self._screen
        self._is_divided = self._fits_screen and self._store.value(_DIVIDED, False, bool)  # by the person
        self._bottom_height = -1  # as made here
        self._hidden: QByteArray | None = None  # the state of the docks while none is seen
        self._pressed: tuple[int, int] | None = None  # heights of upper and lower, when the pointer was pressed
        self.is_settled = False
        window.installEventFilter(self)  # the borders between docks are the window's own

    @property
    def _screen(self) -> QSize:
        return self._window.screen().availableSize()

    def restore(self) -> None:
        """Take up what was stored, if anything was."""
        for key, restore in ((_GEOMETRY, self._window.restoreGeometry), (_STATE, self._window.restoreState)):
            value = self._store.value(key)
            if isinstance(value, QByteArray) and (key == _STATE or self._fits_screen):
                restore(value)

    def store(self) -> None:
        """The window's geometry, and the state of its docks."""
        self._store.setValue(_GEOMETRY, self._window.saveGeometry())
        self._store.setValue(_STATE, self._window.saveState() if self._hidden is None else self._hidden)
        self._store.setValue(_SCREEN, self._screen)
        self._store.setValue(_DIVIDED, self._is_divided)

    def show(self, is_open: bool) -> None:
        """Panels and tools, as the person arranged them; none while nothing is open."""
        hidden, window = self._hidden, self._window
        if is_open == (hidden is None):
            return
        parts = [*window.findChildren(QDockWidget), *window.findChildren(QToolBar)]
        for tabs in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            # Qt leaves those of hidden panels where they are, and the tab key would find them.
            tabs.setFocusPolicy(Qt.FocusPolicy.TabFocus if is_open else Qt.FocusPolicy.NoFocus)
        if hidden is not None:
            for part in parts:
                part.show()
            window.restoreState(hidden)
            self._hidden = None
            self._on_shown()
        else:
            self._hidden = window.saveState()
            for part in parts:
                part.hide()

    def _on_shown(self) -> None:
        """The docks are seen, in the state that was restored."""
        self._widen_for_tabs()
        if self._fits_screen:
            return
        self._fits_screen = True
        window = self._window
        window.resizeDocks([self._upper], [self._upper.minimumSizeHint().width()], Qt.Orientation.Horizontal)
        window.resizeDocks([self._bottom], [self._bottom.minimumSizeHint().height()], Qt.Orientation.Vertical)
        QTimer.singleShot(0, window, self.share_height)  # laid out by then

    def fit_bottom(self) -> None:
        """The dock at the bottom gets what it asks for, in a window that is high enough, unless the person has given it
        another height that is no less."""
        bottom, now = self._bottom, self._bottom.height()
        least, wanted = bottom.minimumSizeHint().height(), bottom.sizeHint().height()
        if bottom.isFloating() or not bottom.isVisible() or self._window.height() < _HIGH:
            return
        if now < wanted or now == self._bottom_height:
            self._bottom_height = max(least, wanted)
            self._window.resizeDocks([bottom], [self._bottom_height], Qt.Orientation.Vertical)

    def share_soon(self) -> None:
        """Share the height of the column when the docks are laid out."""
        if self._hidden is None:
            QTimer.singleShot(0, self._window, self.share_height)

    def share_height(self, tries: int = 2) -> None:
        """The lower docks get what they need, if there is room; the list above takes the rest.

        Args:
            tries: how often to try again where Qt takes it back.
        """
        lower = self._seen_below
        if lower is None or self._is_divided or self._pressed is not None:
            return
        total = self._upper.height() + lower.height()
        wanted, below = min(_wanted_height(self._upper), round(_LIST_SHARE * total)), _wanted_height(lower)
        if wanted + below > total:
            wanted -= self._optional_height()
        most = total - max(self._upper.minimumSizeHint().height(), wanted)
        high = max(min(below, most), lower.minimumSizeHint().height())
        if high != lower.height():
            docks = [self._upper, lower]
            self._window.resizeDocks(docks, [total - high, high], Qt.Orientation.Vertical)
        self.is_settled = False
        QTimer.singleShot(0, self._window, lambda: self._look_again(high, tries))  # laid out by then

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A border that is dragged: Qt moves it for reasons of its own, too, as where a panel wants more room."""
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            lower, before = self._seen_below, self._pressed
            now = None if lower is None else (self._upper.height(), lower.height())
            is_press = event.type() == QEvent.Type.MouseButtonPress
            self._pressed = now if is_press else None
            if not is_press and before is not None and now is not None and now != before and sum(now) == sum(before):
                self._is_divided = True
            elif not is_press:
                self.share_soon()  # what was asked for meanwhile
        return False

    def _look_again(self, high: int, tries: int) -> None:
        """Shortly after a state was restored, Qt takes that up again whenever the window changes its size."""
        lower = self._seen_below
        if lower is not None and lower.height() != high and tries:
            QTimer.singleShot(_SETTLED_MS, self._window, lambda: self.share_height(tries - 1))
        elif lower is not None:
            self.is_settled = True

    @property
    def _seen_below(self) -> QDockWidget | None:
        """The tab in front; None: the column is not as it is at first."""
        window, upper = self._window, self._upper
        if upper.isFloating() or not upper.isVisible():
            return None
        for dock in self._lower:
            is_here = not dock.isFloating() and window.dockWidgetArea(dock) == window.dockWidgetArea(upper)
            in_front = is_here and not dock.visibleRegion().isEmpty() and dock.x() == upper.x()
            if in_front and dock.y() > upper.y():
                return dock
        return None

    def _widen_for_tabs(self) -> None:
        """A column that is too narrow for the names of its tabs would cut all of them."""
        for bar in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            texts = {bar.tabText(index) for index in range(bar.count())}
            if self._lower[0].windowTitle() in texts:
                panel = self._lower[0].widget()
                panel.setMinimumWidth(max(panel.minimumSizeHint().width(), bar.sizeHint().width() + _TEXT_ROOM))


def _wanted_height(dock: QDockWidget) -> int:
    """With all that is in it; the dock itself learns of a change only later."""
    for scroll in dock.widget().findChildren(Scroll):
        scroll.updateGeometry()  # how its texts are broken may have changed
    return dock.titleBarWidget().height() + dock.widget().sizeHint().height() + _SLACK
