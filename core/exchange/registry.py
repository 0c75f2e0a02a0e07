"""All formats there are, in the order in which a list shows them. A new one is a file in `formats` and a line here.

Importing this is quick: what only one format needs is imported when that is used.
"""

from core.errors import PCVOSError
from core.exchange.exporter import Exporter
from core.exchange.formats.indexed_png import IndexedPNGs

EXPORTERS: tuple[Exporter, ...] = (
    # masks
    IndexedPNGs(),
    # data sets
    # mattes
    # video
)


def exporter(name: str) -> Exporter:
    """The export format of this name; PCVOSError says which there are."""
    return _named(name, EXPORTERS, "written")


def _named(name: str, formats, done: str):
    for found in formats:
        if found.name == name:
            return found
    names = ", ".join(known.name for known in formats)
    raise PCVOSError(f"No format {name} can be {done}; those that can: {names}.")
