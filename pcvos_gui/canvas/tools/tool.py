"""The interface of all tools."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtWidgets import QGraphicsItem

from pcvos_gui.session.session import Session
from pcvos_gui.session.view_state import ViewState


@dataclass(frozen=True)
class Pointer:
    """The pointer's place, and how it is held.

    Attributes:
        x, y: in pixels of the frame from its upper left corner, also outside of it; the first pixel's middle is at 0.5.
        inverted: pressed with the right button, with Alt, or with a pen's eraser: the tool does its opposite.
        pressure: of a pen, 0 to 1; 1 for a mouse.
        unit: size of one of the screen's (Qt's) pixels, in pixels of the frame, along their shorter side.
        is_eraser: it is a pen's eraser.
    """

    x: float
    y: float
    inverted: bool = False
    shift: bool = False
    pressure: float = 1.0
    unit: float = 1.0
    is_eraser: bool = False

    @property
    def point(self) -> tuple[float, float]:
        return self.x, self.y


@dataclass(frozen=True)
class Offer:
    """The actions on unfinished work, for buttons below the picture.

    Attributes:
        accept, drop: words for Enter and Esc. can_accept, can_go_back: whether Enter and Backspace do something.
    """

    accept: str
    drop: str
    can_accept: bool = True
    can_go_back: bool = True


class CanvasTool(QObject):
    """A tool; what it changes, it changes through the session.

    Between `press` and `release` there is a stroke in the making; some tools have more that is unfinished (the points
    of a polygon, a proposed mask). `settle` finishes that where it can, and is called before the active object or the
    tool changes; `hold` before the frame does. Nothing a person made is lost without their say.

    Attributes:
        is_in_hand: the canvas says so.
        items: what it shows in the scene.
        pans: the view moves instead of calling it.
    """

    changed = Signal()  # hint, cursor or `hides_active`

    pans = False

    def __init__(self, session: Session, view_state: ViewState, parent: QObject | None = None):
        super().__init__(parent)
        self.session, self.view_state = session, view_state
        self.items: tuple[QGraphicsItem, ...] = ()
        self.is_in_hand = False

    @property
    def cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor

    @property
    def has_brush(self) -> bool:
        """Whether the pointer is a ring of the brush's size."""
        return False

    @property
    def hides_active(self) -> bool:
        """Whether the active object's mask is not shown, because something is shown in its place."""
        return False

    @property
    def hint(self) -> str:
        """The next step, for the status line."""
        return ""

    @property
    def is_busy(self) -> bool:
        """Whether something is unfinished: Enter, Esc and Backspace are the tool's."""
        return False

    @property
    def offer(self) -> Offer | None:
        """The actions on unfinished work; None while there is nothing, or a button is down."""
        return None

    # pointer

    def press(self, pointer: Pointer) -> None:
        """A button goes down."""

    def move(self, pointer: Pointer) -> None:
        """The pointer moves while the button is down."""

    def release(self, pointer: Pointer) -> None:
        """The button goes up."""

    def double_click(self, pointer: Pointer) -> None:
        """The button goes down for the second time at once."""
        self.press(pointer)

    def hover(self, pointer: Pointer) -> None:
        """The pointer moves while no button is down."""

    def leave(self) -> None:
        """The pointer leaves the canvas."""

    # what is unfinished

    def accept(self) -> None:
        """Enter: make it so."""

    def drop(self) -> None:
        """Esc: forget it."""

    def back(self) -> None:
        """Backspace: take back the last step of what is unfinished."""

    def settle(self) -> None:
        """Something else comes: finish."""

    def hold(self) -> None:
        """Another frame comes: what can wait on this one does, the rest is finished."""
        self.settle()

    def take_up(self) -> None:
        """The tool is taken in hand."""

    def wants_key(self, key: int) -> bool:
        """Whether a key is this tool's at the moment, and nobody's shortcut."""
        return self.is_busy and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Backspace)

    def key(self, key: int) -> bool:
        """A key goes down; False: it is not for the tool."""
        if not self.wants_key(key):
            return False
        if key == Qt.Key.Key_Escape:
            self.drop()
        elif key == Qt.Key.Key_Backspace:
            self.back()
        else:
            self.accept()
        return True

    # help

    def tell(self, rect: tuple[int, int, int, int]) -> None:
        """Show what was painted inside (top, left, height, width)."""
        top, left, height, width = rect
        if height and width:
            self.session.labels_changed.emit(QRect(left, top, width, height))

    def brush_radius(self, pointer: Pointer) -> float:
        """Radius in pixels of the frame; a pen's pressure makes it smaller, down to a fifth."""
        return max(0.5, self.view_state.brush / 2 * (0.2 + 0.8 * pointer.pressure))

    def is_locked_at(self, pointer: Pointer) -> bool:
        """Whether what is pointed at is an object's that is locked, or done here (a message says so)."""
        session, column, row = self.session, int(pointer.x // 1), int(pointer.y // 1)
        height, width = session.navigator.size
        if pointer.inverted or not session.can_edit or not (0 <= row < height and 0 <= column < width):
            return False
        there = session.object(int(session.shown_labels[row, column]))
        if there is None or there.id == session.active:
            return False
        frame, project = session.navigator.shown, session.document.project
        if there.locked:
            text = self.tr("These pixels are of {}, which is locked: unlock it in the list of objects to take them.")
            holds = lambda: getattr(session.object(there.id), "locked", False)  # noqa: E731
        elif there.id in project.done_on(frame):
            text = self.tr("These pixels are of {}, which is done on this frame: open it again to take them.")
            holds = lambda: session.navigator.frame == frame and there.id in project.done_on(frame)  # noqa: E731
        else:
            return False
        session.messages.say(text.format(there.name), "warning", key="locked", holds=holds)
        return True
