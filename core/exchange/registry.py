"""All formats there are, in the order in which a list shows them. A new one is a file in `formats` and a line here.

Importing this is quick: what only one format needs is imported when that is used.
"""

from pathlib import Path
from typing import TypeVar

from core.errors import PCVOSError
from core.exchange.exporter import Exporter
from core.exchange.formats.coco import Coco, CocoFile
from core.exchange.formats.cvat import Cvat, CvatZip
from core.exchange.formats.cvat_video import CvatVideo
from core.exchange.formats.cvat_video_file import CvatVideoFile
from core.exchange.formats.davis import Davis, DavisFolder
from core.exchange.formats.exact_video import FFV1Alpha, QuickTimeAnimation
from core.exchange.formats.exr import OpenEXRFiles
from core.exchange.formats.green_screen import GreenScreen
from core.exchange.formats.indexed_png import IndexedPNGs, PNGs
from core.exchange.formats.matte_png import CutOutPNGs, MattePNGs
from core.exchange.formats.mose import Mose
from core.exchange.formats.object_png import BinaryPNGs, ObjectFolders, ObjectPNGs
from core.exchange.formats.overlay_video import OverlayVideo
from core.exchange.formats.prores import ProRes
from core.exchange.formats.vp9 import VP9Alpha
from core.exchange.formats.yolo import Yolo
from core.exchange.formats.yolo_folder import YoloFolder
from core.exchange.formats.youtube_vis import YouTubeVIS, YouTubeVISFile
from core.exchange.formats.youtube_vos import YouTubeVOS, YouTubeVOSFolder
from core.exchange.importer import Importer

Format = TypeVar("Format", Exporter, Importer)

EXPORTERS: tuple[Exporter, ...] = (
    # masks
    IndexedPNGs(),
    ObjectPNGs(),
    BinaryPNGs(),
    # data sets
    Davis(),
    YouTubeVOS(),
    Mose(),
    Coco(),
    YouTubeVIS(),
    Cvat(),
    CvatVideo(),
    Yolo(),
    # mattes
    MattePNGs(),
    CutOutPNGs(),
    OpenEXRFiles(),
    # video
    OverlayVideo(),
    GreenScreen(),
    ProRes(),
    VP9Alpha(),
    QuickTimeAnimation(),
    FFV1Alpha(),
)

IMPORTERS: tuple[Importer, ...] = (  # the first that recognises something is taken for it
    CvatVideoFile(),
    CvatZip(),
    YouTubeVISFile(),
    CocoFile(),
    YouTubeVOSFolder(),
    DavisFolder(),
    YoloFolder(),
    ObjectFolders(),
    PNGs(),
)


def exporter(name: str) -> Exporter:
    """The export format of this name; PCVOSError says which there are."""
    return _named(name, EXPORTERS, "written")


def importer(name: str) -> Importer:
    """The import format of this name; PCVOSError says which there are."""
    return _named(name, IMPORTERS, "read")


def recognise(path: Path) -> Importer:
    """The import format of what is at `path`; PCVOSError if there is nothing, or it is like none of them."""
    if not path.exists():
        raise PCVOSError(f"{path} does not exist: give a file or a folder of masks.")
    try:
        importer = next((one for one in IMPORTERS if one.recognises(path)), None)
    except OSError as error:
        raise PCVOSError(f"{path} cannot be read: {error.strerror or error}.") from error
    if importer is None:
        labels, names = ("; ".join(one.label for one in IMPORTERS), ", ".join(one.name for one in IMPORTERS))
        what = f"{path} is like none of the formats that can be read"
        raise PCVOSError(f"{what} ({labels}).", "unknown format", names=names)
    return importer


def _named(name: str, formats: tuple[Format, ...], done: str) -> Format:
    for offered in formats:
        if offered.name == name:
            return offered
    names = ", ".join(one.name for one in formats)
    raise PCVOSError(f"No format {name} can be {done}; those that can: {names}.")
