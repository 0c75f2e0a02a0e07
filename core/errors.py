"""The errors a person is meant to read.

Each carries one sentence: what went wrong, where, and what to do about it. The terminal prints it as it is and leaves
with `exit_code`; the window shows it where the eye is.
"""


class PCVOSError(Exception):
    """Input or a setting that cannot be used (exit code 2)."""

    exit_code = 2


class ResourceError(PCVOSError):
    """Memory or disk ran out (exit code 1)."""

    exit_code = 1
