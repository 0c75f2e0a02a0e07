"""What the program has to say: never in a dialog while work goes on, and it stays until it is read if it matters."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class MessageAction:
    """A button beside a message."""

    text: str
    run: Callable[[], None]


@dataclass(frozen=True)
class Message:
    """One sentence for the person.

    Attributes:
        level: "info" goes by itself; "warning" and "error" stay until they are closed.
        key: a message with the same key takes the place of this one; "" for none.
    """

    text: str
    level: str = "info"
    actions: tuple[MessageAction, ...] = ()
    key: str = ""
