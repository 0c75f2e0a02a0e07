"""Puts the panels together; owns no state of its own."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QActionGroup, QGuiApplication, QShortcut
from PySide6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from core.project.places import shown_name
from core.studio.imports import may_hold_masks
from pcvos_gui.app.action_states import ActionStates
from pcvos_gui.app.actions import fill_menus, make_actions
from pcvos_gui.app.arrangement import Arrangement
from pcvos_gui.app.field_keys import FieldKeys
from pcvos_gui.app.questions import accepts_loss, ask_for_footage, may_leave
from pcvos_gui.app.recent import RecentFiles, RecentMenu, RecentPictures
from pcvos_gui.app.settings import stored_settings
from pcvos_gui.app.shortcuts_overlay import ShortcutsOverlay
from pcvos_gui.app.start_page import StartPage
from pcvos_gui.app.status import StatusLine
from pcvos_gui.app.toolbars import MainToolbar, ToolBox
from pcvos_gui.canvas import Canvas
from pcvos_gui.canvas.matte_preview import MattePreview
from pcvos_gui.canvas.other_side import OtherSide
from pcvos_gui.canvas.why_overlay import WhyOverlay
from pcvos_gui.dialogs.exchange import Exchange
from pcvos_gui.dialogs.import_dialog import open_import_dialog
from pcvos_gui.panels.edges import EdgesPanel
from pcvos_gui.panels.history import HistoryPanel
from pcvos_gui.panels.memory import MemoryPanel
from pcvos_gui.panels.objects import ObjectsPanel
from pcvos_gui.panels.propagation import PropagationPanel
from pcvos_gui.panels.review import ReviewPanel
from pcvos_gui.panels.runs import RunsPanel
from pcvos_gui.panels.why import WhyPanel
from pcvos_gui.session.edges import Edges
from pcvos_gui.session.follow import Follower
from pcvos_gui.session.messages import Message, MessageAction
from pcvos_gui.session.next_step import NextStep
from pcvos_gui.session.opener import Opener
from pcvos_gui.session.player import Player
from pcvos_gui.session.reviewer import Reviewer
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import SideBySide
from pcvos_gui.session.typed_number import TypedNumber
from pcvos_gui.session.view_state import Tool, ViewMode, ViewState
from pcvos_gui.session.watches import DamageWatch, SaveWatch
from pcvos_gui.session.why import Why
from pcvos_gui.session.work import WorkRecorder
from pcvos_gui.timeline.timeline import Timeline
from pcvos_gui.widgets.dock import Dock
from pcvos_gui.widgets.fold import Fold
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.message_bar import MessageBar
from pcvos_gui.workers.frames import FrameWorker
from pcvos_gui.workers.inference import InferenceWorker
from pcvos_gui.workers.marking import MarkingWorker

_SIZE = QSize(1440, 900)
_FRAME = QSize(0, 32)  # what the system puts around the window, roughly


class MainWindow(QMainWindow):
    """The window: start page or canvas in the middle, tools left, panels right, timeline below."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("PCVOS Studio")
        self.resize(_SIZE.boundedTo(self.screen().availableSize() - _FRAME))
        self.setAcceptDrops(True)
        self.frame_worker = FrameWorker(cache_bytes=stored_settings().frame_cache_mib * 2**20, parent=self)
        self.inference = InferenceWorker(self)
        self.assist = MarkingWorker(self.inference, lambda: self.runs.next.settings.engine, self)
        self.session = Session(self.frame_worker, self)
        self.session.accepts_loss = partial(accepts_loss, self)
        self.session.may_leave = partial(may_leave, self)
        self.saving = SaveWatch(self.session, self)
        self.damage = DamageWatch(self.session, self)
        self.work = WorkRecorder(self.session, parent=self)
        self.view_state = ViewState(self)
        self.edges = Edges(self.session, self)
        self.mattes = MattePreview(self.session, self.view_state, self.edges, self)
        self.runs = RunController(self.session, self.inference, self)
        self.reviewer = Reviewer(self.session, self)
        self.sides = SideBySide(self.session, self.runs, self)
        self.why = Why(self.session, self.runs, self.sides, self)
        self.player = Player(self.session, self.runs.next, self)
        self.recent = RecentFiles(self)
        self.recent_pictures = RecentPictures(self.session, self.recent, self)
        self.opener = Opener(self.session, self)
        self.exchange = Exchange(self.session, self)
        self._typed = TypedNumber(lambda: (o.id for o in self.session.objects))

        self.actions_by_name = make_actions(self)
        self._make_middle()
        self._make_panels()
        self._make_toolbars()
        menus = fill_menus(self.menuBar(), self.actions_by_name)
        self.recent_menu = RecentMenu(self.recent, self)
        menus["File"].insertMenu(self.actions_by_name["open_demo"], self.recent_menu)
        menus["View"].addSeparator()
        for dock in self.docks:
            menus["View"].addAction(dock.toggleViewAction())
        self.shortcuts = ShortcutsOverlay(self)
        self.field_keys = FieldKeys(self, self.canvas)
        self.action_states = ActionStates(self)
        self._connect()
        upper, *lower, bottom = self.docks
        self.places = Arrangement(self, upper, lower, bottom, lambda: self.objects_panel.optional_height)
        self.places.restore()
        folds = self.findChildren(Fold)
        for signal in (self.objects_panel.model.modelReset, self.runs.state_changed, *(fold.toggled for fold in folds)):
            signal.connect(self.places.share_soon)
        for dock in self.docks:
            if dock.objectName() in ("propagation", "review"):  # want room that other panels do not
                dock.visibilityChanged.connect(lambda is_seen: self.places.share_soon() if is_seen else None)
        self.reviewer.changed.connect(self.places.share_soon)
        self._show_what_is_open()

    # parts

    def _make_middle(self) -> None:
        actions = self.actions_by_name
        start = [actions[name] for name in ("open_video", "open_folder", "open_demo")]
        self.start_page = StartPage(self.recent, start, self)
        self.start_page.setMinimumWidth(430)  # the panels' column beside it fits a screen of 960 points
        estimate = self.runs.request_estimate
        self.canvas = Canvas(self.session, self.view_state, self.assist, estimate, self.mattes, self)
        self.other_side = OtherSide(self.session, self.sides, self.canvas, self.view_state)
        self.why_overlay = WhyOverlay(self.session, self.why, self.canvas, self.view_state)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.start_page)
        self.pages.addWidget(self.canvas)
        middle = QWidget(self)
        layout = laid_out(QVBoxLayout(middle), 0, 0)
        layout.addWidget(self.pages)
        self.messages = MessageBar(middle)
        self.follower = Follower(self.session, self.runs, self.view_state, self.canvas, self)
        self.setCentralWidget(middle)
        self.next_step = NextStep(self.session, self.runs, self.canvas, self.reviewer, self)
        self.status = StatusLine(self.session, self.runs, self.exchange, self)
        self.setStatusBar(self.status)

    def _make_panels(self) -> None:
        self.timeline = Timeline(self.session, self.runs, self.player, self.reviewer, self.sides, self)
        self.objects_panel = ObjectsPanel(self.session, self)
        self.propagation_panel = PropagationPanel(self.runs, self.view_state, self)
        self.memory_panel = MemoryPanel(self.session, self.runs, self)
        self.review_panel = ReviewPanel(self.session, self.reviewer, self)
        self.runs_panel = RunsPanel(self.session, self.sides, self)
        self.why_panel = WhyPanel(self.session, self.why, self)
        self.history_panel = HistoryPanel(self.session, self)
        self.edges_panel = EdgesPanel(self.edges, self.mattes, self.view_state, self)
        right, bottom = Qt.DockWidgetArea.RightDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
        self.setCorner(Qt.Corner.BottomRightCorner, bottom)
        self.setCorner(Qt.Corner.BottomLeftCorner, bottom)
        self.docks = [
            self._dock("objects", self.tr("Objects"), self.objects_panel, right),
            self._dock("propagation", self.tr("Propagate"), self.propagation_panel, right),
            self._dock("review", self.tr("Review"), self.review_panel, right),
            self._dock("runs", self.tr("Results"), self.runs_panel, right),
            self._dock("why", self.tr("Why"), self.why_panel, right),
            self._dock("memory", self.tr("Memory"), self.memory_panel, right),
            self._dock("history", self.tr("History"), self.history_panel, right),
            self._dock("edges", self.tr("Edges"), self.edges_panel, right),
            self._dock("timeline", self.tr("Timeline"), self.timeline, bottom),
        ]
        why = next(dock for dock in self.docks if dock.objectName() == "why")
        why.visibilityChanged.connect(self.why_panel.set_seen)
        _, propagation, *others, timeline = self.docks
        for dock in others:
            self.tabifyDockWidget(propagation, dock)
        propagation.raise_()
        no_title = QWidget(timeline)
        laid_out(QVBoxLayout(no_title), 0)  # without a layout its height would be -1, and a row a pixel short
        timeline.setTitleBarWidget(no_title)

    def _dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = Dock(name, title, widget, self)
        self.addDockWidget(area, dock)
        return dock

    def _make_toolbars(self) -> None:
        actions, view = self.actions_by_name, self.view_state
        self.toolbar = MainToolbar(actions, view, self.runs, self)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.toolbar)
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, ToolBox(actions, view, self))
        self._group([actions[f"tool_{tool}"] for tool in Tool])
        self._group([actions[f"view_{mode}"] for mode in ViewMode])

    def _group(self, actions: list) -> None:
        group = QActionGroup(self)
        for action in actions:
            group.addAction(action)

    def _connect(self) -> None:
        session, runs, view = self.session, self.runs, self.view_state
        self._connect_messages()
        for signal in (session.opened, session.closed):
            signal.connect(self._show_what_is_open)
        for signal in (session.active_changed, session.objects_changed, runs.state_changed, runs.comparison.ended):
            signal.connect(self.action_states.refresh)
        session.undo_stack.indexChanged.connect(self._show_undo)
        session.navigator.image_changed.connect(self._show_page)
        session.opened.connect(self.canvas.setFocus)
        view.changed.connect(self.action_states.show_checks)
        view.tool_changed.connect(self.action_states.show_checks)
        view.follow_changed.connect(self.action_states.show_checks)
        self.timeline.rows.rows_changed.connect(self.action_states.show_checks)
        self.why.shown_changed.connect(self.action_states.show_checks)
        self.canvas.why_tool.taken_up.connect(lambda: self.show_dock("why"))
        self.timeline.room_wanted.connect(lambda: QTimer.singleShot(0, self, self.places.fit_bottom))
        self.canvas.hint_changed.connect(self.action_states.show_undo)
        self.canvas.space_tapped.connect(self.player.toggle)
        self.player.playing_changed.connect(self.mattes.set_playing)
        runs.state_changed.connect(self.mattes.refresh)
        runs.review_wanted.connect(self._review)
        self.toolbar.edges_wanted.connect(lambda: self.show_dock("edges"))
        self.start_page.chosen.connect(self.opener.open)
        self.recent_menu.chosen.connect(self.opener.open)
        self.opener.opened.connect(self.recent.add)
        self.opener.busy.connect(self.start_page.show_busy)
        self.opener.progress.connect(self.start_page.show_reading)
        self.opener.footage_wanted.connect(partial(ask_for_footage, self))
        self.exchange.imported.connect(self._on_imported)
        runs.estimated.connect(self.canvas.set_estimate)
        for digit in range(1, 10):
            shortcut = QShortcut(str(digit), self)
            shortcut.activated.connect(lambda text=str(digit): self.type_digit(text))

    def _connect_messages(self) -> None:
        """A message is looked at again whenever what it is about may have changed."""
        session, runs = self.session, self.runs
        session.messages.said.connect(self.show_message)
        session.opened.connect(lambda: self.messages.turn_to(session.document))
        session.closing.connect(lambda: self.messages.turn_to(None))
        for signal in (
            session.navigator.frame_changed,
            session.objects_changed,
            session.active_changed,
            session.states_changed,
            session.saving_changed,
            session.undo_stack.indexChanged,
            runs.state_changed,
            self.view_state.changed,
            self.exchange.progress,
            self.opener.busy,
        ):
            signal.connect(self.messages.review)

    # what is shown when

    def _show_what_is_open(self) -> None:
        self.action_states.refresh()
        self._show_page()
        session = self.session
        name = Path(shown_name(session.document.project.path)).stem if session.is_open else ""
        self.setWindowTitle(f"{name} - PCVOS Studio" if session.is_open else "PCVOS Studio")

    def _show_undo(self) -> None:
        self.action_states.show_undo()  # from here, for the stack tells of its end too, and that is the window's

    def _show_page(self) -> None:
        """The canvas, and all that goes with it, as soon as there is a first frame to see."""
        is_there = self.session.navigator.image is not None or self.session.is_open
        self.places.show(is_there)
        self.pages.setCurrentWidget(self.canvas if is_there else self.start_page)

    # opening

    def open(self, path: Path) -> None:
        self.opener.open(path)

    def _on_imported(self, frames: list[int]) -> None:
        if frames:
            self.session.navigator.go_to(frames[0])

    def type_digit(self, digit: str, only_further: bool = False) -> bool:
        """Choose the object whose number was typed so far; `only_further`: the digit alone is no number. Whether it was
        of use."""
        if only_further and not self._typed.goes_on_with(digit):
            return False
        self.session.set_active(self._typed.add(digit))
        return True

    def show_dock(self, name: str) -> None:
        """Bring a panel to the front, also one that was closed."""
        dock = next(dock for dock in self.docks if dock.objectName() == name)
        dock.show()
        dock.raise_()

    def _review(self) -> None:
        """To the frame to correct next, with the list of all that deserve a look."""
        self.show_dock("review")
        self.reviewer.go_to_suggested()

    # messages and trouble

    def show_message(self, message: Message) -> None:
        """Over the canvas; from there the tab key finds its buttons first."""
        self.messages.show_message(message, self.session.document if self.session.is_open else None)
        before: QWidget = self.canvas.view
        for button in self.messages.buttons:
            self.setTabOrder(before, button)
            before = button

    def show_trouble(self, what: str, details: str) -> None:
        """An error that nobody caught; `details` is its traceback."""
        session = self.session
        parts = [self.tr("Something went wrong in the program ({}).").format(what)]
        if not session.is_open or not session.document.project.unsaved:
            parts.append(self.tr("Your work is saved."))
        parts.append(self.tr("Go on, and report it if it comes back."))
        copy = MessageAction(self.tr("Copy details"), lambda: QGuiApplication.clipboard().setText(details))
        self.show_message(Message(" ".join(parts), "error", (copy,), "trouble", lasting=True))

    # Qt

    def dragEnterEvent(self, event) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if not paths:
            return
        if self.session.is_open and may_hold_masks(paths):
            open_import_dialog(self, paths)
        else:
            self.opener.open(paths[0])

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.work.watch(self.windowHandle())

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        if event.oldSize().height() != event.size().height():
            self.places.share_soon()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_C and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.view_state.set_peeking(True)
            return
        if event.key() == Qt.Key.Key_Escape and self.runs.is_busy:  # nobody else had a use for it
            self.runs.stop()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_C and not event.isAutoRepeat():
            self.view_state.set_peeking(False)
            return
        super().keyReleaseEvent(event)

    def closeEvent(self, event) -> None:
        """Without the session's consent the window stays: something could not be saved."""
        self.places.store()
        self.player.pause()
        self.opener.cancel()
        if not self.session.close():
            event.ignore()
            return
        self.exchange.cancel()
        self.inference.shutdown()
        self.mattes.shutdown()
        self.frame_worker.shutdown()
        super().closeEvent(event)
