"""Playing: the true rate, the shuttle, ends and loops."""

from fractions import Fraction

import numpy as np
import pytest
from panel_parts import Desk

from core.media.arrays import ArraySource
from pcvos_gui.session.player import Player


@pytest.fixture
def desk(qtbot, tmp_path):
    made = Desk(tmp_path, frames=60)
    yield made
    made.close()


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now, self.reads = 0.0, 0

    def __call__(self) -> float:
        self.reads += 1
        return self.now

    def wait_for_looks(self, qtbot) -> None:
        """Until the player has looked at it several times more."""
        before = self.reads
        qtbot.waitUntil(lambda: self.reads > before + 4)


@pytest.fixture
def player(desk):
    return Player(desk.session, desk.runs.next)


def test_play_reaches_the_end_at_about_the_true_rate_and_begins_anew(qtbot, desk, player):
    desk.session.navigator.go_to(40)  # 20 frames at 25 a second: 0.8 s
    seen = []
    desk.session.navigator.frame_changed.connect(seen.append)
    with qtbot.waitSignal(player.playing_changed):
        player.play()
    qtbot.waitUntil(lambda: 0 in seen, timeout=10_000)
    before = seen[: seen.index(0)]
    assert before == sorted(before) and len(before) > 3 and before[-1] > 50
    assert player.is_playing
    player.pause()


def test_time_passes_by_timestamps_not_by_frames(qtbot, tmp_path):
    media = ArraySource(np.zeros((6, 8, 8, 3), np.uint8))
    media.timestamps = [Fraction(t, 100) for t in (0, 1, 2, 3, 4, 3000)]  # then half a minute of one picture
    desk = Desk(tmp_path, media=media)
    clock = Clock()
    player = Player(desk.session, desk.runs.next, clock=clock)
    player.play()
    for frame in range(1, 5):
        clock.now = frame / 100 + 0.001
        qtbot.waitUntil(lambda frame=frame: desk.session.navigator.frame == frame)
    clock.now = 29
    clock.wait_for_looks(qtbot)
    assert desk.session.navigator.frame == 4 and player.is_playing
    desk.close()
    assert not player.is_playing


def test_frames_that_cannot_keep_up_are_skipped(qtbot, desk):
    desk.frames.late = True
    desk.frames.requests.clear()
    player = Player(desk.session, desk.runs.next, clock=(clock := Clock()))
    player.play()
    for _ in range(3):
        asked = desk.session.navigator.frame
        clock.now += 0.2  # five frames at the true rate
        clock.wait_for_looks(qtbot)
        desk.frames.deliver(desk.session.navigator.frame)
        qtbot.waitUntil(lambda asked=asked: desk.session.navigator.frame > asked)
    assert desk.session.navigator.frame > 2 * len(desk.frames.requests)
    player.pause()


def test_shuttle_doubles_turns_and_stops(desk, player):
    desk.session.navigator.go_to(30)
    speeds = []
    player.speed_changed.connect(speeds.append)
    for direction in (1, 1, 1, 1, 1, -1, -1, 0):
        player.shuttle(direction)
    assert speeds == [1, 2, 4, 8, -1, -2, 0]


def test_backwards_goes_on_from_the_last_frame(qtbot, desk, player):
    desk.session.navigator.go_to(6)
    seen = []
    desk.session.navigator.frame_changed.connect(seen.append)
    player.shuttle(-1)
    qtbot.waitUntil(lambda: 59 in seen, timeout=10_000)
    before = seen[: seen.index(59)]
    assert before == sorted(before, reverse=True) and player.is_playing
    player.pause()


@pytest.mark.parametrize(("first", "last", "loop"), [(None, 3, {0, 1, 2, 3}), (57, None, {57, 58, 59})])
def test_one_point_alone_bounds_the_loop_too(qtbot, desk, player, first, last, loop):
    desk.runs.next.set_in_out(first, last)
    desk.session.navigator.go_to(30)
    seen = []
    desk.session.navigator.frame_changed.connect(seen.append)
    player.play()
    qtbot.waitUntil(lambda: seen[1:].count(min(loop)) > 0 and len(seen) > len(loop), timeout=10_000)
    assert set(seen) <= loop and player.is_playing
    player.pause()


def test_where_in_and_out_are_one_frame_nothing_plays_on(qtbot, desk, player):
    desk.runs.next.set_in_out(5, 5)
    player.play()
    qtbot.waitUntil(lambda: not player.is_playing, timeout=10_000)
    assert desk.session.navigator.frame == 5


def test_in_and_out_make_a_loop(qtbot, desk, player):
    desk.runs.next.set_in_out(10, 13)
    seen = []
    desk.session.navigator.frame_changed.connect(seen.append)
    player.play()
    assert desk.session.navigator.frame == 10  # from outside into the loop
    qtbot.waitUntil(lambda: 10 in seen[3:], timeout=10_000)
    assert set(seen) <= {10, 11, 12, 13}
    assert player.is_playing
    player.pause()


def test_play_at_the_end_begins_anew_and_a_jump_goes_on_from_there(qtbot, desk, player):
    desk.session.navigator.go_to(59)
    player.toggle()
    assert desk.session.navigator.frame == 0
    desk.session.navigator.go_to(50)
    qtbot.waitUntil(lambda: desk.session.navigator.frame > 50)
    player.toggle()
    assert not player.is_playing


def test_painting_ends_playing(qtbot, desk, player):
    player.play()
    assert desk.session.begin_edit()
    qtbot.waitUntil(lambda: not player.is_playing)
    desk.session.cancel_edit()
    desk.session.navigator.go_to(0)
    assert desk.session.begin_edit()
    player.play()
    assert not player.is_playing
    desk.session.cancel_edit()


def test_nothing_open_nothing_plays(desk, player):
    desk.close()
    player.play()
    player.shuttle(1)
    assert not player.is_playing
