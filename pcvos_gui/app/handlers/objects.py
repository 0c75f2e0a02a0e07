"""The list of objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QInputDialog

from core.studio.done import stretch_to_toggle
from pcvos_gui.session.session import Leaving

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow


def add_object(window: MainWindow) -> None:
    window.session.add_object()


def choose_none(window: MainWindow) -> None:
    window.session.set_active(0)


def delete_object(window: MainWindow) -> None:
    window.session.delete_object(window.session.active)


def rename_object(window: MainWindow) -> None:
    window.show_dock("objects")
    window.objects_panel.rename(window.session.active)


def classify_object(window: MainWindow) -> None:
    window.show_dock("objects")
    window.objects_panel.classify(window.session.active)


def recolour_object(window: MainWindow) -> None:
    window.objects_panel.recolour(window.session.active)


def merge_object(window: MainWindow) -> None:
    active = window.session.object(window.session.active)
    if active is None:
        return
    others = {f"{o.id}  {o.name}": o.id for o in window.session.objects if o is not active}
    if not others:
        text = window.tr("There is no other object to merge into.")
        holds = lambda: len(window.session.objects) < 2  # noqa: E731
        window.session.messages.say(text, key="merge", holds=holds)
        return
    text = window.tr("Give the masks of {} to:").format(active.name)
    chosen, is_agreed = QInputDialog.getItem(window, window.tr("Merge objects"), text, list(others), 0, False)
    if is_agreed:
        window.session.merge_objects(active.id, others[chosen])


def toggle_visible(window: MainWindow) -> None:
    _change(window, lambda o: replace(o, visible=not o.visible))


def toggle_locked(window: MainWindow) -> None:
    _change(window, lambda o: replace(o, locked=not o.locked))


def toggle_done(window: MainWindow) -> None:
    """Within in and out, if they are set; else all of the object, or the done stretch that one stands on."""
    session, runs = window.session, window.runs
    has_range = runs.next.in_point is not None or runs.next.out_point is not None
    chosen = runs.next.in_to_out() if has_range else None
    session.settling.emit(Leaving.FOR_RUN)  # what is proposed belongs to it
    place = stretch_to_toggle(session.document.project, session.active, session.navigator.frame, chosen)
    session.document.set_done(session.active, *place)


def toggle_solo(window: MainWindow) -> None:
    window.session.set_solo(window.session.active)


def _change(window: MainWindow, change: Callable) -> None:
    active = window.session.object(window.session.active)
    if active is not None:
        window.session.change_object(change(active))
