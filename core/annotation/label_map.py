"""Label maps as PNG files: reading what other tools write, writing indexed PNGs with the DAVIS palette.

A label map is uint8 (H, W), value = object id (1 to 254), 0 = background. Pillow rather than OpenCV, which turns an
indexed PNG into colours and loses the ids.
"""

import io
import struct
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.annotation.packed_labels import PackedLabels, values_of
from core.annotation.palette import DAVIS_PALETTE
from core.errors import PCVOSError
from core.files import atomic_write
from core.telling import Tell, tell_nobody

MAX_ID = 254
VOID = 255

RGB = tuple[int, int, int]

_INDEXED, _GREY, _GREY_ALPHA = 3, 0, 4  # colour types of the PNG header
_BYTES = ("L", "P")  # Pillow's modes of a byte a pixel
# Measured on label maps, 480p / 1080p: level 1 0.8 / 4.9 ms, 3 0.9 / 5.1 ms and a quarter smaller, 4 1.4 / 9.5 ms,
# 6 2.3 / 10.8 ms. On soft masks the levels up to 4 differ by less than the noise.
_COMPRESS_LEVEL = 3


@dataclass(frozen=True, eq=False)
class ReadMask:
    """What a mask PNG says.

    Attributes:
        packed: the label map, compressed: a folder can hold thousands.
        ids: the ids that occur, ascending.
        colours: for a colour PNG, the RGB colour that each id was read from (over all files read together);
            None for an indexed or grey one.
    """

    packed: PackedLabels
    ids: tuple[int, ...]
    colours: dict[int, RGB] | None = None

    @property
    def labels(self) -> np.ndarray:
        """uint8 (H, W), the ids, 0 background; unpacked each time it is asked for."""
        return self.packed.unpack()


@dataclass(frozen=True, eq=False)
class _ColourImage:
    """A colour PNG in little: its distinct colours as 0xRRGGBB, ascending, and the index of each pixel's, packed."""

    codes: list[int]
    index: PackedLabels


def read_label_map(path: str | Path) -> ReadMask:
    """Read one mask PNG; see `read_label_maps`."""
    return read_label_maps([path])[0]


def read_label_maps(paths: Sequence[str | Path], tell: Tell = tell_nobody) -> list[ReadMask]:
    """Read mask PNGs that belong together: a colour means the same id in all of them.

    - Indexed (1 to 8 bits): value = id, whatever the palette; 255 is void and read as background.
    - Grey or 1-bit with only black and white: white is object 1. Decided file by file.
    - Grey otherwise (2 to 16 bits): value = id, 255 void as above.
    - Colour: if every colour of every colour file is in the DAVIS palette, that palette's ids (its colour 255 is
      void); else black is background and the other colours, of all files together, get ids from 1 in ascending RGB
      order.

    An alpha channel is dropped: what is under transparent pixels counts like the rest.

    Args:
        tell: how many files are read, of how many.

    Returns:
        One `ReadMask` a path, in the order of `paths`.

    Raises:
        PCVOSError: not a readable PNG, damaged or cut short, an id over 254, or more than 254 colours.
    """
    images = []
    for done, path in enumerate(paths, start=1):
        images.append(_decode(Path(path)))
        tell(done, len(paths))
    by_path = zip(map(Path, paths), images, strict=True)
    ids_of_colours = _assign_ids({path: image for path, image in by_path if isinstance(image, _ColourImage)})
    colours = {number: _rgb(code) for code, number in ids_of_colours.items() if number}
    masks = []
    for image in images:
        if isinstance(image, _ColourImage):
            table = np.array([ids_of_colours[code] for code in image.codes], np.uint8)
            masks.append(ReadMask(PackedLabels(table[image.index.unpack()]), object_ids(table), colours))
        else:
            masks.append(image)
    return masks


def object_ids(labels: np.ndarray) -> tuple[int, ...]:
    """The object ids that occur in a label map (uint8, any shape), ascending, without the background."""
    return tuple(number for number in values_of(labels) if number)


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


def _decode(path: Path) -> ReadMask | _ColourImage:
    """What a file says, or for a colour PNG its colours, which get their ids once those of all files are known."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PCVOSError(f"The mask {path} cannot be read: {error.strerror or error}.") from error
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise PCVOSError(f"The mask {path} is not a PNG: save it as an indexed or 8-bit grey PNG.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # an 8K mask is no attack
            # Decoding alone would take a file that was cut after its last pixel, and does not look at checksums.
            Image.open(io.BytesIO(data), formats=["PNG"]).verify()
            image = Image.open(io.BytesIO(data), formats=["PNG"])
            image.load()
    except Image.DecompressionBombError as error:
        raise PCVOSError(f"The mask {path} has too many pixels: give one of the footage's size.") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:  # all of these occur
        raise PCVOSError(f"The mask {path} is damaged or cut short: save or copy it again.") from error

    bits, colour_type = data[24], data[25]  # of the header: Pillow's mode hides the depth of grey below 8 bits
    if colour_type == _INDEXED:
        return _read_mask(image, _without_void)
    if colour_type == _GREY:
        return _read_mask(image, lambda values: _grey_labels(path, _as_in_file(values, bits), 2**bits - 1))
    if colour_type == _GREY_ALPHA:
        if bits == 16:  # Pillow keeps only the high bytes of these, in which small ids are lost
            raise PCVOSError(f"The mask {path} is 16-bit grey with alpha: save it as an indexed or 8-bit grey PNG.")
        return _read_mask(image.getchannel(0), lambda values: _grey_labels(path, values, white=255))
    return _colour_image(path, np.array(image.convert("RGB")))


def _read_mask(image: Image.Image, labels_of: Callable[[np.ndarray], np.ndarray]) -> ReadMask:
    """The mask of a picture in which 0 is background. Only the rectangle that holds all else is looked at, and made an
    array of: in a file of one of hundreds of objects it is small.

    Args:
        labels_of: makes ids, uint8, of such a part (h, w).
    """
    box = image.getbbox() if image.mode in _BYTES else (0, 0, *image.size)
    left, top, right, bottom = box or (0, 0, 0, 0)
    labels = labels_of(np.array(image.crop((left, top, right, bottom))))
    return ReadMask(PackedLabels.of_part(labels, image.size[::-1], top, left), object_ids(labels))


def _as_in_file(values: np.ndarray, bits: int) -> np.ndarray:
    """A grey PNG's values, uint8 or uint16: Pillow spreads 2 and 4 bits over 0 to 255, 1 bit is bool."""
    if bits == 16:
        return values.astype(np.uint16)
    return values // (255 // (2**bits - 1)) if bits in (2, 4) else values.astype(np.uint8)


def _grey_labels(path: Path, values: np.ndarray, white: int) -> np.ndarray:
    present = set(values_of(values) if values.dtype == np.uint8 else np.unique(values).tolist())
    if present <= {0, white} or present <= {0, 255}:
        return (values > 0).astype(np.uint8)
    ids = present - {0, VOID}
    if max(ids) > MAX_ID:
        found = f"{len(ids)} object ids" if len(ids) > MAX_ID else f"the object id {max(ids)}"
        raise PCVOSError(f"The mask {path} holds {found}: only ids from 1 to {MAX_ID} can be used.")
    return _without_void(values.astype(np.uint8))


def _without_void(labels: np.ndarray) -> np.ndarray:
    labels[labels == VOID] = 0
    return labels


def _colour_image(path: Path, rgb: np.ndarray) -> _ColourImage:
    packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    flat = packed.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])  # of runs: sorting all pixels takes long
    codes, index = np.unique(flat[starts], return_inverse=True)
    if len(codes) > 256:
        raise PCVOSError(_too_many_colours(str(path), len(codes)))
    labels = np.repeat(index.astype(np.uint8), np.diff(starts, append=flat.size))
    return _ColourImage(codes.tolist(), PackedLabels(labels.reshape(packed.shape)))


def _assign_ids(images: dict[Path, _ColourImage]) -> dict[int, int]:
    """The id (0 = background) of every colour code in the images."""
    codes = sorted({code for image in images.values() for code in image.codes})
    davis = {int(r) << 16 | int(g) << 8 | int(b): number for number, (r, g, b) in enumerate(DAVIS_PALETTE)}
    if davis.keys() >= set(codes):
        return {code: davis[code] % VOID for code in codes}
    objects = [code for code in codes if code]
    if len(objects) > MAX_ID:
        first = next(iter(images))
        name = str(first) if len(images) == 1 else f"folder {first.parent}"
        raise PCVOSError(_too_many_colours(name, len(objects)))
    return {0: 0} | {code: number for number, code in enumerate(objects, start=1)}


def _too_many_colours(name: str, count: int) -> str:
    return (
        f"The mask {name} holds {count} colours, but at most {MAX_ID} objects are possible: "
        "save it without soft edges, as an indexed or 8-bit grey PNG."
    )


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
