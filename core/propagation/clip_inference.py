"""The network at work on one clip: features, memory values, readout, refinement, mask logits.

Work that belongs to a frame is done once a frame, work that belongs to a memory history once a history; only the
value gather, the refinement and the decoder run per object.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from core.network.matching import localised, read_top_k
from core.network.pcvos import PCVOS
from core.propagation.distractors import compete
from core.propagation.feature_cache import FrameFeatures
from core.propagation.memory import History
from core.propagation.settings import PropagationSettings

OBJECTS_AT_ONCE = 8
"""Objects whose values are encoded in one batch."""


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The person who asked for a run does not want it any more."""


class Stopwatch:
    """Seconds by part. On an accelerator each part waits for the device, so that its time is its own."""

    def __init__(self, device: torch.device):
        self.seconds: dict[str, float] = {}
        self._device = device

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - start


class ClipInference:
    """Runs `network`, as `load_network` prepared it, with the settings of a run.

    Attributes:
        watch: seconds spent, by part.
        should_stop: asked before every frame's work; once it says True, `Stopped` is raised. None: nobody is asked.
        precision: what the network runs in, None for float32.
    """

    should_stop: Callable[[], bool] | None = None

    def __init__(self, network: PCVOS, settings: PropagationSettings):
        self.network, self.settings = network, settings
        self.device = next(network.parameters()).device
        self.watch = Stopwatch(self.device)
        self.precision = _amp_type(settings.precision, self.device)
        # One frame at a time is faster on a CPU: smaller temporaries stay in its caches.
        self._batch = 8 if self.device.type == "cuda" else 1

    def check(self) -> None:
        """Raise `Stopped` if that is wanted."""
        if self.should_stop is not None and self.should_stop():
            raise Stopped

    def features(self, images: Sequence[Tensor]) -> list[FrameFeatures]:
        """Features of frames given as network inputs (1, 3, H, W)."""
        found = []
        with self.watch("key encoder"), self._autocast():
            for i in range(0, len(images), self._batch):
                self.check()
                part = images[i : i + self._batch]
                batch = self.network.encode_key(torch.cat(list(part)) if len(part) > 1 else part[0])
                for j, image in enumerate(part):
                    one = {k: None if v is None else v[j : j + 1] for k, v in vars(batch).items()}
                    if len(part) > 1:
                        one = {k: None if v is None else v.clone() for k, v in one.items()}
                    found.append(FrameFeatures(image=image, **one | {"key": _rows(one["key"])}))
        return found

    def values(self, features: FrameFeatures, planes: Tensor, others: Tensor | None = None) -> list[Tensor]:
        """Memory values (h w, C_v) of each object on one frame.

        Args:
            features: with trunk. planes: aggregated probabilities of all objects there, (K, H, W).
            others: of what is none of them, for each, (K, H, W); the other objects, if None.
        """
        with self.watch("value encoder"), self._autocast():
            masks = planes.unsqueeze(1)
            rest = masks.sum(0, keepdim=True) - masks if others is None else others.unsqueeze(1)
            values: list[Tensor] = []
            for part, other in zip(masks.split(OBJECTS_AT_ONCE), rest.split(OBJECTS_AT_ONCE), strict=True):
                self.check()
                shared = [t.expand(len(part), -1, -1, -1) for t in (features.image, features.f4, features.f16)]
                values += [_rows(v[None]) for v in self.network.encode_value(*shared, part, other)]
        return values

    def predict(self, features: Sequence[FrameFeatures], histories: Sequence[History]) -> dict[int, Tensor]:
        """Mask logits (D, H/4, W/4), float32, of all that is in `histories` on the D frames of a clip.

        What an object and its distractor both claim goes to the likelier one.
        """
        logits: dict[int, Tensor] = {}
        local = None
        if features[0].local is not None:
            local = torch.stack([f.local[0] for f in features], 1).unsqueeze(0)
        for history in histories:
            with self.watch("matching"):
                readouts = self._read(features, history)
            for obj, readout in zip(history.objects, readouts, strict=True):
                logits[obj] = self._to_mask(features, local, readout)
        for obj in [o for o in logits if o > 0 and -o in logits]:
            logits[obj], logits[-obj] = compete(logits[obj], logits[-obj])
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

        with self.watch("matching"):
            (readout,) = read_top_k(features.key, keys, [values], self.settings.top_k, hidden=hidden)
        local = None if features.local is None else features.local.unsqueeze(2)
        return self._to_mask([features], local, readout)[0]

    def _read(self, features: Sequence[FrameFeatures], history: History) -> list[Tensor]:
        """Memory readout (D h w, C_v) per object, with progressive matching (paper Sec. 3.5, Eq. 4).

        The last of every F frames is *temporary* memory for those behind it, with its key and the raw readout as its
        value.
        """
        segment = self.settings.progressive or len(features)
        keys, values = history.keys, list(history.values)
        parts: list[list[Tensor]] = [[] for _ in values]
        for i, frame in enumerate(features):
            self.check()
            if i and i % segment == 0:
                keys = torch.cat([keys, features[i - 1].key])
                values = [torch.cat([value, part[-1]]) for value, part in zip(values, parts, strict=True)]
            query, memory = frame.key, keys
            if self.settings.kernel and not self.settings.exact:
                height, width = frame.thin.shape[-2:]
                query, memory = localised(query, memory, height, width, self.settings.kernel * min(height, width))
            readouts = read_top_k(query, memory, values, self.settings.top_k)
            for part, readout in zip(parts, readouts, strict=True):
                part.append(readout)
        return [torch.cat(part) for part in parts]

    def _to_mask(self, features: Sequence[FrameFeatures], local: Tensor | None, readout: Tensor) -> Tensor:
        """Refine one object's readout over the clip and decode it frame by frame."""
        frames, (h, w) = len(features), features[0].thin.shape[-2:]
        self.check()
        with self.watch("refinement"), self._autocast():
            clip = readout.view(1, frames, h, w, -1).permute(0, 4, 1, 2, 3)
            refined = self.network.refine(local, clip)[0].transpose(0, 1)
        with self.watch("decoder"), self._autocast():
            logits = []
            for i in range(0, frames, self._batch):
                self.check()
                part = features[i : i + self._batch]
                skips = [
                    torch.cat([getattr(f, name) for f in part]) if len(part) > 1 else getattr(part[0], name)
                    for name in ("thin", "skip8", "skip4")
                ]
                value = refined[i : i + self._batch].contiguous(memory_format=torch.channels_last)
                logits.append(self.network.decode(value, *skips)[:, 0].float())
        return torch.cat(logits)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision is not None)


def _rows(x: Tensor) -> Tensor:
    """(1, C, h, w) to (h w, C), contiguous."""
    return x[0].flatten(1).t().contiguous()


def _amp_type(precision: str, device: torch.device) -> torch.dtype | None:
    if precision == "auto":
        precision = "fp16" if device.type == "cuda" else "fp32"
    return {"fp32": None, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
