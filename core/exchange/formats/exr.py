"""OpenEXR, as compositing programs take it: linear light, premultiplied, half floats."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.errors import PCVOSError
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.mattes import MATTE_OPTIONS, THREADS, MattedFrame, alpha_of, cut_out, matte_one, matted_frames
from core.exchange.options import Option
from core.exchange.parallel import in_threads
from core.exchange.sidecar import NAME, describe
from core.exchange.unprocessed import UNPROCESSED
from core.media.colour import BT2020

_SAMPLES = 2
_PLANES = 64  # that are in memory at once
_STEPS = 2048  # half floats tell such steps between 0 and 1 exactly
_BT2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
_NUMBERS = np.arange(256, dtype=np.float64) / 255
_LINEAR = np.where(_NUMBERS <= 0.04045, _NUMBERS / 12.92, ((_NUMBERS + 0.055) / 1.055) ** 2.4).astype(np.float32)


class OpenEXRFiles(Exporter):
    name = "exr"
    label = "OpenEXR"
    writes = (
        "NAME.exr for every frame: half floats, a layer of alpha for each object by its name, and the footage in "
        "linear light (by sRGB's curve), premultiplied by the alpha of all; and export.json."
    )
    options = (
        Option("colours", "Colours", "bool", True, help="Writes the footage too, not only the objects' alpha."),
        *MATTE_OPTIONS,
        UNPROCESSED,
    )
    group = "mattes"

    def check(self, request: ExportRequest) -> None:
        try:
            import OpenEXR  # noqa: F401
        except ImportError as error:
            raise PCVOSError(
                f'OpenEXR files need the package OpenEXR ({error}): install it with: pip install "pcvos-studio[exr]"'
            ) from error

    def notes(self, request: ExportRequest) -> tuple[str, ...]:
        return ("The colours are linear and multiplied by the alpha (premultiplied), as is the custom with OpenEXR.",)

    def files(self, request: ExportRequest) -> Iterator[str]:
        yield NAME
        yield from (f"{request.stem(frame)}.exr" for frame in request.range)

    def estimate(self, request: ExportRequest) -> int:
        def size_of(frame: int) -> int:  # about: half of what it is without compression, where there is something
            matted = matte_one(request, frame, together=False, maximum=_STEPS)
            return sum(plane.nbytes // 2 for plane in _channels(request, matted, layer_names(request)).values())

        return from_samples(request.frames, size_of, _SAMPLES)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        names = layer_names(request)
        primaries = request.media.colour.primaries
        frames = matted_frames(request, together=False, maximum=_STEPS)
        jobs = (partial(_write, request, matted, names, primaries, place) for matted in frames)
        threads = max(1, min(THREADS, _PLANES // len(names)))
        for done, _ in enumerate(in_threads(jobs, threads), start=1):
            yield done
        about = {"alpha": "premultiplied", "transfer": "linear, by sRGB's curve", "primaries": primaries}
        (place / NAME).write_bytes(describe(self, request, **about, layers={n: id for id, n in names.items()}))

    def preview(self, request: ExportRequest, frame: int) -> np.ndarray:
        matted = matte_one(request, frame, together=True)
        return cut_out(matted) if request.options["colours"] else cv2.merge([alpha_of(matted)] * 3)


def layer_names(request: ExportRequest) -> dict[int, str]:
    """The names of the objects' layers, by id: their names in letters that all programs take, each once."""
    plain = {info.id: re.sub(r"[^A-Za-z0-9_-]+", "_", info.name).strip("_") or "object" for info in request.objects}
    once = [name for name in plain.values() if list(plain.values()).count(name) == 1]
    names: dict[int, str] = {}
    for id, name in plain.items():
        if name not in once:
            name = f"{name}_{id}"
            while name in once:
                name += "_"
        names[id] = name
    return names


def _channels(request: ExportRequest, matted: MattedFrame, names: Mapping[int, str]) -> dict[str, np.ndarray]:
    """The layers of a file: float16 (H, W), and "RGBA" (H, W, 4)."""
    channels, total = {}, np.zeros(request.size, np.float32)
    for id, name in names.items():
        alpha = matted.mattes[id].full() if id in matted.mattes else np.zeros(request.size, np.float32)
        channels[f"{name}.A"] = alpha.astype(np.float16)
        total += channels[f"{name}.A"]
    if request.options["colours"]:
        alpha = np.minimum(total, 1)[..., None]
        channels["RGBA"] = np.concatenate([_LINEAR[matted.pixels] * alpha, alpha], axis=2).astype(np.float16)
    return channels


def _write(request: ExportRequest, matted: MattedFrame, names: Mapping[int, str], primaries: int, place: Path) -> None:
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    if primaries == BT2020:
        header["chromaticities"] = _BT2020
    channels = _channels(request, matted, names)
    path = place / f"{request.stem(matted.frame)}.exr"
    try:
        with OpenEXR.File(header, channels) as file:
            file.write(str(path))
    except RuntimeError as error:  # what the library says has no number that tells a full disk
        raise PCVOSError(f"{path.name} could not be written ({error}): check the place and its space.") from error
