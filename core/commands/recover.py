"""`pcvos recover`: what can be read of a damaged project, in a new one."""

from collections.abc import Callable
from pathlib import Path

from core.commands.new import check_place
from core.project.recovery import recover


def recover_project(path: Path, output: Path | None, say: Callable[[str], None]) -> None:
    """Do what the window's recovery does; the last that is said is where the new project is.

    Raises:
        PCVOSError: nothing could be read, it is open elsewhere, or the new one cannot be there.
    """
    if output is not None:
        check_place(output)
    report = recover(path, target=output)
    say(report.summary)
    say(str(report.path))
