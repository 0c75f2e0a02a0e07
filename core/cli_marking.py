"""The subcommands of `pcvos` that are about marking; `core.cli` has the others, and adds these."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli import _check_packages, app, say, shown_errors

MARK_EXAMPLES = """Examples:

\b
  pcvos mark clip.mp4 --frame 40 --point 320,220 --output rabbit.00040.png
  pcvos mark frames/ --frame 0 --box 40,30,200,160 --not 180,50 --output mask.png
  pcvos mark clip.mp4 --frame 40 --mask rabbit.00040.png --not 700,120 --output better.png
"""


@app.command(epilog=MARK_EXAMPLES, short_help="Make a mask from points and a box on one frame.")
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
        _check_packages()
        from core.commands import mark as command

        request = command.MarkRequest(
            footage, frame, output, point or (), not_ or (), box, mask, weights, marking_weights, device, overwrite
        )
        command.mark(request, say)


@app.command("train-marking", short_help="Train the marking network, in pieces, within a time limit.")
def train_marking(
    data: Annotated[list[Path], typer.Option(metavar="DIR", help="Folder with training tars; can be repeated.")],
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run; resumed if it holds one.")],
    weights: Annotated[Path | None, typer.Option(metavar="FILE", help="Whose key features it uses.")] = None,
    begin: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on from these marking weights.")] = None,
    budget: Annotated[float, typer.Option(metavar="MINUTES", help="Training time of the whole run.")] = 90.0,
    minutes: Annotated[float, typer.Option(metavar="MINUTES", help="Stop this session after so long.")] = float("inf"),
    rate: Annotated[float, typer.Option(metavar="RATE", help="Base learning rate.")] = 4e-4,
    late: Annotated[bool, typer.Option("--late", help="Large crops from the start: for weights that are far.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the weights here, fp16.")] = None,
) -> None:
    """Train the marking network on photos and video frames; resumed by the same command.

    It stands on the key features of trained weights, which learn nothing here. DIR/log.csv is the curve: loss, IoU
    after the first and the last mark on training crops, marks per second. Ctrl-C saves and stops.
    """
    with shown_errors():
        _check_packages()
        import logging

        from core.commands.train_marking import train_marking as command
        from core.training.marking import MarkingTrainingSettings

        settings = MarkingTrainingSettings(budget_minutes=budget, session_minutes=minutes, rate=rate, seed=seed)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        command(data, weights, begin, run, settings, device, output, late)
