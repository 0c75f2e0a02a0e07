"""One clip of a finished run, drawn again: the memory it was read from, and what each part of the method changed.

Memory is rebuilt as it was at that clip: permanent memory, and what the run remembered, from the masks that it drew.
Keys need no masks and are the run's own. Values differ a little: probabilities are kept in 8 bits, and what the run
remembered of distractors is not kept.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.masks.soft_mask import CERTAIN
from core.network.aggregation import own_logits
from core.network.matching import best_near
from core.network.transfer import download
from core.propagation.attribution import Attribution, Kind, Source, positions_of
from core.propagation.composer import Distribution
from core.propagation.earlier_run import EarlierRun
from core.propagation.feature_cache import FrameFeatures
from core.propagation.geometry import STRIDE
from core.propagation.memory import MemoryBank, MemoryEntry
from core.propagation.parts import Parts
from core.propagation.prediction import ClipResult, Prediction, Track
from core.propagation.presence import Presence
from core.propagation.run import ClipEnd, PassState, Run
from core.propagation.schedule import Clip, Pass
from core.propagation.settings import Direction
from core.propagation.stretch import Stretch
from core.propagation.touched import MaskSource
from core.propagation.ways import Way

PARTS: Mapping[str, Mapping[str, Any]] = {
    "refinement": {"refinement": False},
    "progressive": {"progressive": 0},
    "kernel": {"kernel": 0.0},
    "distractors": {"distractors": False},
}
"""Parts of the method that can be left out, and the settings that do so."""

MOST = 100
"""Most positions of an object whose reading is told."""

_LEAST = 3e-4  # the probability that level 0 stands for


@dataclass(frozen=True)
class DrawnRun:
    """A finished run: its range, direction and ways, as `Propagator.run` and `run_along` take them.

    Attributes:
        there: the masks that it drew.
    """

    start: int
    end: int
    direction: Direction
    there: MaskSource
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, eq=False)
class Ablation:
    """A clip without one part of the method.

    Attributes:
        without: of `PARTS`; "": nothing was left out. clip: what comes out; None: that part has nothing to do here.
        distractors: by (frame, object) where its distractor is, bool (H, W); told where nothing was left out.
    """

    without: str
    clip: ClipResult | None
    distractors: Mapping[tuple[int, int], np.ndarray]


class Revisit(Run):
    """One clip of a pass, with memory rebuilt as it was then.

    Args:
        frame: in the clip. there: the masks that the run drew.
        counts: share of the pass in the masks, as in `Attribution`.
    """

    def __init__(self, parts: Parts, this_pass: Pass, frame: int, there: MaskSource, counts: float):
        super().__init__(parts, [this_pass], EarlierRun(parts, {}, {}))
        self._as_drawn = self._settings
        clips = self._cut(this_pass)
        place = next(i for i, clip in enumerate(clips) if frame in clip.frames)
        self._geometry, self._pass, self._frame, self._counts = parts.geometry, this_pass, frame, counts
        self._before, self._clip = clips[:place], clips[place]
        self._earlier = _Drawn(parts, there, {clip.end: self._carried(clip, this_pass) for clip in self._before})
        self._distractors: dict[int, Tensor] = {}
        self._is_rebuilt = False
        self._memory_of: tuple[int, tuple[tuple[Source, ...], Tensor, Tensor, frozenset[int]]] | None = None

    # what was read

    @torch.inference_mode()
    def attribution(self, obj: int, x: np.ndarray, y: np.ndarray) -> Attribution | None:
        """The memory that pixels of the frame, int (n,), were read from for an object; of many pixels, some `MOST`
        positions evenly among them. None: nothing was read, for a person spoke for the object."""
        if obj not in self._clip.objects or obj in self._annotated.get(self._frame, ()):
            return None
        geometry = self._geometry
        queries = np.unique(positions_of(y, x, geometry.grid, geometry.window, geometry.size, STRIDE))
        queries = queries[:: -(-len(queries) // MOST) or 1]
        sources, keys, shown, objects = self._read_from(obj)
        (rows, columns), kernel = geometry.grid, self._settings.kernel
        at = torch.from_numpy(queries).to(keys.device)
        sigma = kernel * min(rows, columns)
        query = self._encoder.key(self._frame)
        weights, places = download([*best_near(query, keys, at, rows, columns, sigma, self._settings.top_k, shown)])
        return Attribution(
            self._frame,
            objects,
            sources,
            (rows, columns),
            geometry.window,
            geometry.size,
            STRIDE,
            queries,
            places,
            weights,
            "forward" if self._pass.frames.step > 0 else "backward",
            self._counts,
            self._clip.frames,
        )

    def _read_from(self, obj: int) -> tuple[tuple[Source, ...], Tensor, Tensor, frozenset[int]]:
        """Memory frames of an object, their keys (N, C_k), where the frame shows each of their positions best, int64
        (N,), -1 where that is not known yet, and the objects with the same memory frames."""
        if self._memory_of is None or self._memory_of[0] != obj:
            self.bank.forget_working()
            self._add_permanent()
            for clip in self._before:
                if carried := self._carried(clip, self._pass):
                    nothing = {Track(o): torch.empty(0) for o in carried}
                    self.bank.add(MemoryEntry(clip.end, False, self._encoder.key(clip.end), nothing))
            entries = self.bank.of(obj)
            place, segment = self._clip.frames.index(self._frame), self._settings.progressive or len(self._clip.frames)
            temporary = [self._clip.frames[i - 1] for i in range(segment, place + 1, segment)]
            kinds: list[tuple[int, Kind]] = [(e.frame, "permanent" if e.permanent else "working") for e in entries]
            kinds += [(frame, "temporary") for frame in temporary]
            keys = torch.cat([*(e.key for e in entries), *map(self._encoder.key, temporary)])
            objects = frozenset(o for o in self._clip.objects if self.bank.of(o) == entries)
            shown = torch.full((len(keys),), -1, dtype=torch.int64, device=keys.device)
            self._memory_of = obj, (tuple(Source(*one) for one in kinds), keys, shown, objects)
        return self._memory_of[1]

    def _add_permanent(self) -> None:
        for entry in self._encoder.permanent_entries():
            self.bank.add(entry)

    # what parts of the method changed

    @torch.inference_mode()
    def ablations(self) -> Iterator[Ablation]:
        """The clip as it was, and without each part of the method; memory stays as it was."""
        state = self._rebuilt()
        settings = self._settings
        planes = self._encoder.distractor_planes(self._frame) if self._is_marked else {}
        outlines = {(self._frame, obj): _hard(self._geometry.restore(plane)) for obj, plane in planes.items()}
        for name in ("", *PARTS):
            if not self._clip.objects or (name and not self._does(name)):
                yield Ablation(name, None, {} if name else outlines)
                continue
            self._settings = replace(settings, **PARTS.get(name, {}))
            try:
                own = replace(state, presence=copy.deepcopy(state.presence))
                result = self._run_clip(replace(self._clip, remembered=False), own)
            finally:
                self._settings = settings
            yield Ablation(name, result, {} if name else self._outlined())

    @property
    def _is_marked(self) -> bool:
        return self._settings.distractors and self._frame in self._annotated

    def _does(self, part: str) -> bool:
        """Whether a part of the method has anything to do on this clip."""
        settings = self._settings
        return {
            "refinement": settings.refinement and self._engine.network.config.refinement,
            "progressive": 0 < settings.progressive < len(self._clip.frames),
            "kernel": settings.kernel > 0,
            "distractors": bool(self._distractors),
        }[part]

    def _rebuilt(self) -> PassState:
        """Memory before the clip, with what the run had drawn."""
        light = MemoryBank(self._settings.memory_frames)
        for clip in self._before:
            if self._carried(clip, self._pass):
                light.add(MemoryEntry(clip.end, False, torch.empty(0), {Track(0): torch.empty(0)}))
        self.bank.forget_working()
        self._add_permanent()
        state = PassState(self._pass, self.bank, None, Presence())
        for clip in self._before:
            if clip.end in light.working or clip.end in self._annotated:  # others were dropped again
                self._engine.check()
                self._take_over(clip, state)
        self._is_rebuilt = True
        return state

    def _predict(self, clip: Clip, features: Sequence[FrameFeatures]) -> tuple[Stretch, dict[int, Tensor]]:
        predicted, distractors = super()._predict(clip, features)
        if self._settings == self._as_drawn:
            self._distractors = distractors
        return predicted, distractors

    def _remember(self, end: ClipEnd, state: PassState) -> None:
        if not self._is_rebuilt:
            super()._remember(end, state)

    def _outlined(self) -> dict[tuple[int, int], np.ndarray]:
        """Masks of distractors on the clip, by (frame, object)."""
        planes = {
            (frame, obj): self._geometry.restore(self._composer.plane(logits[i]))
            for obj, logits in self._distractors.items()
            for i, frame in enumerate(self._clip.frames)
        }
        return {key: _hard(plane) for key, plane in planes.items()}


class _Drawn(EarlierRun):
    """Frames as a run has drawn them, from their probabilities where those were kept.

    Args:
        needed: objects by frame.
    """

    def __init__(self, parts: Parts, there: MaskSource, needed: Mapping[int, Set[int]]):
        super().__init__(parts, {}, {})
        self._there, self._needed, self._size = there, needed, parts.geometry.size

    def prediction(self, frame: int) -> Prediction[Tensor]:
        known, needed = self._there.small(frame), sorted(self._needed[frame])
        if not needed or not known.keys() >= set(needed):
            return Prediction()
        logits = own_logits(_probabilities(np.stack([known[obj] for obj in needed])))
        self._remembered = {frame: Prediction(dict(zip(needed, logits.numpy(), strict=True)))}
        return super().prediction(frame)

    def distribution(self, frame: int, objects: tuple[int, ...]) -> Distribution:
        labels = self._there.labels(frame)
        self._labels = {frame: np.zeros(self._size, np.uint8) if labels is None else labels}
        return super().distribution(frame, objects)


def _probabilities(levels: np.ndarray) -> Tensor:
    """Probabilities of K objects from levels in 8 bits, uint8 (K, h, w); the outermost levels mean certainty."""
    share = np.where(levels <= CERTAIN, 0, np.where(levels >= 255 - CERTAIN, 1, levels / 255.0)).clip(_LEAST, 1)
    return torch.from_numpy(share / np.maximum(1, share.sum(0) / (1 - _LEAST))).float()


def _hard(plane: Tensor) -> np.ndarray:
    return (plane > 0.5).cpu().numpy()
