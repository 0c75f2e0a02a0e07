"""The errors a person is meant to read.

Each carries one sentence: what went wrong, where, and what to do about it, in words that hold everywhere. The window
shows it where the eye is; the terminal prints it, with the options that help (`core.commands.hints`).
"""

from typing import Any


class PCVOSError(Exception):
    """Input or a setting that cannot be used (exit code 2).

    Attributes:
        code: which error it is, for whoever has more to say about it; "" where nobody has.
        fields: what a hint may name, by name.
    """

    exit_code = 2

    def __init__(self, sentence: str = "", code: str = "", **fields: Any):
        super().__init__(sentence)
        self.code, self.fields = code, fields


class ResourceError(PCVOSError):
    """Memory or disk ran out (exit code 1)."""

    exit_code = 1
