"""`pcvos propagate`: masks carried through footage, from files to files."""

import shlex
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from core.benchmark.machine import choices_for, describe, is_measured
from core.commands.frame_progress import FrameProgress
from core.commands.result_folder import ClipWriter, ResultFolder
from core.commands.result_places import check_output, check_overlay
from core.commands.run_record import RunRecord, State, add_seconds, device_name, versions
from core.commands.terminal import Say
from core.errors import PCVOSError, ResourceError
from core.masks.frame_numbers import Numbering
from core.masks.mask_files import load_masks, masks_fingerprint
from core.masks.overlay import draw_overlay
from core.media import FrameSource, VideoWriter, open_media, read_ahead
from core.network.checkpoint import DEFAULT_WEIGHTS, load_network
from core.network.choices import Choices
from core.network.devices import is_lack_of_memory
from core.network.pcvos import PCVOS
from core.propagation import Propagator
from core.propagation.settings import Direction
from core.studio.run_settings import RunSettings


@dataclass(frozen=True)
class PropagateRequest:
    """The command line's request.

    Attributes:
        input: a video or a folder of images.
        masks: a PNG or a folder of them.
        settings: with direction, weights and device.
        output: the folder for the results.
        start, end: the range, inclusive; None: the footage's first and last frame.
        mask_frame: the frame of a single mask whose name does not say it.
        mask_numbers: how to read the numbers in names of masks; None: as they say for sure.
        masks_complete: whether each mask speaks for all objects.
        overlay: a video to draw; None: none.
        resume, overwrite: what to do with an earlier run in `output`.
    """

    input: Path
    masks: Path
    output: Path
    settings: RunSettings
    start: int | None = None
    end: int | None = None
    mask_frame: int | None = None
    mask_numbers: Numbering | None = None
    masks_complete: bool = False
    overlay: Path | None = None
    resume: bool = False
    overwrite: bool = False


def propagate(request: PropagateRequest, say: Say, note: Say, warn: Say) -> None:
    """Do what `request` asks.

    All that can be wrong with it is found before the network is loaded, and nothing is written before the first clip
    is there.

    Args:
        say: takes the sentence at the end. note: takes how the input was understood, a sentence at a time. warn: takes
            what is wrong with it, or was changed of it.

    Raises:
        PCVOSError: the input, the masks, the weights, the places or the settings cannot be used.
        ResourceError: memory or disk ran out. What is written by then is whole, and can be resumed.
        KeyboardInterrupt: with a sentence on how to go on.
    """
    check_output(request.output, request.input, request.masks, resume=request.resume, overwrite=request.overwrite)
    if request.overlay:
        may_replace = request.resume or request.overwrite
        check_overlay(request.overlay, request.output, request.input, may_replace=may_replace)
    with lack_of_memory_told(), open_media(request.input) as media:
        run = _Run(request, media, note, warn)
        run.load_network()
        say(run.work())


@contextmanager
def lack_of_memory_told() -> Iterator[None]:
    """Running out of memory becomes a sentence."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_lack_of_memory(error):
            raise
        raise ResourceError(
            "Out of memory: choose a lower --resolution, a smaller --interval, fewer --memory-frames or --device cpu."
        ) from error


def load_network_quietly(weights: Path | None, device: str, note: Say) -> PCVOS:
    """Load a network as is fastest on this machine, `note` told before that is measured; of a file that is no
    weights PyTorch has more to say than one sentence."""

    def choices(network: PCVOS) -> Choices:
        if not is_measured(network):
            note("Measuring how the network runs fastest on this machine: some seconds, the first time only.")
        return choices_for(network)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_network(weights, device, choices)


def tell_memory(propagator: Propagator, run: tuple[int, int, Direction], note: Say, warn: Say) -> None:
    """Say what a run, from its first frame to its last, takes at most, or what to change where that may be more than
    is free."""
    advice = propagator.memory_advice(*run)
    warn(advice) if advice is not None else note(f"Memory: {propagator.memory_bound(*run)}.")


def note_distractors(propagator: Propagator, note: Say) -> None:
    """Say which objects something else looks like, on which annotated frame."""
    for frame, objects in propagator.distractors.items():
        of = f"object {objects[0]}" if len(objects) == 1 else f"objects {', '.join(map(str, objects))}"
        note(f"On frame {frame} something else looks like {of}: it is followed too, unseen (--no-distractors: not).")


class _Run:
    """One run, from what is asked to the files."""

    def __init__(self, request: PropagateRequest, media: FrameSource, note: Say, warn: Say):
        self._began = time.perf_counter()
        self._request, self._media, self._note, self._warn = request, media, note, warn
        self._warnings_passed_on = 0
        self._pass_on_warnings()
        self._frames = frame_range(request.start, request.end, len(media), request.input)
        self._masks = load_masks(
            request.masks,
            media.stems,
            media.size,
            start=self._frames[0],
            end=self._frames[-1],
            is_video=media.is_video,
            backward=request.settings.direction == "backward",
            mask_frame=request.mask_frame,
            numbering=request.mask_numbers,
            complete=request.masks_complete,
        )
        for sentence in self._masks.notes:
            note(sentence)
        for sentence in self._masks.warnings:
            warn(sentence)
        self._video = VideoWriter.like(media, self._frames, request.overlay) if request.overlay else None
        self._folder = ResultFolder(
            request.output, media.stems, self._frames, self._masks.objects, request.settings.soft
        )
        self._earlier = RunRecord.read(request.output) if request.resume or request.overwrite else None
        self._record = self._describe()
        if request.resume and self._earlier is not None:
            self._earlier.check_same_run(self._record, request.output)
            self._record = replace(self._record, fps=self._earlier.fps, overlay=self._earlier.overlay)
        self._finished = self._folder.finished() if request.resume else {}
        self._remembered = self._folder.remembered() if request.resume else {}
        self._has_begun = False
        self._seconds: dict[str, float] = {}

    def load_network(self) -> None:
        """The last that can refuse: the weights and the device."""
        request, engine = self._request, self._request.settings.engine
        began = time.perf_counter()
        network = load_network_quietly(engine.weights, engine.device, self._note)
        path = engine.weights or DEFAULT_WEIGHTS
        weights = {
            "path": str(path.absolute()),
            "fingerprint": network.weights_fingerprint,
            "preset": network.config.name,
        }
        device = device_name(next(network.parameters()).device)
        self._record = replace(self._record, weights=weights, device=device, passed_over=network.passed_over)
        self._record = replace(self._record, choices=describe(network.choices))
        if network.passed_over:
            self._warn(network.passed_over)
        if request.resume and self._earlier is not None:
            self._earlier.check_same_run(self._record, request.output)
        self._propagator = Propagator(network, self._media, request.settings.propagation)
        for annotation in self._masks.annotations:
            self._propagator.memory.add(annotation.frame, annotation.labels, annotation.objects)
        run = (self._frames[0], self._frames[-1], request.settings.direction)
        bound = self._propagator.memory_bound(*run)
        self._record = replace(self._record, memory_at_most=bound.device_bytes + bound.machine_bytes)
        tell_memory(self._propagator, run, self._note, self._warn)
        self._seconds["loading the network"] = time.perf_counter() - began

    def work(self) -> str:
        """Write everything; what was done, in a sentence."""
        left = len(self._frames) - len(self._finished)
        overlay = self._request.overlay
        has_overlay = overlay is None or (self._record.overlay == str(overlay.absolute()) and overlay.exists())
        nothing_left = f"Nothing is left to do: all {len(self._frames)} frames are in {self._request.output}"
        if not left and has_overlay and self._earlier is not None and self._earlier.state == "done":
            return nothing_left + "."
        done = []
        try:
            if left:
                done.append(self._propagate())
            if overlay and (left or not has_overlay):
                done.append(self._draw_overlay())
            self._begin()  # of a run that was killed at its very end only the record is left to do
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            self._end("interrupted" if interrupted else "failed")
            if interrupted:
                raise KeyboardInterrupt(self._how_to_go_on()) from None
            raise
        self._folder.forget_memory()
        self._end("done")
        self._pass_on_warnings()
        return ("; ".join(done) or nothing_left) + "."

    # the parts of the work

    def _propagate(self) -> str:
        request, frames = self._request, self._frames
        written, began = 0, time.perf_counter()
        self._seconds["writing"] = 0.0
        run = self._propagator.run(frames[0], frames[-1], request.settings.direction, self._finished, self._remembered)
        with (
            FrameProgress("Propagating", self._count_frames_to_draw()) as progress,
            ClipWriter(self._folder) as writer,
            closing(run),
        ):
            for clip in run:
                if not clip.provisional:
                    self._begin()
                    writing = time.perf_counter()
                    writer.write(clip)
                    self._seconds["writing"] += time.perf_counter() - writing
                    written += len(clip.frames)
                progress.advance(len(clip.frames))
        note_distractors(self._propagator, self._note)
        seconds = time.perf_counter() - began
        self._record = replace(self._record, fps=round(written / seconds, 2))
        return f"{written} frames in {seconds:.1f} s ({written / seconds:.1f} fps), masks in {request.output}"

    def _count_frames_to_draw(self) -> int:
        """Frames of all passes, without those that are finished."""
        frames, direction = self._frames, self._request.settings.direction
        annotated = [annotation.frame for annotation in self._masks.annotations]
        twice = range(annotated[0], annotated[-1] + 1) if direction == "both" else range(0)
        finished = sum(1 + (frame in twice) for frame in self._finished)
        return self._propagator.count_frames(frames[0], frames[-1], direction) - finished

    def _draw_overlay(self) -> str:
        """Drawn from the written masks, so that it is complete after a resume too, and in order of time."""
        overlay, writer = self._request.overlay, self._video
        assert overlay is not None and writer is not None, "no overlay is wanted"
        self._begin()
        began = time.perf_counter()
        with FrameProgress("Drawing the overlay", len(self._frames)) as progress, writer as video:
            for frame, image in read_ahead(self._media, self._frames):
                video.write(draw_overlay(image, self._folder.read_labels(frame)), self._media.timestamps[frame])
                progress.advance(1)
        self._seconds["overlay"] = time.perf_counter() - began
        self._record = replace(self._record, overlay=str(overlay.absolute()))
        return f"overlay in {self._request.overlay}"

    # what is kept of it

    def _begin(self) -> None:
        """Make the folder ready, once there is something to write."""
        if not self._has_begun:
            self._folder.prepare(self._earlier, begin_anew=self._request.overwrite)
            self._record.write(self._request.output)
            self._has_begun = True

    def _end(self, state: State) -> None:
        if not self._has_begun:
            return
        seconds = self._seconds | self._propagator.seconds | {"total": time.perf_counter() - self._began}
        earlier = self._earlier.seconds if self._request.resume and self._earlier is not None else {}
        record = replace(
            self._record,
            state=state,
            frames_done=len(self._folder.finished()),
            seconds=add_seconds(seconds, earlier),
        )
        try:
            record.write(self._request.output)
        except PCVOSError:
            if state == "done":  # otherwise there is a failure to report already
                raise

    def _describe(self) -> RunRecord:
        request, media = self._request, self._media
        return RunRecord(
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            started=datetime.now().astimezone().isoformat(timespec="seconds"),
            frames=len(self._frames),
            input={
                "path": str(request.input.absolute()),
                "fingerprint": media.fingerprint(),
                "frames": len(media),
                "width": media.size[1],
                "height": media.size[0],
                "fps": float(media.rate),
            },
            masks={
                "path": str(request.masks.absolute()),
                "fingerprint": masks_fingerprint(request.masks),
                "frames": [annotation.frame for annotation in self._masks.annotations],
                "objects": list(self._masks.objects),
                "notes": [*self._masks.notes, *self._masks.warnings],
            },
            settings=_settings(request, self._frames),
            versions=versions(),
            stems=self._folder.stems,
        )

    # words

    def _how_to_go_on(self) -> str:
        if not self._has_begun:
            return "Interrupted before the first clip was done: nothing was written."
        done, output = len(self._folder.finished()), self._request.output
        again = "the same command with --resume" + (" instead of --overwrite" if self._request.overwrite else "")
        return f"Interrupted with {done} of {len(self._frames)} frames in {output}: {again} goes on."

    def _pass_on_warnings(self) -> None:
        """Print the footage's warnings; reading it can add to them."""
        new = self._media.warnings[self._warnings_passed_on :]
        self._warnings_passed_on += len(new)
        for warning in new:
            self._warn(warning)


def frame_range(start: int | None, end: int | None, count: int, footage: Path) -> range:
    """Frames `start` to `end` (inclusive; None: from the first, to the last) of the `count` of footage; PCVOSError if
    it has others."""
    start, end = 0 if start is None else start, count - 1 if end is None else end
    if not 0 <= start <= end < count:
        raise PCVOSError(
            f"There are no frames {start} to {end} in {footage}, whose frames are 0 to {count - 1}: choose another "
            "--start or --end."
        )
    return range(start, end + 1)


def _settings(request: PropagateRequest, frames: range) -> dict[str, Any]:
    """All settings that the results depend on, by the name of their option."""
    settings = asdict(request.settings.propagation)
    del settings["cache_bytes"]  # speed only
    settings["resolution"] = settings["resolution"] or "native"
    return {
        "start": frames[0],
        "end": frames[-1],
        "direction": request.settings.direction,
        "mask_frame": request.mask_frame,
        **({} if request.mask_numbers is None else {"mask_numbers": request.mask_numbers}),
        "masks_complete": request.masks_complete,
        **settings,
    }
