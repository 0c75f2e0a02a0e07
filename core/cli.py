"""The command `pcvos`: the options of its subcommands, and how their errors are shown.

What a subcommand works with is imported when it runs, so that `--help` need not wait for torch.
"""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.commands import marking_options, projects, training_options
from core.commands.option_values import Layout, MarkKind, Precision
from core.commands.setting_options import setting_options
from core.commands.terminal import check_packages, note, remember_options, say, shown_errors, warn
from core.errors import PCVOSError
from core.masks.frame_numbers import Numbering
from core.propagation.settings import PUBLISHED_PROGRESSIVE
from core.studio.run_settings import RunSettings

app = typer.Typer(
    help="Cut objects out of video: mark one frame, and PCVOS carries the mask through the rest, clip by clip.",
    epilog="`pcvos COMMAND --help` lists the options of a command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

PROPAGATE_EXAMPLES = """Examples:

\b
  pcvos propagate clip.mp4 --masks rabbit.00040.png --direction both \\
      --output masks --overlay overlay.mp4
  pcvos propagate frames/ --masks marked/ --output masks --end 199 --soft
  pcvos propagate frames/ --masks marked/ --output masks --end 199 --soft --resume
  pcvos propagate clip.pcvos --direction both --interval 10
"""


EVAL_EXAMPLES = """Examples:

\b
  pcvos eval DAVIS --split 2017/val --output scores
  pcvos eval MOSE --layout mose --interval 5,10,15,25 --ablations
  pcvos eval DAVIS --split 2016/val --corrections 5
  pcvos eval DAVIS --split 2017/val --predictions their-masks
  pcvos eval DAVIS --split 2016/val --marking clicks --every 10
  pcvos eval DAVIS --split 2016/val --annotator 5 --marks 5 --output cost
"""

TRAIN_EXAMPLES = """Examples:

\b
  pcvos train --data DATA --data MORE=0.5 --weights weights/pcvos-small.safetensors --run runs/more
  torchrun --nproc-per-node 4 -m -- core.cli train --preset paper --stage video --data YouTubeVOS/train \\
      --weights photos.safetensors --run runs/video --steps 150000 --rate 1e-5
"""

MARK_EXAMPLES = """Examples:

\b
  pcvos mark clip.mp4 --frame 40 --point 320,220 --output rabbit.00040.png
  pcvos mark frames/ --frame 0 --box 40,30,200,160 --not 180,50 --output mask.png
  pcvos mark clip.mp4 --frame 40 --mask rabbit.00040.png --not 700,120 --output better.png
"""

EXPORT_EXAMPLES = """Examples:

\b
  pcvos export clip.pcvos --format png --output masks
  pcvos export clip.pcvos --format coco --output clip.json --start 100 --end 199 --objects 1,3
  pcvos export clip.pcvos --format overlay --output clip-overlay.mp4 --option opacity=70
  pcvos export clip.pcvos --format prores --output clip.mov --option feather=2 --option edges=hard
"""


IMPORT_EXAMPLES = """Examples:

\b
  pcvos import clip.pcvos masks/ --dry-run
  pcvos import clip.pcvos clip.json --not-corrected
  pcvos import clip.pcvos classes.txt
  pcvos import clip.pcvos painted/ --answer "#ff8000=1" --answer "#00ff00=new"
"""


def main() -> None:
    """Run the command line; the console script `pcvos`. SIGTERM ends it as Ctrl-C does: what is done is kept."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


@app.callback()
def pcvos(context: typer.Context) -> None:
    """The beginning of all subcommands."""
    remember_options(context)


app.command(short_help="Make a project of a video or a folder of images.")(projects.new)
app.command(epilog=MARK_EXAMPLES, short_help="Make a mask from points and a box on one frame.")(marking_options.mark)


@app.command(epilog=PROPAGATE_EXAMPLES, short_help="Carry masks through footage, or run a project.")
@setting_options(
    "interval",
    "progressive",
    "top_k",
    "memory_frames",
    "quality",
    "resolution",
    "direction",
    "weights",
    "device",
    "precision",
    "kernel",
    "keep_lost",
    "distractors",
    "soft",
    "exact",
)
def propagate(
    context: typer.Context,
    footage: Annotated[Path, typer.Argument(metavar="INPUT", help="A video, a folder of images, or a project.")],
    masks: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A mask PNG, or a folder of them; a project has its own.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; of a project also here.")
    ] = None,
    *,
    settings: RunSettings,
    start: Annotated[int | None, typer.Option(metavar="N", help="First frame; frames count from 0.")] = None,
    end: Annotated[int | None, typer.Option(metavar="N", help="Last frame, inclusive.")] = None,
    mask_frame: Annotated[
        int | None, typer.Option(metavar="N", help="Frame of a single mask whose name has none.")
    ] = None,
    mask_numbers: Annotated[
        Numbering | None, typer.Option(metavar="WAY", help="Masks are numbered: names (as images are), from-0, from-1.")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(metavar="FILE.mp4", help="Also write a video with the masks drawn over it.")
    ] = None,
    masks_complete: Annotated[
        bool, typer.Option("--masks-complete", help="Objects that a mask leaves out are absent there.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Of a project: the whole range, not only what corrections touch.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the interrupted run in DIR.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that is in DIR.")] = False,
) -> None:
    """Carry masks through a video or a folder of images, or through the footage of a project.

    Writes a mask for every frame, DIR/NAME.png: indexed, the value of a pixel is the id of its object. DIR/run.json
    says how they were made.

    A project is run as the window would: from its permanent memory, with its settings unless options say otherwise.
    What is drawn goes into the project; corrected frames, and what a locked object has, stay. After corrections only
    what they touch is drawn anew: outward from each, until it agrees with what is there or meets another one.
    """
    with shown_errors():
        check_packages()
        if projects.is_project(footage):
            projects.propagate(context)
            return
        if everything:
            raise PCVOSError("Leave out --everything: without a project the whole range is drawn anyway.")
        if masks is None or output is None:
            missing = "--masks (a PNG, or a folder of them)" if masks is None else "--output (a folder for the results)"
            raise PCVOSError(f"{missing} is missing: only a project, NAME.pcvos, does without.")
        from core.commands import propagate as command

        if settings.exact and "progressive" not in projects.options_given(context):
            settings = replace(settings, progressive=PUBLISHED_PROGRESSIVE)
        request = command.PropagateRequest(
            input=footage,
            masks=masks,
            output=output,
            settings=settings,
            start=start,
            end=end,
            mask_frame=mask_frame,
            mask_numbers=mask_numbers,
            masks_complete=masks_complete,
            overlay=overlay,
            resume=resume,
            overwrite=overwrite,
        )
        command.propagate(request, say, note, warn)


app.command(short_help="Train a network, in pieces, within a time limit.", epilog=TRAIN_EXAMPLES)(
    training_options.train
)
app.command(short_help="Weights that learn from the corrections in projects.")(training_options.adapt)
app.command("train-marking", short_help="Train the marking network, in pieces, within a time limit.")(
    training_options.train_marking
)


@app.command(short_help="Measure weights on the held-out sequences.")
@setting_options("progressive", "resolution", "kernel", "keep_lost", "distractors", "weights", "device", "precision")
def validate(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder with the training tars.")],
    interval: Annotated[str, typer.Option(metavar="L,L", help="Memory intervals.")] = "5",
    *,
    settings: RunSettings,
    pasted: Annotated[
        str | None, typer.Option(metavar="KIND", help="Made harder: two, three, look-alikes or reappearance.")
    ] = None,
    plain: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plain feature matching instead, with this ResNet-18.")
    ] = None,
) -> None:
    """J and F on the six sequences that training never sees, from the mask of the first frame."""
    with shown_errors():
        check_packages()
        from core.commands.validate import validate as command

        weights, device = settings.engine.weights, settings.device
        command(data, weights, settings.propagation, _intervals(interval), pasted, plain, device, say)


@app.command("eval", epilog=EVAL_EXAMPLES, short_help="Score propagation, or masks made elsewhere, on a data set.")
@setting_options(
    "progressive",
    "top_k",
    "memory_frames",
    "quality",
    "resolution",
    "kernel",
    "keep_lost",
    "distractors",
    "weights",
    "device",
    "precision",
)
def evaluate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Folder with JPEGImages and Annotations.")],
    layout: Annotated[Layout, typer.Option(metavar="NAME", help="davis, ytvos or mose.")] = Layout.DAVIS,
    split: Annotated[
        str | None, typer.Option(metavar="FILE", help="Sequences, one a line; or a name under ImageSets.")
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Only the first N sequences.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Score these masks: a folder for each sequence.")
    ] = None,
    interval: Annotated[str, typer.Option(metavar="L,L", help="Memory intervals, a run for each.")] = "5",
    *,
    settings: RunSettings,
    without: Annotated[
        str | None, typer.Option(metavar="PART,PART", help="Switch off: progressive, refinement.")
    ] = None,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Compare: all on, each of --without off, all of them off.")
    ] = False,
    corrections: Annotated[int, typer.Option(metavar="N", help="Fix the worst frame N times.")] = 0,
    marking: Annotated[
        MarkKind | None,
        typer.Option(metavar="KIND", help="Score marking: clicks, strokes, long-strokes or boxes first; corrections."),
    ] = None,
    annotator: Annotated[
        int | None, typer.Option(metavar="ROUNDS", help="Simulate an annotator who corrects so many frames.")
    ] = None,
    marks: Annotated[int, typer.Option(metavar="N", help="With --annotator: most clicks on an object on a frame.")] = 5,
    touched: Annotated[
        bool, typer.Option("--touched", help="With --annotator: compare with runs of only what corrections touch.")
    ] = False,
    every: Annotated[int, typer.Option(metavar="N", help="With --marking: every so many frames with a mask.")] = 10,
    marking_weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For marking, in place of the shipped.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write scores.csv, scores.json and report.html.")
    ] = None,
    save_masks: Annotated[bool, typer.Option("--save-masks", help="Also write the masks, DIR/masks.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the evaluation that is in DIR.")] = False,
) -> None:
    """J and F as DAVIS measures them, from the mask of the frame on which each object first appears.

    Prints mean, recall and decay for every object. docs/evaluation.md says what each number means.
    """
    with shown_errors():
        check_packages()
        if marking is not None:
            from core.commands.eval_marking import evaluate_marking

            weights, device = settings.engine.weights, settings.device
            chosen = (every, weights, marking_weights, device, output, predictions)
            return evaluate_marking(dataset, layout.value, split, limit, marking.value, *chosen, say)
        if annotator is not None:
            from core.commands.eval_annotator import AnnotatorRequest, evaluate_annotator

            wanted = replace(settings, interval=_one_interval(interval))
            work = (wanted, marking_weights, annotator, marks, output, touched)
            return evaluate_annotator(AnnotatorRequest(dataset, layout.value, split, limit, *work), say, warn)
        from core.commands import eval as command

        request = command.EvalRequest(
            dataset=dataset,
            settings=settings,
            layout=layout.value,
            split=split,
            limit=limit,
            intervals=tuple(_intervals(interval)),
            without=tuple(without.split(",")) if without else (),
            ablations=ablations,
            corrections=corrections,
            predictions=predictions,
            output=output,
            save_masks=save_masks,
            overwrite=overwrite,
        )
        command.evaluate(request, say, note, warn)


@app.command(epilog=EXPORT_EXAMPLES, short_help="Write a project's masks in another format.")
def export(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project file, NAME.pcvos.")],
    format: Annotated[str, typer.Option(metavar="NAME", help="As `pcvos formats` lists them.")],
    output: Annotated[Path, typer.Option(metavar="PATH", help="The file or folder to make.")],
    start: Annotated[int | None, typer.Option(metavar="N", help="First frame; frames count from 0.")] = None,
    end: Annotated[int | None, typer.Option(metavar="N", help="Last frame, inclusive.")] = None,
    objects: Annotated[str | None, typer.Option(metavar="ID,ID", help="Only these objects.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the format; can be repeated.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write a project's masks in another format. All of it is there in the end, or nothing.

    The edges of mattes are as they were chosen in the window for this project (Edges); --option overrides each of them.
    """
    with shown_errors():
        from core.commands import exchange as command

        ids = None if objects is None else tuple(_numbers("--objects", objects))
        request = command.ExportCommand(project, format, output, start, end, ids, tuple(option or ()), overwrite)
        command.export(request, say, note, warn)


@app.command(short_help="Figures, worst frames and history of a project, on one page.")
def report(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project file, NAME.pcvos.")],
    output: Annotated[Path, typer.Option(metavar="NAME.html", help="The page; two CSV files go beside it.")],
    reference: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Masks to compare with, PNGs named like the frames; else the window's."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Write one page on a project: confidence of each object over time, worst frames, corrections, settings, runs.

    With a reference (--reference, or the one opened in the window) also J and F, the numbers of `pcvos eval`.
    The last line printed is the page's path.
    """
    with shown_errors():
        from core.commands import report as command

        command.report(project, output, reference, overwrite, say, note, warn)


@app.command("import", epilog=IMPORT_EXAMPLES, short_help="Read masks made elsewhere into a project.")
def import_(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project file, NAME.pcvos.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file or folder of masks, or a text file of classes.")],
    format: Annotated[str, typer.Option(metavar="NAME", help="As `pcvos formats` lists them, or auto.")] = "auto",
    not_corrected: Annotated[
        bool, typer.Option("--not-corrected", help="They are predictions: the next run draws them anew.")
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the format; can be repeated.")
    ] = None,
    answer: Annotated[
        list[str] | None, typer.Option(metavar="KEY=ANSWER", help="To a question; can be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Read masks made elsewhere into a project, as corrections that runs read and never change.

    What is not clear, such as which object a colour is, is asked for: the answers are given with --answer.
    """
    with shown_errors():
        from core.commands import exchange as command

        options, answers = tuple(option or ()), tuple(answer or ())
        request = command.ImportCommand(project, path, format, not not_corrected, options, answers, dry_run)
        command.import_masks(request, say, note, warn)


app.command(short_help="Save what can be read of a damaged project.")(projects.recover)
app.command(short_help="What a video, folder, project or weights file holds.")(projects.info)


@app.command(short_help="List the formats that export and import know.")
def formats() -> None:
    """List the formats that export and import know, with their options."""
    with shown_errors():
        from core.commands import exchange as command

        command.formats(typer.echo)


@app.command(short_help="Time the engine against the published way.")
def bench(
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    height: Annotated[int, typer.Option(metavar="N", help="Rows of the 16:9 footage.")] = 480,
    case: Annotated[
        list[str] | None, typer.Option(metavar="K,M", help="Objects and frames in memory; can be repeated.")
    ] = None,
    repeats: Annotated[int, typer.Option(metavar="N", help="Turns, after a warm-up.")] = 5,
    precision: Annotated[Precision, typer.Option(metavar="TYPE", help="The engine's: auto, fp32, fp16 or bf16.")] = (
        Precision.AUTO
    ),
    choices: Annotated[
        bool, typer.Option("--choices", help="Instead: measure anew how the network runs fastest on this CPU.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --choices: in place of the shipped.")
    ] = None,
    by_length: Annotated[
        bool, typer.Option("--by-length", help="Instead: the engine by clip length and objects, end to end too.")
    ] = False,
    interval: Annotated[str, typer.Option(metavar="L,L", help="With --by-length: clip lengths.")] = "1,5,10,15,25",
    objects: Annotated[str, typer.Option(metavar="K,K", help="With --by-length: numbers of objects.")] = "1,3,10",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="With --by-length: write the figures.")] = None,
) -> None:
    """Time one clip of five frames: a plain transcription of the published loop, and the engine, taking turns."""
    with shown_errors():
        check_packages()
        from core.commands import bench as command

        if choices:
            command.run_choices(weights)
            return
        if by_length:
            lengths, numbers = _numbers("--interval", interval), _numbers("--objects", objects)
            command.run_table(command.table_request(device, height, lengths, numbers, repeats, precision.value), json)
            return
        cases = [_pair(text) for text in case or ("1,5", "3,20")]
        command.run_bench(device, height, cases, repeats, precision.value)


def _one_interval(text: str) -> int:
    """The memory interval of a command line that can have one only."""
    interval, *more = _intervals(text)
    if more:
        raise PCVOSError(f"--interval {text}: --annotator takes one memory interval.")
    return interval


def _intervals(text: str) -> list[int]:
    return _numbers("--interval", text, "5,10,15,25")


def _numbers(option: str, text: str, example: str = "1,2") -> list[int]:
    """Numbers with commas between them."""
    if not all(part.isdecimal() for part in text.split(",")):
        raise PCVOSError(f"{option} {text} is no list of numbers: write, for example, {example}.")
    return [int(part) for part in text.split(",")]


def _pair(text: str) -> tuple[int, int]:
    """K,M as numbers."""
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise PCVOSError(f"--case {text} is no pair of numbers: write objects,frames, for example 3,20.")
    return int(parts[0]), int(parts[1])


if __name__ == "__main__":  # torchrun starts modules
    main()
