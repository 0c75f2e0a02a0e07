"""The options of a format, declared so that a dialog and the command line can both be made from it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from core.errors import PCVOSError

Value = int | float | bool | str
"""The type of an option's value: by its kind int, float, bool, or for a choice its str."""

_TRUE, _FALSE = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


@dataclass(frozen=True)
class Option:
    """One thing to choose.

    Attributes:
        name: what it is called on the command line: lower-case letters, digits and dashes.
        label: what it is called in a dialog.
        kind: what its value is.
        default: a value of that kind.
        minimum, maximum: the range of a number, inclusive; None: no limit.
        step: by how much a dialog changes a number; None: as it likes.
        unit: of a number, e.g. "pixels".
        choices: of a choice, (value, label) each.
        lowest: what the minimum of a number is called in a dialog, if it stands for something else; "": nothing.
        help: one sentence.
    """

    name: str
    label: str
    kind: Literal["int", "float", "bool", "choice"]
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    lowest: str = ""
    help: str = ""

    def parse(self, text: str) -> Value:
        """The value that a person wrote; PCVOSError if it cannot be one."""
        try:
            match self.kind:
                case "int":
                    return self.checked(int(text))
                case "float":
                    return self.checked(float(text))
                case "bool":
                    return self.checked({**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[text.lower()])
                case "choice":
                    return self.checked(text)
        except (ValueError, KeyError) as error:
            raise self._refused(text) from error

    def checked(self, value: Value) -> Value:
        """`value`, if it can be one of this option; else PCVOSError. An int will do for a float."""
        if self.kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if self.kind == "choice":
            good = value in [choice for choice, _ in self.choices]
        elif self.kind == "bool":
            good = isinstance(value, bool)
        else:
            good = not isinstance(value, str) and type(value).__name__ == self.kind and self._in_range(value)
        if not good:
            raise self._refused(str(value))
        return value

    def _in_range(self, value: float) -> bool:
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return math.isfinite(value) and low <= value <= high

    @property
    def range(self) -> str:
        """The possible values, in words."""
        if self.kind == "choice":
            return ", ".join(choice for choice, _ in self.choices)
        if self.kind == "bool":
            return "yes or no"
        number = "a whole number" if self.kind == "int" else "a number"
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}{unit}"
        if self.minimum is not None:
            return f"{number} from {self.minimum:g}{unit}"
        return f"{number} up to {self.maximum:g}{unit}" if self.maximum is not None else f"{number}{unit}"

    def _refused(self, text: str) -> PCVOSError:
        return PCVOSError(f"The option {self.name} cannot be {text}: it is {self.range}.")


def resolve(options: Iterable[Option], given: Mapping[str, Value], of: str) -> Mapping[str, Value]:
    """The value of every option: what is given, checked, or else its default.

    Args:
        of: the name of the format, for messages.

    Raises:
        PCVOSError: an option that there is not, or a value that it cannot have.
    """
    by_name = {option.name: option for option in options}
    for name in given:
        if name not in by_name:
            names = f"its options are {', '.join(by_name)}" if by_name else "it has none"
            raise PCVOSError(f"The format {of} has no option {name}: {names}.")
    return MappingProxyType(
        {name: option.checked(given[name]) if name in given else option.default for name, option in by_name.items()}
    )


def parse_options(options: Iterable[Option], texts: Iterable[str], of: str) -> dict[str, Value]:
    """Values from the command line's `name=value`s; raises as `resolve` does."""
    by_name = {option.name: option for option in options}
    given: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise PCVOSError(f"{text} is no option: write name=value.")
        if name not in by_name:
            resolve(by_name.values(), {name: value}, of)  # says which there are
        given[name] = by_name[name].parse(value)
    return given
