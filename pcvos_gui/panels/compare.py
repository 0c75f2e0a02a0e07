"""The same clips at several memory intervals, side by side."""

import math
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.masks.palette import palette_of
from core.studio.jobs import Compared, CompareProgress
from pcvos_gui.panels.compare_column import Column
from pcvos_gui.panels.thumbnails import shown_size
from pcvos_gui.session.comparison import COMPARED_INTERVALS
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out

_SIZE = QSize(1120, 620)
_FRAME = QSize(16, 48)  # what the system puts around the window, roughly
_MARGIN, _GAP = 16, 16


class _Grid(QWidget):
    """Columns beside and below each other, so that their pictures are as large as can be."""

    def __init__(self) -> None:
        super().__init__()
        self._columns: list[Column] = []
        self._shape = 16 / 9  # of a picture, width by height
        self._across = 0
        self._layout = laid_out(QGridLayout(self), 0, _GAP)

    def set_columns(self, columns: list[Column], shape: float) -> None:
        """Show these in place of others; `shape`: width of a picture by its height."""
        for column in self._columns:
            self._layout.removeWidget(column)
            column.deleteLater()
        self._columns, self._shape, self._across = columns, shape, 0
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        count = len(self._columns)
        across = max(range(1, count + 1), key=self._picture_width, default=0)
        if across == self._across:
            return
        self._across = across
        for place in range(count):
            self._layout.setColumnStretch(place, int(place < across))
            self._layout.setRowStretch(place, int(place < math.ceil(count / across)))
        for place, column in enumerate(self._columns):
            self._layout.addWidget(column, place // across, place % across)

    def _picture_width(self, across: int) -> float:
        """The width of a picture, with so many beside each other; as narrow as need be is better than none."""
        down = math.ceil(len(self._columns) / across)
        wide = (self.width() - (across - 1) * _GAP) / across
        high = (self.height() - (down - 1) * _GAP) / down - self._columns[0].words_height
        return min(wide, high * self._shape)


class CompareDialog(QDialog):
    """Opens beside the window, which goes on working. Results come one interval after the other; closing ends it."""

    def __init__(self, session: Session, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._runs = session, runs
        self.columns: dict[int, Column] = {}
        self._pairs: dict[frozenset[int], float | None] = {}
        self._begin = 0  # the frame it began at, and goes back to
        self._frames_done: dict[int, int] = {}
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._tick)
        self.setWindowTitle(self.tr("Compare L"))
        self.setModal(False)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.message = QLabel(wordWrap=True)
        self._grid = _Grid()
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(self.tr("Frames that are done"))
        layout = laid_out(QVBoxLayout(self), _MARGIN, 16)
        layout.addWidget(self.message)
        layout.addWidget(self._grid, 1)
        layout.addWidget(self.progress)
        layout.addLayout(self._make_slider())
        self.resize(_SIZE.boundedTo((parent or self).screen().availableSize() - _FRAME))
        runs.comparison.progressed.connect(self._on_progress)
        runs.comparison.compared.connect(self._on_compared)
        runs.comparison.ended.connect(self._on_ended)
        session.navigator.image_changed.connect(self._show_frame)
        session.navigator.frame_changed.connect(self._on_frame)
        session.closing.connect(self.reject)

    def _tick(self) -> None:
        for column in self.columns.values():
            column.tick()

    def _make_slider(self) -> QHBoxLayout:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Frame"))
        self.slider.setToolTip(self.tr("The frame that all show; the window goes along"))
        self.spin = QSpinBox()
        self.spin.setAccessibleName(self.tr("Frame"))
        self.spin.setToolTip(self.slider.toolTip())
        self.slider.valueChanged.connect(self._go_to)
        self.spin.valueChanged.connect(self._go_to)
        close = QPushButton(self.tr("Close"), autoDefault=False)
        close.setMinimumHeight(32)
        close.setToolTip(self.tr("End the comparison, and go back to the frame it began at"))
        close.clicked.connect(self.reject)
        row = laid_out(QHBoxLayout(), spacing=8)
        row.addWidget(QLabel(self.tr("Frame")))
        row.addWidget(self.slider, 1)
        row.addWidget(self.spin)
        row.addSpacing(8)
        row.addWidget(close)
        return row

    def start(self) -> None:
        """Begin a comparison at the current frame, or show the one under way."""
        if not self._runs.comparison.is_under_way:
            self._runs.compare()
            if not self._runs.comparison.is_under_way:
                return  # the run controller has said why
            self._make_columns(sorted({*COMPARED_INTERVALS, self._runs.next.settings.interval}))
            self._begin = max(0, self._session.navigator.frame)
            self._set_frames(self._begin, self._begin)
            self._frames_done.clear()
            self.progress.setRange(0, 0)  # Qt's way to say "busy, nobody knows how long"
            self._clock.start()
            self._say()
        self.show()
        self.raise_()

    def _make_columns(self, intervals: list[int]) -> None:
        shape = float(self._session.document.media.sample_aspect_ratio)
        self.columns = {interval: Column(interval, shape) for interval in intervals}
        self._pairs.clear()
        for column in self.columns.values():
            column.chosen.connect(self._use)
        height, width = shown_size(self._session.navigator.size, shape)
        self._grid.set_columns(list(self.columns.values()), width / height)

    def _say(self) -> None:
        done = sum(c.result is not None for c in self.columns.values())
        if self._runs.comparison.is_under_way and not self._frames_done:
            self.message.setText(self.tr("Loading the network…"))
        elif self._runs.comparison.is_under_way:
            text = self.tr("The next clips from frame {} at several L, apart from the project. {} of {} done.")
            self.message.setText(text.format(self._begin, done, len(self.columns)))
        elif done:
            self.message.setText(
                self.tr("Done. Move through the frames, and choose the largest L whose results satisfy you.")
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
        self._pairs |= {frozenset((result.interval, other)): score for other, score in result.agreements.items()}
        for each in self.columns.values():
            each.show_agreement(self._pairs)
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
            with QSignalBlocker(control):
                control.setRange(first, last)
                control.setValue(min(max(self._session.navigator.frame, first), last))
        self.slider.setEnabled(last > first)

    def _go_to(self, frame: int) -> None:
        self._session.navigator.go_to(frame)

    def _on_frame(self, frame: int) -> None:
        if self.isVisible():
            self._set_frames(self.slider.minimum(), self.slider.maximum())
            self._show_frame()

    def _show_frame(self) -> None:
        if not self.isVisible():
            return
        frame, session = self.slider.value(), self._session
        image = session.navigator.image if session.navigator.shown == frame else session.navigator.frames.cached(frame)
        palette = palette_of({o.id: o.colour for o in session.objects})
        for column in self.columns.values():
            column.show_frame(frame, image, palette)

    # the end

    def _use(self, interval: int) -> None:
        self._runs.next.set_settings(replace(self._runs.next.settings, interval=interval))
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
        self._runs.comparison.stop()
        self._session.navigator.go_to(self._begin)
        for column in self.columns.values():
            column.result = None  # label maps of many frames
