"""Messages of the program: never in a dialog while work goes on, and it stays until it is read if it matters."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True)
class MessageAction:
    """A button beside a message."""

    text: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Message:
    """One sentence for the person. It goes with its project, and as soon as it no longer `holds`.

    Attributes:
        level: "info" goes by itself; "warning" and "error" stay until they are closed.
        key: a message with the same key takes the place of this one; "" for none.
        holds: whether what it is about is still so, e.g. that an object is locked; asked again whenever something
            changes. None: as long as the project is open.
        lasting: it is about the program, and not about what is open: only the person closes it.
    """

    text: str
    level: str = "info"
    actions: tuple[MessageAction, ...] = ()
    key: str = ""
    holds: Callable[[], bool] | None = None
    lasting: bool = False


class Messages(QObject):
    """Whoever has something to say says it here; the window shows it."""

    said = Signal(object)  # a Message

    def say(
        self,
        text: str,
        level: str = "info",
        actions: tuple[MessageAction, ...] = (),
        key: str = "",
        holds: Callable[[], bool] | None = None,
    ) -> None:
        """Say a sentence; the arguments are those of `Message`."""
        self.said.emit(Message(text, level, actions, key, holds))
