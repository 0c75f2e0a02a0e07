"""`pcvos new`: a project of some footage, with masks in it if there are any."""

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.commands.exchange import parse_answers, plan_import
from core.commands.projects import SUFFIX
from core.commands.result_places import check_writable
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.exchange import registry
from core.exchange.importer import import_request
from core.exchange.options import parse_options
from core.exchange.plan import change
from core.media import FrameSource, open_media
from core.project import places
from core.project.model import FootageReference
from core.project.places import replace_file
from core.project.project import Project


@dataclass(frozen=True)
class NewProject:
    """The command line's request.

    Attributes:
        output: the project's file; None: where the window would put it. masks: what becomes corrections.
        options: of the masks' format, `name=value` each. answers: `key=answer` each.
    """

    footage: Path
    output: Path | None = None
    masks: Path | None = None
    overwrite: bool = False
    options: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


def new_project(request: NewProject, say: Say, note: Say, warn: Say) -> None:
    """Make what is asked for; the last that is said is where it is.

    Raises:
        PCVOSError: footage, masks or place cannot be used, or there is a project already; nothing is left behind.
    """
    if request.output is not None:
        check_place(request.output, may_replace=request.overwrite, otherwise=", or give --overwrite")
    with open_media(request.footage) as media:
        for sentence in media.warnings:
            warn(sentence)
        reference = FootageReference.of(media, request.footage.absolute())
        place, is_taken = _place(request, reference)
        if is_taken:
            temporary = place.with_name(f".{uuid.uuid4().hex[:8]}{SUFFIX}")
            made = _make(request, media, reference, temporary, say, note, warn)
            replace_file(place, made)
        else:
            place = _make(request, media, reference, place, say, note, warn)
    say(str(place))


def check_place(output: Path, *, may_replace: bool = False, otherwise: str = "") -> None:
    """Make sure that a project can go to the file `output`; raises PCVOSError.

    Args:
        otherwise: what one can do if there is one already, besides choosing another place.
    """
    if output.suffix.lower() != SUFFIX:
        raise PCVOSError(f"{output} is no name for a project: let --output end in {SUFFIX}.")
    if os.path.isdir(output):
        raise PCVOSError(f"{output} is a folder: give --output the name of a file.")
    if os.path.exists(output) and not may_replace:
        raise PCVOSError(f"{output} exists already: choose another --output{otherwise}.")
    check_writable(output.parent)


def _place(request: NewProject, reference: FootageReference) -> tuple[Path, bool]:
    """Place of the project, and whether there is one that it replaces."""
    if request.output is not None:
        place = request.output.absolute()
        return place, os.path.exists(place)
    earlier = places.find_project(reference)
    if earlier is None:
        return places.new_project(reference), False
    if not request.overwrite:
        raise PCVOSError(
            f"{request.footage} has a project already, {earlier}: go on with that, choose another --output, or replace "
            "it with --overwrite."
        )
    return earlier, True


def _make(
    request: NewProject, media: FrameSource, reference: FootageReference, path: Path, say: Say, note: Say, warn: Say
) -> Path:
    """A project at `path`, or nearby if it cannot be there; where it is."""
    project = Project.new(reference, path)
    try:
        if (index := media.stored_index()) is not None:
            project.set_index_cache(index)
        if request.masks is not None:
            _bring_in(request, request.masks, media, project, say, note, warn)
        project.ensure_file()
        if project.unsaved:
            raise PCVOSError(project.save_error or f"{path} is not saved yet.")
        if request.output is not None and project.path != path:
            why = "its folder cannot be written, or its name is too long"
            raise PCVOSError(f"{request.output} cannot be made ({why}): choose another --output.")
        for sentence in project.warnings:
            warn(sentence)
        project.close()
    except BaseException:
        is_there = project.exists
        project.close(discard=True)
        if is_there:
            with suppress(OSError):
                project.path.unlink()
        raise
    return project.path


def _bring_in(
    request: NewProject, masks: Path, media: FrameSource, project: Project, say: Say, note: Say, warn: Say
) -> None:
    importer = registry.recognise(masks)
    options = parse_options(importer.options, request.options, importer.name)
    wanted = import_request(importer, masks, media, options, parse_answers(request.answers))
    plan = plan_import(importer, wanted, project, note, warn)
    for sentence in plan.sentences(True):
        say(sentence)
    project.apply(change(plan))
