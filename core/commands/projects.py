"""The options of the commands that make, run, recover and describe projects. What does the work is imported when it is
asked for, so that `--help` need not wait."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.setting_options import setting_values
from core.commands.terminal import check_packages, note, say, shown_errors, warn
from core.errors import PCVOSError

SUFFIX = ".pcvos"

_NOT_FOR_PROJECTS = {
    "masks": "a project has its own masks; `pcvos import` brings others in",
    "mask_frame": "a project has its own masks; `pcvos import` brings others in",
    "masks_complete": "a project has its own masks; `pcvos import` brings others in",
    "soft": "a project keeps soft masks anyway; `pcvos export --format matte` writes them",
}


def is_project(path: Path) -> bool:
    """Whether what the command is given is meant to be a project."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def new(
    footage: Annotated[Path, typer.Argument(metavar="FOOTAGE", help="A video, or a folder of images.")],
    output: Annotated[
        Path | None, typer.Option(metavar="P.pcvos", help="The project; beside the footage if left out.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Masks that become corrections, as `pcvos import` reads them.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the masks' format; can be repeated.")
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option(metavar="KEY=ANSWER", help="To a question on the masks; can be repeated.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the project that is there.")] = False,
) -> None:
    """Make a project of a video or a folder of images; the last line printed is its path.

    It lies beside the footage, or in your data folder where that cannot be written; the window finds it there.
    """
    with shown_errors():
        from core.commands.new import NewProject, new_project

        request = NewProject(footage, output, masks, overwrite, tuple(option or ()), tuple(answer or ()))
        new_project(request, say, note, warn)


def recover(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project that cannot be opened.")],
    output: Annotated[
        Path | None, typer.Option(metavar="Q.pcvos", help="The new one; NAME-recovered.pcvos beside it if left out.")
    ] = None,
) -> None:
    """Save what can be read of a damaged project in a new one; the last line printed is its path.

    The damaged project is only read, and stays as it is.
    """
    with shown_errors():
        from core.commands.new import check_place
        from core.project.recovery import recover

        if output is not None:
            check_place(output)
        report = recover(project, target=output)
        say(report.summary)
        say(str(report.path))


def info(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A video, a folder of images, a project, or weights.")
    ] = None,
    device: Annotated[
        bool, typer.Option("--device", help="Which devices this machine has, in place of a file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say what a file holds: size, frames, rate and colour of footage; objects of a project, and on which frames they
    are corrected, or were never processed; what network weights are for. With --device, the devices of this machine."""
    with shown_errors():
        if device == (file is not None):
            raise PCVOSError("pcvos info describes one thing: name a file, or give --device.")
        from core.commands.info import describe, describe_machine

        if file is None:
            check_packages()
            describe_machine(as_json, typer.echo if as_json else say)
            return
        describe(file, as_json, typer.echo if as_json else say, warn)


def propagate(context: typer.Context) -> None:
    """Run a project, as the options of `pcvos propagate` say; those that are not given are the project's own."""
    from core.commands.propagate_project import ProjectRequest, propagate_project

    given = options_given(context)
    for name, why in _NOT_FOR_PROJECTS.items():
        if name in given:
            raise PCVOSError(f"Leave out --{name.replace('_', '-')}: {why}.")
    if "weights" in given:
        given["weights"] = given["weights"].absolute()
    places = {name: given.pop(name, None) for name in ("output", "overlay", "start", "end")}
    flags = {name: given.pop(name, False) for name in ("everything", "resume", "overwrite")}
    request = ProjectRequest(given["footage"], setting_values(given), **places, **flags)
    propagate_project(request, say, note, warn)


def options_given(context: typer.Context) -> dict[str, Any]:
    """The options that stand on the command line, by name."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name: context.params[name] for name, source in sources.items() if source and source.name == "COMMANDLINE"}
