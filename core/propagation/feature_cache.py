"""Frame features kept between runs, within a byte budget."""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace

from torch import Tensor

TRUNK = ("image", "f4", "f16")


@dataclass(frozen=True)
class FrameFeatures:
    """Features of one frame, without a mask. Frames that were encoded in one batch share its memory.

    Attributes:
        key: (h w, C_k), rows, float32. thin, local, skip8, skip4: (1, C, H/s, W/s), as in `KeyFeatures`.
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
    def storages(self) -> dict[int, int]:
        """Bytes of the memory that they hold, by its address: a tensor can be a view of more."""
        held = [t.untyped_storage() for t in vars(self).values() if t is not None]
        return {storage.data_ptr(): storage.nbytes() for storage in held}

    @property
    def bytes(self) -> int:
        """Memory that they hold, batch included."""
        return sum(self.storages.values())

    @property
    def has_trunk(self) -> bool:
        return self.f16 is not None

    @property
    def trunk(self) -> tuple[Tensor, Tensor, Tensor]:
        """image, f4 and f16; only where there is a trunk."""
        assert self.image is not None and self.f4 is not None and self.f16 is not None
        return self.image, self.f4, self.f16

    def without_trunk(self) -> "FrameFeatures":
        """The part that prediction needs."""
        return replace(self, image=None, f4=None, f16=None)

    def with_trunk_alone(self) -> "FrameFeatures":
        """The same, without holding the trunk features of the rest of the batch."""
        own = {name: getattr(self, name) for name in TRUNK}
        return replace(
            self, **{k: t if t.untyped_storage().nbytes() == t.nbytes else t.clone() for k, t in own.items()}
        )


class FeatureCache:
    """Features by frame.

    When the budget is full, frames the present run does not visit make room; frames it visits stay, so that a run
    longer than the budget still finds what fitted the next time (dropping the oldest would always drop what the next
    run needs first).

    Attributes:
        bytes: what is held; memory of a batch counts once, until its last frame has gone.
    """

    def __init__(self, budget: int):
        self.budget = budget
        self.bytes = 0
        self._entries: dict[int, FrameFeatures] = {}
        self._users: Counter[int] = Counter()  # frames by storage
        self._wanted: Container[int] = range(0)

    def begin_run(self, frames: Container[int]) -> None:
        """Say which frames the run that starts now will visit."""
        self._wanted = frames

    def get(self, frame: int) -> FrameFeatures | None:
        return self._entries.get(frame)

    def put(self, frame: int, features: FrameFeatures) -> None:
        """Keep `features`, in place of what was there, if there is room; otherwise what was there stays."""
        old = self._entries.pop(frame, None)
        if old is not None:
            self._release(old)
        for other in [f for f in self._entries if f not in self._wanted]:
            if self._has_room_for(features):
                break
            self._release(self._entries.pop(other))
        kept = features if self._has_room_for(features) else old
        if kept is not None:
            self._entries[frame] = kept
            self._hold(kept)

    @property
    def frames(self) -> frozenset[int]:
        """Frames whose features are there."""
        return frozenset(self._entries)

    @property
    def capacity(self) -> int | None:
        """Number of frames there is room for, by the size of those that are there; None while there are none."""
        return int(self.budget * len(self._entries) / self.bytes) if self.bytes else None

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._users.clear()
        self.bytes = 0

    def _has_room_for(self, features: FrameFeatures) -> bool:
        more = sum(size for place, size in features.storages.items() if not self._users[place])
        return self.bytes + more <= self.budget

    def _hold(self, features: FrameFeatures) -> None:
        for place, size in features.storages.items():
            self.bytes += size * (not self._users[place])
            self._users[place] += 1

    def _release(self, features: FrameFeatures) -> None:
        for place, size in features.storages.items():
            self._users[place] -= 1
            self.bytes -= size * (not self._users[place])

    def __len__(self) -> int:
        return len(self._entries)
