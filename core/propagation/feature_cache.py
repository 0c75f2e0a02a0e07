"""Frame features kept between runs, within a byte budget."""

from collections.abc import Container
from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class FrameFeatures:
    """What the network knows of one frame without a mask.

    Attributes:
        key: (h w, C_k), rows. thin, local, skip8, skip4: (1, C, H/s, W/s), as in `KeyFeatures`.
        image, f4, f16: input and trunk features, which only encoding the frame into memory needs; None where dropped.
    """

    key: Tensor
    thin: Tensor
    local: Tensor | None
    skip8: Tensor
    skip4: Tensor
    image: Tensor | None
    f4: Tensor | None
    f16: Tensor | None

    @property
    def bytes(self) -> int:
        """What they hold in memory: a tensor can be a view of somewhat more."""
        return sum(t.untyped_storage().nbytes() for t in vars(self).values() if t is not None)

    @property
    def has_trunk(self) -> bool:
        return self.f16 is not None

    def without_trunk(self) -> "FrameFeatures":
        """The part that prediction needs."""
        return replace(self, image=None, f4=None, f16=None)


class FeatureCache:
    """Features by frame.

    When the budget is full, frames the present run does not visit make room; frames it visits stay, so that a run
    longer than the budget still finds what fitted the next time (dropping the oldest would always drop what the next
    run needs first).
    """

    def __init__(self, budget: int):
        self.budget = budget
        self.bytes = 0
        self._entries: dict[int, FrameFeatures] = {}
        self._wanted: Container[int] = range(0)

    def begin_run(self, frames: Container[int]) -> None:
        """Say which frames the run that starts now will visit."""
        self._wanted = frames

    def get(self, frame: int) -> FrameFeatures | None:
        return self._entries.get(frame)

    def put(self, frame: int, features: FrameFeatures) -> None:
        """Keep `features`, in place of what was there, if there is room; otherwise what was there stays."""
        old = self._entries.get(frame)
        more = features.bytes - (old.bytes if old else 0)
        for other in [f for f in self._entries if f not in self._wanted and f != frame]:
            if self.bytes + more <= self.budget:
                break
            self._discard(other)
        if self.bytes + more <= self.budget:
            self._entries[frame] = features
            self.bytes += more

    @property
    def frames(self) -> frozenset[int]:
        """Frames whose features are there."""
        return frozenset(self._entries)

    @property
    def capacity(self) -> int | None:
        """How many frames there is room for, by the size of those that are there; None while there are none."""
        return int(self.budget * len(self._entries) / self.bytes) if self.bytes else None

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self.bytes = 0

    def _discard(self, frame: int) -> None:
        self.bytes -= self._entries.pop(frame).bytes

    def __len__(self) -> int:
        return len(self._entries)
