"""Every menu entry, shortcut and toolbar button, declared once.

To add one: a function of the window in `handlers`, in the file of its subject, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from pcvos_gui.app.handlers import files, frames, help, history, masks, objects, runs, view
from pcvos_gui.app.icons import icon
from pcvos_gui.session.view_state import Tool, ViewMode

if TYPE_CHECKING:
    from pcvos_gui.app.main_window import MainWindow

N = cast(Callable[[str, str], str], QT_TRANSLATE_NOOP)  # it gives its text, which PySide declares as an object
_CONTEXT = "actions"


Does = Callable[..., None] | ViewMode | Tool
"""A function of the window, which of a checkable action takes the new state too; or the view or tool to choose."""


@dataclass(frozen=True)
class ActionSpec:
    """One action.

    Attributes:
        does: when it is triggered.
        menu: where it stands; "" for none. text: without mnemonic.
        icon: of the Material Design family. keys: shortcuts, the first is shown. tip: one sentence.
        checkable: it is on or off. needs: "footage" (something is open), "writable" (and may be changed), "object"
            (and an object is active), "" always.
        separated: a line above it in the menu. repeats: whether a held key repeats it.
    """

    does: Does
    menu: str
    text: str
    icon: str
    keys: tuple[str, ...] = ()
    tip: str = ""
    checkable: bool = False
    needs: str = "footage"
    separated: bool = False
    repeats: bool = False

    @property
    def name(self) -> str:
        """By which the window finds it."""
        if isinstance(self.does, ViewMode | Tool):
            return f"{'view' if isinstance(self.does, ViewMode) else 'tool'}_{self.does}"
        return self.does.__name__

    def do(self, window: MainWindow, is_checked: bool = False) -> None:
        """Do it, now that it has been triggered."""
        if isinstance(self.does, ViewMode):
            window.view_state.set_mode(self.does)
        elif isinstance(self.does, Tool):
            window.view_state.set_tool(self.does)
        else:
            self.does(window, *([is_checked] if self.checkable else []))


def _a(menu: str, does: Does, text: str, picture: str, keys: str = "", tip: str = "", **more) -> ActionSpec:
    """A row; `keys` are shortcuts behind blanks."""
    return ActionSpec(does, menu, text, f"mdi6.{picture}", tuple(keys.split()), tip, **more)


FILE = N(_CONTEXT, "File")
EDIT = N(_CONTEXT, "Edit")
VIEW = N(_CONTEXT, "View")
FRAME = N(_CONTEXT, "Frame")
TOOLS = N(_CONTEXT, "Tools")
MASK = N(_CONTEXT, "Mask")
OBJECT = N(_CONTEXT, "Object")
PROPAGATE = N(_CONTEXT, "Propagate")
HELP = N(_CONTEXT, "Help")
MENUS = (FILE, EDIT, VIEW, FRAME, TOOLS, MASK, OBJECT, PROPAGATE, HELP)

ACTIONS: tuple[ActionSpec, ...] = (
    _a(FILE, files.open_video, N(_CONTEXT, "Open video or project…"), "folder-open-outline", "Ctrl+O",
       N(_CONTEXT, "Open a video, or a project you saved"), needs=""),
    _a(FILE, files.open_folder, N(_CONTEXT, "Open image folder…"), "folder-image", "Ctrl+Shift+O",
       N(_CONTEXT, "Open a folder of images, one a frame"), needs=""),
    _a(FILE, files.open_demo, N(_CONTEXT, "Open the demo"), "rabbit", "",
       N(_CONTEXT, "A short clip with its mask, ready to propagate"), needs=""),
    _a(FILE, files.import_masks, N(_CONTEXT, "Import…"), "import", "Ctrl+I",
       N(_CONTEXT, "Read masks from PNGs, data sets, COCO or CVAT files"), needs="writable", separated=True),
    _a(FILE, files.export, N(_CONTEXT, "Export…"), "export", "Ctrl+E",
       N(_CONTEXT, "Write masks, data sets, mattes or video")),
    _a(FILE, files.export_overlay, N(_CONTEXT, "Export overlay video…"), "movie-open-outline", "Ctrl+Shift+E",
       N(_CONTEXT, "Write a video with the masks drawn over the footage")),
    _a(FILE, files.report, N(_CONTEXT, "Report…"), "file-chart-outline", "",
       N(_CONTEXT, "Write a page on this project: confidence, worst frames, corrections; J and F with a reference")),
    _a(FILE, files.close, N(_CONTEXT, "Close"), "close", "Ctrl+W", N(_CONTEXT, "Back to the start page; everything is "
       "saved"), separated=True),
    _a(FILE, files.preferences, N(_CONTEXT, "Preferences…"), "cog-outline", "Ctrl+,",
       N(_CONTEXT, "Theme and defaults"), needs=""),
    _a(FILE, files.quit, N(_CONTEXT, "Quit"), "exit-to-app", "Ctrl+Q",
       N(_CONTEXT, "Quit; everything is saved"), needs=""),
    _a(EDIT, history.undo, N(_CONTEXT, "Undo"), "undo", "Ctrl+Z",
       N(_CONTEXT, "Take the last change back, or a propagation"),
       needs="", repeats=True),
    _a(EDIT, history.redo, N(_CONTEXT, "Redo"), "redo", "Ctrl+Shift+Z Ctrl+Y", N(_CONTEXT, "Make the change again"),
       needs="", repeats=True),
    _a(VIEW, ViewMode.OVERLAY, N(_CONTEXT, "Overlay"), "layers-outline", "Alt+1",
       N(_CONTEXT, "Masks in colour over the footage"), checkable=True),
    _a(VIEW, ViewMode.OUTLINE, N(_CONTEXT, "Outline"), "vector-square", "Alt+2",
       N(_CONTEXT, "The edges of the masks alone"), checkable=True),
    _a(VIEW, ViewMode.MASK, N(_CONTEXT, "Mask only"), "circle-half-full", "Alt+3",
       N(_CONTEXT, "Masks in colour on black"), checkable=True),
    _a(VIEW, ViewMode.MATTE, N(_CONTEXT, "Matte on black"), "image-filter-black-white", "Alt+4",
       N(_CONTEXT, "The objects cut out, on black"), checkable=True),
    _a(VIEW, ViewMode.CHECKERBOARD, N(_CONTEXT, "Matte on checkerboard"), "checkerboard", "Alt+5",
       N(_CONTEXT, "The objects cut out, on a checkerboard"), checkable=True),
    _a(VIEW, ViewMode.GREEN, N(_CONTEXT, "Matte on green"), "square", "Alt+6",
       N(_CONTEXT, "The objects cut out, on green"), checkable=True),
    _a(VIEW, ViewMode.ORIGINAL, N(_CONTEXT, "Original"), "image-outline", "Alt+7",
       N(_CONTEXT, "The footage alone; hold C to peek at it"), checkable=True),
    _a(VIEW, view.flip_sides, N(_CONTEXT, "Other masks, difference, masks"), "compare-horizontal", "D",
       N(_CONTEXT, "In turn: the masks before the last propagation (or what is chosen under Results), the difference, "
       "and what is there")),
    _a(VIEW, view.uncertainty, N(_CONTEXT, "Uncertainty"), "thermometer-lines", "U",
       N(_CONTEXT, "How unsure the last propagation was of each pixel, as a heat map"), checkable=True),
    _a(VIEW, view.opacity_up, N(_CONTEXT, "More opaque"), "opacity", "Ctrl+]",
       N(_CONTEXT, "Make the overlay stronger"), separated=True, repeats=True),
    _a(VIEW, view.opacity_down, N(_CONTEXT, "Less opaque"), "opacity", "Ctrl+[",
       N(_CONTEXT, "Make the overlay fainter"), repeats=True),
    _a(VIEW, view.zoom_in, N(_CONTEXT, "Zoom in"), "magnify-plus-outline", "Ctrl+= Ctrl++",
       N(_CONTEXT, "Or turn the wheel"), separated=True, repeats=True),
    _a(VIEW, view.zoom_out, N(_CONTEXT, "Zoom out"), "magnify-minus-outline", "Ctrl+-",
       N(_CONTEXT, "Or turn the wheel"),
       repeats=True),
    _a(VIEW, view.fit, N(_CONTEXT, "Fit"), "fit-to-page-outline", "0", N(_CONTEXT, "The whole frame")),
    _a(VIEW, view.actual_size, N(_CONTEXT, "Actual size"), "magnify", "Ctrl+1",
       N(_CONTEXT, "One pixel of the footage is one of the screen")),
    _a(VIEW, view.timeline_in, N(_CONTEXT, "Zoom timeline in"), "magnify-plus-outline", "Alt+= Alt++",
       N(_CONTEXT, "Fewer frames on the timeline, larger; or turn the wheel there"), separated=True, repeats=True),
    _a(VIEW, view.timeline_out, N(_CONTEXT, "Zoom timeline out"), "magnify-minus-outline", "Alt+-",
       N(_CONTEXT, "More frames on the timeline; or turn the wheel there"), repeats=True),
    _a(VIEW, view.timeline_all, N(_CONTEXT, "All frames on the timeline"), "arrow-left-right", "Alt+0",
       N(_CONTEXT, "The whole footage on the timeline")),
    _a(VIEW, view.object_rows, N(_CONTEXT, "A row for each object"), "table-row", "Alt+R",
       N(_CONTEXT, "Rows of all objects on the timeline, or one of the worst of all"), checkable=True),
    _a(VIEW, view.follow, N(_CONTEXT, "Follow the propagation"), "eye-arrow-right-outline", "",
       N(_CONTEXT, "Go along with it, or stay where you look"), checkable=True, separated=True),
    _a(FRAME, frames.play, N(_CONTEXT, "Play or pause"), "play", "",
       N(_CONTEXT, "Tap space; at the footage's own rate")),
    _a(FRAME, frames.shuttle_back, N(_CONTEXT, "Play backwards"), "skip-backward", "J",
       N(_CONTEXT, "Again: faster")),
    _a(FRAME, frames.shuttle_stop, N(_CONTEXT, "Stop playing"), "stop", "K", N(_CONTEXT, "Stay on this frame")),
    _a(FRAME, frames.shuttle_forward, N(_CONTEXT, "Play forwards"), "skip-forward", "L", N(_CONTEXT, "Again: faster")),
    _a(FRAME, frames.step_back, N(_CONTEXT, "Previous frame"), "chevron-left", "Left", N(_CONTEXT, "One frame back"),
       separated=True, repeats=True),
    _a(FRAME, frames.step_forward, N(_CONTEXT, "Next frame"), "chevron-right", "Right", N(_CONTEXT, "One frame on"),
       repeats=True),
    _a(FRAME, frames.jump_back, N(_CONTEXT, "Ten frames back"), "chevron-double-left", "Shift+Left",
       N(_CONTEXT, "Ten frames back"), repeats=True),
    _a(FRAME, frames.jump_forward, N(_CONTEXT, "Ten frames on"), "chevron-double-right", "Shift+Right",
       N(_CONTEXT, "Ten frames on"), repeats=True),
    _a(FRAME, frames.previous_corrected, N(_CONTEXT, "Previous corrected frame"), "arrow-left-bold-circle-outline",
       "Ctrl+Left", N(_CONTEXT, "To the corrected frame before")),
    _a(FRAME, frames.next_corrected, N(_CONTEXT, "Next corrected frame"), "arrow-right-bold-circle-outline",
       "Ctrl+Right",
       N(_CONTEXT, "To the corrected frame behind")),
    _a(FRAME, frames.previous_doubtful, N(_CONTEXT, "Previous doubtful frame"), "skip-previous-outline", "Shift+F8",
       N(_CONTEXT, "To the frame before that deserves a look")),
    _a(FRAME, frames.next_doubtful, N(_CONTEXT, "Next doubtful frame"), "skip-next-outline", "F8",
       N(_CONTEXT, "To the next frame that deserves a look")),
    _a(FRAME, frames.looks_right, N(_CONTEXT, "Looks right, next"), "check-bold", "F7",
       N(_CONTEXT, "Tick off what is doubtful here, and go to the next")),
    _a(FRAME, frames.correct_next, N(_CONTEXT, "Frame to correct next"), "bullseye-arrow", "F9",
       N(_CONTEXT, "To the frame whose correction promises most")),
    _a(FRAME, frames.first_frame, N(_CONTEXT, "First frame"), "page-first", "Home", N(_CONTEXT, "To the beginning")),
    _a(FRAME, frames.last_frame, N(_CONTEXT, "Last frame"), "page-last", "End", N(_CONTEXT, "To the end")),
    _a(FRAME, frames.set_in, N(_CONTEXT, "Set in point"), "contain-start", "I",
       N(_CONTEXT, "The range to propagate and export begins here"), separated=True),
    _a(FRAME, frames.set_out, N(_CONTEXT, "Set out point"), "contain-end", "O",
       N(_CONTEXT, "The range to propagate and export ends here")),
    _a(FRAME, frames.clear_in_out, N(_CONTEXT, "Clear in and out"), "arrow-expand-horizontal", "X",
       N(_CONTEXT, "The range is all of the footage again")),
    _a(TOOLS, Tool.MARK, N(_CONTEXT, "Mark"), "gesture", "S",
       N(_CONTEXT, "Click the object, draw over it, or box it with Shift (right button: not this); Enter accepts"),
       checkable=True),
    _a(TOOLS, Tool.BRUSH, N(_CONTEXT, "Brush"), "brush", "B",
       N(_CONTEXT, "Paint the mask; right button erases"), checkable=True),
    _a(TOOLS, Tool.ERASER, N(_CONTEXT, "Eraser"), "eraser", "E", N(_CONTEXT, "Erase the object's mask"),
       checkable=True),
    _a(TOOLS, Tool.POLYGON, N(_CONTEXT, "Polygon and lasso"), "vector-polygon", "P",
       N(_CONTEXT, "Click corners, or draw around the object; Alt takes away"), checkable=True),
    _a(TOOLS, Tool.FILL, N(_CONTEXT, "Fill"), "format-color-fill", "F", N(_CONTEXT, "Fill the region you click"),
       checkable=True),
    _a(TOOLS, Tool.PAN, N(_CONTEXT, "Hand"), "hand-back-right-outline", "H",
       N(_CONTEXT, "Move the picture; with any tool: hold space, or the middle button"), checkable=True),
    _a(TOOLS, Tool.WHY, N(_CONTEXT, "Why"), "help-circle-outline", "W",
       N(_CONTEXT, "Point at a pixel to see which memory it was read from"), checkable=True),
    _a(TOOLS, view.brush_smaller, N(_CONTEXT, "Smaller brush"), "minus-circle-outline", "[",
       N(_CONTEXT, "Or Shift and the wheel"), separated=True, repeats=True),
    _a(TOOLS, view.brush_larger, N(_CONTEXT, "Larger brush"), "plus-circle-outline", "]",
       N(_CONTEXT, "Or Shift and the wheel"), repeats=True),
    _a(MASK, masks.accept_frame, N(_CONTEXT, "Accept this frame"), "check-bold", "A",
       N(_CONTEXT, "Take this frame's masks into permanent memory as they are"), needs="writable"),
    _a(MASK, masks.grow, N(_CONTEXT, "Grow"), "arrow-expand-all", "Ctrl+Shift+Up",
       N(_CONTEXT, "Make the mask a pixel wider all around"), needs="object", separated=True, repeats=True),
    _a(MASK, masks.shrink, N(_CONTEXT, "Shrink"), "arrow-collapse-all", "Ctrl+Shift+Down",
       N(_CONTEXT, "Make the mask a pixel narrower all around"), needs="object", repeats=True),
    _a(MASK, masks.fill_holes, N(_CONTEXT, "Fill holes"), "circle", "Ctrl+H", N(_CONTEXT, "Close the mask's holes"),
       needs="object"),
    _a(MASK, masks.remove_specks, N(_CONTEXT, "Remove specks"), "broom", "Ctrl+K",
       N(_CONTEXT, "Remove the mask's small loose parts"), needs="object"),
    _a(MASK, masks.copy_previous, N(_CONTEXT, "Copy mask of the previous frame"), "content-copy", "Ctrl+Shift+Left",
       N(_CONTEXT, "The object's mask of the frame before becomes this one's"), needs="object", separated=True),
    _a(MASK, masks.copy_next, N(_CONTEXT, "Copy mask of the next frame"), "content-copy", "Ctrl+Shift+Right",
       N(_CONTEXT, "The object's mask of the frame behind becomes this one's"), needs="object"),
    _a(MASK, masks.clear_here, N(_CONTEXT, "Clear object here"), "backspace-outline", "Delete",
       N(_CONTEXT, "Forget the object's mask on this frame, so that it is propagated again"), needs="object",
       separated=True),
    _a(MASK, masks.absent_here, N(_CONTEXT, "Object is absent here"), "eye-off-outline", "N",
       N(_CONTEXT, "Say that the object is not on this frame: a correction like any other"), needs="object"),
    _a(MASK, masks.clear_range, N(_CONTEXT, "Clear results in the range"), "delete-sweep-outline", "Ctrl+Shift+Delete",
       N(_CONTEXT, "Forget what was propagated between in and out; corrections stay"), needs="writable"),
    _a(OBJECT, objects.add_object, N(_CONTEXT, "Add object"), "plus", "Ctrl+N",
       N(_CONTEXT, "A further object to follow"),
       needs="writable"),
    _a(OBJECT, objects.choose_none, N(_CONTEXT, "Choose no object"), "selection-off", "Ctrl+D",
       N(_CONTEXT, "Then a click or a stroke begins a new object; or click below the list"), needs="object"),
    _a(OBJECT, objects.delete_object, N(_CONTEXT, "Delete object"), "trash-can-outline", "Ctrl+Backspace",
       N(_CONTEXT, "Take the object out, with its masks on all frames"), needs="object"),
    _a(OBJECT, objects.rename_object, N(_CONTEXT, "Rename object"), "pencil-outline", "F2",
       N(_CONTEXT, "Type another name for the object"), needs="object", separated=True),
    _a(OBJECT, objects.classify_object, N(_CONTEXT, "Set class"), "tag-outline", "Shift+F2",
       N(_CONTEXT, "Type what the object is, e.g. person: exported data sets have it as a category"), needs="object"),
    _a(OBJECT, objects.recolour_object, N(_CONTEXT, "Change colour…"), "palette-outline", "",
       N(_CONTEXT, "Choose another colour for the object"), needs="object"),
    _a(OBJECT, objects.merge_object, N(_CONTEXT, "Merge into…"), "call-merge", "Ctrl+M",
       N(_CONTEXT, "Give the object's masks to another one, on all frames"), needs="object"),
    _a(OBJECT, objects.toggle_visible, N(_CONTEXT, "Show or hide"), "eye-outline", "Ctrl+Shift+V",
       N(_CONTEXT, "Whether the object is drawn"), needs="object", separated=True),
    _a(OBJECT, objects.toggle_locked, N(_CONTEXT, "Lock or unlock"), "lock-outline", "Ctrl+L",
       N(_CONTEXT, "Nothing changes the masks of a locked object; propagation draws it where it has none yet"),
       needs="object"),
    _a(OBJECT, objects.toggle_done, N(_CONTEXT, "Done, or open again"), "check-decagram-outline", "Shift+D",
       N(_CONTEXT, "It is right, between in and out or on all frames: nothing changes it until it is opened again"),
       needs="object"),
    _a(OBJECT, objects.toggle_solo, N(_CONTEXT, "Solo"), "target", "Ctrl+Shift+S",
       N(_CONTEXT, "Show this object alone"),
       needs="object"),
    _a(PROPAGATE, runs.propagate, N(_CONTEXT, "Propagate"), "play-circle-outline", "Ctrl+Return R",
       N(_CONTEXT, "Carry the masks through the range"), needs="writable"),
    _a(PROPAGATE, runs.propagate_everything, N(_CONTEXT, "Propagate everything"), "play-circle-outline",
       "Ctrl+Shift+Return", N(_CONTEXT, "The whole range, also where corrections touch only part of it"),
       needs="writable"),
    _a(PROPAGATE, runs.pause, N(_CONTEXT, "Pause or go on"), "pause-circle-outline", "Ctrl+P",
       N(_CONTEXT, "Hold it between two clips")),
    _a(PROPAGATE, runs.stop, N(_CONTEXT, "Stop"), "stop-circle-outline", "Ctrl+.",
       N(_CONTEXT, "End it; what is drawn stays")),
    _a(PROPAGATE, runs.compare, N(_CONTEXT, "Compare L…"), "compare-horizontal", "Ctrl+Shift+C",
       N(_CONTEXT, "Propagate through the next clips at several L, side by side")),
    _a(PROPAGATE, runs.learn, N(_CONTEXT, "Learn from corrections…"), "school-outline", "",
       N(_CONTEXT, "Weights that learn from the frames you have corrected, for more footage of this kind")),
    _a(HELP, help.shortcuts, N(_CONTEXT, "Keyboard shortcuts"), "keyboard-outline", "? F1",
       N(_CONTEXT, "All keys on one page"), needs=""),
    _a(HELP, help.about, N(_CONTEXT, "About PCVOS Studio"), "information-outline", "",
       N(_CONTEXT, "Version, method, licences"), needs=""),
)  # fmt: skip


def translated(text: str) -> str:
    """A text of this table in the person's language."""
    return QCoreApplication.translate(_CONTEXT, text)


def make_actions(window: MainWindow) -> dict[str, QAction]:
    """Actions by name, added to the window so that their shortcuts work everywhere in it."""
    made = {}
    for spec in ACTIONS:
        action = QAction(icon(spec.icon), translated(spec.text), window)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setAutoRepeat(spec.repeats)
        action.setCheckable(spec.checkable)
        action.setObjectName(spec.name)
        shown = QKeySequence(spec.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if spec.keys else ""
        tip = translated(spec.tip) if spec.tip else translated(spec.text)
        action.setToolTip(f"{translated(spec.text).rstrip('…')} ({shown})\n{tip}" if shown else tip)
        action.setStatusTip(tip)
        action.triggered.connect(lambda on=False, spec=spec: spec.do(window, on))
        window.addAction(action)
        made[spec.name] = action
    return made


def fill_menus(bar: QMenuBar, actions: Mapping[str, QAction]) -> dict[str, QMenu]:
    """The menus, in the order of the table; by their (untranslated) names."""
    menus: dict[str, QMenu] = {}
    keys = [key.lower() for spec in ACTIONS for key in spec.keys]
    letters = {key[-1] for key in keys if len(key) == len("alt+r") and key.startswith("alt+")}  # would mean two things
    for name in MENUS:
        title = translated(name)
        place = next((i for i, letter in enumerate(title) if letter.isalpha() and letter.lower() not in letters), 0)
        letters.add(title[place].lower())
        menus[name] = bar.addMenu(f"{title[:place]}&{title[place:]}")  # with Alt it opens the menu
    for spec in ACTIONS:
        if spec.separated:
            menus[spec.menu].addSeparator()
        menus[spec.menu].addAction(actions[spec.name])
    return menus
