"""Mattes as PNGs, and the footage cut out by them."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.errors import PCVOSError
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.formats.object_png import folder_name, make_folders, object_files
from core.exchange.mattes import (
    MATTE_OPTIONS,
    THREADS,
    TOGETHER,
    MattedFrame,
    alpha_of,
    cut_out,
    matte_one,
    matted_frames,
)
from core.exchange.options import Option, Value
from core.exchange.parallel import in_threads
from core.exchange.sidecar import NAME, describe
from core.exchange.unprocessed import UNPROCESSED

PNG_LEVEL = 1
"""The level of zlib: the higher ones take several times as long for a tenth less."""

# One filter for all rows: to try all of them takes twice the time, for a hundredth of the size. Older OpenCVs must.
_FILTER = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP) if hasattr(cv2, "IMWRITE_PNG_FILTER_UP") else ()
_SAMPLES = 3
_OBJECTS = 8
_EACH, _ONE = "each", "one"


class MattePNGs(Exporter):
    name = "matte"
    label = "Soft mattes (PNG)"
    writes = (
        "ID/NAME.png for every object and frame, grey with soft edges: black where it is not; and export.json. On no "
        "pixel do they sum to more than white."
    )
    options = (
        Option("depth", "Bits", "choice", "8", choices=(("8", "8 bit"), ("16", "16 bit"))),
        Option("objects", "Objects", "choice", _EACH, choices=((_EACH, "A folder for each"), (_ONE, "All as one"))),
        *MATTE_OPTIONS,
        UNPROCESSED,
    )
    group = "mattes"

    def is_apart(self, options: Mapping[str, Value]) -> bool:
        return options["objects"] == _EACH

    def files(self, request: ExportRequest) -> Iterator[str]:
        yield NAME
        if _together(request):
            yield from (f"{request.stem(frame)}.png" for frame in request.range)
        else:
            yield from object_files(request)

    def estimate(self, request: ExportRequest) -> int:
        def size_of(frame: int) -> int:
            matted = matte_one(request, frame, together=_together(request), maximum=_maximum(request))
            empty = len(encode_png(np.zeros(request.size, np.uint8)))
            some = list(matted.mattes.values())[:_OBJECTS]  # they stand for all
            size = sum(len(encode_png(matte.levels(_maximum(request)))) for matte in some)
            return size * len(matted.mattes) // max(1, len(some)) + empty * (
                len(_folders(request)) - len(matted.mattes)
            )

        return from_samples(request.frames, size_of, _SAMPLES)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        if not _together(request):
            make_folders(request, place)
        frames = matted_frames(request, together=_together(request), maximum=_maximum(request))
        jobs = (partial(_write_mattes, request, matted, place) for matted in frames)
        for done, _ in enumerate(in_threads(jobs, THREADS), start=1):
            yield done
        folders = {} if _together(request) else {folder: id for id, folder in _folders(request).items()}
        about = {"alpha": "matte", "white": _maximum(request), "folders": folders}
        (place / NAME).write_bytes(describe(self, request, **about))

    def preview(self, request: ExportRequest, frame: int) -> np.ndarray:
        matted = matte_one(request, frame, together=True)
        return cv2.merge([alpha_of(matted)] * 3)


class CutOutPNGs(Exporter):
    name = "rgba"
    label = "Footage with alpha (RGBA PNG)"
    writes = (
        "NAME.png for every frame: the footage's colours, whole, and the objects' matte as straight alpha; and "
        "export.json."
    )
    options = (*MATTE_OPTIONS, UNPROCESSED)
    group = "mattes"

    def files(self, request: ExportRequest) -> Iterator[str]:
        yield NAME
        yield from (f"{request.stem(frame)}.png" for frame in request.range)

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        return ("The alpha is straight: the colours are not multiplied by it.",)

    def estimate(self, request: ExportRequest) -> int:
        return from_samples(
            request.frames,
            lambda frame: len(encode_png(cut_out(matte_one(request, frame, together=True)))),
            _SAMPLES,
        )

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        frames = matted_frames(request, together=True)
        jobs = (partial(_write_cut_out, matted, place / f"{request.stem(matted.frame)}.png") for matted in frames)
        for done, _ in enumerate(in_threads(jobs, THREADS), start=1):
            yield done
        (place / NAME).write_bytes(describe(self, request, alpha="straight"))

    def preview(self, request: ExportRequest, frame: int) -> np.ndarray:
        return cut_out(matte_one(request, frame, together=True))


def encode_png(picture: np.ndarray) -> bytes:
    """The PNG of uint8 or uint16 (H, W) or (H, W, 4) RGBA."""
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
    return _encode(picture)


def _encode(picture: np.ndarray) -> bytes:
    """Encode as `encode_png` does, but from BGRA, as OpenCV has colours."""
    good, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL, *_FILTER])
    if not good:
        raise PCVOSError("A PNG could not be made: memory may have run out. Close other programs and try again.")
    return data.tobytes()


def _write_mattes(request: ExportRequest, matted: MattedFrame, place: Path) -> None:
    said = {TOGETHER, *request.objects_said(matted.frame)}
    for id, folder in ((id, folder) for id, folder in _folders(request).items() if id in said):
        picture = alpha_of(matted, id, _maximum(request))
        (place / folder / f"{request.stem(matted.frame)}.png").write_bytes(encode_png(picture))


def _write_cut_out(matted: MattedFrame, path: Path) -> None:
    path.write_bytes(_encode(cut_out(matted, cv2.COLOR_RGB2BGRA)))


def _folders(request: ExportRequest) -> dict[int, str]:
    """The folder of each matte, by id."""
    return {TOGETHER: "."} if _together(request) else {id: folder_name(id) for id in request.ids}


def _together(request: ExportRequest) -> bool:
    return request.options["objects"] == _ONE


def _maximum(request: ExportRequest) -> int:
    return 2 ** int(request.options["depth"]) - 1
