"""The memory panel: permanent frames, the working memory of the last run, and what all of it takes."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QIcon, QKeyEvent, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from pcvos_gui.app.icons import icon
from pcvos_gui.panels.memory_model import DOTS_ROLE, FRAME_ROLE, MemoryModel
from pcvos_gui.panels.thumbnails import THUMBNAIL, make_rows, paint_row
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.timeline.columns import timecode
from pcvos_gui.widgets.fold import Fold
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.model_index import Index
from pcvos_gui.widgets.panel_button import panel_button
from pcvos_gui.widgets.scrolling import Scroll

_ROW = 64
_DOT, _DOT_STEP, _REMOVE = 10, 16, 32


class _Delegate(QStyledItemDelegate):
    """Thumbnail, frame and time, a dot an object, and a cross to take the frame out."""

    def __init__(self, session: Session, parent: QWidget):
        super().__init__(parent)
        self._session = session

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(THUMBNAIL[0] + 3 * _REMOVE, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        is_selected, colour = paint_row(painter, option, index)
        rect = option.rect
        text = QRect(rect.left() + THUMBNAIL[0] + 16, rect.top() + 6, rect.width(), option.fontMetrics.height())
        painter.setPen(colour)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, index.data())
        frame = index.data(FRAME_ROLE)
        text.translate(0, option.fontMetrics.height())
        if not is_selected:
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, self._time(frame))
        self._paint_dots(painter, option, text.left(), text.bottom() + 4, index.data(DOTS_ROLE))
        mode = QIcon.Mode.Selected if is_selected else QIcon.Mode.Normal
        icon("close").paint(painter, remove_rect(rect).adjusted(8, 8, -8, -8), Qt.AlignmentFlag.AlignCenter, mode)

    def _time(self, frame: int) -> str:
        return timecode(float(self._session.document.media.timestamps[frame])) if self._session.is_open else ""

    def _paint_dots(self, painter: QPainter, option: QStyleOptionViewItem, left: int, top: int, dots: list) -> None:
        room = max(1, (remove_rect(option.rect).left() - left) // _DOT_STEP)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(option.palette.color(QPalette.ColorRole.Mid), 1))
        for place, colour in enumerate(dots[: room if len(dots) <= room else room - 2]):
            painter.setBrush(colour)
            painter.drawEllipse(left + place * _DOT_STEP, top, _DOT, _DOT)
        painter.restore()
        if len(dots) > room:
            rest = QRect(left + (room - 2) * _DOT_STEP, top, 2 * _DOT_STEP, _DOT)
            painter.drawText(rest, Qt.AlignmentFlag.AlignCenter, f"+{len(dots) - room + 2}")


def remove_rect(row: QRect) -> QRect:
    """Rectangle of a row's cross."""
    return QRect(row.right() - _REMOVE + 1, row.center().y() - _REMOVE // 2, _REMOVE, _REMOVE)


class _View(QListView):
    """A click on a row goes there, one on its cross takes it out."""

    jump_wanted = Signal(int)
    removal_wanted = Signal(int)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            is_cross = remove_rect(self.visualRect(index)).contains(event.position().toPoint())
            signal = self.removal_wanted if is_cross else self.jump_wanted
            signal.emit(index.data(FRAME_ROLE))
            if is_cross:
                return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        frame = self.currentIndex().data(FRAME_ROLE) if self.currentIndex().isValid() else None
        if frame is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.jump_wanted.emit(frame)
        elif frame is not None and event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit(frame)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        keys, override = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete), QEvent.Type.ShortcutOverride
        if isinstance(event, QKeyEvent) and event.type() == override and event.key() in keys and not event.modifiers():
            event.accept()
            return True
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._tell(event):
            return True
        return super().viewportEvent(event)

    def _tell(self, event: QHelpEvent) -> bool:
        index = self.indexAt(event.pos())
        if not index.isValid() or not remove_rect(self.visualRect(index)).contains(event.pos()):
            return False
        text = self.tr("Take this frame out of permanent memory; its masks stay")
        QToolTip.showText(event.globalPos(), text, self)
        return True


class _Gauge(QWidget):
    """A bar of how much of something is taken."""

    def __init__(self, name: str, tip: str):
        super().__init__()
        self._name = name
        self.label, self.bar = QLabel(), QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(name)
        self.setToolTip(tip)
        layout = laid_out(QVBoxLayout(self), 0, 4)
        layout.addWidget(self.label)
        layout.addWidget(self.bar)

    def show_bytes(self, used: int, total: int) -> None:
        self.label.setText(self.tr("{}: {:.1f} of {:.1f} GB").format(self._name, used / 1e9, total / 1e9))
        self.bar.setValue(round(1000 * used / total) if total else 0)


class MemoryPanel(QWidget):
    """Permanent frames above; below, what the last run held."""

    def __init__(self, session: Session, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._runs = session, runs
        self.model = MemoryModel(session, self)
        self.view = self._make_view()
        self.empty = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter, margin=8)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self.accept_button = QPushButton(icon("check-bold"), self.tr("Accept this frame"))
        self.accept_button.setToolTip(self.tr("Take the masks on the screen into permanent memory as they are (A)"))
        self.accept_button.clicked.connect(session.accept_frame)
        self.remove_button = QPushButton(self.tr("Take out"))
        self.remove_button.setToolTip(self.tr("Take this frame out of permanent memory, all of it or one object"))
        self.remove_menu = QMenu(self)
        self.remove_menu.aboutToShow.connect(lambda: self._fill_menu(self.remove_menu, self._session.navigator.frame))
        self.remove_button.setMenu(self.remove_menu)
        buttons = laid_out(QHBoxLayout(), spacing=8)
        for button in (self.accept_button, self.remove_button):
            buttons.addWidget(panel_button(button), 1 if button is self.accept_button else 0)
        inside = QWidget()
        layout = laid_out(QVBoxLayout(inside), 8, 8)
        layout.addWidget(self._stack, 1)
        layout.addLayout(buttons)
        self.more = Fold(self.tr("More"), self.tr("What else is remembered, and what it takes"), self._make_more())
        layout.addWidget(self.more)
        outer = laid_out(QVBoxLayout(self), 0)
        outer.addWidget(Scroll(inside))
        self._connect()
        self._refresh()
        self._refresh_use()

    def _make_more(self) -> QWidget:
        """Words of the trade, for those who ask."""
        self.working = QLabel()
        self.working.setToolTip(self.tr("Frames of the last propagation that later frames were drawn from"))
        self.distractors = QLabel()
        self.distractors.setToolTip(
            self.tr(
                "What looks like an object on a frame in permanent memory is followed as well, unseen, so as not to be "
                "taken for it. Advanced, in the Propagate panel, turns that off"
            )
        )
        self.ram = _Gauge(self.tr("RAM"), self.tr("Memory this program takes, of all there is"))
        self.gpu = _Gauge(self.tr("GPU memory"), self.tr("Graphics memory in use, of all there is"))
        made = QWidget()
        column = laid_out(QVBoxLayout(made), 0, 8)
        for widget in (self.working, self.distractors, self.ram, self.gpu):
            if isinstance(widget, QLabel):
                widget.setWordWrap(True)
            widget.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
            column.addWidget(widget)
        return made

    def _make_view(self) -> _View:
        view = _View()
        view.setModel(self.model)
        view.setItemDelegate(_Delegate(self._session, view))
        make_rows(view, _ROW)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setAccessibleName(self.tr("Permanent memory"))
        return view

    def _connect(self) -> None:
        session, runs = self._session, self._runs
        for signal in (session.opened, session.closed, session.states_changed, session.navigator.image_changed):
            signal.connect(self._refresh)
        session.navigator.frame_changed.connect(self._refresh)
        for signal in (runs.memory_changed, session.objects_changed):
            signal.connect(self._refresh_use)
        self.view.jump_wanted.connect(session.navigator.go_to)
        self.view.removal_wanted.connect(lambda frame: self.take_out(frame))
        self.view.customContextMenuRequested.connect(self._show_menu)

    # what it shows

    def _refresh(self) -> None:
        session = self._session
        self.empty.setText(
            self.tr("Frames you paint or accept are remembered here, and every propagation reads them.")
            if session.is_open
            else self.tr("Opening…")
        )
        self._stack.setCurrentIndex(self.model.rowCount() > 0)
        row = self.model.row(session.navigator.frame)
        self.accept_button.setEnabled(
            session.can_edit and bool(session.document.project.states[session.navigator.shown])
        )
        is_writable = session.is_writable
        self.remove_button.setEnabled(is_writable and row >= 0)
        if row >= 0:
            self.view.setCurrentIndex(self.model.index(row))
        else:
            self.view.setCurrentIndex(QModelIndex())

    def _refresh_use(self) -> None:
        memory = self._runs.memory
        for gauge in (self.ram, self.gpu):
            gauge.setVisible(memory is not None)
        self._refresh_distractors({} if memory is None else memory.distractors)
        if memory is None:
            self.working.setText(self.tr("Working memory: empty until something is propagated"))
            return
        text = self.tr("Working memory: {}. Cached features: {} frames.")
        self.working.setText(text.format(frames_in_words(memory.working), memory.cached_frames))
        self.ram.show_bytes(memory.process_bytes, memory.total_bytes)
        self.gpu.setVisible(memory.gpu_bytes is not None and memory.gpu_total_bytes is not None)
        if memory.gpu_bytes is not None and memory.gpu_total_bytes is not None:
            self.gpu.show_bytes(memory.gpu_bytes, memory.gpu_total_bytes)

    def _refresh_distractors(self, found: Mapping[int, tuple[int, ...]]) -> None:
        """Say what is followed that nobody sees; `found` as in `MemoryUse`."""
        parts = []
        for obj in self._session.objects:
            frames = tuple(frame for frame, ids in found.items() if obj.id in ids)
            if frames:
                parts.append(self.tr("{} on {}").format(obj.name, frames_in_words(frames)))
        self.distractors.setVisible(bool(parts))
        self.distractors.setText(self.tr("Look-alikes kept apart: of {}.").format(self.tr("; of ").join(parts)))

    # what it does

    def take_out(self, frame: int, id: int = 0) -> None:
        """Take a frame out of permanent memory, for all objects or (`id`) one."""
        if self._session.is_writable:
            self._session.document.set_in_memory(frame, (id,) if id else self.model.ids(frame), False)

    def _show_menu(self, point: QPoint) -> None:
        frame = self.model.frame(self.view.indexAt(point).row())
        if frame >= 0:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(icon("arrow-right"), self.tr("Go to frame {}").format(frame), self._goer(frame))
            menu.addSeparator()
            self._fill_menu(menu, frame, keep=True)
            menu.popup(self.view.viewport().mapToGlobal(point))

    def _goer(self, frame: int) -> Callable[[], None]:
        return lambda: self._session.navigator.go_to(frame)

    def _fill_menu(self, menu: QMenu, frame: int, keep: bool = False) -> None:
        """Ways to take a frame out."""
        if not keep:
            menu.clear()
        is_writable = self._session.is_writable
        ids = self.model.ids(frame)
        everything = menu.addAction(icon("close"), self.tr("Take out frame {}").format(frame))
        everything.triggered.connect(lambda _: self.take_out(frame))
        everything.setEnabled(is_writable and bool(ids))
        for obj in self._session.objects:
            if obj.id in ids and len(ids) > 1:
                action = menu.addAction(self.tr("Take out {} only").format(obj.name))
                action.setEnabled(is_writable)
                action.triggered.connect(lambda _, id=obj.id: self.take_out(frame, id))


def frames_in_words(frames: tuple[int, ...]) -> str:
    """ "12 frames (5, 10, 15 … 60)"."""
    numbers = sorted(frames)
    shown = ", ".join(map(str, numbers if len(numbers) <= 4 else numbers[:3]))
    if len(numbers) > 4:
        shown += f" … {numbers[-1]}"
    translate = QCoreApplication.translate
    text = translate("memory", "{} frame") if len(numbers) == 1 else translate("memory", "{} frames")
    return text.format(len(numbers)) + (f" ({shown})" if numbers else "")
