"""Places that a propagation writes to: unusable ones are found before it begins, and no file of a person is lost."""

import os
from pathlib import Path

from core.commands.run_record import NAME
from core.errors import PCVOSError
from core.files import disk_error


def check_output(output: Path, footage: Path, masks: Path, *, resume: bool, overwrite: bool) -> None:
    """Make sure that the results can go to the folder `output`.

    Raises:
        PCVOSError: it is a file, not empty (without `resume` or `overwrite`), cannot be written, has no run to resume,
            or is where the footage or the masks lie.
    """
    if resume and overwrite:
        raise PCVOSError("--resume goes on with a run and --overwrite begins it anew: give one of them.")
    for what, path in (("footage", footage), ("masks", masks)):
        if path.exists() and _would_mix(output, path, what):
            raise PCVOSError(f"The {what} {path} and the results cannot share a folder: choose another --output.")
    if output.exists() and not output.is_dir():
        raise PCVOSError(f"{output} is a file: give --output a folder.")
    try:
        names = os.listdir(output) if output.is_dir() else []
    except OSError as error:
        raise PCVOSError(f"{output} cannot be read: {error.strerror}; choose another --output.") from error
    if resume and NAME not in names:
        raise PCVOSError(f"There is no run to resume in {output}: it holds no {NAME}; leave out --resume.")
    if names and not (resume or overwrite):
        raise PCVOSError(f"{output} is not empty: choose another --output, or give --resume or --overwrite.")
    check_writable(output)


def check_overlay(overlay: Path, output: Path, footage: Path, *, may_replace: bool) -> None:
    """Make sure that the overlay video can go to the file `overlay`.

    Raises:
        PCVOSError: its folder does not exist or cannot be written, it is the footage, or it exists already and is not
            to be replaced.
    """
    if _is_same(overlay, footage):
        raise PCVOSError(f"The overlay {overlay} would replace the footage: choose another name for --overlay.")
    if not overlay.parent.is_dir() and not _is_same(overlay.parent, output):  # that one is made with the results
        raise PCVOSError(f"There is no folder {overlay.parent} for the overlay {overlay.name}: make it first.")
    if overlay.is_dir():
        raise PCVOSError(f"{overlay} is a folder: give --overlay the name of a video file.")
    if overlay.exists() and not may_replace:
        raise PCVOSError(f"The overlay {overlay} exists already: choose another name, or give --overwrite.")
    check_writable(overlay.parent)


def _would_mix(output: Path, path: Path, what: str) -> bool:
    """Whether results could take the place of files at `path`: its images, or the PNG that it is."""
    if path.is_file() and what == "footage":
        return False
    folder = path if path.is_dir() else path.parent
    return _is_same(folder, output) or (output / "soft").resolve() in folder.resolve().parents


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them does not exist
        return one.resolve() == other.resolve()


def check_writable(folder: Path) -> None:
    """Raise PCVOSError unless files can be made in `folder`, or it can be made itself."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not place.is_dir():
        raise disk_error(NotADirectoryError(f"{place} is a file"), folder)
    if not os.access(place, os.W_OK | os.X_OK):
        raise disk_error(PermissionError("no permission"), folder)
