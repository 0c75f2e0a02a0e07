"""Indexed PNGs, one a frame: the value of a pixel is the id of its object, the palette is that of DAVIS."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core.annotation.label_map import encode_label_map, write_label_map
from core.exchange.estimating import from_samples
from core.exchange.exporter import Exporter, ExportRequest
from core.exchange.parallel import in_threads


class IndexedPNGs(Exporter):
    name = "png"
    label = "Indexed PNGs"
    writes = "NAME.png for every frame, also where no object is: the value of a pixel is the object's id, 0 background."

    def files(self, request: ExportRequest) -> Iterator[str]:
        return (f"{request.stem(frame)}.png" for frame in request.frames)

    def estimate(self, request: ExportRequest) -> int:
        return label_map_bytes(request)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        return write_label_maps(request, place)


def label_map_bytes(request: ExportRequest) -> int:
    """What `write_label_maps` will take."""
    return from_samples(request.frames, lambda frame: len(encode_label_map(request.labels(frame))))


def write_label_maps(request: ExportRequest, folder: Path) -> Iterator[int]:
    """An indexed PNG for every frame into an existing folder; yields how many are done."""
    jobs = (
        partial(write_label_map, folder / f"{request.stem(frame)}.png", request.labels(frame))
        for frame in request.frames
    )
    for done, _ in enumerate(in_threads(jobs), start=1):
        yield done
