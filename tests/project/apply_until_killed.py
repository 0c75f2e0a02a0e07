"""A process for the tests to kill: applies one change after the other and prints the number of each that returned."""

import sys
from pathlib import Path

from project_files import FRAMES, footage, listing, painted, predicted, setting

from core.project.project import Project


def change_of(number: int):
    """Change `number` puts its number where it can be found again."""
    if number == 0:
        return listing([1, 2])
    cells = {(number % FRAMES, 1): painted(number, noisy=True)}
    cells |= {((number + i) % FRAMES, 2): predicted(number, number % 97 / 97, noisy=True) for i in range(number % 5)}
    return setting(cells)


def main() -> None:
    folder = Path(sys.argv[1])
    path = folder / "clip.pcvos"
    project = Project.open(path) if path.exists() else Project.new(footage(folder), path)
    for number in range(int(sys.argv[2]), 10**6):
        project.apply(change_of(number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
