"""`pcvos export`, `pcvos import` and `pcvos formats`: masks out of a project, and into it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.commands.frame_progress import FrameProgress
from core.commands.opened_project import opened_project
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.exchange import registry
from core.exchange.export_run import run_export
from core.exchange.exporter import Exporter, export_request
from core.exchange.importer import Importer, ImportRequest, import_request
from core.exchange.mattes import DEFAULT_EDGES, MATTE_OPTIONS, edges_of
from core.exchange.options import Value, parse_options
from core.exchange.plan import ImportPlan, change, make_plan, unanswered
from core.project.classes import read_class_list
from core.project.project import Project
from core.studio.done import not_done_in_words

AUTO = "auto"
_CLASSES = "classes"


@dataclass(frozen=True)
class ExportCommand:
    """The command line's request.

    Attributes:
        start, end: the range, inclusive; None: the footage's first and last frame. objects: ids; None: all.
        options: `name=value` each; of edges, those that are not to be the project's.
    """

    project: Path
    format: str
    output: Path
    start: int | None = None
    end: int | None = None
    objects: tuple[int, ...] | None = None
    options: tuple[str, ...] = ()
    overwrite: bool = False


@dataclass(frozen=True)
class ImportCommand:
    """The command line's request.

    Attributes:
        format: a name, or "auto". corrected: whether the masks become corrections. options: `name=value` each.
        answers: `key=answer` each. dry_run: only say what would be done.
    """

    project: Path
    path: Path
    format: str = AUTO
    corrected: bool = True
    options: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    dry_run: bool = False


def export(command: ExportCommand, say: Say, note: Say, warn: Say) -> None:
    """Write what is asked for; raises PCVOSError, and leaves nothing behind then."""
    exporter = registry.exporter(command.format)
    options = parse_options(exporter.options, command.options, exporter.name)
    with opened_project(command.project, warn, to_write=False) as (project, media):
        edges = _own_edges(exporter, project, options)
        if edges:
            said = ", ".join(f"{name}={value}" for name, value in edges.items())
            note(f"Edges as the project has them (--option NAME=VALUE changes them): {said}.")
        request = export_request(
            exporter,
            project,
            media,
            command.output,
            first=command.start,
            last=command.end,
            objects=command.objects,
            options={**edges, **options},
        )
        for sentence in exporter.notes(request):
            note(sentence)
        if request.about_unknown and not request.stops:  # else it is the error's
            note(request.about_unknown)
        if left := not_done_in_words(project, command.objects, request.first, request.last):
            note(left)
        with FrameProgress("Export", len(request.frames)) as progress:
            run_export(exporter, request, overwrite=command.overwrite, progress=progress)
        for sentence in media.warnings:
            warn(sentence)
    say(f"{exporter.label}: {request.which_frames} are in {command.output}.")


def import_masks(command: ImportCommand, say: Say, note: Say, warn: Say) -> None:
    """Read masks, say what becomes of them and, unless it is a dry run, do it; raises PCVOSError.

    A text file is the project's list of classes.
    """
    if command.format == _CLASSES or (command.format == AUTO and command.path.suffix.lower() == ".txt"):
        _import_classes(command, say, warn)
        return
    importer = registry.recognise(command.path) if command.format == AUTO else registry.importer(command.format)
    options = parse_options(importer.options, command.options, importer.name)
    with opened_project(command.project, warn, to_write=not command.dry_run) as (project, media):
        if project.read_only and not command.dry_run:
            raise PCVOSError(f"{project.refusal} Nothing can be imported into it now.")
        request = import_request(importer, command.path, media, options, parse_answers(command.answers))
        plan = plan_import(importer, request, project, note, warn)
        say(f"{importer.label}: {command.path}")
        for sentence in plan.sentences(command.corrected):
            say(sentence)
        if command.dry_run:
            say("Nothing was changed (--dry-run).")
            return
        project.apply(change(plan, command.corrected))
        if project.unsaved:
            raise PCVOSError(f"The masks are not in the project. {project.save_error}")


def plan_import(importer: Importer, request: ImportRequest, project: Project, note: Say, warn: Say) -> ImportPlan:
    """Read masks and say how they were understood; PCVOSError if there is a question that is not answered."""
    plan = make_plan(importer.read(request), request, project)
    for sentence in plan.notes:
        note(sentence)
    for sentence in plan.warnings:
        warn(sentence)
    if plan.questions:
        raise unanswered(plan.questions)
    return plan


def _import_classes(command: ImportCommand, say: Say, warn: Say) -> None:
    """Take a text file for the project's list of classes, one a line; objects keep theirs."""
    names = read_class_list(command.path)
    with Project.open(command.project, to_write=not command.dry_run) as project:
        for sentence in project.warnings:
            warn(sentence)
        if project.read_only and not command.dry_run:
            raise PCVOSError(f"{project.refusal} Nothing can be imported into it now.")
        say(f"Classes, in this order: {', '.join(names)}.")
        if command.dry_run:
            say("Nothing was changed (--dry-run).")
            return
        project.keep(classes=names)
        if project.unsaved:
            raise PCVOSError(f"The classes are not in the project. {project.save_error}")


def formats(say: Say) -> None:
    """List all formats with their options."""
    say("Export:")
    for exporter in registry.EXPORTERS:
        _list(exporter, exporter.writes, say)
    say("Import:")
    for importer in registry.IMPORTERS:
        _list(importer, importer.reads, say)
    say(f"  {_CLASSES} [.txt]: A list of classes for the project, one a line.")


def _list(format: Exporter | Importer, sentence: str, say: Say) -> None:
    suffixes = f" [{', '.join(format.suffixes)}]" if format.suffixes else ""
    say(f"  {format.name}{suffixes}: {sentence}")
    for option in format.options:
        default = ("yes" if option.default else "no") if option.kind == "bool" else option.default
        say(f"      {option.name}={default}: {option.label} ({option.range})")


def _own_edges(exporter: Exporter, project: Project, given: Mapping[str, Value]) -> dict[str, Value]:
    """The project's edges, as far as the format has options for them that are not given, and they are no default."""
    wanted = {option.name for option in exporter.options if option in MATTE_OPTIONS} - given.keys()
    return {name: value for name, value in edges_of(project).items() if name in wanted and value != DEFAULT_EDGES[name]}


def parse_answers(texts: tuple[str, ...]) -> dict[str, str]:
    """Answers by key, from the command line's `key=answer`s; raises PCVOSError."""
    answers = {}
    for text in texts:
        key, equals, answer = text.rpartition("=")
        if not equals:
            raise PCVOSError(f"--answer {text} is no answer: write key=answer.")
        answers[key] = answer
    return answers
