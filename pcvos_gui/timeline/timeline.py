"""The timeline as the window shows it: transport buttons, the scrubber, and the rows of the objects."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollBar, QSpinBox, QToolButton, QVBoxLayout, QWidget

from pcvos_gui.app.icons import icon
from pcvos_gui.session.player import Player
from pcvos_gui.session.reviewer import Reviewer
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import SideBySide
from pcvos_gui.timeline.columns import timecode
from pcvos_gui.timeline.curves import Curves, CurvesLegend
from pcvos_gui.timeline.film import HEIGHT as FILM_HEIGHT
from pcvos_gui.timeline.film import Film
from pcvos_gui.timeline.rows import ObjectRows
from pcvos_gui.timeline.scrubber import Scrubber
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.steady_label import SteadyLabel

_SCROLL_STEPS = 1000  # of the scroll bar for one visible width


class Timeline(QWidget):
    """The person's place in the footage, and ways to get elsewhere.

    Attributes:
        scrubber: the tracks. curves, curves_legend: of a comparison. rows: of the objects. film: pictures of frames,
            where the panel is high enough.

    Signals:
        room_wanted(): what is in it has become higher or lower.
    """

    room_wanted = Signal()

    def __init__(
        self,
        session: Session,
        runs: RunController,
        player: Player,
        reviewer: Reviewer | None = None,
        sides: SideBySide | None = None,
        parent: QWidget | None = None,
    ):
        super().__init__(parent)
        self._session, self._runs, self._player = session, runs, player
        reviewer = reviewer or Reviewer(session, self)
        self.scrubber = Scrubber(session, runs, reviewer)
        self.rows = ObjectRows(session, reviewer, self.scrubber)
        self.film = Film(session, self.scrubber)
        self.curves = Curves(session, sides or SideBySide(session, runs, self), self.scrubber)
        self.curves_legend = CurvesLegend(self.curves)
        self.scroll_bar = QScrollBar(Qt.Orientation.Horizontal)
        self.scroll_bar.setAccessibleName(self.tr("Visible part of the timeline"))
        self.scroll_bar.setToolTip(self.tr("Which part of the footage the timeline shows"))
        policy = self.scroll_bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.scroll_bar.setSizePolicy(policy)
        layout = laid_out(QGridLayout(self), (8, 8, 8, 0))
        layout.setHorizontalSpacing(16)
        layout.setVerticalSpacing(0)
        layout.addLayout(self._make_transport(), 0, 0)
        layout.addWidget(self.scrubber, 0, 1, alignment=Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.curves_legend, 1, 0)
        layout.addWidget(self.curves, 1, 1)
        layout.addWidget(self.film, 2, 1)
        layout.addWidget(self.rows, 3, 0, 1, 2)
        layout.addWidget(self.rows.bar, 3, 2)
        layout.addWidget(self.scroll_bar, 4, 1)
        layout.setColumnStretch(1, 1)
        layout.setRowStretch(3, 10_000)
        layout.setRowStretch(5, 1)  # nothing, until the rows have all that they can use: the rest stays below
        self.film.hide()
        self._connect()
        self._update_all()

    def _make_transport(self) -> QVBoxLayout:
        session = self._session
        before, behind = "arrow-left-bold-circle-outline", "arrow-right-bold-circle-outline"
        rows = (
            (before, self.tr("Previous corrected frame"), lambda: session.navigator.go_to_corrected(-1)),
            ("chevron-left", self.tr("One frame back"), lambda: session.navigator.go_to(session.navigator.frame - 1)),
            ("play", self.tr("Play"), self._player.toggle),
            ("chevron-right", self.tr("One frame on"), lambda: session.navigator.go_to(session.navigator.frame + 1)),
            (behind, self.tr("Next corrected frame"), lambda: session.navigator.go_to_corrected(1)),
        )
        buttons = laid_out(QHBoxLayout(), spacing=0)
        self.buttons = [self._make_button(*row) for row in rows]
        for button in self.buttons:
            buttons.addWidget(button)
        for button in (self.buttons[1], self.buttons[3]):
            button.setAutoRepeat(True)
        self._play = self.buttons[2]
        self.frame_box = QSpinBox()
        self.frame_box.setKeyboardTracking(False)
        self.frame_box.setAccessibleName(self.tr("Frame"))
        self.frame_box.setToolTip(self.tr("The current frame; type a number to go there"))
        self._count = QLabel()
        self._count.setToolTip(self.tr("The last frame; frames count from 0"))
        self._time = SteadyLabel()
        self._time.setToolTip(self.tr("Time of the current frame, and how fast it plays"))
        numbers = laid_out(QHBoxLayout(), spacing=8)
        numbers.addWidget(self.frame_box, 1)
        numbers.addWidget(self._count)
        transport = laid_out(QVBoxLayout(), spacing=4)
        transport.addLayout(buttons)
        transport.addLayout(numbers)
        transport.addLayout(self._make_heads())
        transport.addStretch(1)
        return transport

    def _make_heads(self) -> QHBoxLayout:
        """The time and, beside the bars that it names, what they are."""
        self.confidence_head = QLabel(self.tr("Confidence"))
        self.confidence_head.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.confidence_head.setToolTip(
            self.tr("Bars: how sure the network was of each frame; orange is low, and worth a look. Blue: corrected")
        )
        heads = laid_out(QHBoxLayout(), spacing=8)
        heads.addWidget(self._time)
        heads.addStretch(1)
        heads.addWidget(self.confidence_head)
        return heads

    def _make_button(self, name: str, text: str, act: Callable[[], None]) -> QToolButton:
        button = QToolButton(self, autoRaise=True)
        button.setIcon(icon(name))
        button.setIconSize(QSize(20, 20))
        button.setFixedSize(32, 32)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: act())
        return button

    def _connect(self) -> None:
        session = self._session
        for signal in (session.opened, session.closed):
            signal.connect(self._update_all)
        session.navigator.frame_changed.connect(self._update_frame)
        session.states_changed.connect(self._enable_corrected)
        self._player.playing_changed.connect(self._show_playing)
        self._player.speed_changed.connect(self._update_frame)
        self.frame_box.valueChanged.connect(self._on_number)
        self.scrubber.visible_changed.connect(self._update_scroll)
        self.scroll_bar.valueChanged.connect(self._on_scrolled)
        for signal in (self.rows.rows_changed, self.curves.shown_changed):
            signal.connect(self._show_film)
            signal.connect(self.room_wanted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_film()

    def _show_film(self) -> None:
        """The film strip, where there is room besides curves and rows."""
        taken = self.scrubber.height() + self.scroll_bar.sizeHint().height() + self.rows.sizeHint().height() + 8
        taken += 0 if self.curves.isHidden() else self.curves.height()
        self.film.setVisible(self.height() - taken >= FILM_HEIGHT)

    # in and out, for menus

    def set_in(self) -> None:
        """The range for runs and exports begins at the current frame."""
        if self._session.is_open:
            self.scrubber.set_in(self._session.navigator.frame)

    def set_out(self) -> None:
        """The range ends at the current frame."""
        if self._session.is_open:
            self.scrubber.set_out(self._session.navigator.frame)

    def clear_in_out(self) -> None:
        """The range is all of the footage."""
        self._runs.next.set_in_out(None, None)

    # state to widgets

    def _update_all(self) -> None:
        count = self._session.navigator.frame_count
        with QSignalBlocker(self.frame_box):
            self.frame_box.setRange(0, max(0, count - 1))
        self._count.setText(f"/ {count - 1}" if count else "")
        if count:
            self._time.keep_room_for(self._time_text(count - 1, -0.25))
        for widget in (*self.buttons, self.frame_box):
            widget.setEnabled(self._session.is_open)
        self._update_frame()
        self._show_playing()
        self._update_scroll()

    def _update_frame(self) -> None:
        session = self._session
        is_open = session.is_open and session.navigator.frame >= 0
        with QSignalBlocker(self.frame_box):
            self.frame_box.setValue(max(0, session.navigator.frame))
        speed = self._player.speed if self._player.is_playing else 1
        self._time.setText(self._time_text(session.navigator.frame, speed) if is_open else "")
        self._enable_corrected()

    def _time_text(self, frame: int, speed: float) -> str:
        text = timecode(float(self._session.document.media.timestamps[frame]))
        return text if speed == 1 else f"{text}   {speed:g}\N{MULTIPLICATION SIGN}"

    def _show_playing(self) -> None:
        is_playing = self._player.is_playing
        self._play.setIcon(icon("pause" if is_playing else "play"))
        text = self.tr("Pause") if is_playing else self.tr("Play at the footage's own rate")
        self._play.setToolTip(text)
        self._play.setAccessibleName(text)

    def _enable_corrected(self) -> None:
        if not self._session.is_open:
            return
        for button, step in ((self.buttons[0], -1), (self.buttons[-1], 1)):
            button.setEnabled(
                self._session.document.project.next_corrected(self._session.navigator.frame, step) is not None
            )

    def _on_number(self, frame: int) -> None:
        self._session.navigator.go_to(frame)

    def _update_scroll(self) -> None:
        visible, frames = self.scrubber.visible, max(1, self._session.navigator.frame_count)
        per_frame = _SCROLL_STEPS / visible.span
        with QSignalBlocker(self.scroll_bar):
            self.scroll_bar.setPageStep(_SCROLL_STEPS)
            self.scroll_bar.setSingleStep(_SCROLL_STEPS // 20)
            self.scroll_bar.setRange(0, min(round((frames - visible.span) * per_frame), 2**31 - 1))
            self.scroll_bar.setValue(round(visible.first * per_frame))
        self.scroll_bar.setVisible(visible.span < frames)

    def _on_scrolled(self, value: int) -> None:
        self.scrubber.scroll_to(value * self.scrubber.visible.span / _SCROLL_STEPS)
