"""Categories of objects in data sets: the objects of a class are one category, and one without a class is its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.exchange.collector import Gathering
from core.exchange.exporter import ExportRequest
from core.exchange.importer import RGB
from core.exchange.json_fields import Node
from core.masks.palette import DISPLAY_PALETTE, rgb
from core.project.classes import known_classes
from core.project.model import ObjectInfo

INFO = {"description": "Masks from PCVOS Studio"}
"""The `info` of files that are written here."""

_OBJECTS = "tracks"
"""The member of such files that lists the objects, also those on no frame (as in TAO and BURST, with more fields)."""


@dataclass(frozen=True)
class Category:
    """A name for objects of a kind; `colour` is what COCO's panoptic files show them in, None if they don't."""

    name: str
    colour: RGB | None = None


@dataclass(frozen=True)
class Categories:
    """Categories of an export.

    Attributes:
        all: by number, ascending. of: the number of each object's, by its id.
        are_objects: no object has a class and the project lists none: each is its own category, numbered by its id.
            Otherwise they are numbered from 1, the project's list of classes first, so that exports of projects with
            the same list have the same numbers.
    """

    all: Mapping[int, Category]
    of: Mapping[int, int]
    are_objects: bool


def categories_of(request: ExportRequest) -> Categories:
    """The classes of the chosen objects; classes that none of them has are among the categories, too."""
    classes = known_classes(request.project.content.classes, request.project.objects)
    chosen = sorted(request.objects, key=lambda info: info.id)
    if not classes:
        own = {info.id: Category(info.name, rgb(info.colour)) for info in chosen}
        return Categories(own, {info.id: info.id for info in chosen}, are_objects=True)
    names = dict.fromkeys([*classes, *(category_name(info) for info in chosen)])
    numbers = {name: number for number, name in enumerate(names, start=1)}
    colours = {category_name(info): rgb(info.colour) for info in reversed(chosen)}  # that of the first one
    colours = {name: rgb(DISPLAY_PALETTE[n % 256]) for name, n in numbers.items()} | colours
    return Categories(
        {number: Category(name, colours[name]) for name, number in numbers.items()},
        {info.id: numbers[category_name(info)] for info in chosen},
        are_objects=False,
    )


def category_name(info: ObjectInfo) -> str:
    """The category of an object: its class, or else itself."""
    return info.class_name or info.name


def head(request: ExportRequest) -> dict[str, Any]:
    """The `info`, `categories` and objects of a COCO or YouTube-VIS file."""
    categories = categories_of(request)
    return {
        "info": INFO,
        "categories": [
            {"id": number, "name": known.name, "supercategory": "object", "color": list(known.colour or ())}
            for number, known in categories.all.items()
        ],
        _OBJECTS: [
            {
                "id": info.id,
                "category_id": categories.of[info.id],
                "name": info.name,
                "class": info.class_name,
                "color": list(info.colour),
            }
            for info in request.objects
        ],
    }


def read_categories(root: Node) -> dict[int, Category]:
    """Categories of a file, by id, in their order."""
    nodes = root.at("categories", list).items(dict)
    return {
        node.at("id", int).value: Category(node.at("name", str).value, _colour(node.value.get("color")))
        for node in nodes
    }


def know_listed(gathering: Gathering, root: Node, known: dict[int, Category], numbers: list[tuple[int, int]]) -> None:
    """If a file was written here, it lists a project's objects, also those on no frame; files of before there were
    classes do so by their categories. The categories of other files are all that their data set knows.

    Args:
        numbers: of each annotation, that of its object and that of its category. Where they are not as listed, somebody
            has changed the file, and nothing is taken from the list.
    """
    if root.value.get("info") != INFO:
        return
    if _OBJECTS in root.value:
        nodes = {node.at("id", int).value: node for node in root.at(_OBJECTS, list).items(dict)}
        of = {number: node.at("category_id", int).value for number, node in nodes.items()}
        if all(of.get(number) == category for number, category in numbers):
            for number, node in nodes.items():
                name, class_name = node.at("name", str).value, node.get("class", str) or ""
                gathering.know(number, number, name, _colour(node.value.get("color")), class_name)
    elif all(number == category for number, category in numbers):
        for number, category in known.items():
            gathering.know(number, number, category.name, category.colour)


def _colour(value: Any) -> RGB | None:
    """A `color` field, which is nothing to refuse a file for."""
    is_rgb = isinstance(value, list) and len(value) == 3 and all(type(c) is int and 0 <= c <= 255 for c in value)
    return tuple(value) if is_rgb else None
