"""Frames for the window: what comes, in which order, and what is skipped."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.errors import PCVOSError
from core.media.arrays import ArraySource
from core.progress import Progress
from pcvos_gui.workers.frames import FrameStore, FrameWorker

COUNT, SIZE = 200, (12, 16)
FRAME_BYTES = SIZE[0] * SIZE[1] * 3


class SlowSource(ArraySource):
    """Each frame is filled with its index; `gate` holds reads back, and what was read is kept."""

    def __init__(self, count: int = COUNT):
        frames = np.empty((count, *SIZE, 3), np.uint8)
        frames[:] = np.arange(count).reshape(-1, 1, 1, 1)
        super().__init__(frames)
        self.gate = threading.Event()
        self.gate.set()
        self.started: list[int] = []
        self.finished: list[int] = []
        self.threads: set[str] = set()
        self.broken: set[int] = set()
        self.closed = threading.Event()
        self.at_hand: int | None = None

    def _read_unless(self, index: int, progress: Progress) -> np.ndarray:
        self.started.append(index)
        self.threads.add(threading.current_thread().name)
        while not self.gate.wait(0.005):
            progress.raise_if_cancelled()
        if index in self.broken:
            raise PCVOSError(f"Frame {index} is broken.")
        self.finished.append(index)
        return self._read(index)

    def nearest_decoded(self, index: int) -> tuple[int, np.ndarray] | None:
        return None if self.at_hand is None else (self.at_hand, self._read(self.at_hand))

    def close(self) -> None:
        self.closed.set()


class Heard:
    """The signals that a worker has emitted."""

    def __init__(self, worker: FrameWorker):
        self.ready: list[int] = []
        self.nearest: list[tuple[int, int]] = []
        self.failed: list[tuple[int, str]] = []
        worker.ready.connect(self._on_ready)
        worker.nearest.connect(lambda frame, shown, _: self.nearest.append((frame, shown)))
        worker.failed.connect(lambda *failure: self.failed.append(failure))

    def _on_ready(self, frame: int, image: np.ndarray) -> None:
        assert (image == frame).all() and image.shape == (*SIZE, 3) and not image.flags.writeable
        self.ready.append(frame)


@pytest.fixture
def make(qtbot: QtBot) -> Iterator[Callable[..., tuple[FrameWorker, SlowSource, Heard]]]:
    workers = []

    def start(**settings) -> tuple[FrameWorker, SlowSource, Heard]:
        source = SlowSource()
        worker = FrameWorker(source, **settings)
        workers.append((worker, source))
        return worker, source, Heard(worker)

    yield start
    for worker, source in workers:
        source.gate.set()
        assert worker.shutdown()


def test_a_frame_comes_and_is_at_hand_then(make, qtbot: QtBot):
    worker, source, heard = make()
    assert worker.cached(7) is None
    with qtbot.waitSignal(worker.ready):
        worker.request(7)
    assert (worker.cached(7) == 7).all() and heard.ready == [7] and source.threads == {"frames"}
    with qtbot.waitSignal(worker.ready):
        worker.request(7)
    assert heard.ready == [7, 7] and source.started.count(7) == 1


def test_neighbours_in_the_direction_of_travel_are_at_hand(make, qtbot: QtBot):
    worker, _, heard = make()
    for frame in (50, 49):
        with qtbot.waitSignal(worker.ready):
            worker.request(frame)
    qtbot.waitUntil(lambda: all(worker.cached(f) is not None for f in range(41, 52)))
    assert heard.ready == [50, 49], "what nobody asked for is not announced"


def test_the_newest_wish_wins(make, qtbot: QtBot):
    worker, source, heard = make()
    source.gate.clear()
    worker.request(10)
    qtbot.waitUntil(lambda: source.started == [10])
    for frame in (60, 90, 120):
        worker.request(frame)
    qtbot.waitUntil(lambda: source.started[-1] == 120)
    source.gate.set()
    qtbot.waitUntil(lambda: 120 in heard.ready)
    assert heard.ready == [120], "jumps in between are dropped"
    assert not {60, 90} & set(source.finished)


def test_playback_that_cannot_keep_up_skips_and_still_shows(make, qtbot: QtBot):
    """Wishes run ahead of decoding: what is being decoded just before them is finished and shown."""
    worker, source, heard = make()
    source.gate.clear()
    worker.request(1)
    qtbot.waitUntil(lambda: source.started == [1])
    for frame in (2, 3, 4, 5):
        worker.request(frame)
    source.gate.set()
    qtbot.waitUntil(lambda: 5 in heard.ready)
    assert heard.ready == [1, 5]


def test_what_comes_late_does_not_replace_what_is_newer(make, qtbot: QtBot):
    worker, source, heard = make()
    with qtbot.waitSignal(worker.ready):
        worker.request(20)
    qtbot.waitUntil(lambda: worker.cached(25) is not None)
    qtbot.waitUntil(lambda: 28 in source.finished)
    source.gate.clear()
    worker.request(30)
    qtbot.waitUntil(lambda: source.started[-1] == 30)
    worker.request(25)
    qtbot.waitUntil(lambda: heard.ready[-1] == 25)
    source.gate.set()
    qtbot.waitUntil(lambda: worker.cached(24) is not None and worker.cached(17) is not None)
    assert heard.ready == [20, 25]


def test_the_nearest_frame_stands_in_for_one_that_takes_its_time(make, qtbot: QtBot):
    worker, source, heard = make()
    with qtbot.waitSignal(worker.ready):
        worker.request(20)
    qtbot.waitUntil(lambda: worker.cached(28) is not None)
    source.gate.clear()
    with qtbot.waitSignal(worker.nearest):
        worker.request(100)
    assert heard.nearest == [(100, 28)]
    source.at_hand = 95
    qtbot.waitUntil(lambda: len(heard.nearest) == 2)
    assert heard.nearest[1] == (100, 95), "what the footage itself has decoded is nearer"
    source.gate.set()
    qtbot.waitUntil(lambda: 100 in heard.ready)


def test_a_frame_that_cannot_be_read_says_so_and_the_next_one_works(make, qtbot: QtBot):
    worker, source, heard = make()
    source.broken = {5, 12}
    with qtbot.waitSignal(worker.failed):
        worker.request(5)
    assert heard.failed == [(5, "Frame 5 is broken.")]
    with qtbot.waitSignal(worker.ready):
        worker.request(9)
    qtbot.waitUntil(lambda: worker.cached(17) is not None)
    assert source.started.count(12) == 1 and len(heard.failed) == 1, "nobody asked for frame 12 yet"
    with qtbot.waitSignal(worker.failed):
        worker.request(12)
    with qtbot.waitSignal(worker.failed):
        worker.request(COUNT + 5)


def test_other_footage_takes_over(make, qtbot: QtBot):
    worker, source, heard = make()
    source.gate.clear()
    worker.request(3)
    qtbot.waitUntil(lambda: source.started == [3])
    other = SlowSource(4)
    worker.set_source(other)
    qtbot.waitUntil(source.closed.is_set)
    assert worker.cached(3) is None
    with qtbot.waitSignal(worker.ready):
        worker.request(2)
    qtbot.waitUntil(lambda: sorted(other.finished) == [0, 1, 2, 3])
    worker.set_source(None)
    worker.request(1)
    qtbot.waitUntil(other.closed.is_set)
    assert heard.ready == [2] and not heard.failed


def test_frames_aside_are_read_when_nothing_else_is_to_do(make, qtbot: QtBot):
    worker, source, heard = make()
    aside: list[int] = []
    worker.aside.connect(lambda frame, image: aside.append(frame) or image.max() == frame or aside.append(-1))
    source.broken.add(60)
    for frame in (60, 50, 70):
        worker.request_aside(frame)
    worker.request(10)
    qtbot.waitUntil(lambda: len(aside) == 2, timeout=5000)
    assert aside == [70, 50], "the newest first, and nothing of what cannot be read"
    assert source.finished.index(70) > max(source.finished.index(frame) for frame in range(10, 19))
    assert heard.ready == [10] and not heard.failed
    source.gate.clear()
    worker.request_aside(80)
    qtbot.waitUntil(lambda: source.started[-1] == 80, timeout=5000)
    worker.request(30)
    qtbot.waitUntil(lambda: source.started[-1] == 30, timeout=5000)
    source.gate.set()
    qtbot.waitUntil(lambda: aside[-1] == 80, timeout=5000)
    assert heard.ready == [10, 30], "a wish goes first"


def test_frames_are_kept_within_the_budget(make, qtbot: QtBot):
    worker, source, _ = make(cache_bytes=5 * FRAME_BYTES)
    for frame in (10, 40, 70):
        with qtbot.waitSignal(worker.ready):
            worker.request(frame)
    qtbot.waitUntil(lambda: worker.cached(74) is not None)
    held = [f for f in range(COUNT) if worker.cached(f) is not None]
    assert held == [70, 71, 72, 73, 74]
    assert source.started.count(70) == 1


def test_the_store_drops_what_was_used_longest_ago():
    store = FrameStore(3 * FRAME_BYTES)
    image = np.zeros((*SIZE, 3), np.uint8)
    for frame in (1, 2, 3):
        store.put(frame, image)
    store.get(1)
    store.put(4, image)
    assert [f for f in range(6) if f in store] == [1, 3, 4]
    assert store.nearest(0)[0] == 1 and store.nearest(9)[0] == 4
    store.put(5, np.zeros((100, 100, 3), np.uint8))
    assert store.nearest(0)[0] == 5, "one larger than the budget is kept alone"


def test_shutdown_ends_a_read_and_closes_the_footage(qtbot: QtBot):
    source = SlowSource()
    worker = FrameWorker(source)
    source.gate.clear()
    worker.request(3)
    qtbot.waitUntil(lambda: source.started == [3])
    assert worker.shutdown() and source.closed.is_set()
