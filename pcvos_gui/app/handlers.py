"""What the actions do: one method each, named as in the table of `actions.py`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QSettings, Qt
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QFileDialog, QInputDialog

from core.demo import CLIP
from core.exchange.formats.overlay_video import OverlayVideo
from core.masks.edits import fill_holes, grow, remove_specks, shrink
from pcvos_gui.app.actions import ACTIONS
from pcvos_gui.app.preferences import PreferencesDialog
from pcvos_gui.canvas.canvas import stepped_brush
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.dialogs.import_dialog import open_import_dialog
from pcvos_gui.session.messages import Message
from pcvos_gui.session.view_state import Tool, ViewMode

_OPACITY_STEP = 0.1

VIDEO_FILTER = "*.mp4 *.mov *.mkv *.avi *.webm *.m4v *.mts *.ts *.mpg *.mpeg *.wmv *.gif *.y4m *.pcvos"


class Handlers(QObject):
    """Acts on the parts of `window` (a MainWindow)."""

    def __init__(self, window):
        super().__init__(window)
        self._window = window
        self._session, self._runs, self._view = window.session, window.runs, window.view_state

    def table(self) -> dict[str, Callable]:
        """By name of the action."""
        found = {spec.name: getattr(self, spec.name) for spec in ACTIONS if hasattr(self, spec.name)}
        found |= {f"view_{mode}": lambda _, m=mode: self._view.set_mode(m) for mode in ViewMode}
        found |= {f"tool_{tool}": lambda _, t=tool: self._view.set_tool(t) for tool in Tool}
        return found

    # file

    def open_video(self) -> None:
        filters = self.tr("Videos and projects ({});;All files (*)").format(VIDEO_FILTER)
        path, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Open a video or a project"), self._folder(), filters
        )
        if path:
            self._open(Path(path))

    def open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self._window, self.tr("Open a folder of images"), self._folder())
        if path:
            self._open(Path(path))

    def open_demo(self) -> None:
        self._window.open_demo(CLIP)

    def import_masks(self) -> None:
        open_import_dialog(self._window)

    def export(self) -> None:
        self._export()

    def export_overlay(self) -> None:
        self._export(OverlayVideo.name)

    def _export(self, format: str | None = None) -> None:
        """`format`: what is chosen at first; None: what was chosen last."""
        exchange = self._window.exchange
        if exchange.may_export():
            dialog = ExportDialog(self._session, self._window.edges, self._range(), format, self._window)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.accepted.connect(lambda: exchange.export(dialog.wanted))
            dialog.open()

    def close(self) -> None:
        self._session.close()

    def preferences(self) -> None:
        dialog = PreferencesDialog(self._window.preferences, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def quit(self) -> None:
        self._window.close()

    # edit

    def undo(self) -> None:
        if not self._window.canvas.undo_step():
            stack = self._session.undo_stack
            self._travel(stack.undo, stack.command(stack.index() - 1), self.tr("Undone: {}"))

    def redo(self) -> None:
        self._window.canvas.finish_tool()
        stack = self._session.undo_stack
        self._travel(stack.redo, stack.command(stack.index()), self.tr("Done again: {}"))

    def _travel(self, go: Callable[[], None], command: QUndoCommand | None, words: str) -> None:
        """Undo or redo, say what, and show the frame where it happened."""
        if command is None:
            return
        frames = command.change.frames
        go()
        if len(frames) == 1:
            self._session.go_to(frames[0])
        self._session.message.emit(Message(words.format(command.text()), key="undo"))

    # view

    def opacity_up(self) -> None:
        self._view.set_opacity(self._view.opacity + _OPACITY_STEP)

    def opacity_down(self) -> None:
        self._view.set_opacity(self._view.opacity - _OPACITY_STEP)

    def zoom_in(self) -> None:
        self._window.canvas.zoom_in()

    def zoom_out(self) -> None:
        self._window.canvas.zoom_out()

    def fit(self) -> None:
        if not self._window.type_digit("0", only_further=True):
            self._window.canvas.fit()

    def actual_size(self) -> None:
        self._window.canvas.zoom_to_actual()

    def follow(self, on: bool) -> None:
        self._view.set_follow(on)

    # frame

    def play(self) -> None:
        self._window.player.toggle()

    def shuttle_back(self) -> None:
        self._window.player.shuttle(-1)

    def shuttle_stop(self) -> None:
        self._window.player.pause()

    def shuttle_forward(self) -> None:
        self._window.player.shuttle(1)

    def step_back(self) -> None:
        self._step(-1)

    def step_forward(self) -> None:
        self._step(1)

    def jump_back(self) -> None:
        self._step(-10)

    def jump_forward(self) -> None:
        self._step(10)

    def previous_corrected(self) -> None:
        self._session.go_to_corrected(-1)

    def next_corrected(self) -> None:
        self._session.go_to_corrected(1)

    def previous_doubtful(self) -> None:
        self._go_to_doubtful(-1)

    def next_doubtful(self) -> None:
        self._go_to_doubtful(1)

    def _go_to_doubtful(self, step: int) -> None:
        if self._window.reviewer.go_to_next(step) is None:
            self._session.message.emit(Message(self.tr("Nothing here deserves a look."), key="review"))

    def first_frame(self) -> None:
        self._session.go_to(0)

    def last_frame(self) -> None:
        self._session.go_to(self._session.frame_count - 1)

    def set_in(self) -> None:
        out = self._runs.out_point
        self._runs.set_in_out(self._session.frame, out if out is None or out >= self._session.frame else None)

    def set_out(self) -> None:
        first = self._runs.in_point
        self._runs.set_in_out(first if first is None or first <= self._session.frame else None, self._session.frame)

    def clear_in_out(self) -> None:
        self._runs.set_in_out(None, None)

    # tools

    def brush_smaller(self) -> None:
        self._view.set_brush(stepped_brush(self._view.brush, -1))

    def brush_larger(self) -> None:
        self._view.set_brush(stepped_brush(self._view.brush, 1))

    # mask

    def accept_frame(self) -> None:
        self._session.accept_frame()

    def grow(self) -> None:
        self._edit(lambda mask: grow(mask, 1), self.tr("Grow"))

    def shrink(self) -> None:
        self._edit(lambda mask: shrink(mask, 1), self.tr("Shrink"))

    def fill_holes(self) -> None:
        self._edit(fill_holes, self.tr("Fill holes"))

    def remove_specks(self) -> None:
        self._edit(remove_specks, self.tr("Remove specks"))

    def copy_previous(self) -> None:
        self._copy_from(self._session.frame - 1)

    def copy_next(self) -> None:
        self._copy_from(self._session.frame + 1)

    def clear_here(self) -> None:
        frame = self._session.frame
        self._session.clear(frame, frame, (self._session.active,), corrections=True)

    def absent_here(self) -> None:
        self._session.replace_mask(
            np.zeros(self._session.size, bool), self.tr("Object is absent"), even_if_unchanged=True
        )

    def clear_range(self) -> None:
        self._session.clear(*self._range())

    # object

    def add_object(self) -> None:
        self._session.add_object()

    def delete_object(self) -> None:
        self._session.delete_object(self._session.active)

    def rename_object(self) -> None:
        self._window.show_dock("objects")
        self._window.objects_panel.rename(self._session.active)

    def classify_object(self) -> None:
        self._window.show_dock("objects")
        self._window.objects_panel.classify(self._session.active)

    def recolour_object(self) -> None:
        self._window.objects_panel.recolour(self._session.active)

    def merge_object(self) -> None:
        active = self._session.object(self._session.active)
        others = {f"{o.id}  {o.name}": o.id for o in self._session.objects if o is not active}
        if not others:
            text = self.tr("There is no other object to merge into.")
            holds = lambda: len(self._session.objects) < 2  # noqa: E731
            self._session.message.emit(Message(text, key="merge", holds=holds))
            return
        text = self.tr("Give the masks of {} to:").format(active.name)
        chosen, is_agreed = QInputDialog.getItem(self._window, self.tr("Merge objects"), text, list(others), 0, False)
        if is_agreed:
            self._session.merge_objects(active.id, others[chosen])

    def toggle_visible(self) -> None:
        self._change(lambda o: replace(o, visible=not o.visible))

    def toggle_locked(self) -> None:
        self._change(lambda o: replace(o, locked=not o.locked))

    def toggle_solo(self) -> None:
        self._session.set_solo(self._session.active)

    # run

    def propagate(self) -> None:
        self._window.propagate()

    def pause(self) -> None:
        if self._runs.state.value == "paused":
            self._runs.resume()
        else:
            self._runs.pause()

    def stop(self) -> None:
        self._runs.stop()

    def compare(self) -> None:
        self._window.propagation_panel.compare()

    # help

    def shortcuts(self) -> None:
        self._window.shortcuts.toggle()

    def about(self) -> None:
        self._window.show_about()

    # helpers

    def _step(self, by: int) -> None:
        self._window.player.pause()
        self._session.go_to(self._session.frame + by)

    def _range(self) -> tuple[int, int]:
        last = self._session.frame_count - 1
        out = self._runs.out_point
        return self._runs.in_point or 0, last if out is None else out

    def _edit(self, change: Callable[[np.ndarray], np.ndarray], text: str) -> None:
        if self._session.labels is not None:
            self._session.replace_mask(change(self._session.labels == self._session.active), text)

    def _copy_from(self, frame: int) -> None:
        if 0 <= frame < self._session.frame_count:
            cell = self._session.project.cell(frame, self._session.active)
            if cell is not None:
                text = self.tr("Copy mask of frame {}").format(frame)
                self._session.replace_mask(cell.mask.unpack(), text, even_if_unchanged=True)

    def _change(self, change: Callable) -> None:
        active = self._session.object(self._session.active)
        if active is not None:
            self._session.change_object(change(active))

    def _open(self, path: Path) -> None:
        QSettings().setValue("folder", str(path.parent))
        self._window.opener.open(path)

    def _folder(self) -> str:
        return str(QSettings().value("folder", str(Path.home())))


def about_text() -> str:
    """What "About" says; rich text."""
    tr = lambda text: QCoreApplication.translate("about", text)  # noqa: E731
    return tr(
        "<h3>PCVOS Studio</h3>"
        "<p>Cut objects out of video: mark one frame, and the mask is carried through the rest, clip by clip.</p>"
        "<p>The method is <i>Per-Clip Video Object Segmentation</i> (Park et al., CVPR 2022). "
        "Code under the MIT licence; the weights are for research and evaluation only.</p>"
        "<p>The demo clip is an excerpt from <i>Big Buck Bunny</i>, © 2008 Blender Foundation, CC BY 3.0.</p>"
    )
