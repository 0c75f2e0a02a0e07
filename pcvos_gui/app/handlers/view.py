"""Views of the frame, and the size of the brush."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcvos_gui.canvas.canvas import stepped_brush

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow

_OPACITY_STEP = 0.1


def opacity_up(window: MainWindow) -> None:
    window.view_state.set_opacity(window.view_state.opacity + _OPACITY_STEP)


def opacity_down(window: MainWindow) -> None:
    window.view_state.set_opacity(window.view_state.opacity - _OPACITY_STEP)


def zoom_in(window: MainWindow) -> None:
    window.canvas.zoom_in()


def zoom_out(window: MainWindow) -> None:
    window.canvas.zoom_out()


def fit(window: MainWindow) -> None:
    if not window.type_digit("0", only_further=True):
        window.canvas.fit()


def actual_size(window: MainWindow) -> None:
    window.canvas.zoom_to_actual()


def timeline_in(window: MainWindow) -> None:
    window.timeline.scrubber.turn_zoom(120)


def timeline_out(window: MainWindow) -> None:
    window.timeline.scrubber.turn_zoom(-120)


def timeline_all(window: MainWindow) -> None:
    window.timeline.scrubber.show_all()


def object_rows(window: MainWindow, on: bool) -> None:
    window.timeline.rows.set_collapsed(not on)


def follow(window: MainWindow, on: bool) -> None:
    window.view_state.set_follow(on)


def flip_sides(window: MainWindow) -> None:
    window.sides.flip()


def uncertainty(window: MainWindow, on: bool) -> None:
    window.why.show(uncertainty=on)


def brush_smaller(window: MainWindow) -> None:
    window.view_state.set_brush(stepped_brush(window.view_state.brush, -1))


def brush_larger(window: MainWindow) -> None:
    window.view_state.set_brush(stepped_brush(window.view_state.brush, 1))
