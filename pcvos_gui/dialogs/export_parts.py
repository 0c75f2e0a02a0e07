"""The parts of the export dialog: formats, the picture, frames, objects, presets."""

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QRadioButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.exchange.registry import EXPORTERS
from core.project.model import ObjectInfo
from pcvos_gui.dialogs.export_presets import ExportPresets, Preset
from pcvos_gui.dialogs.picture_view import PictureView
from pcvos_gui.widgets.layouts import laid_out

_NAME = Qt.ItemDataRole.UserRole
_PICTURE_WIDTH, _PICTURE_HEIGHT = 300, 170  # at least
_CHIP = 12
_ROW = 20  # pixels of height


class FormatList(QListWidget):
    """All formats under their headings, each with a sentence as its tip.

    Signals:
        changed(): another one is chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setAccessibleName(self.tr("Format"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        headings = {
            "masks": self.tr("Masks"),
            "data sets": self.tr("Data sets"),
            "mattes": self.tr("Mattes"),
            "video": self.tr("Video"),
        }
        bold = self.font()
        bold.setBold(True)
        for group, heading in headings.items():
            item = QListWidgetItem(heading, self)
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            item.setFont(bold)
            for exporter in EXPORTERS:
                if exporter.group == group:
                    item = QListWidgetItem(exporter.label, self)
                    item.setData(_NAME, exporter.name)
                    item.setToolTip(f"{exporter.label}\n{exporter.writes}")
        for row in range(self.count()):
            self.item(row).setSizeHint(QSize(0, max(_ROW, self.fontMetrics().lineSpacing())))
        self.currentItemChanged.connect(self._on_current)

    def _on_current(self, current: QListWidgetItem | None) -> None:
        if current is not None:
            self.changed.emit()

    @property
    def chosen(self) -> str:
        """Name of the format."""
        return self.currentItem().data(_NAME)

    def choose(self, name: str) -> None:
        items = [self.item(row) for row in range(self.count())]
        self.setCurrentItem(next(item for item in items if item.data(_NAME) == name))


class PictureBox(QWidget):
    """A frame as it will be, which frame that is, and how large it is shown.

    Signals:
        frame_changed(int): another frame is to be shown.
    """

    frame_changed = Signal(int)

    def __init__(self, frame: int, count: int, parent: QWidget | None = None):
        super().__init__(parent)
        self.view = PictureView()
        self.view.setMinimumSize(_PICTURE_WIDTH, _PICTURE_HEIGHT)
        self.view.setAccessibleName(self.tr("Preview"))
        self.view.setToolTip(self.tr("What a frame will look like; turn the wheel to zoom, drag to move"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, count - 1)
        self.slider.setPageStep(10)
        self.slider.setValue(frame)
        self.slider.setAccessibleName(self.tr("Frame of the preview"))
        self.slider.setToolTip(self.tr("Look at another frame"))
        self._number = QLabel()
        self._number.setMinimumWidth(self._number.fontMetrics().horizontalAdvance(self._words(count - 1)))
        self.fit, self.actual = QToolButton(), QToolButton()
        self.fit.setText(self.tr("Fit"))
        self.fit.setToolTip(self.tr("The whole frame"))
        self.actual.setText(self.tr("100 %"))
        self.actual.setToolTip(self.tr("One pixel of the frame is one of the screen"))
        row = laid_out(QHBoxLayout(), spacing=8)
        for widget in (self._number, self.slider, self.fit, self.actual):
            row.addWidget(widget, int(widget is self.slider))
        layout = laid_out(QVBoxLayout(self), 0, 8)
        layout.addWidget(self.view, 1)
        layout.addLayout(row)
        for button in (self.fit, self.actual):
            button.setCheckable(True)
        self.fit.clicked.connect(self.view.fit)
        self.actual.clicked.connect(lambda: self.view.set_zoom(1.0))
        self.view.zoomed.connect(self._show_zoom)
        self.slider.valueChanged.connect(self._on_slid)
        self._show_zoom()
        self._number.setText(self._words(frame))

    @property
    def frame(self) -> int:
        return self.slider.value()

    def show_picture(self, picture: np.ndarray) -> None:
        """Show a picture; see `PictureView.show_picture`."""
        self.view.show_picture(picture)
        self._show_zoom()

    def expect(self) -> None:
        """The picture that is shown is of something else."""
        self.view.show_text(self.tr("Making the preview…"))

    def _words(self, frame: int) -> str:
        return self.tr("Frame {}").format(frame)

    def _on_slid(self, frame: int) -> None:
        self._number.setText(self._words(frame))
        self.frame_changed.emit(frame)

    def _show_zoom(self) -> None:
        self.fit.setChecked(self.view.fits)
        self.actual.setChecked(not self.view.fits and abs(self.view.zoom - 1) < 1e-6)


class RangeChoice(QWidget):
    """All frames, or those between in and out; not to be seen where these are the same.

    Attributes:
        everything, part: the buttons for these.
    """

    changed = Signal()

    def __init__(self, part: tuple[int, int], count: int, parent: QWidget | None = None):
        super().__init__(parent)
        self._whole, self._part = (0, count - 1), part
        everything = self.everything = QRadioButton(self.tr("All {} frames").format(count))
        self.part = QRadioButton(self.tr("In to out: {} to {}").format(*part))
        group, layout = QButtonGroup(self), laid_out(QVBoxLayout(self), 0, 4)
        for button in (everything, self.part):
            group.addButton(button)
            layout.addWidget(button)
        is_part = self._part != self._whole
        (self.part if is_part else everything).setChecked(True)
        self.setVisible(is_part)
        self.part.toggled.connect(self.changed)

    @property
    def range(self) -> tuple[int, int]:
        """First and last frame, inclusive."""
        return self._part if self.part.isChecked() else self._whole


class ObjectChoice(QWidget):
    """All objects, or some.

    Attributes:
        all: checked: all of them. list: one row each, with its colour.
    """

    changed = Signal()

    def __init__(self, objects: tuple[ObjectInfo, ...], parent: QWidget | None = None):
        super().__init__(parent)
        self._objects = objects
        text = self.tr("1 object") if len(objects) == 1 else self.tr("All {} objects").format(len(objects))
        self.all = QCheckBox(text)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Objects to export"))
        self.list.setMinimumHeight(56)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for info in objects:
            item = QListWidgetItem(_chip(info), _words(info), self.list)
            item.setToolTip(_words(info))
            item.setData(_NAME, info.id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked)
        layout = laid_out(QVBoxLayout(self), 0, 4)
        layout.addWidget(self.all)
        layout.addWidget(self.list, 1)
        self.all.clicked.connect(self._check_all)
        self.list.itemChanged.connect(self._on_changed)
        self._show_state()

    def show_unknown(self, counts: Mapping[int, int]) -> None:
        """On how many frames an object was never processed, by id: those that are not among these are as they were."""
        with QSignalBlocker(self.list):
            for item, info in zip(self._items(), self._objects, strict=True):
                count, text = counts.get(info.id, 0), _words(info)
                if count:
                    text = self.tr("{}: {} unknown").format(text, count)
                item.setText(text)
                item.setToolTip(text)
        self.list.viewport().update()

    @property
    def chosen(self) -> tuple[int, ...] | None:
        """Ids; None: all."""
        checked = tuple(item.data(_NAME) for item in self._items() if item.checkState() == Qt.CheckState.Checked)
        return None if len(checked) == self.list.count() else checked

    @property
    def is_some(self) -> bool:
        """Whether there is any."""
        return self.chosen != ()

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _check_all(self) -> None:
        state = Qt.CheckState.Unchecked if self.chosen is None else Qt.CheckState.Checked
        with QSignalBlocker(self.list):
            for item in self._items():
                item.setCheckState(state)
        self.list.viewport().update()
        self._on_changed()

    def _on_changed(self) -> None:
        self._show_state()
        self.changed.emit()

    def _show_state(self) -> None:
        chosen = self.chosen
        some = Qt.CheckState.PartiallyChecked if chosen else Qt.CheckState.Unchecked
        self.all.setCheckState(Qt.CheckState.Checked if chosen is None else some)


class PresetBar(QWidget):
    """Choose a preset, keep what is chosen as one, delete one.

    Signals:
        chosen(Preset).
    """

    chosen = Signal(object)

    def __init__(self, presets: ExportPresets, current: Callable[[], Preset], parent: QWidget | None = None):
        super().__init__(parent)
        self._presets, self._current = presets, current
        self.names = QComboBox()
        self.names.setAccessibleName(self.tr("Presets"))
        self.names.setToolTip(self.tr("A format and its options that you saved under a name"))
        self.names.setPlaceholderText(self.tr("Presets"))
        self.names.setMinimumContentsLength(14)
        self.names.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.save, self.delete = QPushButton(self.tr("Save preset…")), QPushButton(self.tr("Delete preset"))
        layout = laid_out(QHBoxLayout(self), 0, 8)
        layout.addWidget(self.names)
        for button in (self.save, self.delete):
            button.setAutoDefault(False)
            layout.addWidget(button)
        self.names.activated.connect(self._on_activated)
        self.names.currentIndexChanged.connect(lambda index: self.delete.setEnabled(index >= 0))
        self.save.clicked.connect(self._save)
        self.delete.clicked.connect(self._delete)
        self._list()

    @property
    def is_chosen(self) -> bool:
        """Whether what is chosen is a preset."""
        return self.names.currentIndex() >= 0

    def show_none(self) -> None:
        """Show that the choices are no preset."""
        self.names.setCurrentIndex(-1)

    def _list(self, current: str | None = None) -> None:
        self.names.clear()
        self.names.addItems(self._presets.names)
        self.names.setCurrentIndex(-1 if current is None else self.names.findText(current))
        self.names.setEnabled(self.names.count() > 0)
        self.delete.setEnabled(self.names.currentIndex() >= 0)

    def _on_activated(self) -> None:
        name = self.names.currentText()
        preset = self._presets.get(name)
        if preset is not None:
            self.chosen.emit(preset)
            self.names.setCurrentIndex(self.names.findText(name))

    def _save(self) -> None:
        text = self.tr("Name of the preset; one of the same name is replaced:")
        name, is_agreed = QInputDialog.getText(self, self.tr("Save preset"), text, text=self.names.currentText())
        if is_agreed and name.strip():
            self._presets.save(name.strip(), self._current())
            self._list(name.strip())

    def _delete(self) -> None:
        self._presets.delete(self.names.currentText())
        self._list()


def _words(info: ObjectInfo) -> str:
    """The list's name of an object."""
    return f"{info.id}  {info.name} ({info.class_name})" if info.class_name else f"{info.id}  {info.name}"


def _chip(info: ObjectInfo) -> QIcon:
    """An object's colour."""
    pixmap = QPixmap(_CHIP, _CHIP)
    pixmap.fill(QColor(*info.colour))
    return QIcon(pixmap)
