"""The active object's mask on the frame that is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from core.masks import drawing

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def accept_frame(window: MainWindow) -> None:
    window.session.accept_frame()


def grow(window: MainWindow) -> None:
    _edit(window, lambda mask: drawing.grow(mask, 1), window.tr("Grow"))


def shrink(window: MainWindow) -> None:
    _edit(window, lambda mask: drawing.shrink(mask, 1), window.tr("Shrink"))


def fill_holes(window: MainWindow) -> None:
    _edit(window, drawing.fill_holes, window.tr("Fill holes"))


def remove_specks(window: MainWindow) -> None:
    _edit(window, drawing.remove_specks, window.tr("Remove specks"))


def copy_previous(window: MainWindow) -> None:
    _copy_from(window, window.session.navigator.frame - 1)


def copy_next(window: MainWindow) -> None:
    _copy_from(window, window.session.navigator.frame + 1)


def clear_here(window: MainWindow) -> None:
    frame = window.session.navigator.frame
    window.session.document.clear(frame, frame, (window.session.active,), corrections=True)


def absent_here(window: MainWindow) -> None:
    window.session.replace_mask(
        np.zeros(window.session.navigator.size, bool), window.tr("Object is absent"), even_if_unchanged=True
    )


def clear_range(window: MainWindow) -> None:
    window.session.document.clear(*window.runs.next.in_to_out())


def _edit(window: MainWindow, change: Callable[[np.ndarray], np.ndarray], text: str) -> None:
    if window.session.labels is not None:
        window.session.replace_mask(change(window.session.labels == window.session.active), text)


def _copy_from(window: MainWindow, frame: int) -> None:
    if 0 <= frame < window.session.navigator.frame_count:
        cell = window.session.document.project.cell(frame, window.session.active)
        if cell is not None:
            text = window.tr("Copy mask of frame {}").format(frame)
            window.session.replace_mask(cell.mask.unpack(), text, even_if_unchanged=True)
