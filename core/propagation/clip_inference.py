"""The network at work on one clip: features, memory values, readout, refinement, mask logits.

Work that belongs to a frame is done once a frame, work that belongs to a memory history once a history; only the
value gather, the refinement and the decoder run per object.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.devices import float32_exactly, wait_for
from core.network.matching import joined, read_localised, read_top_k
from core.network.pcvos import PCVOS
from core.network.preparation import in_type, memory_format
from core.progress import UNWATCHED, Progress
from core.propagation.batches import Batches
from core.propagation.distractors import compete
from core.propagation.feature_cache import FrameFeatures
from core.propagation.memory import History
from core.propagation.prediction import Track
from core.propagation.settings import PropagationSettings
from core.propagation.work_bytes import WorkBytes

OBJECTS_AT_ONCE = 8
"""Objects whose values are encoded in one batch."""


class Stopwatch:
    """Seconds by part.

    Attributes:
        waits: each part waits for the device, so that its time is its own; which slows an accelerator down. Otherwise
            a part's time there is that of asking for it.
    """

    def __init__(self, device: torch.device):
        self.seconds: dict[str, float] = {}
        self.waits = False
        self._device = device

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        if self.waits:
            wait_for(self._device)
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start


class ClipInference:
    """Runs `network`, as `load_network` prepared it, with the settings of a run.

    Attributes:
        network: with the weights that it runs in: of half precision where that is wanted, but for fp16 on a CPU, which
            autocast does.
        watch: seconds spent, by part.
        batches: how much is done at a time.
        progress: asked before the work on every batch, on a CPU a frame, whether it is still wanted.
        precision: what the network runs in, None for float32. dtype: of its weights, and of what goes in and out.
    """

    progress: Progress = UNWATCHED

    def __init__(self, network: PCVOS, settings: PropagationSettings):
        self.settings = settings
        self.device = next(network.parameters()).device
        self.precision = _half_type(settings.precision, self.device, network.choices.precision)
        self._casts = self.device.type == "cpu" and self.precision == torch.float16
        self.dtype = torch.float32 if self.precision is None or self._casts else self.precision
        self.network = in_type(network, self.dtype)
        self._layout = memory_format(network)
        self.watch = Stopwatch(self.device)
        self.batches = Batches(self.device)

    def check(self) -> None:
        """Raise `Cancelled` if the work is not wanted any more."""
        self.progress.raise_if_cancelled()

    def features(self, images: Tensor) -> list[FrameFeatures]:
        """Features of frames given as network inputs (B, 3, H, W), in one batch."""
        self.check()
        with self.watch("key encoder"), self._arithmetic():
            images = images.to(self.dtype, memory_format=self._layout)
            batch = self.network.encode_key(images)
            keys = _rows(batch.key).float()
        return [
            FrameFeatures(
                key=keys[i],
                thin=batch.thin[own],
                local=None if batch.local is None else batch.local[own],
                skip8=batch.skip8[own],
                skip4=batch.skip4[own],
                image=images[own],
                f4=batch.f4[own],
                f16=batch.f16[own],
            )
            for i, own in enumerate(slice(i, i + 1) for i in range(len(images)))
        ]

    def values(self, features: FrameFeatures, planes: Tensor, others: Tensor | None = None) -> list[Tensor]:
        """Memory values (h w, C_v) of each object on one frame.

        Args:
            features: with trunk. planes: aggregated probabilities of all objects there, (K, H, W).
            others: of what is none of them, for each, (K, H, W); the other objects, if None.
        """
        with self.watch("value encoder"), self._arithmetic():
            masks = planes.unsqueeze(1)
            rest = masks.sum(0, keepdim=True) - masks if others is None else others.unsqueeze(1)
            masks, rest = masks.to(self.dtype), rest.to(self.dtype)
            values: list[Tensor] = []
            for part, other in zip(masks.split(OBJECTS_AT_ONCE), rest.split(OBJECTS_AT_ONCE), strict=True):
                self.check()
                image, f4, f16 = (t.expand(len(part), -1, -1, -1) for t in features.trunk)
                values += _rows(self.network.encode_value(image, f4, f16, part, other))
        return values

    def predict(self, features: Sequence[FrameFeatures], histories: Sequence[History]) -> dict[Track, Tensor]:
        """Match, refine and decode a clip of D frames: mask logits (D, H/4, W/4), float32, of the tracks remembered.

        What an object and its distractor both claim goes to the likelier one.
        """
        readouts: dict[Track, Tensor] = {}
        for history in histories:
            with self.watch("matching"), self._arithmetic():
                readouts.update(zip(history.tracks, self.match(features, history), strict=True))
        logits = self._to_masks(features, readouts)
        for distractor in [track for track in logits if track.is_distractor]:
            if (own := Track(distractor.obj)) in logits:
                logits[own], logits[distractor] = compete(logits[own], logits[distractor])
        return logits

    def match_elsewhere(
        self, features: FrameFeatures, keys: Tensor, values: Tensor, own: Tensor, radius: float
    ) -> Tensor:
        """Mask logits (H/4, W/4), float32, of an object on a frame whose positions read no memory around themselves.

        Args:
            keys, values: memory, (N, C_k) and (N, C_v): all positions of the same frame, row by row, then others.
            own: of which memory is read everywhere, (N,), bool: one position at least.
            radius: how far around a position others are not read, memory positions.
        """
        self.check()
        axes = (torch.arange(n, dtype=torch.float32, device=keys.device) for n in features.thin.shape[-2:])
        places = torch.cartesian_prod(*axes)

        def hidden(start: int, stop: int) -> Tensor:
            around = torch.cdist(places[start:stop], places) <= radius
            return F.pad(around, (0, len(keys) - len(places))) & ~own

        with self.watch("matching"), self._arithmetic():
            (readout,) = read_top_k(features.key, keys, [values], self.settings.top_k, hidden=hidden)
        (logits,) = self._to_masks([features], {Track(0): readout}).values()
        return logits[0]

    def match(self, features: Sequence[FrameFeatures], history: History) -> list[Tensor]:
        """Memory readout (D h w, C_v) per track, with progressive matching (paper Sec. 3.5, Eq. 4).

        The last of every F frames is *temporary* memory for those behind it, with its key and the raw readout as its
        value.
        """
        segment = self.settings.progressive or len(features)
        temporary = range(segment - 1, len(features) - 1, segment)
        keys, values = _with_room(history, [features[i].key for i in temporary])
        count = len(history.keys)
        parts: list[list[Tensor]] = [[] for _ in values]
        for i, frame in enumerate(features):
            self.check()
            memory = keys[:count], [value[:count] for value in values]
            if self.settings.kernel:
                height, width = frame.thin.shape[-2:]
                sigma = self.settings.kernel * min(height, width)
                readouts = read_localised(frame.key, *memory, height, width, sigma, self.settings.top_k)
            else:
                readouts = read_top_k(frame.key, *memory, self.settings.top_k)
            for part, readout in zip(parts, readouts, strict=True):
                part.append(readout)
            if i in temporary:
                for value, readout in zip(values, readouts, strict=True):
                    value[count : count + len(readout)] = readout
                count += len(frame.key)
        return [joined(part) for part in parts]

    def _to_masks(self, features: Sequence[FrameFeatures], readouts: Mapping[Track, Tensor]) -> dict[Track, Tensor]:
        """Refine the readouts (D h w, C_v) of tracks over the clip, and decode them: logits (D, H/4, W/4)."""
        frames, (rows, columns) = len(features), features[0].thin.shape[-2:]
        local = None
        if features[0].local is not None:
            local = torch.stack([f.local[0] for f in features if f.local is not None], 1)
        work = WorkBytes(self.network.config, (rows, columns), self.dtype)
        logits: dict[Track, Tensor] = {}
        for some in self.batches.split(len(readouts), frames * (work.refined + work.decoded)):
            self.check()
            batch = {track: readouts[track] for track in list(readouts)[some]}
            with self.watch("refinement"), self._arithmetic():
                clips = joined([r.view(1, frames, rows, columns, -1) for r in batch.values()])
                refined = self._refine(local, clips.permute(0, 4, 1, 2, 3))
            with self.watch("decoder"), self._arithmetic():
                parts = [
                    self._decode(features[those], refined[:, those])
                    for those in self.batches.split(frames, len(batch) * work.decoded)
                ]
            logits.update(zip(batch, joined(parts, 1), strict=True))
        return logits

    def _refine(self, local: Tensor | None, readouts: Tensor) -> Tensor:
        """Readouts (K, C_v, D, h, w) refined, (K, D, C_v, h, w), with the frames' local keys (C_k', D, h, w)."""
        if not self.settings.refinement:
            return readouts.transpose(1, 2)
        keys = None if local is None else local.expand(len(readouts), *local.shape)
        return self.network.refine(keys, readouts).transpose(1, 2)

    def _decode(self, features: Sequence[FrameFeatures], refined: Tensor) -> Tensor:
        """Mask logits (K, D, H/4, W/4), float32, of K objects on D frames, from (K, D, C_v, h, w)."""
        self.check()
        count, frames = refined.shape[:2]
        skips = [joined([getattr(f, name) for f in features]) for name in ("thin", "skip8", "skip4")]
        if count > 1:
            skips = [skip.repeat(count, 1, 1, 1) for skip in skips]
        value = refined.flatten(0, 1).contiguous(memory_format=self._layout)
        logits: Tensor = self.network.decode(value, *skips)[:, 0].float().unflatten(0, (count, frames))
        return logits

    @contextmanager
    def going_by(self, settings: PropagationSettings) -> Iterator[None]:
        """Inside, clips are predicted by these settings, of the same precision."""
        before, self.settings = self.settings, settings
        try:
            yield
        finally:
            self.settings = before

    @contextmanager
    def _arithmetic(self) -> Iterator[None]:
        """Products are of the precision wanted: the weights say it, or autocast."""
        with float32_exactly(self.device), torch.autocast(self.device.type, self.precision, enabled=self._casts):
            yield


def _with_room(history: History, keys: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Keys and values of a history with further keys behind them, whose values are still to be written."""
    if not keys:
        return history.keys, list(history.values)
    further = sum(len(key) for key in keys)
    values = [torch.cat([value, value.new_empty(further, value.shape[1])]) for value in history.values]
    return torch.cat([history.keys, *keys]), values


def _rows(x: Tensor) -> Tensor:
    """(B, C, h, w) to (B, h w, C), contiguous."""
    return x.flatten(2).mT.contiguous()


def _half_type(precision: str, device: torch.device, on_cpu: str) -> torch.dtype | None:
    if precision == "auto":
        precision = {"cuda": "fp16", "cpu": on_cpu}.get(device.type, "fp32")
    return {"fp32": None, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
