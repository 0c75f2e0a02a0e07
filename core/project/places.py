"""Where the project of some footage lies, or goes: beside the footage, or in the user's data folder."""

import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from core.errors import PCVOSError
from core.project.connecting import beside
from core.project.examining import read_footage
from core.project.model import FootageReference

SUFFIX = ".pcvos"
_LONGEST_STEM = 100  # characters; with numbers and endings the name stays below what file systems take
_NUMBERED = r"(?:-recovered)?(?:-\d+)?"


def find_project(footage: FootageReference) -> Path | None:
    """The project of this footage, or None.

    A project belongs to the footage if it says the same fingerprint, or else the same path (the footage was changed).
    If there is none, but one that cannot be read has the right name, then that: it should be recovered, not made anew.
    """
    same_path, unreadable = [], []
    for place in (_beside(footage), _in_user_folder(footage)):
        for path in _like(place):
            try:
                found = read_footage(path)
            except PCVOSError:
                unreadable.append(path)
                continue
            if found is None:
                continue
            if found.fingerprint == footage.fingerprint:
                return path
            if found.path == footage.path:
                same_path.append(path)
    return next(iter(same_path + unreadable), None)


def new_project(footage: FootageReference) -> Path:
    """Where a new project of this footage goes: `clip.pcvos` beside `clip.mp4`, `frames.pcvos` beside the folder
    `frames`; with a number if that name is taken. If that folder cannot be written: in the user's data folder.
    """
    place = _beside(footage)
    if not os.access(place.parent, os.W_OK | os.X_OK):
        return new_project_for_user(footage)
    return next(free_names(place))


def new_project_for_user(footage: FootageReference) -> Path:
    """Where it goes if it cannot lie beside the footage. The name holds a hash of the footage's path: no clashes."""
    return next(free_names(_in_user_folder(footage)))


def projects_of_user(footage: FootageReference) -> list[Path]:
    """Projects of the footage at this path that lie in the user's data folder, the one changed last first."""
    return sorted(_like(_in_user_folder(footage)), key=_changed, reverse=True)


def _changed(path: Path) -> float:
    return max(file.stat().st_mtime for file in beside(path) if file.exists())


def free_names(path: Path) -> Iterator[Path]:
    """`path` and then `-2`, `-3` ... added to its stem, as far as they are not taken."""
    for number in itertools.count(1):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        if not any(file.exists() for file in beside(candidate)):
            yield candidate


def _beside(footage: FootageReference) -> Path:
    path = footage.path
    stem = path.name if path.is_dir() else path.stem
    return path.parent / (stem[:_LONGEST_STEM] + SUFFIX)


def user_folder() -> Path:
    """Where projects go that cannot lie beside their footage."""
    return platformdirs.user_data_path("pcvos-studio", appauthor=False) / "projects"


def shown_name(project: Path) -> str:
    """The file's name as a person knows it: without the hash that it has in the user's data folder."""
    if project.parent != user_folder():
        return project.name
    return re.sub(r"-[0-9a-f]{10}(?=\D)", "", project.name, count=1)


def _in_user_folder(footage: FootageReference) -> Path:
    digest = hashlib.sha256(os.fsencode(footage.path)).hexdigest()[:10]
    place = _beside(footage)
    return user_folder() / f"{place.stem}-{digest}{SUFFIX}"


def _like(place: Path) -> list[Path]:
    """Files named like `place`, with or without a number, that one first."""
    pattern = re.compile(re.escape(place.stem) + _NUMBERED + re.escape(SUFFIX))
    try:
        names = [name for name in os.listdir(place.parent) if pattern.fullmatch(name)]
    except OSError:
        return []
    paths = (place.parent / name for name in sorted(names, key=lambda name: (len(name), name)))
    return [path for path in paths if path.is_file()]
