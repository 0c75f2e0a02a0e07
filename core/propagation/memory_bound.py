"""Bound of the memory that a run will take, before it begins, and what to change where that is too much."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from core.network.config import PCVOSConfig
from core.network.matching import SIMILARITY_BYTES, looked_into_bytes
from core.network.winograd import STRIP_BYTES
from core.propagation.clip_inference import OBJECTS_AT_ONCE
from core.propagation.feed import READ_AHEAD_BYTES, depth
from core.propagation.frame_encoder import KEYS_BYTES
from core.propagation.geometry import Geometry
from core.propagation.settings import PropagationSettings
from core.propagation.work_bytes import WorkBytes


@dataclass(frozen=True)
class RunSize:
    """Size of a run: all that its memory depends on.

    Attributes:
        size: (H, W) of the footage. frames: how many are visited. objects: with distractors, if they are followed.
        annotated: how many annotated frames there are.
    """

    size: tuple[int, int]
    frames: int
    objects: int
    annotated: int = 1


@dataclass(frozen=True)
class MemoryBound:
    """Bytes that a run takes at most, beyond the program and the network, by what takes them.

    Attributes:
        device: on the accelerator; on a CPU, what the network does. machine: besides, in the machine's memory.
    """

    device: Mapping[str, int]
    machine: Mapping[str, int]

    @property
    def device_bytes(self) -> int:
        return sum(self.device.values())

    @property
    def machine_bytes(self) -> int:
        return sum(self.machine.values())

    def __str__(self) -> str:
        return f"at most {_words(self.device_bytes + self.machine_bytes)}"

    def advice(self, free: int) -> str | None:
        """Advice where no more than `free` bytes are free for the device part, in a sentence; None if it
        fits."""
        if self.device_bytes <= free:
            return None
        what = {"memory": "fewer memory frames", "clip": "a smaller memory interval", "work": "a lower resolution"}
        worst = sorted(what, key=lambda part: -self.device[part])[:2]
        need = f"This run may take {_words(self.device_bytes)}, and {_words(free)} are free"
        return f"{need}: choose {' or '.join(what[part] for part in worst)}."


def memory_bound(
    config: PCVOSConfig, settings: PropagationSettings, run: RunSize, device: torch.device, cache_bytes: int
) -> MemoryBound:
    """The bound for a run with `settings` of a network of that shape on `device`.

    Args:
        cache_bytes: most that features of earlier frames may take (`FeatureCache.budget`).
    """
    geometry = Geometry(run.size, settings.resolution)
    half = device.type != "cpu" and settings.precision != "fp32"
    half = half and (settings.precision != "auto" or device.type == "cuda")
    grid = geometry.grid
    work = WorkBytes(config, grid, torch.float16 if half else torch.float32)
    interval, pixels = min(settings.interval, run.frames), geometry.padded[0] * geometry.padded[1]
    footage_pixels = run.size[0] * run.size[1]

    entry = work.key + run.objects * (work.value + 4 * grid[0] * grid[1])
    remembered = -(-run.frames // settings.interval)
    frames = run.annotated + min(remembered, settings.memory_frames)
    keys = min(KEYS_BYTES, (run.annotated + remembered) * work.key)
    progressive = interval // settings.progressive if settings.progressive else 0
    read = (frames + progressive) * (2 * work.key + run.objects * work.value)  # joined for a clip, and localised
    cells = grid[0] * grid[1]
    objects = run.objects
    clip = interval * (work.features + objects * (2 * cells * 4 * config.value_dim + 3 * pixels // 16 * 4))
    clip += work.trunk
    drawing = 4 * (5 * (objects + 1) * pixels + 6 * footage_pixels)
    value_encoder = min(objects, OBJECTS_AT_ONCE) * work.encoded
    blocks = 6 * SIMILARITY_BYTES[device.type]
    blocks += looked_into_bytes(cells, (frames + progressive) * cells, settings.top_k)
    refined = interval * work.refined  # a clip of one object at least is refined at once
    temporary = max(work.encoded + 3 * STRIP_BYTES, blocks, refined, work.decoded, value_encoder, drawing)
    results = interval * footage_pixels * (1 + objects * settings.soft) + interval * objects * pixels // 16
    ahead = min(depth(run.size, interval) * 3 * footage_pixels, READ_AHEAD_BYTES)
    return MemoryBound(
        {
            "memory": 2 * frames * entry + read,
            "clip": clip + results,
            "work": temporary * 5 // 4,
            "features kept": keys + min(cache_bytes, run.frames * (work.features + work.trunk // max(1, interval))),
        },
        {
            "frames read ahead": ahead + 2 * interval * 3 * footage_pixels,
            "results": 3 * results,
            "annotations": run.annotated * footage_pixels,
        },
    )


def _words(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
