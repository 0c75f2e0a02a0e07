"""Frames for the window, decoded on a thread of their own and kept within a budget."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from cachetools import LRUCache
from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import PCVOSError
from core.media.source import FrameSource
from core.progress import Cancelled, Progress
from pcvos_gui.workers.thread import Worker

log = logging.getLogger(__name__)

CACHE_BYTES = 512 * 2**20
PATIENCE_MS = 80
"""An exact frame that takes longer than this is announced by the nearest one that is at hand."""

_AHEAD, _BEHIND = 8, 2  # frames decoded when there is nothing else to do, in the direction of travel and against it
_MOST_ASIDE = 64
_ON_THE_WAY = 8  # frames: what is being decoded is finished when the newer wish is as near, ahead in its direction


class FrameStore:
    """The frames used last, within a budget of bytes (the very last one always). For any thread."""

    def __init__(self, budget: int):
        self._frames: LRUCache[int, np.ndarray] = LRUCache(budget, lambda image: min(image.nbytes, budget))
        self._lock = threading.Lock()

    def get(self, frame: int) -> np.ndarray | None:
        with self._lock:
            return self._frames.get(frame)

    def put(self, frame: int, image: np.ndarray) -> None:
        with self._lock:
            self._frames[frame] = image

    def nearest(self, frame: int) -> tuple[int, np.ndarray] | None:
        """The frame kept that is nearest to `frame`, with its index."""
        with self._lock:
            index = min(self._frames, key=lambda kept: abs(kept - frame), default=None)
            return None if index is None else (index, self._frames[index])

    def clear(self) -> None:
        with self._lock:
            self._frames.clear()

    def __contains__(self, frame: int) -> bool:
        with self._lock:
            return frame in self._frames

    def room_for(self, image: np.ndarray) -> int:
        """Number of frames like `image` that the budget holds."""
        return max(1, int(self._frames.maxsize) // max(1, image.nbytes))


@dataclass(frozen=True)
class _Read:
    """The result of the thread: pixels, or a sentence that says why there are none."""

    source: FrameSource
    frame: int
    image: np.ndarray | None
    sentence: str = ""
    is_aside: bool = False


class FrameWorker(Worker):
    """Decodes the frame asked for last, and its neighbours in the direction of travel when there is nothing else to do.

    Args:
        source: the footage, owned from now on: read on the thread only, and closed when another one comes.
        cache_bytes: how much memory decoded frames may take.

    Signals:
        ready(frame, image): uint8 (H, W, 3) RGB, read-only.
        nearest(frame, shown_frame, image): the exact frame takes its time; this one is nearest to it.
        failed(frame, sentence).
        aside(frame, image): what `request_aside` asked for.
    """

    ready = Signal(int, object)
    nearest = Signal(int, int, object)
    failed = Signal(int, str)
    aside = Signal(int, object)

    def __init__(
        self, source: FrameSource | None = None, cache_bytes: int = CACHE_BYTES, parent: QObject | None = None
    ):
        super().__init__("frames", parent)
        self._store = FrameStore(cache_bytes)
        self._source = source
        self._retired: list[FrameSource] = []
        self._wish: int | None = None  # the frame asked for last
        self._begun: int | None = None  # the last wish that the thread has taken up
        self._prepared: int | None = None  # the last wish that `prepare` has been called for
        self._asides: deque[int] = deque(maxlen=_MOST_ASIDE)
        self._broken: set[int] = set()  # neighbours that could not be read: why is said when somebody asks for them
        self._step = 1
        self._delivered = True  # whether the wish has been answered
        self._announced: int | None = None  # the frame last shown in the wish's place
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._show_nearest)
        self._thread.start()

    def set_source(self, source: FrameSource | None) -> None:
        """Other footage, or none; nothing of the last one will be emitted, and the thread closes it."""
        with self._changed:
            if self._source is not None:
                self._retired.append(self._source)
            self._source, self._step = source, 1
            self._wish = self._begun = self._prepared = None
            self._broken.clear()
            self._asides.clear()
            self._store.clear()
            self._delivered = True
            self._changed.notify_all()
        self._patience.stop()

    def cached(self, frame: int) -> np.ndarray | None:
        """The frame's pixels if they are at hand, at once."""
        return self._store.get(frame)

    def request(self, frame: int) -> None:
        """Ask for a frame; whatever was asked for before and has not begun is forgotten."""
        with self._changed:
            image = self._store.get(frame)  # the thread may be about to put it there: not before it is held back
            if self._source is None or (frame == self._wish and not self._delivered):
                return
            if self._wish is not None and frame != self._wish:
                self._step = 1 if frame > self._wish else -1
            self._wish, self._begun, self._delivered, self._announced = frame, None, False, None
            if image is not None:
                self._posted.emit(_Read(self._source, frame, image))
            self._changed.notify_all()
        if image is None and not self._patience.isActive():
            self._patience.start()  # not anew for each wish: scrubbing shows something all the time

    def request_aside(self, frame: int) -> None:
        """Ask for a frame that is not looked at, for a small picture of it: it is read when nothing else is to do, and
        comes as `aside`. The newest wishes come first; of many at once the oldest are forgotten."""
        with self._changed:
            if self._source is not None and frame not in self._asides and frame not in self._broken:
                self._asides.append(frame)
                self._changed.notify_all()

    # on the window's thread

    def _deliver(self, message: _Read) -> None:
        if message.source is not self._source:
            return
        if message.is_aside:
            self.aside.emit(message.frame, message.image)
            return
        exact = message.frame == self._wish
        if not exact and self._delivered:
            return  # something newer is on the screen
        if exact:
            self._delivered = True
            self._patience.stop()
        if message.image is not None:
            self.ready.emit(message.frame, message.image)
        elif exact:
            self.failed.emit(message.frame, message.sentence)

    def _show_nearest(self) -> None:
        wish = self._wish
        if self._delivered or self._source is None or wish is None:
            return
        near_frames = [near for near in (self._store.nearest(wish), self._source.nearest_decoded(wish)) if near]
        if near_frames:
            shown, image = min(near_frames, key=lambda near: abs(near[0] - wish))
            if shown != self._announced:
                self._announced = shown
                image.flags.writeable = False
                self.nearest.emit(wish, shown, image)
        self._patience.start()

    # on the thread

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            yield
        finally:
            _close([*self._retired, *([] if self._source is None else [self._source])])

    def _take(self) -> Callable[[], object] | None:
        if self._retired:
            retired, self._retired = self._retired, []
            return partial(_close, retired)
        task, aside = self._next(), self._next_aside()
        if self._source is not None and self._wish is not None and task is not None:
            self._begun = self._wish
            return partial(self._do, self._source, task, self._wish)
        return None if self._source is None or aside is None else partial(self._read_aside, self._source, aside)

    def _next_aside(self) -> int | None:
        """Not before there is something to look at."""
        return self._asides[-1] if self._asides and self._wish is not None else None

    def _read_aside(self, source: FrameSource, frame: int) -> None:
        """A wish, or its neighbours, go first: then it is read again later."""
        image = self._store.get(frame)
        try:
            if image is None:
                image = source.read(frame, Progress(is_cancelled=lambda: self._is_interrupted(source)))
        except Cancelled:
            return
        except Exception as error:  # nobody waits for it; why it cannot be read is said when somebody looks at it
            log.info("frame %d cannot be read: %s", frame, error)
        with self._changed:
            if source is not self._source:
                return
            if image is None:
                self._broken.add(frame)
            if frame in self._asides:
                self._asides.remove(frame)
        if image is not None:
            self._post(_Read(source, frame, image, is_aside=True))

    def _is_interrupted(self, source: FrameSource) -> bool:
        return self._closed or source is not self._source or self._next() is not None

    def _next(self) -> int | None:
        """The frame to decode now, -1 for what the footage can do ahead by itself, None for nothing.

        First the wish, then its neighbours.
        """
        if self._source is None or self._wish is None:
            return None
        image = self._store.get(self._wish)
        if image is None:
            return self._wish if self._begun != self._wish else None  # else it has failed
        neighbour = self._neighbour(self._source, self._wish, image)
        if neighbour is None and self._prepared != self._wish:
            return -1
        return neighbour

    def _neighbour(self, source: FrameSource, wish: int, image: np.ndarray) -> int | None:
        room = self._store.room_for(image) - 1
        ahead = [wish + self._step * i for i in range(1, 1 + min(_AHEAD, room))]
        behind = [wish - self._step * i for i in range(1, 1 + min(_BEHIND, room - len(ahead)))]
        frames = (f for f in ahead + behind if 0 <= f < len(source))
        return next((f for f in frames if f not in self._store and f not in self._broken), None)

    def _do(self, source: FrameSource, task: int, wish: int) -> None:
        if task >= 0:
            self._read(source, task, wished=task == wish)
            return
        self._prepared = wish

        def is_stale() -> bool:
            return self._closed or source is not self._source or self._wish != wish

        source.prepare(wish, Progress(is_cancelled=is_stale))

    def _read(self, source: FrameSource, frame: int, wished: bool) -> None:
        try:
            image = source.read(frame, Progress(is_cancelled=lambda: self._is_stale(source, frame)))
        except Cancelled:
            return
        except (PCVOSError, IndexError) as error:
            self._fail(source, frame, str(error), wished)
            return
        except MemoryError:
            self._store.clear()
            self._fail(source, frame, self.tr("There is not enough memory for frame {}.").format(frame), wished)
            return
        except Exception as error:  # the thread lives on: another frame may be read
            log.exception("frame %d cannot be read", frame)
            self._fail(source, frame, self.tr("Frame {} cannot be read ({}).").format(frame, error), wished)
            return
        image.flags.writeable = False
        with self._changed:
            if source is not self._source:
                return
            self._store.put(frame, image)
            useful = wished or frame == self._wish
        if useful:
            self._post(_Read(source, frame, image))

    def _fail(self, source: FrameSource, frame: int, sentence: str, wished: bool) -> None:
        with self._changed:
            if wished or frame == self._wish:
                self._begun = frame if frame == self._wish else self._begun
                self._post(_Read(source, frame, None, sentence))
            elif source is self._source:
                self._broken.add(frame)

    def _is_stale(self, source: FrameSource, frame: int) -> bool:
        """Whether something else is wanted instead of the frame that is being decoded."""
        wish = self._wish
        if self._closed or source is not self._source or wish is None:
            return True
        if wish == frame or wish in self._store:
            return False
        return not 0 < (wish - frame) * self._step <= _ON_THE_WAY


def _close(sources: Iterable[FrameSource]) -> None:
    for source in sources:
        source.close()
