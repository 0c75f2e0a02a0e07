"""Jobs and results of the worker threads. All of it is immutable and free of tensors.

Every job carries a number, unique in the process; its results carry the same one, and results of a job that was
cancelled are dropped by whoever receives them.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.marking.marks import Stroke
from core.masks.packed_mask import PackedMask
from core.project.content import BACKGROUND, OBJECT
from core.project.project import Project
from core.propagation import PropagationSettings
from core.propagation.attribution import Attribution
from core.propagation.pace import Work
from core.propagation.settings import Direction
from core.propagation.ways import Way
from core.studio.run_settings import EngineChoice, RunSettings
from core.studio.runs import PermanentFrame, Predicted, plan_run
from core.studio.touched import ProjectMasks, Touched

_numbers = itertools.count(1)


def next_number() -> int:
    """A number for a new job."""
    return next(_numbers)


# the network's thread


@dataclass(frozen=True)
class PropagateJob:
    """Carry masks through `start` to `end` (inclusive).

    Attributes:
        footage: the file or folder; the thread opens it for itself, and keeps it open for the next job.
        permanent: all permanent memory, also outside the range.
        keep: per frame of the range, masks that stay as they are (locked objects): results never overlap them.
        finished: masks by object of the frames that this run has drawn already, before it was interrupted.
        index: the footage's `stored_index()`, which spares the thread reading a long video through.
        ways: of a run of what corrections touch, from which frames and how far at most; empty: all is drawn.
        there: what such a run compares with; the thread closes it.
    """

    footage: Path
    engine: EngineChoice
    settings: PropagationSettings
    permanent: tuple[PermanentFrame, ...]
    start: int
    end: int
    direction: Direction
    keep: Mapping[int, tuple[PackedMask, ...]] = field(default_factory=dict)
    index: bytes | None = field(default=None, repr=False)
    finished: Mapping[int, Mapping[int, PackedMask]] = field(default_factory=dict, repr=False)
    ways: tuple[Way, ...] = ()
    there: ProjectMasks | None = field(default=None, repr=False, compare=False)
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class CompareJob:
    """Run the same range at several memory intervals; nothing of it enters the project.

    `there`: by frame, then object, masks of the project that the network is not given, to compare the results with.
    """

    base: PropagateJob
    intervals: tuple[int, ...]
    there: Mapping[int, Mapping[int, PackedMask]] = field(default_factory=dict, repr=False)
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class EstimateJob:
    """The network's masks of one frame from permanent memory alone; `base.start` is the frame."""

    base: PropagateJob
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class MemoryJob:
    """Ask how much memory a run would take at most.

    Attributes:
        size: (H, W) of the footage. frames: of the run's range. objects, annotated: in permanent memory.
    """

    engine: EngineChoice
    settings: PropagationSettings
    size: tuple[int, int]
    frames: int
    objects: int
    annotated: int
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class ExplainJob:
    """Ask what memory a frame was read from for an object, in a finished run (`core.studio.explanation`).

    Attributes:
        base: that run. there: the masks that it drew; the thread closes it.
        mask: of the object on this frame, whose reading is told; None: of no pixels.
        known: objects by frame that were permanent memory then.
        run: its id; 0: none has drawn it. weights: fingerprint of its weights; "": not known.
        notes: sentences on what is otherwise now.
    """

    base: PropagateJob
    frame: int
    object: int
    known: Mapping[int, frozenset[int]]
    there: ProjectMasks = field(repr=False, compare=False)
    mask: PackedMask | None = None
    run: int = 0
    weights: str = ""
    notes: tuple[str, ...] = ()
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class PointJob:
    """Ask what memory one pixel (x, y) was read from; its result is `Explained`, too."""

    of: ExplainJob
    x: int
    y: int
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class AblateJob:
    """Draw the clip around a frame without each part of the method; nothing of it enters the project."""

    of: ExplainJob
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class AdaptJob:
    """Train further on a project's corrections, for so many minutes, and write the weights to `output` if they gain.

    Attributes:
        project: its file, with all corrections saved. settings: of the runs that judge before and after.
        index: of the footage, as for a run.
    """

    project: Path
    footage: Path
    output: Path
    minutes: float
    engine: EngineChoice
    settings: PropagationSettings
    index: bytes | None = field(default=None, repr=False)
    number: int = field(default_factory=next_number)


@dataclass(frozen=True)
class MemoryUse:
    """Gauges, in bytes (None: not known on this machine), and the frames in memory.

    `known`: frames whose features are kept, `capacity`: how many there is room for (None: not known). `distractors`: by
    permanent frame, the objects that something else looks like there.
    """

    permanent: tuple[int, ...]
    working: tuple[int, ...]
    process_bytes: int
    total_bytes: int
    gpu_bytes: int | None = None
    gpu_total_bytes: int | None = None
    cached_frames: int = 0
    known: frozenset[int] = frozenset()
    capacity: int | None = None
    distractors: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class JobStarted:
    """The network is loaded and the first clip is under way.

    Attributes:
        device: in words, e.g. "CPU" or a graphics card's name.
        frames: how many there are to draw, at most; frames that were given whole are not among them.
        steps: the work that this is: frames that both passes of a run draw count twice.
        passes: the frames of each pass; of a run that draws some twice there are two.
        plan: the work of each clip that will come, at most.
        loading_seconds: that the network took to be there; 0 if it was. annotating_seconds: that `annotated` frames
            took to be encoded, which are new or have changed.
        passed_over: why no better device is used although one seems to be there, in sentences; "" where there is none.
        memory_advice: what to change if the run may take more memory than is free, in a sentence; "" where it fits.
        weights: fingerprint of the network's.
    """

    number: int
    device: str
    frames: int
    steps: int
    passes: tuple[int, ...] = field(default=(), compare=False)
    plan: tuple[Work, ...] = field(default=(), compare=False, repr=False)
    loading_seconds: float = field(default=0.0, compare=False)
    annotated: int = field(default=0, compare=False)
    annotating_seconds: float = field(default=0.0, compare=False)
    passed_over: str = ""
    memory_advice: str = field(default="", compare=False)
    weights: str = field(default="", compare=False)


@dataclass(frozen=True)
class ClipDone:
    """One clip.

    Attributes:
        frames: in the order of the pass. drawn: those of them on which something was predicted.
        cells: by (frame, object); none where an object does not exist in this run (forward: before it is annotated).
        provisional: another pass draws these frames again.
        seconds: time this clip took.
        spared: frames of each clip of the plan that does not come after this one, as in `ClipResult`.
    """

    number: int
    frames: tuple[int, ...]
    drawn: tuple[int, ...]
    cells: Mapping[tuple[int, int], Predicted]
    provisional: bool
    seconds: float
    memory: MemoryUse
    spared: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class CompareProgress:
    """One interval of a CompareJob has drawn `done` of `total` frames."""

    number: int
    interval: int
    done: int
    total: int


@dataclass(frozen=True)
class Compared:
    """One interval of a CompareJob, done: label maps uint8 (T, H, W) of `frames`, and frames per second.

    Attributes:
        agreements: mean intersection over union, 0 to 1, with the results at each interval that was done before; None:
            there is nothing to compare.
        with_masks: the same with the masks of the job's `there`.
    """

    number: int
    interval: int
    frames: tuple[int, ...]
    labels: np.ndarray
    frames_per_second: float
    agreements: Mapping[int, float | None] = field(default_factory=dict)
    with_masks: float | None = None


@dataclass(frozen=True)
class Estimated:
    """The result of an EstimateJob: by object."""

    number: int
    frame: int
    cells: Mapping[int, Predicted]


@dataclass(frozen=True)
class MemoryTold:
    """The result of a MemoryJob: "at most 1.4 GiB", and what to change where that is more than is free, or ""."""

    number: int
    at_most: str
    advice: str


@dataclass(frozen=True)
class Explained:
    """The result of an ExplainJob, or of a PointJob.

    Attributes:
        of: number of the ExplainJob.
        attribution: None: a person spoke for the object on this frame. notes: sentences on what is otherwise now.
        seconds: that it took.
    """

    number: int
    of: int
    frame: int
    object: int
    attribution: Attribution | None
    run: int
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Ablated:
    """A clip without one part of the method.

    Attributes:
        without: of `core.propagation.revisit.PARTS`; "": as it was. cells: by (frame, object); empty: the part has
            nothing to do here.
        agreement: by object, mean intersection over union with the clip as it was, 0 to 1; that of the clip as it was
            with the masks that the run drew. None: there is nothing to compare.
        distractors: by (frame, object) where the object's distractor is; told with "" only.
    """

    number: int
    frame: int
    without: str
    cells: Mapping[tuple[int, int], Predicted]
    agreement: Mapping[int, float | None] = field(default_factory=dict)
    distractors: Mapping[tuple[int, int], PackedMask] = field(default_factory=dict)


@dataclass(frozen=True)
class AdaptProgress:
    """An AdaptJob has done `done` of `total` parts of its work."""

    number: int
    done: int
    total: int


@dataclass(frozen=True)
class Adapted:
    """The weights of an AdaptJob are written: J&F on `held_back` corrected frames before and after."""

    number: int
    output: Path
    learned: int
    held_back: int
    before: float
    after: float


@dataclass(frozen=True)
class JobEnded:
    """The job is over. `state`: "done", "stopped" (cancelled), "failed".

    Attributes:
        sentence: for a failure, what went wrong and what to do.
        remedies: for a failure, ways on the window can offer: any of "smaller resolution", "cpu", "fewer memory",
            "shipped weights".
    """

    number: int
    state: str
    sentence: str = ""
    remedies: tuple[str, ...] = ()


# marks


Box = tuple[float, float, float, float]
"""(left, top, right, bottom), in pixels of the frame, right and bottom excluded."""


@dataclass(frozen=True)
class MarkJob:
    """Masks from what a person pointed at, by the marking network.

    Attributes:
        image: uint8 (H, W, 3) RGB, not written to by anybody from now on.
        strokes: uint8 (H, W): 1 where the object was marked, 2 where background was, 0 elsewhere; for `painted`.
        present: the object's present mask, bool (H, W), or None. estimate: the network's, or None.
        forbidden: bool (H, W), pixels of locked objects, or None.
        subject: (frame, object) that it is about; a newer job about the same makes it worthless.
        steps: strokes and boxes, the oldest first. None: the features of the frame are to be found, and no mask.
        engine: the network whose features are used; the one that runs while a run is under way.
        is_preview: what a click would give: it is only done while nothing else is.
    """

    image: np.ndarray
    strokes: np.ndarray | None
    present: np.ndarray | None = None
    estimate: np.ndarray | None = None
    forbidden: np.ndarray | None = None
    subject: tuple[int, int] = (0, 0)
    steps: tuple[Stroke | Box, ...] = ()
    engine: EngineChoice = field(default_factory=EngineChoice)
    is_preview: bool = False
    number: int = field(default_factory=next_number)

    def painted(self) -> np.ndarray:
        """The mask that the strokes alone make, as those of a brush, bool (H, W)."""
        assert self.strokes is not None, "a look at a frame"
        mask = np.asarray(self.strokes == OBJECT)
        if self.present is not None:
            mask |= self.present & (self.strokes != BACKGROUND)
        return mask if self.forbidden is None else mask & ~self.forbidden


@dataclass(frozen=True)
class Marked:
    """The mask of a MarkJob, bool (H, W), and how long it took. None: there was only the frame to be looked at."""

    number: int
    mask: np.ndarray | None
    seconds: float


@dataclass(frozen=True)
class MarkFailed:
    """Why the marking network gives no mask, in a sentence; `is_missing`: it will not give any other either."""

    number: int
    sentence: str
    is_missing: bool


Job = PropagateJob | CompareJob | EstimateJob | MemoryJob | AdaptJob | ExplainJob | PointJob | AblateJob
"""Jobs of the network's thread, but for marks."""

Result = JobStarted | ClipDone | CompareProgress | Compared | Estimated | MemoryTold | Adapted | Explained | Ablated
"""Results of such jobs, before they end."""


def make_job(
    project: Project,
    footage: Path,
    settings: RunSettings,
    first: int,
    last: int,
    direction: Direction | None = None,
    finished: Iterable[int] = (),
    touched: Touched | None = None,
) -> PropagateJob:
    """A run of a project through frames `first` to `last`.

    Args:
        footage: where it is.
        direction: another one than the settings'.
        finished: frames that it has drawn already, before it was interrupted.
        touched: draw only what corrections touch; `first` and `last` are its extent.

    Raises:
        NothingToDraw: it would draw nothing. PCVOSError: settings that cannot be.
    """
    ways = touched.ways if touched else ()
    plan = plan_run(project, first, last, "both" if ways else direction or settings.direction, finished, ways)
    return PropagateJob(
        footage,
        settings.engine,
        settings.propagation,
        plan.permanent,
        plan.start,
        plan.end,
        plan.direction,
        plan.keep,
        project.index_cache(),
        plan.finished,
        plan.ways,
        ProjectMasks(project.snapshot(), plan.objects) if ways else None,
    )


def memory_job(project: Project, settings: RunSettings, first: int, last: int) -> MemoryJob | None:
    """A question about the memory of a run through frames `first` to `last`; None: nothing is in permanent memory."""
    keys = project.keys_in_memory()
    if not keys:
        return None
    frames, objects = ({key[part] for key in keys} for part in (0, 1))
    size, count = project.footage.size, last - first + 1
    return MemoryJob(settings.engine, settings.propagation, size, count, len(objects), len(frames))


def masks_there(project: Project, job: PropagateJob) -> dict[int, dict[int, PackedMask]]:
    """The masks that the project has of the job's objects within its range, by frame, then object, but for those that
    the network is given: of earlier runs, and corrections that are not in memory."""
    given = {(frame.frame, id) for frame in job.permanent for id in frame.masks}
    carried = tuple({id for _, id in given})
    masks: dict[int, dict[int, PackedMask]] = {}
    for (frame, id), cell in project.cells_in(job.start, job.end, carried):
        if (frame, id) not in given:
            masks.setdefault(frame, {})[id] = cell.mask
    return masks
