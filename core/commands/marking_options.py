"""The options of `pcvos mark`. What does the work is imported when it is asked for, so that `--help` need not wait."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import check_packages, say, shown_errors


def mark(
    footage: Annotated[Path, typer.Argument(metavar="FOOTAGE", help="A video, or a folder of images.")],
    frame: Annotated[int, typer.Option(metavar="N", help="The frame; frames count from 0.")],
    output: Annotated[Path, typer.Option(metavar="FILE.png", help="The mask to write; the object is 1 in it.")],
    point: Annotated[list[str] | None, typer.Option(metavar="X,Y", help="This; can be repeated.")] = None,
    not_: Annotated[list[str] | None, typer.Option("--not", metavar="X,Y", help="Not this; can be repeated.")] = None,
    box: Annotated[str | None, typer.Option(metavar="X,Y,X,Y", help="Left, top, right, bottom.")] = None,
    mask: Annotated[Path | None, typer.Option(metavar="FILE", help="The mask so far, which is corrected.")] = None,
    weights: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights in place of the shipped ones.")] = None,
    marking_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Marking weights in place of the shipped ones.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a mask that is there.")] = False,
) -> None:
    """Make a mask from points and a box on one frame, or correct one.

    Of a mask so far only what is connected with the marks changes.
    """
    with shown_errors():
        check_packages()
        from core.commands import mark as command

        request = command.MarkRequest(
            footage, frame, output, point or (), not_ or (), box, mask, weights, marking_weights, device, overwrite
        )
        command.mark(request, say)
