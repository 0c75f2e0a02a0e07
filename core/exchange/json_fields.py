"""JSON from elsewhere, read with care: what is not as it should be ends in a sentence that names file and field."""

import json
from pathlib import Path
from typing import Any

from core.errors import PCVOSError

_WORDS = {list: "a list", dict: "an object", str: "a text", int: "a whole number", float: "a number"}


class Node:
    """A value inside a JSON file, and where it is.

    Attributes:
        value: what `json` makes of it. file: for messages. where: its place there, e.g. "annotations[3].bbox".
    """

    def __init__(self, value: Any, file: Path | str, where: str = ""):
        self.value, self.file, self.where = value, file, where

    @classmethod
    def load(cls, path: Path) -> "Node":
        """The whole of a file, which must be an object ({...}); PCVOSError if it cannot be read or is no JSON."""
        try:
            value = json.loads(path.read_bytes())
        except OSError as error:
            raise PCVOSError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, RecursionError) as error:
            raise PCVOSError(f"{path} is no JSON, or is cut short: {error}.") from error
        return cls(value, path).expect(dict)

    def expect(self, *kinds: type) -> "Node":
        """Itself, if its value is of one of these kinds; an int will do for a float."""
        value = self.value
        good = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
        if not good or isinstance(value, bool):
            raise self.wrong(f"is not {' or '.join(_WORDS[kind] for kind in kinds)}")
        return self

    def at(self, key: str, *kinds: type) -> "Node":
        """The member of this name; PCVOSError if it is missing or of another kind (without any: of whatever kind)."""
        self.expect(dict)
        where = f"{self.where}.{key}" if self.where else key
        if key not in self.value:
            raise Node(None, self.file, where).wrong("is missing")
        node = Node(self.value[key], self.file, where)
        return node.expect(*kinds) if kinds else node

    def get(self, key: str, *kinds: type) -> Any:
        """The value of a member that may be missing: then, and if it is null, None."""
        if self.expect(dict).value.get(key) is None:
            return None
        return self.at(key, *kinds).value

    def items(self, *kinds: type) -> list["Node"]:
        """The values of a list, all of one of these kinds; without any: of whatever kind."""
        nodes = [Node(value, self.file, f"{self.where}[{i}]") for i, value in enumerate(self.expect(list).value)]
        return [node.expect(*kinds) for node in nodes] if kinds else nodes

    def members(self, *kinds: type) -> dict[str, "Node"]:
        """The members of an object, all of one of these kinds."""
        return {key: self.at(key, *kinds) for key in self.expect(dict).value}

    def wrong(self, what: str) -> PCVOSError:
        """The sentence that `what` is wrong with this field."""
        return PCVOSError(f"{self} {what}.")

    def __str__(self) -> str:
        return f"{self.file}: {self.where or 'the whole'}"
