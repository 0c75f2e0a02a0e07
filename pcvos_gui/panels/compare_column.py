"""One memory interval in the comparison: its picture, what it took, and how far it agrees with the others."""

import time
from collections.abc import Mapping

import cv2
import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout

from core.evaluation.agreement import with_the_others
from core.masks.overlay import draw_overlay
from core.studio.jobs import Compared, CompareProgress
from pcvos_gui.panels.costs import duration, speed_text
from pcvos_gui.panels.thumbnails import shown_size, to_image
from pcvos_gui.widgets.layouts import laid_out

Pairs = Mapping[frozenset[int], float | None]
"""Agreement of the results at two intervals each."""

LEAST_PICTURE = QSize(112, 64)
_UNSEEN = 96  # grey, for a frame that is not decoded
_LINES = 3  # of words below a picture
_SPACE = "\N{NO-BREAK SPACE}"


class Picture(QLabel):
    """A frame with one interval's masks over it, as large as there is room for."""

    def __init__(self, sample_aspect_ratio: float) -> None:
        super().__init__()
        self._sample_aspect_ratio = sample_aspect_ratio
        self._labels: np.ndarray | None = None
        self._image: np.ndarray | None = None
        self._palette: np.ndarray | None = None
        self.setMinimumSize(LEAST_PICTURE)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)

    def show_masks(self, labels: np.ndarray, image: np.ndarray | None, palette: np.ndarray) -> None:
        """Draw labels, uint8 (H, W), in colours, uint8 (256, 3), over an image, uint8 (H, W, 3), or over grey."""
        self._labels, self._image, self._palette = labels, image, palette
        self._draw()

    def show_text(self, text: str) -> None:
        """Words in place of a picture."""
        self._labels = self._image = None
        self.setPixmap(QPixmap())
        self.setText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._draw()

    def _draw(self) -> None:
        if self._labels is None or self._palette is None:
            return
        ratio, labels = self.devicePixelRatioF(), self._labels
        tall, wide = shown_size(labels.shape, self._sample_aspect_ratio)
        scale = min(self.width() / wide, self.height() / tall) * ratio
        size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
        small = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
        if self._image is None:
            ground = np.full((*small.shape, 3), _UNSEEN, np.uint8)
        else:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            ground = cv2.resize(self._image, size, interpolation=method)
        pixmap = QPixmap.fromImage(to_image(draw_overlay(ground, small, palette=self._palette)))
        pixmap.setDevicePixelRatio(ratio)
        self.setPixmap(pixmap)


class Column(QFrame):
    """One interval: its result drawn over the current frame, and what it took.

    `sample_aspect_ratio`: how wide a pixel of the footage is, over how high.

    Signals:
        chosen(interval): it is to be the next run's.
    """

    chosen = Signal(int)

    def __init__(self, interval: int, sample_aspect_ratio: float = 1.0):
        super().__init__()
        self.interval = interval
        self._progress: CompareProgress | None = None
        self._began = 0.0
        self.result: Compared | None = None
        self.setAccessibleName(self.tr("Results at L = {}").format(interval))
        self.title = QLabel(self.tr("L = {}").format(interval))
        font = QFont(self.title.font())
        font.setBold(True)
        self.title.setFont(font)
        self.picture = Picture(sample_aspect_ratio)
        self.picture.setToolTip(self.tr("What this interval drew on the frame chosen below"))
        self.speed, self.agreement = QLabel(self.tr("Waiting…")), QLabel()
        for label, lines in ((self.speed, 1), (self.agreement, _LINES)):  # nothing jumps when they come
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            label.setMinimumHeight(lines * label.fontMetrics().lineSpacing())
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.speed.setToolTip(self.tr("How fast it was on this machine"))
        self.agreement.setToolTip(
            self.tr(
                "Mean intersection over union of the masks, over objects and frames. Results can agree and be wrong "
                "together: look at the frames"
            )
        )
        self.use = QPushButton(self.tr("Use L = {}").format(interval), autoDefault=False)
        self.use.setToolTip(self.tr("Choose this interval from now on, and close this window"))
        self.use.setMinimumHeight(28)
        self.use.clicked.connect(lambda: self.chosen.emit(self.interval))
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.use)
        self._column = laid_out(QVBoxLayout(self), 0, 6)
        self._column.addLayout(head)
        self._column.addWidget(self.picture, 1)
        self._column.addWidget(self.speed)
        self._column.addWidget(self.agreement)

    @property
    def words_height(self) -> int:
        """Height of all but the picture."""
        parts = (self.use, self.speed, self.agreement)
        return sum(part.minimumSizeHint().height() for part in parts) + 3 * self._column.spacing()

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
        seconds = len(result.frames) / result.frames_per_second if result.frames_per_second else 0.0
        text = self.tr("{} · {} frames in {}")
        self.speed.setText(text.format(speed_text(result.frames_per_second), len(result.frames), duration(seconds)))

    def show_agreement(self, pairs: Pairs) -> None:
        """Agreement of this result with each of the others, and with masks that are there."""
        if self.result is None:
            return
        lines = []
        mean = with_the_others(pairs, self.interval)
        if mean is not None:
            lines.append(self.tr("Agrees {} with the others").format(_percent(mean)))
        elif pairs:
            lines.append(self.tr("No object is found here or elsewhere"))
        each = sorted(
            (*(pair - {self.interval}), score)
            for pair, score in pairs.items()
            if self.interval in pair and score is not None
        )
        if len(each) > 1:
            told = (self.tr("L = {}: {}").format(other, _percent(score)) for other, score in each)
            lines.append(" · ".join(one.replace(" ", _SPACE) for one in told))
        if self.result.with_masks is not None:
            lines.append(self.tr("Masks in the project: {}").format(_percent(self.result.with_masks)))
        self.agreement.setText("\n".join(lines))

    def show_frame(self, frame: int, image: np.ndarray | None, palette: np.ndarray) -> None:
        """Draw this interval's masks of a frame in colours, uint8 (256, 3), over its image, uint8 (H, W, 3), or over
        grey where it is not decoded yet."""
        if self.result is None:
            self.picture.show_text("")
        elif frame not in self.result.frames:
            self.picture.show_text(self.tr("Not drawn"))
        else:
            labels = self.result.labels[self.result.frames.index(frame)]
            self.picture.show_masks(labels, image, palette)


def _percent(share: float) -> str:
    return f"{share:.1%}"
