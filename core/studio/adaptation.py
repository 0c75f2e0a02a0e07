"""Weights that learn from a person's corrections, and are judged on corrections they have not seen.

Of each project, the last quarter of the corrected frames in order of time is held back. The network goes on training on
the others; then both networks, as it was and as it is now, carry the masks of the frames learned from over those held
back. Only if the new one agrees better with the person there are its weights handed over. Its key features stay, so
that the weights for marking fit it as well.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch

from core.errors import PCVOSError
from core.evaluation.metrics import boundary_accuracy, region_similarity
from core.files import atomic_write
from core.media.source import FrameSource
from core.network.checkpoint import DEFAULT_WEIGHTS, load_network, load_state, read_weights, save_network
from core.network.pcvos import PCVOS
from core.progress import UNWATCHED, Progress
from core.project.project import Project
from core.project.tracks import CORRECTED
from core.propagation import PropagationSettings, Propagator
from core.training.annotated_footage import annotated_sequence
from core.training.data import IGNORE, TrainingData
from core.training.precision import faster_precision
from core.training.stages import adaptation_schedule
from core.training.trainer import Trainer, TrainingSettings

LEAST_FRAMES = 3
"""Corrected frames that a project needs: two to learn from, one to judge by."""

LEAST_GAIN = 0.001
"""J&F that weights have to gain to be handed over: what the printed figures show."""

_HELD_BACK = 0.25
_MOST_FRAMES = 1500  # of a project that are kept for training


@dataclass(frozen=True, eq=False)
class Lesson:
    """The corrections of one project.

    Attributes:
        labels: by frame, ascending: uint8 (H, W), 255 where nothing is known for sure.
        objects: by frame, the ids that were corrected there.
        held_back: the frames among them that nothing is learned from.
    """

    name: str
    media: FrameSource
    labels: dict[int, np.ndarray]
    objects: dict[int, frozenset[int]]
    held_back: tuple[int, ...]

    @property
    def learned(self) -> tuple[int, ...]:
        return tuple(frame for frame in self.labels if frame not in self.held_back)


@dataclass(frozen=True)
class Judgement:
    """J&F of one project's frames that were held back, with the weights before and after."""

    name: str
    learned: int
    held_back: int
    before: float
    after: float


@dataclass(frozen=True)
class AdaptationRequest:
    """The request for an adaptation.

    Attributes:
        weights: to go on from; None: the shipped ones, which stay as they are. output: the file for the new ones.
        minutes: of training. steps: of it, in place of a time.
    """

    output: Path
    weights: Path | None = None
    minutes: float = 10.0
    steps: int | None = None
    device: str = "auto"
    settings: PropagationSettings = field(default_factory=PropagationSettings)


def lesson(project: Project, media: FrameSource) -> Lesson:
    """Corrections of a project to learn from.

    Raises:
        PCVOSError: too few frames are corrected, or nothing that is known on the frames to learn from is corrected on
            those held back.
    """
    name = project.path.stem
    frames = sorted({int(f) for info in project.objects for f in project.frames_of(info.id, CORRECTED)})
    if len(frames) < LEAST_FRAMES:
        raise PCVOSError(
            f"{project.path} has {len(frames)} corrected frames, and {LEAST_FRAMES} are needed: two or more to learn "
            "from, and one to judge by; correct further frames."
        )
    labels, objects = {}, {}
    for frame in frames:
        labels[frame] = project.labels(frame)
        cells = project.cells(frame)
        objects[frame] = frozenset(obj for obj, cell in cells.items() if cell.corrected)
        labels[frame][np.isin(labels[frame], [obj for obj in cells if obj not in objects[frame]])] = IGNORE
    held_back = tuple(frames[-max(1, round(_HELD_BACK * len(frames))) :])
    own = Lesson(name, media, labels, objects, held_back)
    if not any(_judged_objects(own, frame) for frame in held_back):
        raise PCVOSError(
            f"In {project.path} no object is corrected both on the last corrected frames and before: there is nothing "
            "to judge by; correct one object on several frames."
        )
    return own


def adapt(
    lessons: Sequence[Lesson], request: AdaptationRequest, progress: Progress = UNWATCHED
) -> tuple[Judgement, ...]:
    """Train, judge, and write the weights to `request.output` if they are better; what was trained by an earlier call
    that was cancelled counts.

    Raises:
        PCVOSError: weights or device cannot be used; or the new weights are not better, then nothing is written.
        Cancelled: what was learned by then is kept beside the output, for the next call.
    """
    weights = request.weights or DEFAULT_WEIGHTS
    folder = request.output.with_name(request.output.name + ".training")
    shipped = load_network(weights, request.device)
    _keep_or_begin_anew(folder, lessons, shipped.weights_fingerprint)
    before = [_judge(shipped, one, request.settings) for one in lessons]
    progress.say(1, 20)
    _train(lessons, weights, request, folder, next(shipped.parameters()).device, progress)
    new = folder / request.output.name
    adapted = load_network(new, request.device)
    after = [_judge(adapted, one, request.settings) for one in lessons]
    progress.say(20, 20)
    judgements = tuple(
        Judgement(one.name, len(one.learned), len(one.held_back), was, is_)
        for one, was, is_ in zip(lessons, before, after, strict=True)
    )
    was, is_ = float(np.mean(before)), float(np.mean(after))
    if is_ < was + LEAST_GAIN:
        shutil.rmtree(folder)
        raise PCVOSError(
            f"The new weights are not better: on the corrected frames that were held back J&F is {is_:.3f} with them "
            f"and {was:.3f} without; nothing is written. Correct more frames, or train for longer.",
            "not better",
        )
    atomic_write(request.output, new.read_bytes())
    shutil.rmtree(folder)
    return judgements


def _train(
    lessons: Sequence[Lesson],
    weights: Path,
    request: AdaptationRequest,
    folder: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    """Train as far as the time goes; the averaged weights then lie in `folder`, under the name of the output."""
    config, state = read_weights(weights)
    network = PCVOS(config)
    load_state(network, state, weights)
    data = TrainingData(sequences=[annotated_sequence(one.name, _frames(one)) for one in lessons])
    shorter_side = min(min(sequence.frames[0].shape[:2]) for sequence in data.sequences)
    schedule = adaptation_schedule(shorter_side)
    settings = TrainingSettings(
        budget_minutes=request.minutes,
        budget_steps=request.steps,
        batch=2,
        rate=1e-4,
        ema=0.97,
        workers=0,
        precision=faster_precision(device),
        validate_minutes=float("inf"),
    )
    watch = Progress(lambda done, total: progress.say(total + 18 * done, 20 * total))
    trainer = Trainer(network, data, folder, settings, device, schedule=schedule, watch=watch)
    threads = cv2.getNumThreads()
    try:
        trainer.run()
    finally:
        cv2.setNumThreads(threads)  # the loader takes one, and the window goes on with what it had
    save_network(folder / request.output.name, trainer.ema)


def _frames(one: Lesson) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """The frames to learn from and what lies between them, of long footage fewer of those."""
    first, last = one.learned[0], one.learned[-1]
    step = 1 + (last - first) // _MOST_FRAMES
    for frame in range(first, last + 1):
        is_learned = frame in one.labels and frame not in one.held_back
        if is_learned or (frame - first) % step == 0:
            yield one.media.read(frame), one.labels[frame] if is_learned else None


def _judge(network: PCVOS, one: Lesson, settings: PropagationSettings) -> float:
    """Mean J&F over the objects on the frames that were held back, when all others are permanent memory."""
    propagator = Propagator(network, one.media, settings)
    for frame in one.learned:
        labels = one.labels[frame]
        propagator.memory.add(frame, np.where(labels == IGNORE, np.uint8(0), labels), one.objects[frame])
    scores = []
    for clip in propagator.run(one.learned[-1], one.held_back[-1]):
        for frame, labels in zip(clip.frames, clip.labels, strict=True):
            if frame in one.held_back:
                for obj in _judged_objects(one, frame):
                    mask, truth = labels == obj, one.labels[frame] == obj
                    scores.append((region_similarity(mask, truth) + boundary_accuracy(mask, truth)) / 2)
    return float(np.mean(scores))


def _judged_objects(one: Lesson, frame: int) -> frozenset[int]:
    """Objects that were corrected on a frame held back, and on one learned from."""
    return one.objects[frame] & frozenset(obj for learned in one.learned for obj in one.objects[learned])


def _keep_or_begin_anew(folder: Path, lessons: Sequence[Lesson], weights: str) -> None:
    """Go on with what lies in the folder only if it is of the same corrections and weights.

    Raises:
        PCVOSError: the folder is somebody else's.
    """
    digest = hashlib.sha256(weights.encode())
    for one in lessons:
        digest.update(one.media.fingerprint().encode())
        for frame, labels in one.labels.items():
            digest.update(f"{frame} {sorted(one.objects[frame])} {frame in one.held_back}".encode())
            digest.update(labels.tobytes())
    note, facts = folder / "adaptation.json", {"of": digest.hexdigest()}
    if folder.exists() and not note.is_file():
        raise PCVOSError(f"{folder} is there and holds no training: it would be in the way. Choose another output.")
    if note.is_file() and json.loads(note.read_text()) != facts:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(note, json.dumps(facts).encode())
