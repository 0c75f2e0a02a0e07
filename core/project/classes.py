"""Classes of objects: those that a project knows, and lists of them in text files, one a line."""

from collections.abc import Iterable
from pathlib import Path

from core.errors import PCVOSError
from core.project.model import ObjectInfo

_LONGEST_FILE = 2**20  # bytes
_LONGEST = 200  # characters of a class
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def clean_class(text: str) -> str:
    """A class as a person wrote it: without spaces around it and control characters, "" if nothing is left."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_LONGEST]


def known_classes(listed: Iterable[str], objects: Iterable[ObjectInfo]) -> tuple[str, ...]:
    """Classes of the list, in its order, then others that objects have, in the order of their ids."""
    used = [info.class_name for info in sorted(objects, key=lambda info: info.id) if info.class_name]
    return tuple(dict.fromkeys([*listed, *used]))


def read_class_list(path: Path) -> tuple[str, ...]:
    """The classes in a text file, one a line; empty lines and those that are there already are passed over.

    Raises:
        PCVOSError: it cannot be read, is no text, or has no line with a class.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise PCVOSError(f"{path} cannot be read: {error.strerror or error}.") from error
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        if len(data) > _LONGEST_FILE or (encoding == "utf-8" and b"\0" in data):
            raise ValueError("not a list of names")
        lines = data.decode(encoding).splitlines()
    except ValueError as error:
        raise PCVOSError(f"{path} is no list of classes: give a text file (UTF-8) with one class a line.") from error
    names = tuple(dict.fromkeys(name for name in map(clean_class, lines) if name))
    if not names:
        raise PCVOSError(f"{path} holds no class: give a text file with one class a line.")
    return names
