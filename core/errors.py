"""The errors a person is meant to read.

Each carries one sentence: what went wrong, where, and what to do about it. The window shows it where the eye is; the
terminal prints it, or `command` where an option of a command is what helps, and leaves with `exit_code`.
"""


class PCVOSError(Exception):
    """Input or a setting that cannot be used (exit code 2).

    Attributes:
        command: the sentence for the terminal; it may name options, which the window does not have.
    """

    exit_code = 2

    def __init__(self, sentence: str = "", *, command: str | None = None):
        super().__init__(sentence)
        self.command = sentence if command is None else command


class ResourceError(PCVOSError):
    """Memory or disk ran out (exit code 1)."""

    exit_code = 1
