"""Small projects with footage, and the way out of one and into another."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from core.exchange import registry
from core.exchange.export_run import run_export
from core.exchange.exporter import ExportRequest, export_request
from core.exchange.importer import import_request
from core.exchange.plan import ImportPlan, change, make_plan
from core.masks.packed_mask import PackedMask
from core.media import FrameSource, open_media
from core.media.arrays import ArraySource
from core.progress import Progress
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project

SIZE = (47, 63)  # odd
STEMS = ("00003", "00004", "00007", "00020", "00021", "00100")  # with gaps
NAMES = {2: "rabbit", 7: "bird", 9: "nowhere", 254: "rabbit"}


def footage(
    folder: Path, size: tuple[int, int] = SIZE, stems: Sequence[str] = STEMS, suffix: str = ".png"
) -> FrameSource:
    """A folder of images."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(3)
    for stem in stems:
        picture = random.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC).save(folder / f"{stem}{suffix}")
    return open_media(folder)


def empty_project(media: FrameSource, path: Path, known: Iterable[ObjectInfo] = ()) -> Project:
    reference = FootageReference(
        media.path.absolute(), media.fingerprint(), len(media), tuple(media.size), Fraction(media.rate)
    )
    project = Project.new(reference, path)
    project.apply(Change("objects", objects=((), tuple(known))))
    return project


def put(project: Project, cells: Mapping[tuple[int, int], Cell]) -> None:
    project.apply(Change("test", {key: (project.cell(*key), cell) for key, cell in cells.items()}))


def disc(size: tuple[int, int], row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return (y - row) ** 2 + (x - column) ** 2 < radius**2


def filled_project(media: FrameSource, path: Path) -> Project:
    """Ids with gaps; object 2 is everywhere (with a hole), 7 comes and goes and is cut off by the border, 9 is on no
    frame, 254 is noise on one."""
    infos = tuple(ObjectInfo(id, name, (id, 255 - id, 7)) for id, name in NAMES.items())
    project = empty_project(media, path, infos)
    cells = {}
    for frame in range(len(media)):
        ring = disc(SIZE, 20, 15 + 3 * frame, 11) & ~disc(SIZE, 20, 15 + 3 * frame, 4)
        cells[frame, 2] = Cell(PackedMask.pack(ring), corrected=True, in_memory=True)
    for frame in (1, 2, 5):
        cells[frame, 7] = Cell(PackedMask.pack(disc(SIZE, 45, 2 + 9 * frame, 8)), confidence=0.5)
    cells[3, 7] = Cell(PackedMask.empty(SIZE), corrected=True, in_memory=True)
    noise = np.random.default_rng(1).random(SIZE) < 0.1
    cells[4, 254] = Cell(PackedMask.pack(noise & ~cells[4, 2].mask.unpack()))
    put(project, cells)
    return project


def array_project(masks: Mapping[int, np.ndarray], folder: Path, name: str = "clip") -> tuple[Project, FrameSource]:
    """One grey frame with these masks."""
    size = next(iter(masks.values())).shape
    media = ArraySource(np.full((1, *size, 3), 90, np.uint8), str(folder / name))
    infos = [ObjectInfo(id, f"Object {id}", (id, id, id)) for id in masks]
    project = empty_project(media, folder / f"{name}.pcvos", infos)
    put(project, {(0, id): Cell(PackedMask.pack(mask)) for id, mask in masks.items()})
    return project, media


def request(name: str, project: Project, media: FrameSource, target: Path, options=None, **choices) -> ExportRequest:
    """An export in which objects are absent on frames never processed, or left out where each has files of its own."""
    unprocessed = "skip" if name == "png-objects" else "empty"
    options = {"unprocessed": unprocessed, **(options or {})}
    return export_request(registry.exporter(name), project, media, target, options=options, **choices)


def export(
    name: str,
    project: Project,
    media: FrameSource,
    target: Path,
    overwrite: bool = False,
    progress: Progress | None = None,
    **choices,
) -> list[int]:
    """Carry out an export; the counts of frames done that it told, without a `progress` of the caller's."""
    wanted = request(name, project, media, target, **choices)
    told: list[int] = []
    progress = progress or Progress(lambda done, total: told.append(done))
    run_export(registry.exporter(name), wanted, overwrite=overwrite, progress=progress)
    return told


def cancelled_after(frames: int) -> Progress:
    """Progress that is cancelled when so many frames are done."""
    left = iter(range(frames - 1))
    return Progress(is_cancelled=lambda: next(left, None) is None)


def plan(
    path: Path, project: Project, media: FrameSource, name: str | None = None, answers=None, **options
) -> ImportPlan:
    importer = registry.recognise(path) if name is None else registry.importer(name)
    wanted = import_request(importer, path, media, options, answers)
    return make_plan(importer.read(wanted), wanted, project)


def bring_in(path: Path, project: Project, media: FrameSource, *, corrected: bool = True, **choices) -> Change:
    made = change(plan(path, project, media, **choices), corrected)
    project.apply(made)
    return made


def all_labels(project: Project) -> np.ndarray:
    return np.stack([project.labels(frame) for frame in range(project.footage.frames)])


def all_masks(project: Project) -> dict[tuple[int, int], PackedMask]:
    """Those that are not empty."""
    cells = project.cells_in(0, project.footage.frames - 1)
    return {key: cell.mask for key, cell in cells if not cell.mask.is_empty}


def tree(folder: Path) -> dict[str, bytes | None]:
    """All there is under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
