"""Places of projects: where that of some footage lies, or goes (beside the footage, or in the user's data folder), and
putting it there."""

import errno
import hashlib
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from core.errors import PCVOSError
from core.files import disk_error
from core.project.database import SQLITE_ERRORS, WriteLock, beside, write_error
from core.project.model import FootageReference
from core.project.store import Store, read_footage

SUFFIX = ".pcvos"
_LONGEST_STEM = 100  # characters
_NUMBERED = r"(?:-recovered)?(?:-\d+)?"
# The longest that is added to a stem, while a file is being made or recovered. File systems count bytes.
_ENDING = f"-99{SUFFIX}-new-journal"
_RECOVERED = "-recovered"
_RECOVERED_ENDING = f"{_RECOVERED}-99{SUFFIX}-part-new-journal"


def find_project(footage: FootageReference) -> Path | None:
    """The project of this footage, or None.

    A project belongs to the footage if it says the same fingerprint, or else the same path (the footage was changed).
    If there is none, but one that cannot be read has the right name, then that: it should be recovered, not made anew.
    """
    same_path, unreadable = [], []
    for path in (*_projects_beside(footage), *_projects_of_user(footage)):
        try:
            reference = read_footage(path)
        except PCVOSError:
            unreadable.append(path)
            continue
        if reference is None:
            continue
        if reference.fingerprint == footage.fingerprint:
            return path
        if reference.path == footage.path:
            same_path.append(path)
    return next(iter(same_path + unreadable), None)


def new_project(footage: FootageReference) -> Path:
    """Place of a new project of this footage: `clip.pcvos` beside `clip.mp4`, `frames.pcvos` beside the folder
    `frames`; with a number if that name is taken. If that folder cannot be written: in the user's data folder.
    """
    place = _beside(footage)
    if not os.access(place.parent, os.W_OK | os.X_OK):
        return new_project_for_user(footage)
    return next(free_names(place))


def new_project_for_user(footage: FootageReference) -> Path:
    """Its place if it cannot lie beside the footage. The name holds a hash of the footage's path: no clashes."""
    return next(free_names(_in_user_folder(footage)))


def projects_of_user(footage: FootageReference) -> list[Path]:
    """Projects of the footage at this path that lie in the user's data folder, the one changed last first."""
    return sorted(_projects_of_user(footage), key=_changed, reverse=True)


def place_for_recovered(project: Path, folder: Path) -> Path:
    """Place for what can be read of a damaged project: `NAME-recovered.pcvos` in `folder`, or with a number."""
    stem = _cut(project.stem, folder, _RECOVERED_ENDING)
    return next(free_names(folder / f"{stem}{_RECOVERED}{SUFFIX}"))


def _changed(path: Path) -> float:
    times = [0.0]
    for file in beside(path):
        with suppress(OSError):
            times.append(file.stat().st_mtime)
    return max(times)


def free_names(path: Path) -> Iterator[Path]:
    """`path` and then `-2`, `-3` ... added to its stem, as far as they are not taken."""
    for number in itertools.count(1):
        candidate = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        _, *logs = beside(candidate)  # empty ones are left where a project was only read, and hold nothing
        if not os.path.exists(candidate) and not any(os.path.exists(log) and os.path.getsize(log) for log in logs):
            yield candidate


def _stem(footage: FootageReference) -> str:
    path = footage.path
    return (path.name if os.path.isdir(path) else path.stem)[:_LONGEST_STEM]


def _beside(footage: FootageReference) -> Path:
    folder = footage.path.parent
    return folder / (_cut(_stem(footage), folder, _ENDING) + SUFFIX)


def _cut(stem: str, folder: Path, ending: str) -> str:
    """The beginning of `stem` that leaves room for `ending` in the name of a file in `folder`."""
    room = _longest_name(folder) - len(os.fsencode(ending))
    while len(os.fsencode(stem)) > room and len(stem) > 1:
        stem = stem[:-1]
    return stem


def _longest_name(folder: Path) -> int:
    """Bytes that a name can have there; encrypted folders take as few as 143."""
    place = next((place for place in (folder, *folder.parents) if os.path.isdir(place)), Path("/"))
    try:
        return min(os.pathconf(place, "PC_NAME_MAX"), 255)
    except (OSError, ValueError, AttributeError):  # Windows has none, and counts 255 units of at most three bytes
        return 255


def user_folder() -> Path:
    """Folder for projects that cannot lie beside their footage."""
    return platformdirs.user_data_path("pcvos-studio", appauthor=False) / "projects"


def shown_name(project: Path) -> str:
    """The file's name as a person knows it: without the hash that it has in the user's data folder."""
    if project.parent != user_folder():
        return project.name
    return re.sub(r"-[0-9a-f]{10}(?=\D)", "", project.name, count=1)


def _digest(footage: FootageReference) -> str:
    return hashlib.sha256(os.fsencode(footage.path)).hexdigest()[:10]


def _in_user_folder(footage: FootageReference) -> Path:
    folder, digest = user_folder(), _digest(footage)
    return folder / f"{_cut(_stem(footage), folder, f'-{digest}{_ENDING}')}-{digest}{SUFFIX}"


def _projects_beside(footage: FootageReference) -> list[Path]:
    """Files beside the footage that are named as a project of it is, or was in earlier versions."""
    folder, stem = footage.path.parent, _stem(footage)
    stems = {stem, _cut(stem, folder, _ENDING), _cut(_cut(stem, folder, _ENDING), folder, _RECOVERED_ENDING)}
    return _named(folder, "|".join(map(re.escape, stems)))


def _projects_of_user(footage: FootageReference) -> list[Path]:
    """Files in the user's data folder that are named as a project of footage at this path is."""
    return _named(user_folder(), f".*-{_digest(footage)}")


def _named(folder: Path, stem: str) -> list[Path]:
    """Files whose stem matches, with or without a number, the shortest name first."""
    pattern = re.compile(f"(?:{stem}){_NUMBERED}{re.escape(SUFFIX)}", re.DOTALL)
    try:
        names = [name for name in os.listdir(folder) if pattern.fullmatch(name)]
    except OSError:
        return []
    paths = (folder / name for name in sorted(names, key=lambda name: (len(name), name)))
    return [path for path in paths if os.path.isfile(path)]


# making the file


def make_file(wanted: Path, footage: FootageReference) -> tuple[Store, WriteLock]:
    """A new project file and the right to write it; its `path` says where it is.

    That is `wanted`, or the next free name if somebody was faster, or in the user's data folder if it cannot be there.

    Raises:
        PCVOSError, OSError: there is no such place, or the disk is full; nothing is left behind.
    """
    try:
        return _make_beside(wanted, footage)
    except (PermissionError, NotADirectoryError):
        return _make_beside(new_project_for_user(footage), footage)


def _make_beside(wanted: Path, footage: FootageReference) -> tuple[Store, WriteLock]:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for path in free_names(wanted):
        lock = WriteLock(path)
        if lock.by_other:  # somebody is just about to take this name
            continue
        try:
            if lock.refusal is not None:
                raise PermissionError(errno.EACCES, "no permission")
            return Store.create(path, footage), lock
        except SQLITE_ERRORS as error:
            lock.release()
            raise write_error(error, path) from error
        except BaseException:
            lock.release()
            raise
    raise AssertionError("there is always another name")


def replace_file(path: Path, new: Path) -> None:
    """Put the closed project `new` in the place of the one at `path`, in the same folder.

    Raises:
        PCVOSError: that is open elsewhere or cannot be replaced. It is as it was then, and `new` is gone.
    """
    lock, aside = WriteLock(path), {file: Path(f"{file}-old") for file in beside(path)}
    try:
        if lock.refusal is not None:
            raise PCVOSError(f"{lock.refusal} It cannot be replaced.")
        # All of the old one goes first: SQLite would take its log for the new one's.
        for file, old in aside.items():
            if file.exists():
                file.replace(old)
        new.replace(path)
    except BaseException as error:
        for file, old in aside.items():
            if old.exists() and not file.exists():
                old.replace(file)
        new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_error(error, path) from error
        raise
    finally:
        lock.release()
    for old in (*aside.values(), Path(f"{path}-shm")):  # that one holds no data
        with suppress(OSError):
            old.unlink()
