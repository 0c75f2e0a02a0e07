"""The common form of the field's data sets: folders of frames and of masks, one a sequence."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.errors import PCVOSError
from core.exchange.exporter import ExportRequest, from_samples
from core.exchange.importer import SEQUENCE, ImportRequest, Question
from core.exchange.options import Option
from core.exchange.parallel import in_threads
from core.masks.label_map import encode_label_map
from core.media.images import ImageFolder, natural_key

FRAMES, MASKS = "JPEGImages", "Annotations"

IMAGES = Option(
    "images", "Also the frames, as JPEG", "bool", True, help="JPEG files of an image folder are copied as they are."
)

_QUALITY = 95
_ORIENTATION = 0x0112  # the EXIF tag


def write_sequence(request: ExportRequest, frames: Path | None, masks: Path) -> Iterator[int]:
    """The frames as JPEGs and their label maps as indexed PNGs; yields how many frames are done.

    Args:
        frames, masks: folders, which are made; no `frames`: only masks.
    """
    for folder in (frames, masks):
        if folder is not None:
            folder.mkdir(parents=True)
    annotated = frozenset(request.frames)  # a frame that is left out is there without a mask, as in YouTube-VOS
    jobs = (
        partial(
            _write_pair,
            None if frames is None else (frames / f"{request.stem(frame)}.jpg", picture(request, frame)),
            (masks / f"{request.stem(frame)}.png", request.labels(frame)) if frame in annotated else None,
        )
        for frame in request.range
    )
    done = 0
    for frame, _ in zip(request.range, in_threads(jobs), strict=True):
        done += frame in annotated
        if frame in annotated:
            yield done


def picture(request: ExportRequest, frame: int) -> Path | np.ndarray:
    """The source for `write_jpeg`: the file, if the frame is one already, else its pixels."""
    if isinstance(request.media, ImageFolder):
        file = request.media.files[frame]
        if file.suffix.lower() in (".jpg", ".jpeg"):
            with Image.open(file) as image:
                if image.getexif().get(_ORIENTATION, 1) == 1:  # a turned one would not fit its mask for all readers
                    return file
    return request.media.read(frame)


def write_jpeg(path: Path, picture: Path | np.ndarray) -> None:
    """A frame as `picture` gives it."""
    if isinstance(picture, Path):
        shutil.copyfile(picture, path)
    else:
        path.write_bytes(_jpeg(picture))


def picture_bytes(request: ExportRequest) -> int:
    """The size of the JPEGs of all frames."""

    def size(frame: int) -> int:
        image = picture(request, frame)
        return image.stat().st_size if isinstance(image, Path) else len(_jpeg(image))

    return from_samples(request.frames, size, samples=3)


def find_sequence(root: Path, request: ImportRequest) -> Path | Question:
    """The folder in `root` that has the footage's masks: it is called like it, or the only one; else it is asked for.

    Raises:
        PCVOSError: there is none, or the answer is none of them.
    """
    names = sorted((f.name for f in root.iterdir() if f.is_dir() and not f.name.startswith(".")), key=natural_key)
    if not names:
        raise PCVOSError(f"{root} holds no folder of masks: give the folder of the data set.")
    answer = request.answers.get(SEQUENCE, request.sequence if request.sequence in names else None)
    if answer is None and len(names) > 1:
        text = f"Which sequence in {root} is {request.media.path.name}?"
        return Question(SEQUENCE, text, tuple((name, name) for name in names))
    if answer is not None and answer not in names:
        raise PCVOSError(f"There is no sequence {answer} in {root}: those there are {', '.join(names[:10])}.")
    return root / (answer or names[0])


def _write_pair(frame: tuple[Path, Path | np.ndarray] | None, mask: tuple[Path, np.ndarray] | None) -> None:
    if frame is not None:
        write_jpeg(*frame)
    if mask is not None:
        path, labels = mask
        path.write_bytes(encode_label_map(labels))


def _jpeg(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise PCVOSError(f"Frames of {pixels.shape[1]}x{pixels.shape[0]} cannot be JPEGs: export without the frames.")
    return data.tobytes()
