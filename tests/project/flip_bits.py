"""Flip bits of a project, open it and recover it; run as a process of its own, to see what it leaves on stderr.

Arguments: the project, the first and the last place and the step between places, and how many go by for one recovery.
Prints what became of it, one line a place, as JSON: place, bits, and what opening and recovering ended with.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from core.errors import PCVOSError
from core.project.project import Project
from core.project.recovery import recover


def opened(path: Path) -> str:
    try:
        with Project.open(path) as project:
            list(project.cells_in(0, project.footage.frames - 1))
            project.find_footage()
        return "opened"
    except PCVOSError as error:
        return type(error).__name__


def recovered(path: Path) -> str:
    try:
        report = recover(path)
        with Project.open(report.path):
            return f"{report.objects} objects, {report.cells} masks"
    except PCVOSError as error:
        return f"{type(error).__name__}: {error}"


def main(source: str, first: int, last: int, step: int, once_in: int) -> None:
    good = Path(source).read_bytes()
    for count, place in enumerate(range(first, last, step)):
        for bits in (1 << place % 8, 0xFF):
            folder = Path(tempfile.mkdtemp(dir=Path(source).parent))
            path = folder / "clip.pcvos"
            damaged = bytearray(good)
            damaged[place] ^= bits
            path.write_bytes(damaged)
            outcome = [place, bits, opened(path), None]
            if count % once_in == 0:
                path.write_bytes(damaged)
                outcome[3] = recovered(path)
            print(json.dumps(outcome))
            shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
