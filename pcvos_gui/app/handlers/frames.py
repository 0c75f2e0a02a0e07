"""Going from frame to frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def play(window: MainWindow) -> None:
    window.player.toggle()


def shuttle_back(window: MainWindow) -> None:
    window.player.shuttle(-1)


def shuttle_stop(window: MainWindow) -> None:
    window.player.pause()


def shuttle_forward(window: MainWindow) -> None:
    window.player.shuttle(1)


def step_back(window: MainWindow) -> None:
    _step(window, -1)


def step_forward(window: MainWindow) -> None:
    _step(window, 1)


def jump_back(window: MainWindow) -> None:
    _step(window, -10)


def jump_forward(window: MainWindow) -> None:
    _step(window, 10)


def previous_corrected(window: MainWindow) -> None:
    window.session.navigator.go_to_corrected(-1)


def next_corrected(window: MainWindow) -> None:
    window.session.navigator.go_to_corrected(1)


def previous_doubtful(window: MainWindow) -> None:
    _go_to_doubtful(window, -1)


def next_doubtful(window: MainWindow) -> None:
    _go_to_doubtful(window, 1)


def _go_to_doubtful(window: MainWindow, step: int) -> None:
    if window.reviewer.go_to_next(step) is None:
        window.session.messages.say(window.tr("Nothing here deserves a look."), key="review")


def looks_right(window: MainWindow) -> None:
    if window.reviewer.looks_right() is None:
        text = window.tr("Nothing of this object is in doubt here: F8 goes to what is.")
        window.session.messages.say(text, key="review")


def correct_next(window: MainWindow) -> None:
    if window.reviewer.go_to_suggested() is None:
        window.session.messages.say(window.tr("Nothing here deserves a look."), key="review")


def first_frame(window: MainWindow) -> None:
    window.session.navigator.go_to(0)


def last_frame(window: MainWindow) -> None:
    window.session.navigator.go_to(window.session.navigator.frame_count - 1)


def set_in(window: MainWindow) -> None:
    out = window.runs.next.out_point
    window.runs.next.set_in_out(
        window.session.navigator.frame, out if out is None or out >= window.session.navigator.frame else None
    )


def set_out(window: MainWindow) -> None:
    first = window.runs.next.in_point
    window.runs.next.set_in_out(
        first if first is None or first <= window.session.navigator.frame else None, window.session.navigator.frame
    )


def clear_in_out(window: MainWindow) -> None:
    window.runs.next.set_in_out(None, None)


def _step(window: MainWindow, by: int) -> None:
    window.player.pause()
    window.session.navigator.go_to(window.session.navigator.frame + by)
