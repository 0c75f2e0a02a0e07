"""How far something is, told to whoever wants to know while it goes on."""

from collections.abc import Callable

Tell = Callable[[int, int], None]
"""Takes how much is done, and of how much. What it raises ends the work: so it is cancelled."""


def tell_nobody(done: int, total: int) -> None:
    """Where nobody wants to know."""


def part(tell: Tell, number: int, count: int) -> Tell:
    """Tells what is done of one part, from 0, of `count` that take about as long each."""
    return lambda done, total: tell(number * total + done, count * total)
