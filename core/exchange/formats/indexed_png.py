"""Indexed PNGs, one a frame: the value of a pixel is the id of its object, the palette is that of DAVIS.

Read are also grey and colour ones, whose colours are matched to the objects of the project.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.importer import COMPLETE, Found, FoundObject, Importer, ImportRequest, id_objects, numbers_question
from core.exchange.options import Option
from core.exchange.parallel import in_threads
from core.exchange.unprocessed import UNPROCESSED
from core.masks.frame_numbers import UnclearNumberingError
from core.masks.label_map import encode_label_map
from core.masks.mask_files import Masks, load_masks
from core.masks.packed_mask import pack_labels
from core.masks.palette import DAVIS_PALETTE
from core.progress import Progress

_BY_NAME = -1
_NAMED = 5  # lost objects that a note names


class IndexedPNGs(Exporter):
    name = "png"
    label = "Indexed PNGs"
    writes = "NAME.png for every frame, also where no object is: the value of a pixel is the object's id, 0 background."
    options = (UNPROCESSED,)

    def files(self, request: ExportRequest) -> Iterator[str]:
        return (f"{request.stem(frame)}.png" for frame in request.range)

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        return notes_on_lost_objects(request)

    def estimate(self, request: ExportRequest) -> int:
        return label_map_bytes(request)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        return write_label_maps(request, place)


class PNGs(Importer):
    name = "png"
    label = "PNGs, one a frame"
    reads = "A PNG or a folder of them: indexed or grey (value = object), black and white (object 1), or colour."
    is_folder = None
    suffixes = (".png",)
    options = (
        COMPLETE,
        Option(
            "frame",
            "Frame of a single PNG",
            "int",
            _BY_NAME,
            _BY_NAME,
            lowest="as its name says",
            help="Which frame of the footage it belongs to; -1: as its name says.",
        ),
    )

    def recognises(self, path: Path) -> bool:
        return path.suffix.lower() == ".png" if path.is_file() else any(path.glob("*.[pP][nN][gG]"))

    def read(self, request: ImportRequest) -> Found:
        frame = request.options["frame"]
        return read_label_folder(request.files or request.path, request, None if frame == _BY_NAME else int(frame))


def read_label_folder(path: Path | Sequence[Path], request: ImportRequest, mask_frame: int | None = None) -> Found:
    """The content of the label maps at `path` (or several PNGs); `mask_frame`: the frame of a single one."""
    try:
        masks = load(path, request, request.progress.part(0, 2), mask_frame)
    except UnclearNumberingError as error:
        return Found({}, (), (numbers_question(error),))
    return found_in(masks, request.progress.part(1, 2))


def load(
    path: Path | Sequence[Path],
    request: ImportRequest,
    progress: Progress,
    mask_frame: int | None = None,
    names: Collection[str] = (),
) -> Masks:
    """The mask files at `path`; those without an object are no error. `names`: as in `load_masks`."""
    media = request.media
    return load_masks(
        path,
        media.stems,
        media.size,
        is_video=media.is_video,
        mask_frame=mask_frame,
        numbering=request.numbering,
        names=names,
        may_be_empty=True,
        progress=progress,
    )


def found_in(masks: Masks, progress: Progress) -> Found:
    """Label maps as an import: of colours that are not the palette's, it is to be found out which object each is."""
    if all(tuple(DAVIS_PALETTE[id]) == colour for id, colour in masks.colours.items()):
        objects, notes = id_objects(masks.objects), masks.notes
        keys = {id: str(id) for id in masks.objects}
    else:
        keys = {id: "#{:02x}{:02x}{:02x}".format(*masks.colours[id]) for id in masks.objects if id in masks.colours}
        objects = tuple(FoundObject(key, colour=masks.colours[id]) for id, key in keys.items())
        plain = tuple(id for id in masks.objects if id not in keys)  # of indexed files among the colour ones
        objects, keys = objects + id_objects(plain), keys | {id: str(id) for id in plain}
        notes = masks.notes[1:]  # the first says which ids the colours have; they are still to be found out
    packed = {}
    for annotation in progress.over(masks.annotations):
        packed[annotation.frame] = {keys[id]: mask for id, mask in pack_labels(annotation.labels).items()}
    return Found(
        packed,
        objects,
        notes=notes,
        warnings=masks.warnings,
    )


def notes_on_lost_objects(request: ExportRequest) -> tuple[str, ...]:
    """For formats with nothing but label maps: which objects will not be in the files, if any."""
    lost = request.objects_without_mask()
    if not lost:
        return ()
    names = ", ".join(f"{info.name} ({info.id})" for info in lost[:_NAMED])
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    return (f"Without a mask on these frames, and therefore not in the files: {names}{more}.",)


def label_map_bytes(request: ExportRequest) -> int:
    """The size of what `write_label_maps` will write."""
    return from_samples(request.frames, lambda frame: len(encode_label_map(request.labels(frame))))


def write_label_maps(request: ExportRequest, folder: Path) -> Iterator[int]:
    """An indexed PNG for every frame into an existing folder; yields how many are done."""
    jobs = (
        partial(write_plainly, folder / f"{request.stem(frame)}.png", request.labels(frame)) for frame in request.frames
    )
    for done, _ in enumerate(in_threads(jobs), start=1):
        yield done


def write_plainly(path: Path, labels: np.ndarray) -> None:
    """An indexed PNG of a label map uint8 (H, W), where nobody looks before the export is complete."""
    path.write_bytes(encode_label_map(labels))
