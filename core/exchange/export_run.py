"""Carrying out an export, for the window and the command alike: all of it, or nothing.

It is written into a hidden folder beside the target (inside, if the target is a folder that is there), and renamed when
it is complete. The hidden folder holds a lock that the system releases when its process ends: so the next export knows
what a killed one has left, and removes it.
"""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import PCVOSError, ResourceError
from core.exchange.exporter import Exporter, ExportRequest, check_processed
from core.files import disk_error
from core.progress import UNWATCHED, Progress

_ENDING = ".pcvos-export"
_LOCK = "lock"
_UNLOCKED = 60.0  # seconds
_NAMED = 3  # existing files that a message names

_logger = logging.getLogger(__name__)


def run_export(
    exporter: Exporter, request: ExportRequest, *, overwrite: bool = False, progress: Progress = UNWATCHED
) -> None:
    """Write what `request` asks for. Cancelling, an error or a kill before the end leaves the target as it was.

    Args:
        overwrite: replace existing files of the same names; others in a folder are left alone.
        progress: in frames.

    Raises:
        PCVOSError: files exist, something was never processed (see `check_processed`), or the place or the request
            cannot be used. ResourceError: too little space. Cancelled: it is not wanted any more.
    """
    try:
        exporter.check(request)
        check_processed(request)
        check_target(exporter, request, overwrite=overwrite)
        target = request.target
        with _made_folders(target.parent):
            home = target if exporter.target == "folder" and target.is_dir() else target.parent
            sweep(home)
            check_space(home, exporter.estimate(request), target)
            with _workplace(home, target.name) as folder, _named(folder, home):
                place = folder / target.name
                if exporter.target == "folder":
                    place.mkdir()
                # every format writes in a generator, which can be closed
                with closing(exporter.write(request, place)) as frames:  # type: ignore[type-var]
                    for done in frames:
                        progress.say(done, len(request.frames))
                check_target(exporter, request, overwrite=overwrite)  # somebody may have been faster
                _put_in_place(exporter, request, place)
    except OSError as error:
        raise disk_error(error, request.target) from error


def existing_files(exporter: Exporter, request: ExportRequest) -> list[Path]:
    """The files that an export would replace."""
    if exporter.target == "file":
        names = (request.target.name, *exporter.beside(request))
        return [path for name in names if os.path.lexists(path := request.target.with_name(name))]
    if not request.target.is_dir():
        return []
    return [path for name in exporter.files(request) if os.path.lexists(path := request.target / name)]


def check_target(exporter: Exporter, request: ExportRequest, *, overwrite: bool) -> None:
    """Raise PCVOSError if the target is of the wrong kind, or would replace files unasked, or the footage at all."""
    target = request.target
    if exporter.target == "file" and target.is_dir():
        raise PCVOSError(f"{target} is a folder: give {exporter.label} the name of a file.")
    if exporter.target == "folder" and target.exists() and not target.is_dir():
        raise PCVOSError(f"{target} is a file: give {exporter.label} a folder.")
    _spare_sources(exporter, request)
    existing = existing_files(exporter, request)
    if existing and not overwrite:
        where = target.parent if exporter.target == "file" else target
        names = ", ".join(str(path.relative_to(where)) for path in existing[:_NAMED])
        more = f" and {len(existing) - _NAMED} more" if len(existing) > _NAMED else ""
        verb = "exists" if len(existing) == 1 else "exist"
        what = f"{names}{more} {verb} already in {where}"
        raise PCVOSError(f"{what}: choose another place, or have it replaced.", "exists")
    if blocked := next((path for path in existing if path.is_dir() and not path.is_symlink()), None):
        raise PCVOSError(f"{blocked} is a folder where a file is to go: choose another place.")


def check_space(folder: Path, needed: int, target: Path) -> None:
    """Raise ResourceError unless so many bytes are free in `folder`."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ResourceError(
            f"{target} will take about {size_in_words(needed)}, but only {size_in_words(free)} are free there: "
            "free some space, or choose another place."
        )


def size_in_words(size: float) -> str:
    """Bytes as a person reads them: 1.4 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def sweep(folder: Path) -> None:
    """Remove what killed exports have left in `folder`; those under way are left alone."""
    for left in folder.glob(f".*{_ENDING}"):
        lock = FileLock(left / _LOCK)
        try:
            if not Path(lock.lock_file).exists() and time.time() - left.stat().st_mtime < _UNLOCKED:
                continue  # just being made
            with lock.acquire(timeout=0):
                shutil.rmtree(left, ignore_errors=os.name == "nt")  # there, the lock itself is still open
            shutil.rmtree(left, ignore_errors=True)
        except (Timeout, OSError, NotImplementedError) as error:
            _logger.info("%s is left alone: %s", left, error)


def _spare_sources(exporter: Exporter, request: ExportRequest) -> None:
    """Neither the footage nor the project is ever replaced, asked or not, and no folder of images gets more of them."""
    target, footage = request.target, request.media.path.resolve()
    if exporter.target == "file":
        if target.resolve() in (footage, request.project.path.resolve()):
            raise PCVOSError(f"{target} is the footage or the project itself: choose another place.")
        return
    folders = {(target / name).parent for name in exporter.files(request)}
    if footage.is_dir() and any(folder.resolve() == footage for folder in folders):
        raise PCVOSError(f"{footage} is the footage itself, and the export would mix with it: choose another place.")


@contextmanager
def _made_folders(folder: Path) -> Iterator[None]:
    """`folder` made with all above it; those made here go away again if the block does not come to its end."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # somebody has put something in
            for place in missing:
                place.rmdir()
        raise


@contextmanager
def _workplace(home: Path, name: str) -> Iterator[Path]:
    """A hidden folder in `home`, locked, and gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix=f".{name[:40]}-", suffix=_ENDING, dir=home))
    lock = FileLock(folder / _LOCK, thread_local=False)
    try:
        try:
            lock.acquire(timeout=0)
        except NotImplementedError:  # a file system without locks: nobody can sweep it either
            _logger.info("No lock in %s", folder)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _named(folder: Path, home: Path) -> Iterator[None]:
    """Messages from the block about the hidden `folder` speak of `home`, where its content is to be."""
    try:
        yield
    except PCVOSError as error:
        error.args = (str(error).replace(str(folder), str(home)),)
        raise


def _put_in_place(exporter: Exporter, request: ExportRequest, place: Path) -> None:
    target = request.target
    if exporter.target == "file":
        _move_into(place.parent, [Path(name) for name in (*exporter.beside(request), target.name)], target.parent)
    elif not target.exists():
        os.rename(place, target)
    else:
        paths = [path for path in sorted(place.rglob("*")) if not path.is_dir() or not any(path.iterdir())]
        written = [path.relative_to(place) for path in paths]
        stale = set(existing_files(exporter, request)) - {target / path for path in written}
        _move_into(place, written, target)
        for path in stale:
            path.unlink(missing_ok=True)


def _move_into(place: Path, files: list[Path], target: Path) -> None:
    """Move files, and empty folders, into a folder that is there. If one cannot be moved, those that are new there go
    away again."""
    new: list[Path] = []
    try:
        for file in files:
            goal = target / file
            for folder in reversed([f for f in goal.parents if target in f.parents and not f.exists()]):
                folder.mkdir()
                new.append(folder)
            was_there = os.path.lexists(goal)
            if (place / file).is_dir():
                goal.mkdir(exist_ok=True)
            else:
                os.replace(place / file, goal)
            if not was_there:
                new.append(goal)
    except BaseException:
        for path in reversed(new):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise
