"""The toolbars: the view and the run above, the tools on the left."""

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QLabel, QSizePolicy, QSlider, QToolBar, QToolButton, QWidget

from pcvos_gui.app.icons import icon
from pcvos_gui.canvas import BrushSize
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.view_state import Tool, ViewMode, ViewState
from pcvos_gui.widgets.primary_button import PrimaryButton

_ICON = QSize(20, 20)


class _Bar(QToolBar):
    def __init__(self, name: str, title: str, parent: QWidget):
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setMovable(False)
        self.setIconSize(_ICON)


class MainToolbar(_Bar):
    """Opening and undo, how the masks are shown, and the run; follows `view` and `runs`.

    Signals:
        edges_wanted(): where the edges of mattes are chosen.
    """

    edges_wanted = Signal()

    def __init__(self, actions: Mapping[str, QAction], view: ViewState, runs: RunController, parent: QWidget):
        super().__init__("main", "", parent)
        self.setWindowTitle(self.tr("Main toolbar"))
        self._view, self._runs = view, runs
        for name in ("open_video", "", "undo", "redo", ""):
            self.addAction(actions[name]) if name else self.addSeparator()
        self._make_view_box(actions)
        self._make_opacity()
        self._make_edges()
        space = QWidget(self)
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(space)
        self._interval = QLabel(self)
        self._interval.setToolTip(self.tr("Frames at a time: change it in the Propagate panel"))
        self.addWidget(self._interval)
        self.addSeparator()
        self.addAction(actions["accept_frame"])
        self.propagate = PrimaryButton.of(actions["propagate"], "play-circle-outline", self)
        self.addWidget(self.propagate)
        for name in ("pause", "stop"):
            self.addAction(actions[name])
        for signal in (view.changed, runs.next.settings_changed):
            signal.connect(self._refresh)
        self._refresh()

    def _make_view_box(self, actions: Mapping[str, QAction]) -> None:
        self._mode = QComboBox(self)
        for mode in ViewMode:
            action = actions[f"view_{mode}"]
            self._mode.addItem(action.icon(), action.text(), mode)
        self._mode.setToolTip(self.tr("How the masks are shown"))
        self._mode.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._mode.activated.connect(lambda: self._view.set_mode(self._mode.currentData()))
        self.addWidget(self._mode)

    def _make_opacity(self) -> None:
        self.opacity = QSlider(Qt.Orientation.Horizontal, self)
        self.opacity.setRange(0, 100)
        self.opacity.setMaximumWidth(120)
        self.opacity.setToolTip(self.tr("Opacity of the overlay"))
        self.opacity.setAccessibleName(self.tr("Opacity of the overlay"))
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.opacity.valueChanged.connect(lambda value: self._view.set_opacity(value / 100))
        self._opacity_shown = self.addWidget(self.opacity)

    def _make_edges(self) -> None:
        """Make the button that stands for the opacity where nothing lies over the frame."""
        self.edges = QToolButton(self)
        self.edges.setIcon(icon("vector-curve"))
        self.edges.setText(self.tr("Edges"))
        self.edges.setToolTip(self.tr("How the edges of the matte come out: soft or hard, grow, feather, gamma"))
        self.edges.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.edges.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.edges.clicked.connect(self.edges_wanted)
        self._edges_shown = self.addWidget(self.edges)

    def _refresh(self) -> None:
        self._mode.setCurrentIndex(self._mode.findData(self._view.mode))
        self.opacity.setValue(round(self._view.opacity * 100))
        self._opacity_shown.setVisible(not self._view.mode.cuts_out)
        self._edges_shown.setVisible(self._view.mode.cuts_out)
        self._interval.setText(self.tr("L = {}").format(self._runs.next.settings.interval))


class ToolBox(_Bar):
    """The tools, and the size of the brush."""

    def __init__(self, actions: Mapping[str, QAction], view: ViewState, parent: QWidget):
        super().__init__("tools", "", parent)
        self.setWindowTitle(self.tr("Tools"))
        for tool in Tool:
            self.addAction(actions[f"tool_{tool}"])
        self.addWidget(BrushSize(view, self))
