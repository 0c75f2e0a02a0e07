"""Starting a run: which way, how far, at which memory interval; and watching it."""

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from core.studio.run_settings import Range
from pcvos_gui.app.icons import icon
from pcvos_gui.panels.advanced import AdvancedSettings
from pcvos_gui.panels.compare import CompareDialog
from pcvos_gui.panels.costs import count_text, duration, speed_text
from pcvos_gui.panels.interval import IntervalControl
from pcvos_gui.panels.quality import QualityControl
from pcvos_gui.session.runs import RunController, RunState
from pcvos_gui.session.view_state import ViewState
from pcvos_gui.widgets.fold import Fold
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.panel_button import panel_button
from pcvos_gui.widgets.primary_button import PrimaryButton
from pcvos_gui.widgets.scrolling import Scroll, WheelGuard
from pcvos_gui.widgets.segment import Segment

_REST_MS = 100


class PropagationPanel(QWidget):
    """Choices above, which scroll, those first that are made most; starting and watching it below, always in sight.

    Attributes:
        run_button, everything_button, pause_button, stop_button, compare_button: what they say.
    """

    def __init__(self, runs: RunController, view: ViewState, parent: QWidget | None = None):
        super().__init__(parent)
        self._runs, self._session, self._view = runs, runs.session, view
        self.compare_dialog: CompareDialog | None = None
        inside = QWidget()
        column = laid_out(QVBoxLayout(inside), (8, 6, 8, 8), 6)
        column.addLayout(self._make_direction())
        column.addWidget(self._make_range())
        self.interval = IntervalControl(runs)
        self.quality = QualityControl(runs)
        column.addWidget(self.interval)
        column.addLayout(self._make_next())
        column.addWidget(self.interval.cost)
        column.addWidget(self.quality)
        self.memory = _dim(self.tr("What the next propagation may take beyond the program itself"))
        column.addWidget(self.memory)
        column.addLayout(self._make_extras())
        self.more = Fold(
            self.tr("More about L"), self.tr("What it trades, and what the paper measured"), self.interval.more
        )
        self.advanced = AdvancedSettings(runs.next)
        self.fold = Fold(self.tr("Advanced"), self.tr("Settings that seldom change"), self.advanced)
        column.addWidget(self.more)
        column.addWidget(self.fold)
        column.addStretch(1)
        self.scroll_area = Scroll(inside, least=64)
        layout = laid_out(QVBoxLayout(self), 0, 0)
        layout.addWidget(self.scroll_area, 1)
        layout.addLayout(self._make_foot())
        WheelGuard(self)
        # Of a long video the time is worked out when nothing moves, not for every frame that is passed by.
        self._costs = QTimer(self, singleShot=True, interval=_REST_MS)
        self._costs.timeout.connect(self._tell_costs)
        self._connect()
        self._refresh()
        self._tell_memory()

    # the widgets

    def _make_foot(self) -> QVBoxLayout:
        foot = laid_out(QVBoxLayout(), (8, 6, 8, 6), 6)
        foot.addLayout(self._make_buttons())
        foot.addWidget(self._make_progress())
        self.status = _dim(self.tr("How far it is, and how long it will take"))
        foot.addWidget(self.status)
        return foot

    def _make_direction(self) -> QHBoxLayout:
        row = laid_out(QHBoxLayout(), spacing=0)
        self.directions = QButtonGroup(self, exclusive=True)
        for name, picture, text, tip in (
            ("backward", "arrow-left", self.tr("Backward"), self.tr("From here to earlier frames")),
            ("both", "arrow-left-right", self.tr("Both"), self.tr("Earlier and later frames")),
            ("forward", "arrow-right", self.tr("Forward"), self.tr("From here to later frames")),
        ):
            button = Segment(picture, text)
            button.setObjectName(name)
            button.setToolTip(tip)
            self.directions.addButton(button)
            row.addWidget(button)
        return row

    def _make_range(self) -> QComboBox:
        self.range = QComboBox()
        for value in Range:
            self.range.addItem("", value)
        self.range.setMinimumHeight(32)
        self.range.setAccessibleName(self.tr("Range"))
        self.range.setToolTip(self.tr("How far to propagate"))
        return self.range

    def _make_next(self) -> QHBoxLayout:
        """The words on what is propagated next, and the button beside it for all of it."""
        row = laid_out(QHBoxLayout(), spacing=8)
        self.frames_label = _dim(self.tr("What is propagated next; what was corrected there stays"))
        row.addWidget(self.frames_label, 1)
        self.everything_button = QPushButton(self.tr("Everything"))
        self.everything_button.setMinimumHeight(32)
        self.everything_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.everything_button.hide()
        row.addWidget(self.everything_button)
        return row

    def _make_buttons(self) -> QHBoxLayout:
        self.run_button = PrimaryButton("play-circle-outline", self.tr("Propagate"))
        self.run_button.setToolTip(self.tr("Carry the masks through the range (R)"))
        self.run_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.pause_button = QPushButton(icon("pause-circle-outline"), self.tr("Pause"))
        self.stop_button = QPushButton(icon("stop-circle-outline"), self.tr("Stop"))
        self.stop_button.setToolTip(self.tr("End it; what is drawn stays"))
        row = laid_out(QHBoxLayout(), spacing=8)
        row.addWidget(self.run_button, 2)
        for button in (self.pause_button, self.stop_button):
            row.addWidget(panel_button(button), 1)
        return row

    def _make_progress(self) -> QProgressBar:
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.progress.setToolTip(self.tr("How much is done"))
        return self.progress

    def _make_extras(self) -> QHBoxLayout:
        self.follow = QCheckBox(self.tr("Follow"))
        self.follow.setToolTip(self.tr("Go along with the propagation; off: stay where you look"))
        self.follow.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.follow.setChecked(self._view.follow)
        self.compare_button = panel_button(QPushButton(icon("compare-horizontal"), self.tr("Compare L…")))
        self.compare_button.setToolTip(
            self.tr("Propagate through the next clips at several L, and see results and times side by side")
        )
        row = QHBoxLayout()
        row.addWidget(self.follow)
        row.addStretch(1)
        row.addWidget(self.compare_button)
        return row

    def _connect(self) -> None:
        runs, session = self._runs, self._session
        self.directions.buttonClicked.connect(
            lambda button: runs.next.set_settings(replace(runs.next.settings, direction=button.objectName()))
        )
        self.range.activated.connect(  # Qt keeps a plain string
            lambda _: runs.next.set_settings(replace(runs.next.settings, range=Range(self.range.currentData())))
        )
        self.run_button.clicked.connect(lambda: runs.start())
        self.everything_button.clicked.connect(lambda: runs.start(everything=True))
        self.pause_button.clicked.connect(self._pause_or_resume)
        self.stop_button.clicked.connect(runs.stop)
        self.compare_button.clicked.connect(self.compare)
        self.follow.toggled.connect(self._view.set_follow)
        self._view.follow_changed.connect(self.follow.setChecked)
        choices = (runs.next.settings_changed, runs.forecast.changed)
        for signal in (*choices, runs.state_changed, runs.comparison.ended, session.opened, session.closed):
            signal.connect(self._refresh)
        for signal in (runs.next.in_out_changed, session.navigator.frame_changed, session.states_changed):
            signal.connect(self._refresh_frames)
        runs.progressed.connect(self._refresh_progress)
        runs.memory_forecast.changed.connect(self._tell_memory)

    # what they show

    def _refresh(self) -> None:
        runs, settings = self._runs, self._runs.next.settings
        is_open = self._session.is_open
        is_writable = self._session.is_writable
        is_free = not runs.is_busy and not runs.comparison.is_under_way
        for button in self.directions.buttons():
            button.setChecked(button.objectName() == settings.direction)
            button.setEnabled(is_writable and is_free)
        self.range.setCurrentIndex(self.range.findData(settings.range))
        self.range.setEnabled(is_writable and is_free)
        for widget in (self.interval, self.quality, self.advanced):  # are also for comparing, which changes nothing
            widget.setEnabled(is_open and is_free)
        self.run_button.setEnabled(is_writable and is_free)
        self.everything_button.setEnabled(is_writable and is_free)
        self.compare_button.setEnabled(is_open and not runs.is_busy)
        self.stop_button.setEnabled(runs.is_busy)
        self.pause_button.setEnabled(runs.state in (RunState.RUNNING, RunState.PAUSED))
        is_paused = runs.state is RunState.PAUSED
        self.pause_button.setText(self.tr("Go on") if is_paused else self.tr("Pause"))
        self.pause_button.setIcon(icon("play-circle-outline" if is_paused else "pause-circle-outline"))
        self.pause_button.setToolTip(self.tr("Go on with it") if is_paused else self.tr("Hold it between two clips"))
        self._refresh_frames()
        self._refresh_progress()

    def _refresh_frames(self) -> None:
        if self._runs.is_busy:
            return  # what is drawn was settled when it began
        self._name_ranges()
        if not self._session.is_open:
            self.frames_label.setText(self.tr("Opening…"))
        elif self._session.document.project.read_only:
            self.frames_label.setText(self.tr("Read-only: nothing can be propagated here."))
        else:
            self.frames_label.setText(self._frames_text())
        self.everything_button.setVisible(self._session.is_open and self._runs.next.touched is not None)
        self._costs.start()

    def _tell_costs(self) -> None:
        self.interval.update_texts()
        self.quality.refresh()
        self._runs.memory_forecast.request()
        self.everything_button.setToolTip(self._everything_text())

    def _tell_memory(self) -> None:
        needed = self._runs.memory_forecast.told
        self.memory.setVisible(needed is not None)
        if needed is not None:
            self.memory.setText(needed.advice or self.tr("Memory: {}.").format(needed.at_most))

    def _frames_text(self) -> str:
        """Words on what is propagated next."""
        touched, (first, last) = self._runs.next.touched, self._runs.next.frames_to_draw()
        if touched is None:
            if first == last:
                return self.tr("Frame {} only").format(first)
            return self.tr("Frames {} to {} ({})").format(first, last, count_text(last - first + 1))
        where = (
            self.tr("Around frame {}").format(touched.frames[0])
            if len(touched.frames) == 1
            else self.tr("Around {} corrected frames").format(len(touched.frames))
        )
        text = self.tr("{}, until it agrees with what is there: at most frames {} to {} ({})")
        return text.format(where, first, last, count_text(touched.frames_at_most))

    def _everything_text(self) -> str:
        """Words on what the button beside it does, and how long that takes."""
        text = self.tr("Propagate the whole range, not only what was corrected since (Ctrl+Shift+Return)")
        interval = self._runs.next.settings.interval
        seconds = self._runs.forecast.seconds_for(interval, everything=True) if self._session.is_open else None
        return text if seconds is None else self.tr("{}: about {}").format(text, duration(seconds))

    def _name_ranges(self) -> None:
        runs = self._runs
        ends = {
            "forward": self.tr("To the end"),
            "backward": self.tr("To the beginning"),
            "both": self.tr("All of the footage"),
        }
        first, last = runs.next.in_point, runs.next.out_point
        start = self.tr("start") if first is None else str(first)
        end = self.tr("end") if last is None else str(last)
        names = {
            Range.TO_END: ends[runs.next.settings.direction],
            Range.IN_OUT: self.tr("In to out ({} to {})").format(start, end),
            Range.NEXT_CORRECTED: self.tr("To the next corrected frame"),
            Range.ONE_CLIP: self.tr("One clip (L frames)"),
        }
        for place in range(self.range.count()):
            self.range.setItemText(place, names[self.range.itemData(place)])

    def _refresh_progress(self) -> None:
        runs = self._runs
        # An empty range is Qt's way to say "busy, nobody knows how long".
        self.progress.setRange(0, 0 if runs.state is RunState.LOADING else max(1, runs.progress.work))
        self.progress.setValue(runs.progress.work_done if runs.is_busy else 0)
        self.progress.setVisible(runs.is_busy)
        self.status.setText(self._status())
        self.status.setVisible(bool(self.status.text()))

    def _status(self) -> str:
        runs = self._runs
        if runs.state is RunState.LOADING:
            return (
                self.tr("Ending what went on before…")
                if runs.is_stopping
                else self.tr("Loading the network; longer the first time…")
            )
        if not runs.is_busy:
            if runs.is_stopping:
                return self.tr("Stopping…")
            if runs.comparison.is_under_way:
                return self.tr("Comparing; see its window")
            return ""
        parts, how, speed = [self._count()], [runs.device], runs.progress.frames_per_second
        if runs.state is RunState.PAUSED:
            parts.insert(0, self.tr("Paused"))
        elif runs.forecast.seconds_left is not None:
            left = self.tr("at most {} left") if runs.progress.is_bound else self.tr("{} left")
            parts.append(left.format(duration(runs.forecast.seconds_left)))
        if speed:
            how.insert(0, speed_text(speed))
        return "\n".join(" · ".join(filter(None, line)) for line in (parts, how))

    def _count(self) -> str:
        """Progress of the run; where both of its passes draw the same frames, each is counted by itself."""
        progress = self._runs.progress
        if progress.is_bound:
            return self.tr("{} of at most {} frames").format(progress.done, progress.total)
        if progress.work <= progress.total:
            return self.tr("{} of {} frames").format(progress.work_done, progress.work)
        number, done, frames = progress.pass_under_way
        return self.tr("Pass {} of {}: {} of {} frames").format(number, len(progress.passes), done, frames)

    # what they do

    def _pause_or_resume(self) -> None:
        if self._runs.state is RunState.PAUSED:
            self._runs.resume()
        else:
            self._runs.pause()

    def compare(self) -> None:
        """Open the window that compares memory intervals, and start."""
        if self.compare_dialog is None:
            self.compare_dialog = CompareDialog(self._session, self._runs, self.window())
        self.compare_dialog.start()
        self._refresh()


def _dim(tip: str) -> QLabel:
    label = QLabel(wordWrap=True)
    label.setToolTip(tip)
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label
