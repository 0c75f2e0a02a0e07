"""The content of one mask PNG: a label map, or colours that get their ids once those of all files are known.

Masks are drawn in many ways: with soft edges, as the alpha of a cut-out, with a palette that begins with white. They
are taken as they are meant, `Taken` says how; what can be meant in two ways is refused.
"""

import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from core.errors import PCVOSError
from core.masks.jpeg_traces import is_all_blocks, was_jpeg
from core.masks.packed_labels import PackedLabels, values_of
from core.masks.palette import DAVIS_PALETTE
from core.masks.soft_edges import Areas, Grey, fills_areas, harden, kind_of_grey

MAX_ID = 254
VOID = 255

_INDEXED, _GREY, _GREY_ALPHA = 3, 0, 4  # colour types of the PNG header
_BYTES = ("L", "P")  # Pillow's modes of a byte a pixel
_WHITE = 0xFFFFFF
_COLOURS = 256  # of a picture: with more of them it is no label map
_LABELS_AT_MOST = 16  # values of an indexed picture, up to which it is looked at no further
_GREY_SPREAD = 24  # of a colour's channels, that JPEG gives to greys
_WHITISH = 8  # so near to white: a matte without it may be objects as well
_VISIBLE = 64  # of 255: an alpha that reaches this somewhere is seen


class Taken(StrEnum):
    """Ways a picture was taken, other than by the plain rules."""

    PLAINLY = ""
    GREY_IDS = "grey ids"
    SOFT = "soft"
    SOFT_COLOURS = "soft colours"
    ALPHA = "alpha"
    TRANSPARENT = "transparent"
    PALETTE = "palette"


class UnclearMaskError(PCVOSError):
    """A picture that can be meant in two ways, or not as a mask; other files beside it may tell."""


@dataclass(frozen=True, eq=False)
class LabelPicture:
    """A label map: value = id, 0 background; `thin`: ids in a grey one that JPEG may have made: they fill no
    area, as specks and lines, or all fill blocks of 8 x 8 pixels."""

    packed: PackedLabels
    ids: tuple[int, ...]
    taken: Taken = Taken.PLAINLY
    has_alpha: bool = False
    thin: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class ColourPicture:
    """A picture in little: its distinct colours as 0xRRGGBB, ascending, and the index of each pixel's, packed."""

    codes: list[int]
    index: PackedLabels
    taken: Taken = Taken.PLAINLY
    has_alpha: bool = False


Picture = LabelPicture | ColourPicture
P = TypeVar("P", bound=LabelPicture | ColourPicture)


def read_picture(path: Path, wanted: Taken = Taken.PLAINLY) -> Picture:
    """Read a mask PNG.

    Args:
        wanted: SOFT or ALPHA: how files beside this one were taken, and this one is, too, if it can be.

    Raises:
        UnclearMaskError: it can be meant in two ways. PCVOSError: it cannot be read, or holds too many ids or colours.
    """
    image, bits, colour_type = _open(path)
    if colour_type == _INDEXED:
        return _read_indexed(path, image, wanted)
    if colour_type == _GREY:
        return _read_grey(path, image, bits, wanted)
    if colour_type == _GREY_ALPHA and bits == 16:  # Pillow keeps only the high bytes of these: small ids are lost
        raise PCVOSError(f"The mask {path} is 16-bit grey with alpha: save it as an indexed or 8-bit grey PNG.")
    return _read_colours(path, image, wanted)


def object_ids(labels: np.ndarray) -> tuple[int, ...]:
    """The object ids that occur in a label map (uint8, any shape), ascending, without the background."""
    return tuple(number for number in values_of(labels) if number)


def too_many_colours(name: str, count: int) -> str:
    """The sentence for it."""
    return (
        f"The mask {name} holds {count} colours, but at most {MAX_ID} objects are possible: "
        "save it without soft edges, as an indexed or 8-bit grey PNG."
    )


def _open(path: Path) -> tuple[Image.Image, int, int]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PCVOSError(f"The mask {path} cannot be read: {error.strerror or error}.") from error
    return open_png(data, str(path))


def open_png(data: bytes, path: str) -> tuple[Image.Image, int, int]:
    """The picture in a PNG file's bytes, decoded, its bits a channel and its colour type; `path` is for messages.

    Raises:
        PCVOSError: it is none, damaged or cut short, or too large.
    """
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
    return image, data[24], data[25]  # Pillow's mode hides the depth of grey below 8 bits


# one channel


def _read_indexed(path: Path, image: Image.Image, wanted: Taken) -> Picture:
    """Value = id, whatever the palette; but what is black and white with white first, or shows soft edges, is read by
    its colours."""
    declared = bytes(image.palette.palette) if image.palette else b""
    palette = np.frombuffer(declared, np.uint8).reshape(-1, 3)
    is_grey = len(palette) > 1 and palette.any() and (palette == palette[:, :1]).all()
    shown: Picture | None = _read_grey_palette(path, image, palette[:, 0], wanted) if is_grey else None
    if shown is None and not is_grey and not np.array_equal(palette, DAVIS_PALETTE):
        shown = _read_shown(path, image, wanted)
    return shown or _labels(image, _without_void)


def _read_grey_palette(path: Path, image: Image.Image, palette: np.ndarray, wanted: Taken) -> LabelPicture | None:
    """The mask that an indexed picture of greys shows; None: nothing but ids.

    Args:
        palette: uint8 (n,), the grey of each value.
    """
    greys = np.append(palette, np.zeros(256 - len(palette), np.uint8))
    is_itself, is_white_first = np.array_equal(greys, np.arange(256)), palette[0] == 255 and not palette.all()
    try:
        picture = _read_grey(path, Image.fromarray(greys[np.array(image)]), 8, wanted)
    except PCVOSError:
        if is_itself or wanted == Taken.SOFT:
            raise
        return None
    if picture.taken == Taken.PLAINLY and (is_white_first or (is_itself and picture.ids)):
        return _with(picture, Taken.PALETTE)
    return picture if picture.taken == Taken.SOFT or is_itself else None


def _read_shown(path: Path, image: Image.Image, wanted: Taken) -> Picture | None:
    """The mask of an indexed picture of which hardly any value fills an area, if its colours say why; else None."""
    used = sum(count > 0 for count in image.histogram())
    if used <= _LABELS_AT_MOST or 2 * np.count_nonzero(Areas.of(np.array(image), 256).loose) <= used:
        return None
    try:
        shown = _read_colours(path, image.convert("RGBA"), wanted)
    except PCVOSError:
        return None
    return shown if shown.taken else None


def _read_grey(path: Path, image: Image.Image, bits: int, wanted: Taken) -> LabelPicture:
    white = 2**bits - 1

    taken, thin = Taken.PLAINLY, tuple[int, ...]()

    def labels_of(values: np.ndarray) -> np.ndarray:
        nonlocal taken, thin
        values = as_in_file(values, bits)
        labels, taken, thin = _grey_labels(path, values, white, wanted)
        return labels

    own_labels = _labels(image, labels_of)
    if taken != Taken.PLAINLY and image.mode in _BYTES and wanted != Taken.SOFT:
        values = as_in_file(np.array(image), bits)
        if (taken != Taken.SOFT or values.max() < white - _WHITISH) and was_jpeg(values):
            raise _unclear(path, f"{len(np.unique(values))} greys")
        thin = own_labels.ids if taken == Taken.GREY_IDS and is_all_blocks(values) else thin
    return replace(_with(own_labels, taken), thin=thin)


def _labels(image: Image.Image, labels_of: Callable[[np.ndarray], np.ndarray]) -> LabelPicture:
    """The mask of a picture in which 0 is background. Only the rectangle that holds all else is looked at, and made an
    array of: in a file of one of hundreds of objects it is small.

    Args:
        labels_of: makes ids, uint8, of such a part (h, w).
    """
    box = image.getbbox() if image.mode in _BYTES else (0, 0, *image.size)
    left, top, right, bottom = box or (0, 0, 0, 0)
    left, top = max(left - 1, 0), max(top - 1, 0)  # with the background around it, if there is any
    right, bottom = min(right + 1, image.size[0]), min(bottom + 1, image.size[1])
    labels = labels_of(np.array(image.crop((left, top, right, bottom))))
    return LabelPicture(PackedLabels.of_part(labels, image.size[::-1], top, left), object_ids(labels))


def as_in_file(values: np.ndarray, bits: int) -> np.ndarray:
    """A grey PNG's values, uint8 or uint16: Pillow spreads 2 and 4 bits over 0 to 255, 1 bit is bool."""
    if bits == 16:
        return values.astype(np.uint16)
    return values // (255 // (2**bits - 1)) if bits in (2, 4) else values.astype(np.uint8)


def _grey_labels(
    path: Path, values: np.ndarray, white: int, wanted: Taken
) -> tuple[np.ndarray, Taken, tuple[int, ...]]:
    """Ids of a grey picture, uint8; how it was taken; and those of the ids that fill no area."""
    present = set(values_of(values) if values.dtype == np.uint8 else np.unique(values).tolist())
    if present <= {0, white} or present <= {0, 255}:
        return (values > 0).astype(np.uint8), Taken.PLAINLY, ()
    ids = present - {0, VOID}
    is_deep = max(ids) > MAX_ID  # 16 bits that are no ids
    grey, top = ((values >> 8).astype(np.uint8), 255) if is_deep else (values.astype(np.uint8), min(white, 255))
    areas = Areas.of(grey, 256)
    kind = kind_of_grey(grey, top, areas)
    if kind == Grey.MATTE or (kind == Grey.FAINT and (wanted == Taken.SOFT or grey.max() == top)):
        return (grey > top // 2).astype(np.uint8), Taken.SOFT, ()
    if is_deep:
        count = f"{len(ids)} object ids" if len(ids) > MAX_ID else f"the object id {max(ids)}"
        raise PCVOSError(f"The mask {path} holds {count}: only ids from 1 to {MAX_ID} can be used.")
    if kind == Grey.SOFT_LABELS:
        hard = harden(areas, np.arange(256, dtype=np.uint8)[:, None])
        if hard is not None:
            return hard[0].astype(np.uint8), Taken.SOFT_COLOURS, ()
        kind = Grey.UNCLEAR
    if kind != Grey.LABELS:
        raise _unclear(path, f"{len(present)} greys")
    if wanted == Taken.SOFT:
        if not fills_areas(grey):
            return (grey > top // 2).astype(np.uint8), Taken.SOFT, ()
        raise UnclearMaskError(
            f"The mask {path} is a label map, but others beside it are white with soft edges: give them one by one."
        )
    thin = tuple(int(id) for id in np.flatnonzero(areas.loose) if id not in (0, VOID))
    return _without_void(grey), Taken.GREY_IDS, thin


def _without_void(labels: np.ndarray) -> np.ndarray:
    labels[labels == VOID] = 0
    return labels


def _unclear(path: Path, holds: str) -> UnclearMaskError:
    return UnclearMaskError(
        f"The mask {path} holds {holds} with soft edges, and does not say which of them are objects: "
        "save it as an indexed PNG, a value for each object."
    )


# colours


def _read_colours(path: Path, image: Image.Image, wanted: Taken) -> Picture:
    """Masks from RGB, and from RGB or grey with alpha: transparent is no object, if that is what the alpha is for."""
    has_alpha, is_grey = image.mode in ("RGBA", "LA"), image.mode == "LA"
    pixels = np.array(image.convert("RGB"))
    if has_alpha:
        alpha = np.array(image.getchannel("A"))
        opaque = _opaque(alpha, wanted)
        if opaque is not None:
            return _cut_out(path, pixels, opaque, is_hidden=alpha == 0, is_grey=is_grey)
    if is_grey:
        return _with(_read_grey(path, image.getchannel(0), 8, wanted), has_alpha=True)
    return _colours(path, pixels, has_alpha)


def _opaque(alpha: np.ndarray, wanted: Taken) -> np.ndarray | None:
    """The mask in an alpha channel uint8 (H, W), bool, if it is the shape of something; None: it says nothing."""
    top = int(alpha.max())
    is_shape = top >= _VISIBLE and alpha.min() == 0
    if is_shape:
        present = set(values_of(alpha))
        is_shape = present == {0, top} or kind_of_grey(alpha, top) == Grey.MATTE
    return alpha > top // 2 if is_shape or (wanted == Taken.ALPHA and (top >= _VISIBLE or not top)) else None


def _cut_out(path: Path, pixels: np.ndarray, opaque: np.ndarray, *, is_hidden: np.ndarray, is_grey: bool) -> Picture:
    """The opaque parts of a picture: an object for each colour if it is painted, else one.

    Args:
        opaque, is_hidden: bool (H, W), what is visible for the most part, and what not at all.
    """
    inside = np.unique(codes_of(pixels[opaque]))
    if not inside.any() or inside.tolist() == [_WHITE] or not _is_painted(pixels, opaque, inside):
        labels = opaque.astype(np.uint8)
        return LabelPicture(PackedLabels(labels), object_ids(labels), Taken.ALPHA, has_alpha=True)
    if np.count_nonzero(np.unique(codes_of(pixels[is_hidden]))) > 1:
        raise UnclearMaskError(
            f"The mask {path} has colours also where it is transparent, and does not say whether these count: "
            "save it without transparency."
        )
    pixels = np.where(opaque[..., None], pixels, 0).astype(np.uint8)
    if is_grey:
        picture = _read_grey(path, Image.fromarray(pixels[..., 0]), 8, Taken.PLAINLY)
        return _with(picture, Taken.TRANSPARENT, has_alpha=True)
    return _with(_colours(path, pixels, True), Taken.TRANSPARENT)


def _is_painted(pixels: np.ndarray, opaque: np.ndarray, inside: np.ndarray) -> bool:
    """Whether what is opaque is areas of few colours, rather than a photograph."""
    if not _LABELS_AT_MOST < len(inside) <= _COLOURS:
        return len(inside) <= _LABELS_AT_MOST
    index = np.searchsorted(inside, codes_of(pixels)).clip(max=len(inside) - 1) + 1
    index[~opaque] = 0
    areas = Areas.of(index, len(inside) + 1)
    return bool(np.count_nonzero(areas.is_loose()) < 0.25 * np.count_nonzero(opaque))


def _colours(path: Path, pixels: np.ndarray, has_alpha: bool) -> Picture:
    """A picture uint8 (H, W, 3) by its colours; soft edges are made hard."""
    codes, index = distinct(codes_of(pixels))
    taken = Taken.PLAINLY
    if len(codes) > 2:
        table = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
        grey = table[:, 1][index] if np.ptp(table, axis=1).max() <= _GREY_SPREAD else None
        if grey is not None and kind_of_grey(grey, 255) == Grey.MATTE:
            labels = (grey > 127).astype(np.uint8)
            return LabelPicture(PackedLabels(labels), object_ids(labels), Taken.SOFT, has_alpha)
        hard = harden(Areas.of(index, len(table)), table)
        if hard is not None:
            codes, index = _cleaned(*hard, table)
            taken = Taken.SOFT_COLOURS
    if len(codes) > _COLOURS:
        raise UnclearMaskError(too_many_colours(str(path), len(codes)))
    return ColourPicture(codes.tolist(), PackedLabels(index.astype(np.uint8)), taken, has_alpha)


def _cleaned(index: np.ndarray, kept: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes of a picture made hard, and each pixel's index among them; colours that JPEG has moved a little from
    black, white or the palette's are these.

    Args:
        index: int (H, W) into `table`, uint8 (n, 3), of which only `kept` are left.
    """
    codes, number = np.unique([_clean(table[value]) for value in kept], return_inverse=True)
    order = np.zeros(len(table), np.int32)
    order[kept] = number
    return codes, order[index]


def _clean(colour: np.ndarray) -> int:
    """The code of a colour, or of the one that it nearly is."""
    palette = np.concatenate([DAVIS_PALETTE, [[255, 255, 255]]]).astype(int)
    away = np.abs(palette - colour.astype(int)).max(axis=1)
    chosen = palette[away.argmin()] if away.min() <= 3 else colour
    return int(codes_of(np.asarray(chosen)[None])[0])


def distinct(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes that occur in an array (H, W), ascending, and the index of each pixel's, int32 (H, W)."""
    flat = codes.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])  # of runs: sorting all pixels takes long
    present, index = np.unique(flat[starts], return_inverse=True)
    return present, np.repeat(index.astype(np.int32), np.diff(starts, append=flat.size)).reshape(codes.shape)


def codes_of(pixels: np.ndarray) -> np.ndarray:
    """0xRRGGBB of colours (..., 3)."""
    return pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)


def _with(found: P, taken: Taken | None = None, has_alpha: bool | None = None) -> P:
    """The same, taken in another way."""
    return replace(
        found,
        taken=found.taken if taken is None else taken,
        has_alpha=found.has_alpha if has_alpha is None else has_alpha,
    )
