"""The `categories` of COCO and YouTube-VIS files: each object is one, with its id, name and colour."""

from dataclasses import dataclass
from typing import Any

from core.exchange.exporter import ExportRequest
from core.exchange.gathering import Gathering
from core.exchange.importer import RGB
from core.exchange.json_fields import Node

INFO = {"description": "Masks from PCVOS Studio"}
"""The `info` of files that are written here."""


@dataclass(frozen=True)
class Category:
    """What objects of a kind are called; `colour` is what COCO's panoptic files show them in, None if they don't."""

    name: str
    colour: RGB | None = None


def categories(request: ExportRequest) -> list[dict[str, Any]]:
    """One for each object, also for one that is on no frame."""
    return [
        {"id": info.id, "name": info.name, "supercategory": "object", "color": list(info.colour)}
        for info in request.objects
    ]


def read_categories(root: Node) -> dict[int, Category]:
    """Those of a file, by id, in their order."""
    nodes = root.at("categories", list).items(dict)
    return {
        node.at("id", int).value: Category(node.at("name", str).value, _colour(node.value.get("color")))
        for node in nodes
    }


def know_listed(gathering: Gathering, root: Node, known: dict[int, Category], numbers: list[tuple[int, int]]) -> None:
    """If a file was written here, its categories are a project's objects, also those on no frame. The categories of
    other files are all that their data set knows.

    Args:
        numbers: of each annotation, that of its object and that of its category.
    """
    if root.value.get("info") == INFO and all(number == category for number, category in numbers):
        for number, category in known.items():
            gathering.know(number, number, category.name, category.colour)


def _colour(value: Any) -> RGB | None:
    """A `color` field, which is nothing to refuse a file for."""
    is_rgb = isinstance(value, list) and len(value) == 3 and all(type(c) is int and 0 <= c <= 255 for c in value)
    return tuple(value) if is_rgb else None
