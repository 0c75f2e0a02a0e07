"""The options of the commands that train networks. What does the work is imported when it is asked for, so that
`--help` need not wait."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.option_values import Precision, Preset, Stage, Unit
from core.commands.setting_options import setting_options
from core.commands.terminal import check_packages, note, say, shown_errors, warn
from core.errors import PCVOSError
from core.studio.run_settings import RunSettings


def train(
    data: Annotated[
        list[str],
        typer.Option(
            metavar="DIR[=WEIGHT]",
            help="Folder with training data; several times for several, each with how often it is drawn.",
        ),
    ],
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the run; resumed if it holds one.")],
    init: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Start from ImageNet: ResNet-18; for --preset paper ResNet-50 as well."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(metavar="FILE", help="Go on from these trained weights.")] = None,
    preset: Annotated[Preset, typer.Option(metavar="NAME", help="small or paper: which network.")] = Preset.SMALL,
    stage: Annotated[
        Stage | None, typer.Option(metavar="NAME", help="photos or video: the paper's schedule for this stage.")
    ] = None,
    unit: Annotated[Unit, typer.Option(metavar="NAME", help="With --stage: clip, or frame by frame.")] = Unit.CLIP,
    frames: Annotated[int | None, typer.Option(metavar="N", help="With --stage video: 3, 5, 7 or 9 frames.")] = None,
    without_clip_loss: Annotated[bool, typer.Option("--without-clip-loss", help="With --stage: no L_clip.")] = False,
    size: Annotated[int, typer.Option(metavar="PIXELS", help="With --stage: side of the crops.")] = 384,
    budget: Annotated[float, typer.Option(metavar="MINUTES", help="Training time of the whole run.")] = 90.0,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Steps of the whole run, in place of a time.")] = None,
    minutes: Annotated[float, typer.Option(metavar="MINUTES", help="Stop this session after so long.")] = float("inf"),
    batch: Annotated[int, typer.Option(metavar="N", help="Samples at once, on each process.")] = 4,
    accumulate: Annotated[int, typer.Option(metavar="N", help="Batches that make one step.")] = 1,
    rate: Annotated[float, typer.Option(metavar="RATE", help="Base learning rate.")] = 3e-4,
    weight_decay: Annotated[float, typer.Option(metavar="DECAY", help="Weight decay.")] = 0.01,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that make clips.")] = 1,
    validate_every: Annotated[float, typer.Option(metavar="MINUTES", help="Training time between validations.")] = 15.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[Precision, typer.Option(metavar="TYPE", help="auto, fp32, fp16 or bf16.")] = Precision.AUTO,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the weights here, fp16.")] = None,
) -> None:
    """Train a network: photos first, then video; resumed by the same command. From trained weights (--weights)
    only the video stage follows, with larger pictures. With --stage, the paper's own schedule.

    DIR/log.csv is the curve: loss, clips per second, and J on the held-out sequences. Ctrl-C saves and stops.
    """
    with shown_errors():
        check_packages()
        import logging

        from core.commands.train import TrainRequest
        from core.commands.train import train as command
        from core.training.data import DataFolder
        from core.training.stages import paper_schedule
        from core.training.trainer import TrainingSettings

        settings = TrainingSettings(
            budget_minutes=budget,
            budget_steps=steps,
            session_minutes=minutes,
            batch=batch,
            accumulate=accumulate,
            rate=rate,
            weight_decay=weight_decay,
            workers=workers,
            seed=seed,
            validate_minutes=validate_every,
        )
        request = TrainRequest(
            folders=[DataFolder.parse(text) for text in data],
            run=run,
            init=init or [],
            weights=weights,
            preset=preset.value,
            schedule=None
            if stage is None
            else paper_schedule(stage.value, unit.value, frames, not without_clip_loss, size),
            settings=settings,
            device=device,
            precision=precision.value,
            output=output,
        )
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        command(request)


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
        check_packages()
        import logging

        from core.commands.train_marking import train_marking as command
        from core.training.marking import MarkingTrainingSettings

        settings = MarkingTrainingSettings(budget_minutes=budget, session_minutes=minutes, rate=rate, seed=seed)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        command(data, weights, begin, run, settings, device, output, late)


@setting_options("interval", "resolution", "weights", "device")
def adapt(
    projects: Annotated[list[Path], typer.Argument(metavar="PROJECT...", help="Project files, NAME.pcvos.")],
    output: Annotated[Path, typer.Option(metavar="FILE", help="The weights to write, NAME.safetensors.")],
    minutes: Annotated[float, typer.Option(metavar="MINUTES", help="How long it trains.")] = 10.0,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Steps of training, in place of a time.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    *,
    settings: RunSettings,
) -> None:
    """Weights that learn from the frames a person has corrected, for more footage of the same kind.

    The last quarter of each project's corrected frames is held back; the weights are written only if they do better
    there. They go on from --weights, which stay as they are. After Ctrl-C the same command goes on.
    """
    with shown_errors():
        check_packages()
        from core.commands.adapt import adapt_to_projects
        from core.studio.adaptation import AdaptationRequest

        if not minutes > 0:
            raise PCVOSError(f"--minutes {minutes} is no time: give a number above 0.")
        request = AdaptationRequest(
            output, settings.engine.weights, minutes, steps, settings.device, settings.propagation
        )
        adapt_to_projects(projects, request, overwrite, say, note, warn)
