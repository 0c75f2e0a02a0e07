"""How fast RGBA PNGs of 1080p are exported, beside what the PNG encoder alone does on the same cores.

The footage is the demo clip, enlarged and written as H.264; its object has a mask and a soft mask on every frame. The
export reads the footage, makes the mattes and encodes; the encoder alone gets the same pictures from memory. The two
take turns, so that both meet the same machine; beside each ratio of times is that of the processor's, which says more
where others use it too. From the top folder: .venv/bin/python scripts/export_speed.py [FRAMES] [ROUNDS]
"""

import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.exchange.exporter import export_request
from core.exchange.formats.matte_png import encode_png
from core.exchange.mattes import THREADS, cut_out, matted_frames
from core.exchange.parallel import in_threads
from core.exchange.registry import exporter
from core.masks.label_map import read_label_map
from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import STRIDE, SoftMask
from core.media import FrameSource, VideoWriter, open_media
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project

ROOT = Path(__file__).resolve().parent.parent
SIZE = (1080, 1920)
SEEN = (480, 854)  # what the network sees of it
FRAMES = int(sys.argv[1]) if len(sys.argv) > 1 else 16
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
WANTED = 0.6


def make_footage(path: Path) -> FrameSource:
    with open_media(ROOT / "resources/demo/big-buck-bunny.mp4") as demo, VideoWriter(path, SIZE, demo.rate) as video:
        for i in range(FRAMES):
            frame = 40 + i % (len(demo) - 40)
            video.write(cv2.resize(demo.read(frame), SIZE[::-1], interpolation=cv2.INTER_CUBIC))
    return open_media(path)


def make_project(media: FrameSource, path: Path) -> Project:
    mask = read_label_map(ROOT / "resources/demo/big-buck-bunny.00040.png").labels > 0
    mask = cv2.resize(mask.astype(np.uint8), SIZE[::-1], interpolation=cv2.INTER_NEAREST)
    grid = tuple(-(-side // STRIDE) for side in SEEN)
    levels = cv2.resize(mask * np.uint8(255), grid[::-1], interpolation=cv2.INTER_AREA)
    cell = Cell(PackedMask.pack(mask), confidence=0.9, soft=SoftMask.pack(levels, (0, 0, *SEEN)))
    project = Project.new(FootageReference.of(media, media.path), path)
    project.apply(Change("objects", objects=((), (ObjectInfo(1, "rabbit", (200, 0, 0)),))))
    project.apply(Change("masks", {(frame, 1): (None, cell) for frame in range(len(media))}))
    return project


def seconds(work: partial) -> np.ndarray:
    """By the clock, and of the processor in all threads."""
    begin = np.array([time.perf_counter(), time.process_time()])
    work()
    return np.array([time.perf_counter(), time.process_time()]) - begin


def encode_alone(pictures: list[np.ndarray], folder: Path) -> None:
    folder.mkdir()
    jobs = (partial(encode_one, picture, folder / f"{i}.png") for i, picture in enumerate(pictures))
    for _ in in_threads(jobs, THREADS):
        pass


def encode_one(picture: np.ndarray, path: Path) -> None:
    path.write_bytes(encode_png(picture))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        media = make_footage(place / "footage.mp4")
        project = make_project(media, place / "project.pcvos")
        png = exporter("rgba")
        request = export_request(png, project, media, place / "export")
        pictures = [cut_out(matted) for matted in matted_frames(request, together=True)]
        ratios = []
        for number in range(ROUNDS):
            alone = seconds(partial(encode_alone, pictures, place / "alone"))
            (place / "export").mkdir()
            whole = seconds(partial(list, png.write(request, place / "export")))
            ratios.append(alone / whole)
            print(
                f"round {number + 1}: the encoder alone {FRAMES / alone[0]:.2f} frames a second, the export "
                f"{FRAMES / whole[0]:.2f}: {ratios[-1][0]:.2f} by the clock, {ratios[-1][1]:.2f} of the processor",
                flush=True,
            )
            for written in (place / "alone", place / "export"):
                shutil.rmtree(written)
        media.close()
        project.close()
    clock, processor = np.median(ratios, axis=0)
    print(f"median {clock:.2f} by the clock, {processor:.2f} of the processor; wanted {WANTED}, with {THREADS} threads")
    return 0 if clock >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
