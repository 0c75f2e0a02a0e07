"""The panel Why: the memory that a pixel and an object were read from, and what each part of the method changed."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.propagation.attribution import Attribution, Read, Source
from core.studio.jobs import Ablated
from pcvos_gui.app.icons import icon
from pcvos_gui.panels.thumbnails import THUMBNAIL, Thumbnails, make_rows, paint_row
from pcvos_gui.session.session import Session
from pcvos_gui.session.why import Why, name_of
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.model_index import Index
from pcvos_gui.widgets.scrolling import Scroll

_ROW, _DOT, _BAR, _LINE = 64, 9.0, 6, 22
_LAID_OUT_MS = 200  # after which new rows have their place
_LEAST = 0.005  # shares below are not listed
_PART = Qt.ItemDataRole.UserRole
_SHARES = Qt.ItemDataRole.UserRole + 1
_PARTS = ("", "refinement", "progressive", "kernel", "distractors")


@dataclass(frozen=True)
class _Shares:
    """A memory frame's share in what the pixel (None: none is pointed at), and the object, were read from."""

    source: Source
    pixel: float | None
    object: float


class _Delegate(QStyledItemDelegate):
    """Thumbnail with the places read, the frame, and its shares as bars."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(2 * THUMBNAIL[0], _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        is_selected, text = paint_row(painter, option, index)
        rect, high = option.rect, option.fontMetrics.height()
        shares: _Shares = index.data(_SHARES)
        line = QRect(rect.left() + THUMBNAIL[0] + 16, rect.center().y() - 3 * high // 2, 0, high)
        line.setRight(rect.right() - 8)
        painter.setPen(text)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, index.data())
        bar = text if is_selected else option.palette.color(QPalette.ColorRole.Highlight)
        for name, share in ((self.tr("pixel"), shares.pixel), (self.tr("object"), shares.object)):
            if share is not None:
                line.translate(0, high)
                self._paint_share(painter, line, name, share, bar)

    def _paint_share(self, painter: QPainter, line: QRect, name: str, share: float, colour: QColor) -> None:
        text = f"{name} {100 * share:.0f} %"
        wide = painter.fontMetrics().horizontalAdvance(f"{self.tr('object')} 100 %") + 8
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, text)
        room = QRect(line.left() + wide, line.center().y() - _BAR // 2, max(0, line.width() - wide), _BAR)
        painter.fillRect(room.x(), room.y(), round(room.width() * share), _BAR, colour)


class _MemoryList(QListWidget):
    """Takes the room that there is; what stands below is in sight before more of it is."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), 3 * _ROW // 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), 3 * _ROW // 2)


class WhyPanel(QWidget):
    """The list of memory frames that were read, those that count most first; a click goes there.

    Attributes:
        words: what is shown, and how sure that is. list: the memory frames.
        uncertainty, distractors: what lies over the footage. button: begins to leave out parts. parts: what came of it.
    """

    def __init__(self, session: Session, why: Why, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._why = session, why
        self._is_seen = False
        self._thumbnails = Thumbnails(session, self)
        self._thumbnails.arrived.connect(lambda _: self._fill())
        self.words = QLabel(wordWrap=True)
        self.list = _MemoryList()
        self.list.setItemDelegate(_Delegate(self.list))
        make_rows(self.list, _ROW)
        self.list.setAccessibleName(self.tr("Memory frames that were read"))
        self.list.itemClicked.connect(self._go)
        self.list.itemActivated.connect(self._go)
        self.uncertainty, self.distractors = QCheckBox(self.tr("Uncertainty")), QCheckBox(self.tr("Look-alikes"))
        self.uncertainty.setToolTip(self.tr("How unsure the last propagation was of each pixel, over the footage (U)"))
        self.distractors.setToolTip(
            self.tr("Outline what looks like the object and is followed apart; known once parts were left out")
        )
        self.uncertainty.toggled.connect(lambda on: why.show(uncertainty=on))
        self.distractors.toggled.connect(lambda on: why.show(distractors=on))
        self.button = QPushButton(icon("puzzle-outline"), "")
        self.button.setMinimumHeight(32)
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setToolTip(
            self.tr("Draw the clip around this frame again, each time without one part of the method; nothing is kept")
        )
        self.button.clicked.connect(lambda: why.stop() if why.is_ablating else why.ablate())
        self.parts = QListWidget()
        self.parts.setAccessibleName(self.tr("What each part of the method changed"))
        self.parts.setToolTip(self.tr("Choose one, and flip to it with D"))
        self.parts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it would cover the last one
        self.parts.itemClicked.connect(self._choose)
        self.parts.itemActivated.connect(self._choose)
        self._lay_out()
        why.changed.connect(self._show_if_seen)
        session.objects_changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        boxes = QHBoxLayout()
        boxes.addWidget(self.uncertainty)
        boxes.addWidget(self.distractors)
        boxes.addStretch(1)
        inside = QWidget()
        layout = laid_out(QVBoxLayout(inside), 8, 8)
        layout.addWidget(self.words)
        layout.addWidget(self.list, 1)
        layout.addLayout(boxes)
        layout.addWidget(self.button)
        layout.addWidget(self.parts)
        outer = laid_out(QVBoxLayout(self), 0)
        self._scroll = Scroll(inside)
        self._scroll.verticalScrollBar().rangeChanged.connect(self._on_room)
        self._revealing = QTimer(self, singleShot=True, interval=_LAID_OUT_MS)
        self._revealing.timeout.connect(self._reveal_parts)
        outer.addWidget(self._scroll)

    def set_seen(self, is_seen: bool) -> None:
        """It comes into sight, or goes: behind another tab as well, where Qt still calls it visible."""
        self._is_seen = is_seen
        self._why.set_wanted(is_seen)

    # what it shows

    def _show_if_seen(self) -> None:
        """It is brought up to date when it comes into sight: then all is asked anew."""
        if self._is_seen:
            self._show()

    def _show(self) -> None:
        why = self._why
        self.words.setText(self._in_words())
        for box, on in ((self.uncertainty, why.shows_uncertainty), (self.distractors, why.shows_distractors)):
            with QSignalBlocker(box):
                box.setChecked(on)
                box.setEnabled(self._session.is_open)
        self.button.setText(self.tr("Stop") if why.is_ablating else self.tr("What each part changed"))
        self.button.setEnabled(why.is_ablating or why.can_ablate)
        self._fill()
        self._fill_parts()

    def _in_words(self) -> str:
        why, info = self._why, self._session.object(self._session.active)
        if why.trouble:
            return why.trouble
        found = why.explained
        if not self._session.is_open or found is None or info is None:
            return self.tr("What an object was read from on this frame. Point at a pixel with the tool Why (W).")
        if found.attribution is None:
            return self.tr("{} was marked by hand on frame {}: nothing was read.").format(info.name, found.frame)
        one = found.attribution
        count = len(one.sources)
        memory = self.tr("1 memory frame") if count == 1 else self.tr("{} memory frames").format(count)
        text = self.tr("{} on frame {}, from {}").format(info.name, found.frame, memory)
        run = self.tr("propagation {}").format(found.run) if found.run else self.tr("the next propagation")
        way = self.tr("forward") if one.direction == "forward" else self.tr("backward")
        counts = "" if one.counts == 1 else self.tr(", which counts {:.0f} % here").format(100 * one.counts)
        unseen = self.tr("It is not seen here, so nothing was read for it: point at a pixel to see what was read there")
        notes = found.notes if shares_of(one, why.reads) else (unseen, *found.notes)
        return " ".join([f"{text} ({run}, {way}{counts}).", *notes])

    def _fill(self) -> None:
        found, place = self._why.explained, self.list.verticalScrollBar().value()
        self.list.clear()
        if found is None or found.attribution is None or not self._session.is_open:
            return
        for shares, reads in shares_of(found.attribution, self._why.reads):
            item = QListWidgetItem(self._title(shares.source))
            item.setData(_SHARES, shares)
            item.setData(Qt.ItemDataRole.DecorationRole, self._picture(shares.source, reads))
            item.setToolTip(self.tr("Go to frame {}").format(shares.source.frame))
            self.list.addItem(item)
        self.list.verticalScrollBar().setValue(place)

    def _title(self, source: Source) -> str:
        kinds = {
            "permanent": self.tr("Frame {}: marked"),
            "working": self.tr("Frame {}: propagated"),
            "temporary": self.tr("Frame {}: of this clip"),
        }
        return kinds[source.kind].format(source.frame)

    def _picture(self, source: Source, reads: list[Read]) -> QPixmap:
        """The memory frame, with a dot at each place that the pixel was read from; a larger one counts more."""
        cells = self._session.document.project.cells(source.frame)
        picture = self._thumbnails.picture(source.frame, {o: c for o, c in cells.items() if o == self._session.active})
        height, width = self._session.navigator.size
        size = picture.deviceIndependentSize()
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for read in reversed(reads):
            radius = max(1.5, _DOT * read.share**0.5 / 2)
            painter.setPen(QColor(0, 0, 0))
            painter.setBrush(QColor(255, 230, 60))
            painter.drawEllipse(QPointF(read.x / width * size.width(), read.y / height * size.height()), radius, radius)
        painter.end()
        return picture

    def _fill_parts(self) -> None:
        chosen, count = self.parts.currentRow(), self.parts.count()
        line = max(_LINE, self.parts.fontMetrics().height() + 4)
        self.parts.clear()
        for part in _PARTS:
            if part in self._why.ablations:
                item = QListWidgetItem(f"{name_of(part)}: {self._agreement(self._why.ablations[part])}")
                item.setData(_PART, part)
                item.setSizeHint(QSize(0, line))
                if not self._why.ablations[part].cells:
                    item.setFlags(Qt.ItemFlag.NoItemFlags)
                self.parts.addItem(item)
        self.parts.setVisible(self.parts.count() > 0)
        self.parts.setFixedHeight(max(1, self.parts.count()) * line + 2 * self.parts.frameWidth() + 2)
        self.parts.setCurrentRow(min(chosen, self.parts.count() - 1))
        if self.parts.count() > count:
            self._revealing.start()

    def _on_room(self) -> None:
        """What has just come is being laid out."""
        if self._revealing.isActive():
            self._reveal_parts()

    def _reveal_parts(self) -> None:
        self._scroll.ensureWidgetVisible(self.parts)

    def _agreement(self, one: Ablated) -> str:
        if not one.cells:
            return self.tr("has nothing to do here") if one.without else self.tr("nothing, it was marked by hand")
        agreement = one.agreement.get(self._session.active)
        return self.tr("not there") if agreement is None else self.tr("agreement {:.3f}").format(agreement)

    # what is done

    def _go(self, item: QListWidgetItem) -> None:
        self._session.navigator.go_to(item.data(_SHARES).source.frame)

    def _choose(self, item: QListWidgetItem) -> None:
        if item.flags() & Qt.ItemFlag.ItemIsEnabled:
            self._why.choose(item.data(_PART))


def shares_of(found: Attribution, reads: list[Read] | None) -> list[tuple[_Shares, list[Read]]]:
    """Each memory frame with its shares and the places read in it; those that count most first, those that hardly do
    left out."""
    rows = []
    for source, share in zip(found.sources, found.shares.tolist(), strict=True):
        own = [read for read in reads or () if read.source == source]
        pixel = None if reads is None else sum(read.share for read in own)
        if max(share, pixel or 0) >= _LEAST:
            rows.append((_Shares(source, pixel, share), own))
    return sorted(rows, key=lambda row: -(row[0].object if row[0].pixel is None else row[0].pixel))
