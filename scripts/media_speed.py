"""How quickly footage opens and frames come: stepping, jumping, a film of hours, a folder of many images.

Makes its own footage in a temporary folder: a pan over a grainy texture with a disc across it, in H.264 with B-frames.
Each figure is wall-clock time in milliseconds, then the processor time of this process; with other work on the machine
the second says more. From the top folder: .venv/bin/python scripts/media_speed.py
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from core.media import FrameSource, open_media, open_provisionally
from core.progress import Cancelled, Progress

RATE = 25
STEPS = 100
JUMPS = 40
LONG_GOP = 250
BUSY = "import numpy as np\na = np.ones((700, 700), np.float32)\nwhile True: a @ a"


def main() -> None:
    options = _options()
    width, height = (int(side) for side in options.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for gop in options.gop:
            clip = folder / f"{gop}.mp4"
            make_clip(clip, (height, width), gop, max(options.frames, 2 * gop))
            megabits = clip.stat().st_size * 8 * RATE / max(options.frames, 2 * gop) / 1e6
            print(f"\n{options.size}, a keyframe every {gop} frames, {megabits:.1f} Mbit/s")
            stored = measured_opening(clip)
            measure_reading(clip, stored, "")
            with busy_core():
                measure_reading(clip, stored, " (a core busy)")
        if options.hours:
            film = folder / "film.mp4"
            make_film(film, (height, width), options.hours)
            print(f"\n{options.hours} h of {options.size}, {film.stat().st_size / 2**20:.0f} MiB")
            measured_opening(film)
        if options.images:
            images = make_images(folder / "images", options.images)
            print(f"\nA folder of {options.images} images")
            measured_opening(images)
        print(f"\nLoad on the machine's {os.cpu_count()} cores over the last minutes: {os.getloadavg()[1]:.1f}")


def measured_opening(path: Path) -> bytes | None:
    """Print how long it takes until the first frame, the whole index, and with that; returns the index."""
    report("first frame, provisionally", [timed(lambda: open_provisionally(path))])
    media: list[FrameSource] = []
    report("opened, by a scan", [timed(lambda: media.append(open_media(path)))])
    stored = media[0].stored_index()
    again = [timed(lambda: media.append(open_media(path, interactive=True, index=stored))) for _ in range(3)]
    report(f"opened, by its index ({len(stored or b'') / 1024:.0f} KiB)", again)
    print(f"{'frames':40}{len(media[0])}")
    for source in media:
        source.close()
    return stored


def measure_reading(path: Path, stored: bytes | None, condition: str) -> None:
    """Print how long steps, jumps, and the first sight of a far frame take."""
    rng = np.random.default_rng(0)
    with open_media(path, interactive=True, index=stored) as media:
        middle = len(media) // 2
        for step in (1, -1):
            frames = range(middle, middle + STEPS * step, step)
            report(f"step {step:+}, {RATE} a second{condition}", paced(media, frames))
        jumps = [int(index) for index in rng.integers(0, len(media), JUMPS)]
        report(f"jump{condition}", [timed(lambda index=index: media.read(index)) for index in jumps])
    with open_media(path, index=stored) as media:
        report(f"jump, not interactive{condition}", [timed(lambda index=index: media.read(index)) for index in jumps])
    with open_media(path, interactive=True, index=stored) as media:
        report(f"first frame near a jump{condition}", [first_sight(media, index) for index in jumps])


def paced(media: FrameSource, frames: Iterable[int]) -> Iterator[tuple[float, float]]:
    """Read frames as often as film runs, prepared in the time between, as a window does."""
    for number, index in enumerate(frames):
        end = time.perf_counter() + 1 / RATE
        if number:
            yield timed(lambda index=index: media.read(index))
        else:
            media.read(index)
            media.prepare(index)
        media.prepare(index, Progress(is_cancelled=lambda end=end: time.perf_counter() > end))
        time.sleep(max(0.0, end - time.perf_counter()))


def first_sight(media: FrameSource, index: int) -> tuple[float, float]:
    """From a request until a frame of the same neighbourhood is at hand; the read ends there."""
    began = time.perf_counter(), time.process_time()
    try:
        media.read(index, Progress(is_cancelled=lambda: True))
    except Cancelled:
        media.nearest_decoded(index)
    return time.perf_counter() - began[0], time.process_time() - began[1]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def report(what: str, times: Iterable[tuple[float, float]]) -> None:
    wall, processor = 1000 * np.array(list(times)).T
    spread = f"  95 % under {np.percentile(wall, 95):7.1f}" if len(wall) > 3 else ""
    print(f"{what:40}{np.median(wall):8.1f} ms{spread}   (processor {np.median(processor):7.1f})", flush=True)


@contextmanager
def busy_core() -> Iterator[None]:
    """One core busy with matrix products, as inference keeps it."""
    limits = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", BUSY], env=limits)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def make_clip(path: Path, size: tuple[int, int], gop: int, count: int) -> None:
    """Encode a clip with three B-frames in a row and a closed group of pictures every `gop` frames."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        groups = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=3:b-adapt=0:ref=3"
        stream.options = {"preset": "veryfast", "crf": "20", "x264-params": groups}
        for picture in _pictures(size, count):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))


def _pictures(size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    height, width = size
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (height // 4 + 120, width // 4 + 120, 3), np.uint8), (0, 0), 1.5)
    texture = cv2.resize(cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX), None, fx=4, fy=4)
    grain = [rng.normal(0, 3, (height, width, 1)).astype(np.int8) for _ in range(31)]
    for i in range(count):
        y, x = int(200 + 180 * np.sin(i / 60)), int(200 + 180 * np.cos(i / 47))
        picture = np.clip(texture[y : y + height, x : x + width].astype(np.int16) + grain[i % 31], 0, 255)
        picture = picture.astype(np.uint8)
        centre = int(width / 2 + width / 3 * np.cos(i / 30)), int(height / 2 + height / 3 * np.sin(i / 20))
        cv2.circle(picture, centre, height // 7, (200, 60, 40), -1)
        yield picture


def make_film(path: Path, size: tuple[int, int], hours: float) -> None:
    """The packets of one group of pictures, over and over, at later and later times."""
    group = path.with_name("group.mp4")
    make_clip(group, size, LONG_GOP, LONG_GOP)
    with av.open(str(group)) as source, av.open(str(path), "w") as output:
        template = source.streams.video[0]
        packets = [packet for packet in source.demux(template) if packet.size]
        stream = output.add_stream_from_template(template)
        length = round(LONG_GOP / RATE / template.time_base)
        times = [(packet.pts, packet.dts, bytes(packet), packet.is_keyframe) for packet in packets]
        for repeat in range(round(hours * 3600 * RATE / LONG_GOP)):
            for pts, dts, data, is_key in times:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, template.time_base
                packet.pts, packet.dts = pts + repeat * length, dts + repeat * length
                packet.duration = round(Fraction(1, RATE) / template.time_base)
                packet.is_keyframe = is_key
                output.mux(packet)


def make_images(folder: Path, count: int) -> Path:
    """Small JPEGs: of opening them, their size in pixels matters little."""
    folder.mkdir()
    first = folder / "0.jpg"
    Image.fromarray(next(_pictures((72, 128), 1))).save(first)
    data = first.read_bytes()
    for number in range(1, count):
        (folder / f"{number}.jpg").write_bytes(data)
    return folder


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", default="1920x1080", help="WIDTHxHEIGHT of the footage (1920x1080)")
    parser.add_argument("--gop", type=int, nargs="*", default=[30, 250], help="frames between keyframes (30 250)")
    parser.add_argument("--frames", type=int, default=300, help="length of the clips, two groups at least (300)")
    parser.add_argument("--hours", type=float, default=3, help="length of the film; 0 for none (3)")
    parser.add_argument("--images", type=int, default=0, help="images in the folder; 0 for none")
    return parser.parse_args()


if __name__ == "__main__":
    main()
