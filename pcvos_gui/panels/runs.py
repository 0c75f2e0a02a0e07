"""The runs of the project: what each changed, two of them side by side, and taking masks back from any."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from core.studio.comparison import Difference
from core.studio.run_records import RunRecord
from pcvos_gui.app.icons import icon
from pcvos_gui.session.session import Session
from pcvos_gui.session.side_by_side import PRESENT, SideBySide, folder_of_references
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.panel_button import panel_button
from pcvos_gui.widgets.scrolling import Scroll, WheelGuard

_MOST_ROWS, _DOT = 500, 12


class _Differences(QListWidget):
    """Takes the room that there is, and asks for little."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.minimumHeight())


class RunsPanel(QWidget):
    """Chooses two sides, lists where they differ, and takes the other one's masks.

    Attributes:
        one, other: what is compared. list: stretches that differ, those that differ most first.
        flip_button, take_button: what they say. more: the menu for the rest.
    """

    def __init__(self, session: Session, sides: SideBySide, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._sides = session, sides
        self._differences: list[Difference] = []
        self.one, self.other = self._combo(self.tr("Side that is compared")), self._combo(self.tr("Other side"))
        self.summary = QLabel(wordWrap=True)
        self.list = _Differences()
        self.list.setAccessibleName(self.tr("Where they differ"))
        self.list.setMinimumHeight(48)
        self.list.setUniformItemSizes(True)
        inside = QWidget()
        column = laid_out(QVBoxLayout(inside), 8, 8)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for text, combo in ((self.tr("Compare"), self.one), (self.tr("with"), self.other)):
            label = QLabel(text)
            label.setMinimumHeight(combo.minimumHeight())  # in the middle beside it
            form.addRow(label, combo)
        column.addLayout(form)
        column.addWidget(self.summary)
        column.addWidget(self.list, 1)
        outer = laid_out(QVBoxLayout(self), 0, 0)
        outer.addWidget(Scroll(inside), 1)
        outer.addLayout(self._make_buttons())  # in sight also where the rest is scrolled
        WheelGuard(self)
        self.one.activated.connect(self._choose)
        self.other.activated.connect(self._choose)
        self.list.itemClicked.connect(self._go)
        self.list.itemActivated.connect(self._go)
        self.list.currentRowChanged.connect(lambda _: self._show_buttons())
        sides.changed.connect(self.refresh)
        sides.seen_changed.connect(self._show_buttons)
        session.objects_changed.connect(self.refresh)
        self.refresh()

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setMinimumHeight(32)
        combo.setAccessibleName(name)
        combo.setToolTip(name)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(12)
        combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return combo

    def _make_buttons(self) -> QHBoxLayout:
        self.flip_button = QPushButton(icon("compare-horizontal"), self.tr("Flip"))
        self.flip_button.setToolTip(self.tr("Show the other masks, the difference, and what is there, in turn (D)"))
        self.flip_button.clicked.connect(self._sides.flip)
        self.take_button = QPushButton(icon("undo"), "")
        self.take_button.clicked.connect(self._take_chosen)
        self.more_button = QPushButton(self.tr("More"))
        self.more = QMenu(self)
        self.more.aboutToShow.connect(self._fill_menu)
        self.more_button.setMenu(self.more)
        row = laid_out(QHBoxLayout(), (8, 0, 8, 8), 8)
        for button, share in ((self.flip_button, 1), (self.take_button, 2), (self.more_button, 1)):
            row.addWidget(panel_button(button), share)
        return row

    # what they show

    def refresh(self) -> None:
        """Show runs, what is chosen of them, and what came of it."""
        sides = self._sides
        for combo, chosen, first in ((self.one, sides.one, None), (self.other, sides.other, self.tr("Nothing"))):
            combo.clear()
            if first is not None:
                combo.addItem(first, None)
            for choice in sides.choices:
                combo.addItem(sides.name(choice), choice)
            places = [i for i in range(combo.count()) if combo.itemData(i) == chosen]
            combo.setCurrentIndex(places[0] if places else 0)
            combo.setEnabled(self._session.is_open)
        text = sides.summary()
        if not text:
            text = (
                self.tr("Choose a propagation to see what it changed (D flips to it), or open a reference under More.")
                if sides.records
                else self.tr(
                    "Each propagation is kept here, with its settings and masks: to compare, and to take back."
                )
            )
        self.summary.setText(text)
        self._fill_list()

    def _fill_list(self) -> None:
        found = self._sides.comparison.differences[:_MOST_ROWS] if self._sides.comparison is not None else []
        if found != self._differences or self.list.count() != len(found):
            row = self.list.currentRow()
            self._differences = found
            self.list.clear()
            for one in found:
                self.list.addItem(self._item(one))
            self.list.setCurrentRow(min(max(row, 0), len(found) - 1))
        self._show_buttons()

    def _item(self, one: Difference) -> QListWidgetItem:
        info = self._session.object(one.object)
        name = info.name if info else str(one.object)
        frames = (
            self.tr("frame {}").format(one.first)
            if one.first == one.last
            else self.tr("frames {} to {}").format(one.first, one.last)
        )
        text = self.tr("{} \N{MIDDLE DOT} {} \N{MIDDLE DOT} least agreement {:.2f}").format(name, frames, one.agreement)
        return QListWidgetItem(_dot(QColor(*info.colour) if info else QColor()), text)

    def _show_buttons(self) -> None:
        sides = self._sides
        self.flip_button.setEnabled(self._session.is_open and len(sides.choices) > 1)
        takes = sides.other is not None and sides.other != PRESENT and self._session.is_writable
        self.take_button.setEnabled(takes and self._chosen is not None)
        is_before = sides.other is not None and sides.other.before
        self.take_button.setText(self.tr("Leave as it was") if is_before else self.tr("Take these"))
        self.take_button.setToolTip(
            self.tr(
                "Of this object, on these frames: the masks of the other side become those of the project; undo "
                "takes that back"
            )
        )
        self.more_button.setEnabled(self._session.is_open)

    @property
    def _chosen(self) -> Difference | None:
        row = self.list.currentRow()
        return self._differences[row] if 0 <= row < len(self._differences) else None

    def _fill_menu(self) -> None:
        sides, menu, chosen = self._sides, self.more, self._chosen
        menu.clear()
        last = self._session.navigator.frame_count - 1
        takes = sides.other is not None and sides.other != PRESENT and self._session.is_writable
        info = None if chosen is None else self._session.object(chosen.object)
        name = self.tr("the object") if info is None else info.name
        action = menu.addAction(self.tr("Take all masks of {}").format(name), lambda: self._take(0, last, chosen))
        action.setEnabled(takes and chosen is not None)
        action = menu.addAction(self.tr("Take all masks of all objects"), lambda: sides.take(0, last, None))
        action.setEnabled(takes)
        menu.addSeparator()
        record = sides.record
        pinned = record is not None and record.info.pinned
        action = menu.addAction(
            self.tr("Unpin this propagation") if pinned else self.tr("Pin this propagation: keep its masks"),
            lambda: self._with_run(sides.pin),
        )
        action.setEnabled(record is not None and self._session.is_writable)
        action = menu.addAction(self.tr("Use its settings"), lambda: self._with_run(sides.use_settings))
        action.setEnabled(record is not None)
        menu.addSeparator()
        menu.addAction(icon("folder-open-outline"), self.tr("Open a reference\N{HORIZONTAL ELLIPSIS}"), self._ask)
        action = menu.addAction(self.tr("Forget the reference"), sides.forget_reference)
        action.setEnabled(sides.folder is not None)

    # what they do

    def _choose(self) -> None:
        self._sides.choose(self.one.currentData(), self.other.currentData())

    def _go(self, item: QListWidgetItem) -> None:
        one = self._differences[self.list.row(item)]
        self._session.set_active(one.object)
        self._session.navigator.go_to(one.frame)

    def _take_chosen(self) -> None:
        if self._chosen is not None:
            self._take(self._chosen.first, self._chosen.last, self._chosen)

    def _take(self, first: int, last: int, of: Difference | None) -> None:
        if of is not None:
            self._sides.take(first, last, (of.object,))

    def _with_run(self, does: Callable[[RunRecord], None]) -> None:
        if self._sides.record is not None:
            does(self._sides.record)

    def _ask(self) -> None:
        title = self.tr("Open a folder of masks, PNGs named like the frames")
        path = QFileDialog.getExistingDirectory(self, title, str(folder_of_references(self._session)))
        if path:
            self._sides.open_reference(Path(path))


def _dot(colour: QColor) -> QIcon:
    pixmap = QPixmap(_DOT, _DOT)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(colour)
    painter.drawEllipse(1, 1, _DOT - 2, _DOT - 2)
    painter.end()
    return QIcon(pixmap)
