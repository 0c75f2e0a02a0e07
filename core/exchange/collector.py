"""Gathering masks that come one by one, each with the frame and the object it belongs to."""

from collections import Counter
from collections.abc import Hashable

from core.exchange.importer import RGB, Found, FoundObject, InFront
from core.exchange.json_fields import Node
from core.masks.packed_mask import PackedMask
from core.project.classes import clean_class


class Gathering:
    """Masks by frame and object, in the making."""

    def __init__(self) -> None:
        self._masks: dict[int, dict[Hashable, PackedMask]] = {}
        self._objects: dict[Hashable, tuple[int | None, str, RGB | None, str]] = {}
        self._joined = 0
        self._without_mask: list[Node] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def know(
        self, object: Hashable, number: int | None, name: str, colour: RGB | None = None, class_name: str = ""
    ) -> None:
        """There is this object, maybe on no frame: its number there, what it is called, its colour and its class, if
        any. What is known first counts."""
        self._objects.setdefault(object, (number, name, colour, class_name))

    def __len__(self) -> int:
        """Number of objects that are known."""
        return len(self._objects)

    def cover(self, frame: int) -> None:
        """There is something to read about this frame, though maybe no mask."""
        self._masks.setdefault(frame, {})

    def add(self, frame: int, object: Hashable, mask: PackedMask) -> None:
        """A mask of an object that is known, in front of those before; joined with one that is there already."""
        here = self._masks.setdefault(frame, {})
        if object in here:
            self._joined += 1
            mask = PackedMask.pack(here.pop(object).unpack() | mask.unpack())
        here[object] = mask

    def leave_out(self, annotation: Node) -> None:
        """This one has no mask: it is counted."""
        self._without_mask.append(annotation)

    def found(self, in_front: InFront = None) -> Found:
        """All of it. An object is keyed by its name or, if others have that too, with its number; several of one kind
        (of one name and colour) have no colour of their own.

        Args:
            in_front: as in `Found`.
        """
        shared = Counter(name for _, name, _, _ in self._objects.values())
        kinds = Counter((name, colour) for _, name, colour, _ in self._objects.values())
        keys = {
            object: name if shared[name] == 1 else f"{name} {number}"
            for object, (number, name, _, _) in self._objects.items()
        }
        objects = tuple(
            FoundObject(
                keys[object],
                number,
                name=name,
                colour=colour if kinds[name, colour] == 1 else None,
                class_name=clean_class(class_name),
            )
            for object, (number, name, colour, class_name) in self._objects.items()
        )
        if self._joined:
            times = "once" if self._joined == 1 else f"{self._joined} times"
            self.warnings.append(f"Several masks of one object on one frame were joined, {times}.")
        if self._without_mask:
            count, first = len(self._without_mask), self._without_mask[0].where
            self.warnings.append(f"Annotations without a mask (a box alone, say), left out: {count}, first {first}.")
        masks = {
            frame: {keys[object]: mask for object, mask in here.items()} for frame, here in sorted(self._masks.items())
        }
        return Found(masks, objects, notes=tuple(self.notes), warnings=tuple(self.warnings), in_front=in_front)
