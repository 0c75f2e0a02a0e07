"""A folder as DAVIS 2017 has it: `JPEGImages/480p/SEQ`, `Annotations/480p/SEQ`, `ImageSets/2017/val.txt`.

Several sequences can be exported into one folder, one after the other: the list in `ImageSets` grows.
"""

from collections.abc import Iterator
from pathlib import Path

from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.formats.indexed_png import label_map_bytes, notes_on_lost_objects, read_label_folder
from core.exchange.importer import COMPLETE, Found, Importer, ImportRequest, Question, sequence_name
from core.exchange.sequences import FRAMES, IMAGES, MASKS, find_sequence, picture_bytes, write_sequence
from core.exchange.unprocessed import UNPROCESSED

_SPLIT = "ImageSets/2017/val.txt"
_SIZES = ("480p", "Full-Resolution")


class Davis(Exporter):
    name = "davis"
    label = "DAVIS folder"
    writes = "JPEGImages/480p/SEQ, Annotations/480p/SEQ (or Full-Resolution) and ImageSets/2017/val.txt, as DAVIS 2017."
    options = (IMAGES, UNPROCESSED)
    group = "data sets"

    def files(self, request: ExportRequest) -> Iterator[str]:
        frames, masks = _folders(request)
        if request.options["images"]:
            yield from (f"{frames}/{request.stem(frame)}.jpg" for frame in request.range)
        yield from (f"{masks}/{request.stem(frame)}.png" for frame in request.range)

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        return notes_on_lost_objects(request)

    def estimate(self, request: ExportRequest) -> int:
        return label_map_bytes(request) + (picture_bytes(request) if request.options["images"] else 0)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        frames, masks = _folders(request)
        name, split = sequence_name(request.media), place / _SPLIT
        split.parent.mkdir(parents=True)
        there = request.target / _SPLIT
        lines = there.read_text(encoding="utf-8", errors="surrogateescape").splitlines() if there.is_file() else []
        lines += [] if name in lines else [name]
        split.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="surrogateescape")
        yield from write_sequence(request, place / frames if request.options["images"] else None, place / masks)


class DavisFolder(Importer):
    name = "davis"
    label = "DAVIS folder"
    reads = "Annotations/480p/SEQ (or Full-Resolution, or Annotations/SEQ), for the sequence called like the footage."
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        return (path / MASKS).is_dir()

    def read(self, request: ImportRequest) -> Found:
        folder = find_sequence(masks_root(request.path), request)
        return Found({}, (), (folder,)) if isinstance(folder, Question) else read_label_folder(folder, request)


def masks_root(path: Path) -> Path:
    """The folder whose folders are the sequences' masks, in a data set or in its `Annotations`."""
    root = path / MASKS if (path / MASKS).is_dir() else path
    return next((root / size for size in _SIZES if (root / size).is_dir()), root)


def _folders(request: ExportRequest) -> tuple[str, str]:
    """The folders of the frames and of the masks."""
    size, name = _SIZES[min(request.size) != 480], sequence_name(request.media)
    return f"{FRAMES}/{size}/{name}", f"{MASKS}/{size}/{name}"
