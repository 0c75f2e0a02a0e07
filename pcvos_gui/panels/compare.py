"""The same clips at several memory intervals, side by side."""

import time
from dataclasses import replace

import cv2
import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QPalette, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.annotation.overlay import draw_overlay
from pcvos_gui.panels.costs import duration, speed_text
from pcvos_gui.panels.thumbnails import to_image
from pcvos_gui.runs import COMPARED_INTERVALS, RunController
from pcvos_gui.session import Session
from pcvos_gui.workers.jobs import Compared, CompareProgress

_PICTURE = QSize(256, 160)
_MARGIN, _GAP = 16, 16
_LEAST_WIDTH = 112  # of a picture, on the smallest screens
_REFERENCE = 1  # the interval that the others are held against
_UNSEEN = 96  # grey, for a frame that is not decoded


class _Column(QFrame):
    """One interval: its result drawn over the current frame, and what it took."""

    chosen = Signal(int)

    def __init__(self, interval: int, size: QSize):
        super().__init__()
        self.interval = interval
        self._size = size
        self._progress: CompareProgress | None = None
        self._began = 0.0
        self.result: Compared | None = None
        self.setAccessibleName(self.tr("Results at L = {}").format(interval))
        self.title = QLabel(self.tr("L = {}").format(interval))
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.picture = QLabel()
        self.picture.setFixedSize(size)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAutoFillBackground(True)
        self.picture.setBackgroundRole(QPalette.ColorRole.Base)
        self.picture.setToolTip(self.tr("What this interval drew on the frame chosen below"))
        self.speed, self.agreement = QLabel(self.tr("Waiting…")), QLabel()
        for label in (self.speed, self.agreement):  # two lines, so that nothing jumps when they come
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            label.setFixedWidth(size.width())
            label.setMinimumHeight(2 * label.fontMetrics().lineSpacing())
            label.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.MinimumExpanding)
        self.speed.setToolTip(self.tr("How fast it was on this machine"))
        self.agreement.setToolTip(
            self.tr("Mean intersection over union with the results at L = 1, over objects and frames")
        )
        self.use = QPushButton(self.tr("Use L = {}").format(interval))
        self.use.setToolTip(self.tr("Choose this interval for the next run, and close this window"))
        self.use.setMinimumHeight(32)
        self.use.setAutoDefault(False)
        self.use.clicked.connect(lambda: self.chosen.emit(self.interval))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.title, self.picture, self.speed, self.agreement, self.use):
            layout.addWidget(widget)

    def show_progress(self, progress: CompareProgress) -> None:
        if self._progress is None:
            self._began = time.monotonic()
        self._progress = progress
        self.tick()

    def tick(self) -> None:
        """Say how far it is, and that it is alive."""
        if self._progress is None or self.result is not None:
            return
        text, seconds = self.tr("{} of {} frames · {}"), time.monotonic() - self._began
        self.speed.setText(text.format(self._progress.done, self._progress.total, duration(seconds)))

    def show_end(self) -> None:
        """The comparison is over; a column without a result stays without."""
        self._progress = None
        if self.result is None:
            self.speed.setText(self.tr("Not done"))

    def show_result(self, result: Compared) -> None:
        self.result = result
        self._show_agreement(result.agreement)
        seconds = len(result.frames) / result.frames_per_second if result.frames_per_second else 0.0
        text = self.tr("{} · {} frames in {}")
        self.speed.setText(text.format(speed_text(result.frames_per_second), len(result.frames), duration(seconds)))

    def _show_agreement(self, score: float | None) -> None:
        if self.interval == _REFERENCE:
            self.agreement.setText(self.tr("The others are held against this"))
        elif score is None:
            self.agreement.setText(self.tr("Nothing to hold against L = 1"))
        else:
            self.agreement.setText(self.tr("{} agreement with L = 1").format(f"{score:.1%}"))

    def show_frame(self, frame: int, image: np.ndarray | None) -> None:
        """Draw this interval's labels over `image`, uint8 (H, W, 3), or over grey where it is not decoded yet."""
        if self.result is None or frame not in self.result.frames:
            self.picture.setPixmap(QPixmap())
            self.picture.setText("" if self.result is None else self.tr("Not drawn"))
            return
        labels = self.result.labels[self.result.frames.index(frame)]
        ratio = self.devicePixelRatioF()
        scale = min(self._size.width() / labels.shape[1], self._size.height() / labels.shape[0]) * ratio
        size = (max(1, round(labels.shape[1] * scale)), max(1, round(labels.shape[0] * scale)))
        small = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
        if image is None:
            ground = np.full((*small.shape, 3), _UNSEEN, np.uint8)
        else:
            ground = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        pixmap = QPixmap.fromImage(to_image(draw_overlay(ground, small)))
        pixmap.setDevicePixelRatio(ratio)
        self.picture.setPixmap(pixmap)


class CompareDialog(QDialog):
    """Opens beside the window, which goes on working. Results come one interval after the other; closing ends it."""

    def __init__(self, session: Session, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._runs = session, runs
        self.columns: dict[int, _Column] = {}
        self._begin = 0  # the frame it began at, and goes back to
        self._frames_done: dict[int, int] = {}
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(lambda: [column.tick() for column in self.columns.values()])
        self.setWindowTitle(self.tr("Compare memory intervals"))
        self.setModal(False)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self._row = QHBoxLayout()
        self._row.setSpacing(_GAP)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(self.tr("Frames that are done"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setSpacing(16)
        layout.addWidget(self.message)
        layout.addLayout(self._row)
        layout.addWidget(self.progress)
        layout.addLayout(self._make_slider())
        runs.compare_progressed.connect(self._on_progress)
        runs.compared.connect(self._on_compared)
        runs.compare_ended.connect(self._on_ended)
        session.image_changed.connect(self._show_frame)
        session.frame_changed.connect(self._on_frame)
        session.closing.connect(self.reject)

    def _make_slider(self) -> QHBoxLayout:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Frame"))
        self.slider.setToolTip(self.tr("The frame that all show; the window goes along"))
        self.spin = QSpinBox()
        self.spin.setAccessibleName(self.tr("Frame"))
        self.spin.setToolTip(self.slider.toolTip())
        self.slider.valueChanged.connect(self._go_to)
        self.spin.valueChanged.connect(self._go_to)
        close = QPushButton(self.tr("Close"))
        close.setMinimumHeight(32)
        close.setAutoDefault(False)
        close.setToolTip(self.tr("End the comparison, and go back to the frame it began at"))
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(QLabel(self.tr("Frame")))
        row.addWidget(self.slider, 1)
        row.addWidget(self.spin)
        row.addSpacing(8)
        row.addWidget(close)
        return row

    def start(self) -> None:
        """Begin a comparison at the current frame, or show the one under way."""
        if not self._runs.is_comparing:
            self._runs.compare()
            if not self._runs.is_comparing:
                return  # the run controller has said why
            self._make_columns(sorted({*COMPARED_INTERVALS, self._runs.settings.interval}))
            self._begin = max(0, self._session.frame)
            self._set_frames(self._begin, self._begin)
            self._frames_done.clear()
            self.progress.setRange(0, 0)  # Qt's way to say "busy, nobody knows how long"
            self._clock.start()
            self._say()
        self.show()
        self.raise_()

    def _make_columns(self, intervals: list[int]) -> None:
        while self._row.count():
            self._row.takeAt(0).widget().deleteLater()
        size = self._picture_size(len(intervals))
        self.columns = {interval: _Column(interval, size) for interval in intervals}
        for column in self.columns.values():
            column.chosen.connect(self._use)
            self._row.addWidget(column)
        self.adjustSize()

    def _picture_size(self, count: int) -> QSize:
        """As large as `count` beside each other fit on the screen."""
        screen = (self.parentWidget() or self).screen().availableGeometry().width()
        width = (screen - 2 * _MARGIN - 32 - (count - 1) * _GAP) // count
        width = min(_PICTURE.width(), max(_LEAST_WIDTH, width))
        return QSize(width, width * _PICTURE.height() // _PICTURE.width())

    def _say(self) -> None:
        done = sum(c.result is not None for c in self.columns.values())
        if self._runs.is_comparing and not self._frames_done:
            self.message.setText(self.tr("Loading the network…"))
        elif self._runs.is_comparing:
            text = self.tr("The next clips from frame {} at several intervals, apart from the project. {} of {} done.")
            self.message.setText(text.format(self._begin, done, len(self.columns)))
        elif done:
            self.message.setText(
                self.tr("Done. Move through the frames, and choose the largest L whose results still satisfy you.")
            )
        else:
            self.message.setText(self.tr("The comparison ended without results."))

    # results

    def _on_progress(self, progress: CompareProgress) -> None:
        column = self.columns.get(progress.interval)
        if column is None:
            return
        column.show_progress(progress)
        self._frames_done[progress.interval] = progress.done
        self.progress.setRange(0, max(1, progress.total * len(self.columns)))
        self.progress.setValue(sum(self._frames_done.values()))
        self._say()

    def _on_compared(self, result: Compared) -> None:
        column = self.columns.get(result.interval)
        if column is None:
            return
        column.show_result(result)
        first = min(self.slider.minimum(), *result.frames)
        self._set_frames(first, max(self.slider.maximum(), *result.frames))
        self._say()
        self._show_frame()

    def _on_ended(self) -> None:
        self._clock.stop()
        if not self.progress.maximum():
            self.progress.setRange(0, 1)
        for column in self.columns.values():
            column.show_end()
        self._say()

    # frames

    def _set_frames(self, first: int, last: int) -> None:
        for control in (self.slider, self.spin):
            control.blockSignals(True)
            control.setRange(first, last)
            control.setValue(min(max(self._session.frame, first), last))
            control.blockSignals(False)
        self.slider.setEnabled(last > first)

    def _go_to(self, frame: int) -> None:
        self._session.go_to(frame)

    def _on_frame(self, frame: int) -> None:
        if self.isVisible():
            self._set_frames(self.slider.minimum(), self.slider.maximum())
            self._show_frame()

    def _show_frame(self) -> None:
        if not self.isVisible():
            return
        frame, session = self.slider.value(), self._session
        image = session.image if session.shown == frame else session.frames.cached(frame)
        for column in self.columns.values():
            column.show_frame(frame, image)

    # the end

    def _use(self, interval: int) -> None:
        self._runs.set_settings(replace(self._runs.settings, interval=interval))
        self.reject()

    def reject(self) -> None:
        if self.isVisible():
            self._end()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.isVisible():
            self._end()
        super().closeEvent(event)

    def _end(self) -> None:
        self._clock.stop()
        self._runs.stop_compare()
        self._session.go_to(self._begin)
        for column in self.columns.values():
            column.result = None  # label maps of many frames
