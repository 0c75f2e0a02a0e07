"""Label maps as PNG files: reading what other tools write, writing indexed PNGs with the DAVIS palette.

A label map is uint8 (H, W), value = object id (1 to 254), 0 = background. Pillow rather than OpenCV, which turns an
indexed PNG into colours and loses the ids.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import PCVOSError
from core.files import atomic_write
from core.masks.mask_pictures import (
    MAX_ID,
    VOID,
    ColourPicture,
    LabelPicture,
    Picture,
    Taken,
    UnclearMaskError,
    object_ids,
    read_picture,
    too_many_colours,
)
from core.masks.packed_labels import PackedLabels
from core.masks.palette import DAVIS_PALETTE
from core.progress import UNWATCHED, Progress

RGB = tuple[int, int, int]

# Measured on label maps, 480p / 1080p: level 1 0.8 / 4.9 ms, 3 0.9 / 5.1 ms and a quarter smaller, 4 1.4 / 9.5 ms,
# 6 2.3 / 10.8 ms. On soft masks the levels up to 4 differ by less than the noise.
_COMPRESS_LEVEL = 3
_SAID = {
    Taken.SOFT: "with soft edges: what is at least half white is object 1",
    Taken.SOFT_COLOURS: "with soft edges: a pixel on an edge belongs to the object that it is nearest to",
    Taken.ALPHA: "by the alpha channel: what is at least half opaque is object 1",
    Taken.TRANSPARENT: "by the alpha channel, too: what is transparent is background",
    Taken.PALETTE: "by the colours of the palette: white is object 1",
}


@dataclass(frozen=True, eq=False)
class ReadMask:
    """The content of a mask PNG.

    Attributes:
        packed: the label map, compressed: a folder can hold thousands.
        ids: the ids that occur, ascending.
        colours: for a colour PNG, the RGB colour that each id was read from (over all files read together);
            None for an indexed or grey one.
        taken: how it was read, where that is not by the plain rules; `sentences_on_reading` says it.
        thin: of a grey one, the ids that fill no area in it, as specks and lines, or no more than blocks of 8 x 8.
    """

    packed: PackedLabels
    ids: tuple[int, ...]
    colours: dict[int, RGB] | None = None
    taken: Taken = Taken.PLAINLY
    thin: tuple[int, ...] = ()

    @property
    def labels(self) -> np.ndarray:
        """uint8 (H, W), the ids, 0 background; unpacked each time it is asked for."""
        return self.packed.unpack()


def read_label_map(path: str | Path) -> ReadMask:
    """Read one mask PNG; see `read_label_maps`."""
    return read_label_maps([path])[0]


def read_label_maps(paths: Sequence[str | Path], progress: Progress = UNWATCHED) -> list[ReadMask]:
    """Read mask PNGs that belong together: a colour means the same id in all of them.

    - Indexed (1 to 8 bits): value = id, whatever the palette; 255 is void and read as background.
    - Grey or 1-bit with only black and white: white is object 1. Decided file by file.
    - Grey otherwise (2 to 16 bits): value = id, 255 void as above.
    - Colour: if every colour of every colour file is in the DAVIS palette, that palette's ids (its colour 255 is
      void); else black is background and the other colours, of all files together, get ids from 1 in ascending RGB
      order.

    Taken as they are meant, and told by `sentences_on_reading`, are also:

    - Soft edges, drawn, blurred or left by JPEG: black and white with soft edges is object 1 where it is at least half
      white; between areas of several values or colours a pixel gets that of the nearest.
    - An alpha channel that is the shape of something: what it shows of a photograph, or of one that is all black or
      white, is object 1; of painted colours it shows the objects, and the rest is background.
    - Indexed with a palette of greys that begins with white, or whose every value is its own grey: as grey.

    If some of the files are black and white with soft edges, or have the mask in the alpha channel, the other grey
    ones, or those with alpha, are read so as well.

    Args:
        progress: how many files are read, of how many.

    Returns:
        One `ReadMask` a path, in the order of `paths`.

    Raises:
        PCVOSError: not a readable PNG, damaged or cut short, an id over 254, more than 254 colours, or a picture that
            can be meant in two ways.
    """
    files = [Path(path) for path in paths]
    pictures: list[Picture | UnclearMaskError] = []
    for path in progress.over(files):
        try:
            pictures.append(read_picture(path))
        except UnclearMaskError as error:
            pictures.append(error)
    images = _alike(files, pictures)
    ids_of_colours = _assign_ids({f: i for f, i in zip(files, images, strict=True) if isinstance(i, ColourPicture)})
    colours = {number: _rgb(code) for code, number in ids_of_colours.items() if number}
    return [_as_mask(image, ids_of_colours, colours) for image in images]


def sentences_on_reading(names: Sequence[str], masks: Sequence[ReadMask]) -> list[str]:
    """Notes for the person on masks that were not read by the plain rules; of files called `names`."""
    sentences = []
    for taken, said in _SAID.items():
        own = [name for name, mask in zip(names, masks, strict=True) if mask.taken == taken]
        if own:
            others = f" and {len(own) - 1} more" if len(own) > 1 else ""
            sentences.append(f"{own[0]}{others}: read {said}.")
    return sentences + _on_specks(names, masks)


def _on_specks(names: Sequence[str], masks: Sequence[ReadMask]) -> list[str]:
    """JPEG leaves a few pixels of other ids, or nothing but blocks; small objects and enlarged maps look alike."""
    filling = {id for mask in masks for id in mask.ids if id not in mask.thin}
    specks = {id for mask in masks for id in mask.thin} - filling
    if not specks:
        return []
    named = f"object {min(specks)} is" if len(specks) == 1 else f"objects {', '.join(map(str, sorted(specks)))} are"
    first = next(name for name, mask in zip(names, masks, strict=True) if specks & {*mask.thin})
    return [f"{first}: {named} nothing but specks, lines or blocks; if the masks were once JPEGs, that made them."]


def write_label_map(path: str | Path, labels: np.ndarray) -> None:
    """Write a label map as an 8-bit indexed PNG with the DAVIS palette, as a whole or not at all.

    Args:
        path: the PNG to make; its folder must exist.
        labels: uint8 (H, W).

    Raises:
        ResourceError: the disk is full. PCVOSError: the place cannot be written.
    """
    atomic_write(path, encode_label_map(labels))


def encode_label_map(labels: np.ndarray) -> bytes:
    """The bytes of the PNG that `write_label_map` writes."""
    image = _as_image(labels)
    image.putpalette(DAVIS_PALETTE.tobytes())
    return _encode_png(image)


def write_grey(path: str | Path, image: np.ndarray) -> None:
    """Write uint8 (H, W) as an 8-bit grey PNG (a soft mask: 255 = certain); otherwise as `write_label_map`."""
    atomic_write(path, encode_grey(image))


def encode_grey(image: np.ndarray) -> bytes:
    """The bytes of the PNG that `write_grey` writes."""
    return _encode_png(_as_image(image))


def _alike(files: Sequence[Path], found: Sequence[Picture | UnclearMaskError]) -> list[Picture]:
    """The pictures, those that say nothing for themselves read as others beside them."""
    ways = {image.taken for image in found if not isinstance(image, UnclearMaskError)}
    images: list[Picture] = []
    for path, image in zip(files, found, strict=True):
        if Taken.ALPHA in ways and (
            isinstance(image, UnclearMaskError) or (image.has_alpha and image.taken == Taken.PLAINLY)
        ):
            image = read_picture(path, Taken.ALPHA)
        elif Taken.SOFT in ways and (isinstance(image, UnclearMaskError) or image.taken == Taken.GREY_IDS):
            image = read_picture(path, Taken.SOFT)
        elif isinstance(image, UnclearMaskError):
            raise image
        images.append(image)
    return images


def _as_mask(image: Picture, ids_of_colours: Mapping[int, int], colours: dict[int, RGB]) -> ReadMask:
    taken = Taken.PLAINLY if image.taken == Taken.GREY_IDS else image.taken
    if isinstance(image, LabelPicture):
        return ReadMask(image.packed, image.ids, None, taken, image.thin)
    table = np.array([ids_of_colours[code] for code in image.codes], np.uint8)
    return ReadMask(PackedLabels(table[image.index.unpack()]), object_ids(table), colours, taken)


def _assign_ids(images: dict[Path, ColourPicture]) -> dict[int, int]:
    """The id (0 = background) of every colour code in the images."""
    codes = sorted({code for image in images.values() for code in image.codes})
    davis = {int(r) << 16 | int(g) << 8 | int(b): number for number, (r, g, b) in enumerate(DAVIS_PALETTE)}
    if davis.keys() >= set(codes):
        return {code: davis[code] % VOID for code in codes}
    objects = [code for code in codes if code]
    if len(objects) > MAX_ID:
        first = next(iter(images))
        name = str(first) if len(images) == 1 else f"folder {first.parent}"
        raise PCVOSError(too_many_colours(name, len(objects)))
    return {0: 0} | {code: number for number, code in enumerate(objects, start=1)}


def _rgb(code: int) -> RGB:
    return code >> 16, code >> 8 & 255, code & 255


def _as_image(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim != 2:
        raise ValueError(f"expected uint8 (H, W), got {array.dtype} {array.shape}")
    return Image.fromarray(array)


def _encode_png(image: Image.Image) -> bytes:
    # Through memory: written by Pillow, a full disk would show as an encoder error without its errno.
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=_COMPRESS_LEVEL)
    return buffer.getvalue()
