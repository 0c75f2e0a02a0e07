"""Playing footage at its true rate, forwards and backwards."""

import math
import time
from bisect import bisect_right
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from pcvos_gui.session.next_run import NextRun
from pcvos_gui.session.session import Session

FASTEST = 8.0
_PATIENCE = 0.5  # seconds; a frame that takes longer to appear is given up, and the next one asked for
_RETRY_MS, _LONGEST_WAIT_MS = 4, 200


class Player(QObject):
    """Moves the current frame as time goes by.

    A clock says which frame is due, by the footage's own timestamps, so that a variable rate is kept. The next frame is
    asked for only when the last one is on the screen: what cannot keep up is skipped, never queued.

    With both in and out points set, it plays around between them.

    Args:
        clock: seconds.

    Attributes:
        speed: times the true rate, -8 to 8; negative is backwards, 0 while nothing plays.
    """

    playing_changed = Signal(bool)
    speed_changed = Signal(float)

    def __init__(
        self,
        session: Session,
        next_run: NextRun,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__(parent)
        self._session, self._next, self._clock = session, next_run, clock
        self.speed = 0.0
        self._origin = 0.0  # seconds into the footage where the clock was at `_began`
        self._began, self._asked = 0.0, -math.inf
        self._moving = False
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        session.navigator.frame_changed.connect(self._on_frame)
        session.closing.connect(self.pause)

    @property
    def is_playing(self) -> bool:
        return self.speed != 0

    def play(self, speed: float = 1.0) -> None:
        """Play at `speed` times the true rate (negative: backwards), from the other end if this one is reached."""
        session = self._session
        if not session.is_open or session.is_editing or session.navigator.frame_count < 2 or not speed:
            return
        first, last = self._next.in_to_out()
        if not first <= session.navigator.frame <= last or session.navigator.frame == (last if speed > 0 else first):
            self._go_to(first if speed > 0 else last)
        self._set_speed(max(-FASTEST, min(FASTEST, float(speed))))
        self._anchor()
        self._tick()

    def pause(self) -> None:
        """Stay on the current frame."""
        self._timer.stop()
        self._set_speed(0.0)

    def toggle(self) -> None:
        """Play forwards at the true rate, or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def shuttle(self, direction: int) -> None:
        """J, K and L: -1 backwards, 0 stop, 1 forwards; the same direction again is twice as fast, up to 8 times."""
        if not direction:
            self.pause()
        elif self.speed * direction > 0:
            self.play(2 * self.speed)
        else:
            self.play(float(direction))

    # the clock

    def _anchor(self) -> None:
        """Start the clock at the current frame; backwards, at the last moment that it is shown."""
        frame = self._session.navigator.frame
        self._origin = self._time(frame) if self.speed > 0 else self._end(frame)
        self._began = self._clock()

    def _time(self, frame: int) -> float:
        return float(self._session.document.media.timestamps[frame])

    def _end(self, frame: int) -> float:
        """Time at which the frame gives way to the next; the last one stays for the average time."""
        if frame + 1 < self._session.navigator.frame_count:
            return self._time(frame + 1)
        return self._time(frame) + float(1 / self._session.document.media.rate)

    def _now(self) -> float:
        return self._origin + (self._clock() - self._began) * self.speed

    def _tick(self) -> None:
        session = self._session
        if not self.is_playing:
            return
        if not session.is_open or session.is_editing:
            self.pause()
            return
        if session.navigator.shown != session.navigator.frame and self._clock() - self._asked < _PATIENCE:
            self._timer.start(_RETRY_MS)
            return
        first, last = self._next.in_to_out()
        now = self._now()
        if now >= self._end(last) if self.speed > 0 else now < self._time(first):
            self._at_the_end(first, last)
            return
        due = bisect_right(session.document.media.timestamps, now, key=float) - 1
        # Rounding and a clock that began in the frame's middle must not step against the direction.
        due = max(due, session.navigator.frame) if self.speed > 0 else min(due, session.navigator.frame)
        self._go_to(min(max(due, 0), last))
        self._schedule(due)

    def _at_the_end(self, first: int, last: int) -> None:
        """Once more, from the other end; one frame alone is stood on."""
        if first == last:
            self.pause()
            return
        self._go_to(first if self.speed > 0 else last)
        self._anchor()
        self._timer.start(_RETRY_MS)

    def _schedule(self, frame: int) -> None:
        """Wake up when the next frame is due."""
        border = self._end(frame) if self.speed > 0 else self._time(frame)
        wait = (border - self._now()) / self.speed * 1000
        self._timer.start(int(min(max(wait, 1), _LONGEST_WAIT_MS)))

    def _go_to(self, frame: int) -> None:
        if frame == self._session.navigator.frame:
            return
        self._moving = True
        self._asked = self._clock()
        self._session.navigator.go_to(frame)
        self._moving = False

    def _on_frame(self, _: int) -> None:
        """Go on from a frame that somebody else moved to."""
        if self.is_playing and not self._moving:
            self._anchor()

    def _set_speed(self, speed: float) -> None:
        before, self.speed = self.speed, speed
        if speed != before:
            self.speed_changed.emit(speed)
        if bool(speed) != bool(before):
            self.playing_changed.emit(bool(speed))
