"""The review panel: doubtful stretches, worst first; a click goes there, a tick says that it is right."""

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.project.tracks import PREDICTED
from core.studio.review import Stretch
from pcvos_gui.app.icons import icon
from pcvos_gui.panels.suggestion import SuggestionCard
from pcvos_gui.panels.thumbnails import THUMBNAIL, Thumbnails, make_rows, paint_row
from pcvos_gui.session.reviewer import Reviewer, frames_in_words, reason_in_words
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.model_index import NO_PARENT, Index
from pcvos_gui.widgets.panel_button import panel_button
from pcvos_gui.widgets.scrolling import Scroll

STRETCH_ROLE = Qt.ItemDataRole.UserRole
_WORDS_ROLE = Qt.ItemDataRole.UserRole + 1  # frames, reason
_COLOUR_ROLE = Qt.ItemDataRole.UserRole + 2
_ROW, _DOT = 64, 10


class ReviewModel(QAbstractListModel):
    """The stretches as Qt's views see them: a row each. What a row shows is made when it is first drawn.

    Attributes:
        stretches: in the order of the rows.
    """

    def __init__(self, session: Session, reviewer: Reviewer, parent: QWidget):
        super().__init__(parent)
        self._session, self._reviewer = session, reviewer
        self.stretches: list[Stretch] = []
        self._shown: dict[Stretch, tuple[QPixmap, tuple[str, str]]] = {}
        self._thumbnails = Thumbnails(session, self)
        self._thumbnails.arrived.connect(self._on_arrived)
        reviewer.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the reviewer's stretches."""
        self.beginResetModel()
        self.stretches = list(self._reviewer.stretches)
        self._rows = {stretch: row for row, stretch in enumerate(self.stretches)}
        self._shown.clear()
        self.endResetModel()

    def index_of(self, stretch: Stretch | None) -> QModelIndex:
        """Its row; invalid where it has none."""
        row = self._rows.get(stretch) if stretch is not None else None
        return QModelIndex() if row is None else self.index(row)

    def _on_arrived(self, frame: int) -> None:
        for row, stretch in enumerate(self.stretches):
            if stretch.frame == frame and self._shown.pop(stretch, None) is not None:
                self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.stretches)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not self._session.is_open or not 0 <= index.row() < len(self.stretches):
            return None
        stretch = self.stretches[index.row()]
        if role == STRETCH_ROLE:
            return stretch
        info = next((o for o in self._session.objects if o.id == stretch.object), None)
        name = "" if info is None else info.name
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return name
            case _ if role == _WORDS_ROLE:
                return self._made(stretch)[1]
            case _ if role == _COLOUR_ROLE:
                return QColor() if info is None else QColor(*info.colour)
            case Qt.ItemDataRole.DecorationRole:
                return self._made(stretch)[0]
            case Qt.ItemDataRole.ToolTipRole:
                words = ", ".join(self._made(stretch)[1])
                return self.tr("{}: {}. Click to go to frame {}.").format(name, words, stretch.frame)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{name}: {', '.join(self._made(stretch)[1])}"
        return None

    def _made(self, stretch: Stretch) -> tuple[QPixmap, tuple[str, str]]:
        if stretch not in self._shown:
            cell = self._session.document.project.cell(stretch.frame, stretch.object)
            cells = {} if cell is None else {stretch.object: cell}
            self._shown[stretch] = self._thumbnails.picture(stretch.frame, cells), self._words(stretch)
        return self._shown[stretch]

    def _words(self, stretch: Stretch) -> tuple[str, str]:
        """The frames, and why."""
        frames = frames_in_words(stretch)
        if stretch.ticked:
            return frames, self.tr("looks right")
        return frames, reason_in_words(self._session.document.project, stretch)


class _Delegate(QStyledItemDelegate):
    """Thumbnail, colour and name of the object, frames, reason; a tick where a person has found it right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(2 * THUMBNAIL[0], _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        is_selected, colour = paint_row(painter, option, index)
        rect, high = option.rect, option.fontMetrics.height()
        text = QRect(rect.left() + THUMBNAIL[0] + 16, rect.center().y() - 3 * high // 2, 0, high)
        text.setRight(rect.right() - 8)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(option.palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(index.data(_COLOUR_ROLE))
        painter.drawEllipse(text.left(), text.center().y() - _DOT // 2, _DOT, _DOT)
        painter.restore()
        painter.setPen(colour)
        self._write(painter, option, text.adjusted(_DOT + 8, 0, 0, 0), index.data())
        if not is_selected:
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        text.translate(0, high)
        frames, reason = index.data(_WORDS_ROLE)
        self._write(painter, option, text, frames)
        text.translate(0, high)
        if index.data(STRETCH_ROLE).ticked:
            mode = QIcon.Mode.Selected if is_selected else QIcon.Mode.Normal
            icon("check-bold").paint(painter, text.left() - 3, text.top(), 16, high, mode=mode)
            text.setLeft(text.left() + _DOT + 8)
        self._write(painter, option, text, reason)

    def _write(self, painter: QPainter, option: QStyleOptionViewItem, where: QRect, text: str) -> None:
        cut = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, where.width())
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter, cut)


class _View(QListView):
    """Enter goes to the row again; the keys of a list do the rest."""

    def sizeHint(self) -> QSize:
        """One row: it takes the room that there is, and what it lies in need not scroll for more."""
        return QSize(super().sizeHint().width(), _ROW)

    def event(self, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
            return super().event(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            event.accept()
            return True
        return super().event(event)


class ReviewPanel(QWidget):
    """The list of stretches, and what is done with the chosen one: always the one that one stands on (`Reviewer.here`),
    so that the button means what F7 means, and going through the list goes through the footage.

    Attributes:
        empty: what is said in place of the list, where there is none.
    """

    def __init__(self, session: Session, reviewer: Reviewer, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._reviewer = session, reviewer
        self.model = ReviewModel(session, reviewer, self)
        self.view = self._make_view()
        self.next_card = SuggestionCard(session, reviewer, self)
        self.empty = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter, margin=8)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self.tick_button = QPushButton(icon("check-bold"), "")
        tip = self.tr("Tick off the highlighted row, until it is propagated again (F7: and go to the next)")
        self.tick_button.setToolTip(tip)
        self.tick_button.clicked.connect(self._tick)
        self.next_button = QPushButton(icon("skip-next"), self.tr("Next"))
        self.next_button.setToolTip(self.tr("To the next frame that deserves a look (F8)"))
        self.next_button.clicked.connect(lambda: reviewer.go_to_next(1))
        buttons = laid_out(QHBoxLayout(), (8, 0, 8, 8), 8)
        for button in (self.tick_button, self.next_button):
            buttons.addWidget(panel_button(button), 1)
        inside = QWidget()
        layout = laid_out(QVBoxLayout(inside), 8, 8)
        layout.addWidget(self.next_card)
        layout.addWidget(self._stack, 1)
        outer = laid_out(QVBoxLayout(self), 0, 0)
        outer.addWidget(Scroll(inside), 1)
        outer.addLayout(buttons)  # in sight also where there is room for one row only
        self.view.clicked.connect(self._go)
        self.view.activated.connect(self._go)
        self.view.selectionModel().currentChanged.connect(self._follow)
        self.model.modelReset.connect(self._show)
        session.navigator.frame_changed.connect(self._show)
        session.active_changed.connect(self._show)
        session.states_changed.connect(self._tell_why_empty)
        self._show()

    def _make_view(self) -> _View:
        view = _View()
        view.setModel(self.model)
        view.setItemDelegate(_Delegate(view))
        make_rows(view, _ROW)
        view.setAccessibleName(self.tr("What deserves a look"))
        return view

    def sizeHint(self) -> QSize:
        """With two rows of the list and a bit."""
        return super().sizeHint() + QSize(0, 3 * _ROW // 2)

    def _show(self) -> None:
        """The list, or why it is empty; the stretch that one stands on is chosen."""
        self._tell_why_empty()
        self._stack.setCurrentIndex(self.model.rowCount() > 0)
        self.view.setCurrentIndex(self.model.index_of(self._reviewer.here))
        self._show_buttons()

    def _tell_why_empty(self) -> None:
        text = self.tr("After a propagation, frames that deserve a look are listed here, worst first.")
        if self._session.is_open and (self._session.document.project.states & PREDICTED).any():
            text = self.tr(
                "No frame is in doubt. The network can be sure and wrong: step through once, and fix what is wrong."
            )
        self.empty.setText(text)

    def _show_buttons(self) -> None:
        stretch = self._reviewer.here
        self.tick_button.setEnabled(self._session.is_writable and stretch is not None and not stretch.is_unprocessed)
        is_ticked = stretch is not None and stretch.ticked
        self.tick_button.setText(self.tr("Open again") if is_ticked else self.tr("Looks right"))
        self.next_button.setEnabled(bool(self._reviewer.waiting))

    def _go(self, index: QModelIndex) -> None:
        stretch = index.data(STRETCH_ROLE)
        if stretch is not None:
            self._reviewer.show(stretch)
            self._show()  # where the way was barred, the list stays too

    def _follow(self, index: QModelIndex) -> None:
        """Go where the keys of the list lead; the row of the stretch that one stands on leads nowhere."""
        if index != self.model.index_of(self._reviewer.here):
            self._go(index)

    def _tick(self) -> None:
        stretch = self._reviewer.here
        if stretch is not None:
            self._reviewer.tick(stretch, not stretch.ticked)
