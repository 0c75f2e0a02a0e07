"""The export dialog: one for all formats, which shows a frame of it and says what it will take
and replace before it does."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.exchange.export_run import size_in_words
from core.exchange.exporter import Exporter
from core.exchange.options import Value
from core.exchange.registry import exporter
from core.exchange.unprocessed import STOP, UNPROCESSED
from core.studio.exports import Export, Stored
from pcvos_gui.app.icons import icon
from pcvos_gui.dialogs.export_parts import FormatList, ObjectChoice, PictureBox, PresetBar, RangeChoice
from pcvos_gui.dialogs.export_presets import ExportPresets, Preset
from pcvos_gui.dialogs.option_form import OptionForm, order_tabs
from pcvos_gui.session.edges import Edges
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.workers.export_look import Checked, Estimated, ExportLook, Pictured

_SIZE = QSize(1000, 660)
_FORMATS_WIDTH, _CHOICES_WIDTH = 216, 236
_MARGIN = 16
_PAUSE = 200  # ms of rest before something is found out anew
_MARK, _WARNING = 16, "#d9822b"
_NAMED = 2  # files to be replaced that are named
_SHORT_NAMES = {"png": "masks"}  # in suggested targets; else the format's


class ExportDialog(QDialog):
    """Choose an export; once accepted, `wanted` is it. Targets are remembered in the project, for each format.

    Edges of mattes begin as they are seen on the canvas, and what is chosen here instead is seen there once it is
    exported. Only a preset has edges of its own.

    Attributes:
        formats, target, frames, objects, options, presets, picture: the parts a person works with.
        estimate: what it will take. trouble: why it cannot be, or what it will replace. note: what else is to be known.
        accept_button: enabled as soon as it is known that the export can be.
    """

    def __init__(
        self,
        session: Session,
        edges: Edges,
        part: tuple[int, int],
        format: str | None = None,
        parent: QWidget | None = None,
    ):
        super().__init__(parent)
        self._session, self._edges, self._store = session, edges, ExportPresets()
        self._checked: Checked | None = None  # these three: of the newest wish that is known of
        self._pictured: Pictured | None = None
        self._estimated: Estimated | None = None
        self.setWindowTitle(self.tr("Export"))
        self._make_parts(part)
        self._lay_out()
        self.look = ExportLook(Stored.of(session.document.project, session.document.media), self)
        self.look.checked.connect(self._on_checked)
        self.look.pictured.connect(self._on_pictured)
        self.look.estimated.connect(self._on_estimated)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._ask)
        self._connect()
        session.closing.connect(self.reject)
        self.formats.choose(format or self._store.last_format or "png")
        self.formats.setFocus(Qt.FocusReason.OtherFocusReason)

    # what is chosen

    @property
    def exporter(self) -> Exporter:
        return exporter(self.formats.chosen)

    @property
    def wanted(self) -> Export:
        """The export that is chosen."""
        return replace(self._wish(), overwrite=bool(self.check and self.check.replaced))

    def _wish(self) -> Export:
        """Without leave to replace anything."""
        first, last = self.frames.range
        return Export(self.formats.chosen, self._target(), first, last, self.objects.chosen, self.options.values)

    def _target(self) -> Path:
        path, exporter = Path(self.target.text().strip()).expanduser(), self.exporter
        if exporter.target == "file" and path.name and path.suffix.lower() not in exporter.suffixes:
            path = path.with_name(path.name + exporter.suffixes[0])
        return path

    def accept(self) -> None:
        targets = self._session.document.project.view.targets
        self._session.remember(targets={**targets, self.formats.chosen: str(self._target())})
        self._store.remember(Preset(self.formats.chosen, self.options.values))
        if not self.presets.is_chosen:
            self._edges.set_values({name: self.options.values[name] for name in self._own_edges()})
        super().accept()

    def done(self, result: int) -> None:
        self._pause.stop()
        self.look.leave()
        super().done(result)

    # parts

    def _make_parts(self, part: tuple[int, int]) -> None:
        session = self._session
        self.formats = FormatList()
        self.picture = PictureBox(max(session.navigator.frame, 0), session.navigator.frame_count)
        self.picture.view.set_sample_aspect_ratio(float(session.document.media.sample_aspect_ratio))
        self.frames = RangeChoice(part, session.navigator.frame_count)
        self.objects = ObjectChoice(session.objects)
        self.options = OptionForm()
        self.presets = PresetBar(self._store, lambda: Preset(self.formats.chosen, self.options.values))
        self.writes = _wrapped()
        self.target = QLineEdit()
        self.target_label = QLabel()
        self.target_label.setBuddy(self.target)
        self.browse = QPushButton(self.tr("Browse…"))
        self.estimate, self.note, self.trouble, self._mark = QLabel(), _wrapped(), _wrapped(), QLabel()
        self._mark.setPixmap(icon("alert-outline", _WARNING).pixmap(_MARK))
        self.estimate.setAccessibleName(self.tr("Size"))
        self.note.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        for button in (self.browse, self.buttons.button(QDialogButtonBox.StandardButton.Cancel)):
            button.setAutoDefault(False)
        self.accept_button.setDefault(True)

    def _lay_out(self) -> None:
        self.formats.setFixedWidth(_FORMATS_WIDTH)
        choices = QWidget()
        column = laid_out(QVBoxLayout(choices), (0, 0, 4, 0), 8)
        column.addWidget(self.options)
        column.addWidget(self.frames)
        column.addWidget(self.objects, 1)
        scroll = QScrollArea()
        scroll.setWidget(choices)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedWidth(_CHOICES_WIDTH)
        upper = laid_out(QHBoxLayout(), spacing=12)
        for widget, stretch in ((self.formats, 0), (self.picture, 1), (scroll, 0)):
            upper.addWidget(widget, stretch)
        where = laid_out(QGridLayout(), spacing=8)
        where.addWidget(self.target_label, 0, 0)
        where.addWidget(self.target, 0, 1)
        where.addWidget(self.browse, 0, 2)
        where.setColumnStretch(1, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.presets)
        foot.addStretch(1)
        foot.addWidget(self.buttons)
        layout = laid_out(QVBoxLayout(self), _MARGIN, 8)
        layout.addLayout(upper, 1)
        layout.addWidget(self.writes)
        layout.addLayout(where)
        layout.addWidget(self.estimate)
        warning = laid_out(QHBoxLayout(), spacing=8)
        warning.addWidget(self._mark)
        warning.addWidget(self.trouble, 1)
        layout.addLayout(warning)
        layout.addWidget(self.note)
        layout.addSpacing(4)
        layout.addLayout(foot)
        self.resize(_SIZE.boundedTo((self.parentWidget() or self).screen().availableSize() - QSize(16, 48)))

    def _connect(self) -> None:
        self.formats.changed.connect(self._show_format)
        self.target.textChanged.connect(self._refresh)
        self.browse.clicked.connect(self._browse)
        for part in (self.frames, self.objects, self.options):
            part.changed.connect(self._refresh)
        self.options.changed.connect(self.presets.show_none)
        self.picture.frame_changed.connect(self._pause.start)
        self.presets.chosen.connect(self._show_preset)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    # what is shown when

    def _show_preset(self, preset: Preset) -> None:
        if preset.format != self.formats.chosen:
            self.formats.choose(preset.format)
        self._show_options(preset.options)
        self._refresh()

    def _show_options(self, values: Mapping[str, Value]) -> None:
        self.options.show_options(self.exporter.options, values)
        self._show_unprocessed()
        self._order_tabs()

    def _show_unprocessed(self) -> None:
        """Frames that were never processed are asked about where there are any, or it was said."""
        is_said = self.options.values[UNPROCESSED.name] != STOP
        has_some = bool(self.check and self.check.unprocessed)
        self.options.set_shown(UNPROCESSED.name, is_said or has_some)
        if self.check is not None:
            self.objects.show_unknown(self.check.unknown)

    def _show_format(self) -> None:
        exporter = self.exporter
        self.writes.setText(exporter.writes)
        self.presets.show_none()
        name = UNPROCESSED.name  # is asked for each export anew, however the last one was, but only once
        asked_anew = {name: self.options.values.get(name, STOP)}
        self._show_options({**self._store.last_options(exporter.name), **self._own_edges(), **asked_anew})
        name = self.tr("File") if exporter.target == "file" else self.tr("Folder")
        self.target_label.setText(name)
        self.target.setAccessibleName(name)
        self.target.setToolTip("" if exporter.target == "file" else self.tr("A folder that is not there yet is made"))
        target = self._session.document.project.view.targets.get(exporter.name)
        self.target.setText(target or str(self._suggested(exporter)))
        self.picture.expect()
        self._refresh()

    def _own_edges(self) -> dict[str, Value]:
        """The project's edges, as far as the format has options for them."""
        options = {option.name for option in self.exporter.options}
        return {name: value for name, value in self._edges.values.items() if name in options}

    def _order_tabs(self) -> None:
        picture, presets = self.picture, self.presets
        order_tabs(
            [
                *(self.formats, picture.view, picture.slider, picture.fit, picture.actual),
                *self.options.fields.values(),
                *(self.frames.everything, self.frames.part, self.objects.all, self.objects.list),
                *(self.target, self.browse, presets.names, presets.save, presets.delete),
                *(self.accept_button, self.buttons.button(QDialogButtonBox.StandardButton.Cancel)),
            ]
        )

    def _suggested(self, known: Exporter) -> Path:
        """Beside the footage; at home where that cannot be written, or the project does not lie there either."""
        footage, project = self._session.document.media.path, self._session.document.project.path
        is_there = footage.parent == project.parent and os.access(footage.parent, os.W_OK | os.X_OK)
        folder = footage.parent if is_there else Path.home()
        name = footage.name if footage.is_dir() else footage.stem
        suffix = known.suffixes[0] if known.target == "file" else ""
        return folder / f"{name} {_SHORT_NAMES.get(known.name, known.name)}{suffix}"

    def _browse(self) -> None:
        start, exporter = self._target(), self.exporter
        if exporter.target == "file":
            filters = f"{exporter.label} ({' '.join(f'*{suffix}' for suffix in exporter.suffixes)})"
            options = QFileDialog.Option.DontConfirmOverwrite  # this dialog says so
            path, _ = QFileDialog.getSaveFileName(self, self.windowTitle(), str(start), filters, options=options)
        else:
            path = QFileDialog.getExistingDirectory(self, self.windowTitle(), str(_existing(start)))
        if path:
            self.target.setText(path)

    def _refresh(self) -> None:
        """Something else is chosen: what is wrong at a glance is said at once, the rest is found out."""
        self._pause.start()
        self._say()
        self._show_picture()

    def _ask(self) -> None:
        """Find out about what is chosen; where the target will not do, about the rest."""
        wish = self._wish()
        if self._trouble():
            wish = replace(wish, target=self._suggested(self.exporter))
        if self.objects.is_some:
            self.look.ask(wish, self.picture.frame)

    def _trouble(self) -> str:
        """The fault of the choices, as far as it can be seen without looking into files; "": nothing."""
        if not self.objects.is_some:
            return self.tr("No object is chosen: check at least one.")
        if not self.target.text().strip():
            return self.tr("Say where it is to go.")
        target = self._target()
        above = _existing(target)
        if not target.is_absolute():
            return self.tr("Give the whole path, beginning with {}.").format(Path.home().anchor)
        if not above.is_dir() and above != target:
            return self.tr("{} is a file: nothing can be put into it.").format(above)
        if not os.access(above, os.W_OK):
            return self.tr("{} cannot be written: choose another place.").format(above)
        return ""

    def _on_checked(self, checked: Checked) -> None:
        self._checked = checked
        self._say()

    def _on_pictured(self, pictured: Pictured) -> None:
        self._pictured = pictured
        self._show_picture()

    def _on_estimated(self, estimated: Estimated) -> None:
        self._estimated = estimated
        self._say()

    def _show_picture(self) -> None:
        """If it is of what is chosen now; else another one is on its way."""
        pictured = self._pictured
        if pictured is None or (pictured.wish.look, pictured.frame) != (self._wish().look, self.picture.frame):
            return
        if pictured.picture is None:
            self.picture.view.show_text(pictured.trouble)
        else:
            self.picture.show_picture(pictured.picture)

    @property
    def check(self) -> Checked | None:
        """The findings on the present choices; None: not yet."""
        return self._checked if self._checked is not None and self._checked.wish == self._wish() else None

    @property
    def needed(self) -> int | None:
        """Bytes that it will about take, if that is known."""
        estimated = self._estimated
        return estimated.size if estimated is not None and estimated.wish.content == self._wish().content else None

    def _too_large(self, checked: Checked) -> str:
        if self.needed is None or checked.free is None or self.needed <= checked.free:
            return ""
        text = self.tr("It will take about {}, but only {} are free there: free some space, or choose another place.")
        return text.format(size_in_words(self.needed), size_in_words(checked.free))

    def _say(self) -> None:
        checked, size, trouble = self.check, self.needed, self._trouble()
        if checked is not None:
            self._show_unprocessed()
            asked = self._question(checked) if checked.asks else ""
            trouble = trouble or checked.trouble or asked or self._too_large(checked)
        there = checked.replaced if checked is not None else ()
        self.trouble.setText(trouble or self._about_replaced(there))
        for widget in (self.trouble, self._mark):
            widget.setVisible(bool(self.trouble.text()))
        self.accept_button.setEnabled(checked is not None and not trouble)
        self.accept_button.setText(self.tr("Replace and export") if there else self.tr("Export"))
        parts = [self.tr("About {}").format(size_in_words(size)) if size is not None else self.tr("Estimating…")]
        if not self.objects.is_some:
            parts.clear()
        if checked is not None and checked.free is not None:
            parts.append(self.tr("{} are free there").format(size_in_words(checked.free)))
        self.estimate.setText(" · ".join(parts))
        notes = [] if checked is None else list(checked.notes)
        if checked is not None and checked.unprocessed and not checked.asks:
            notes.insert(0, checked.unprocessed)
        if checked is not None and self.exporter.target == "folder" and not self._target().exists():
            notes.insert(0, self.tr("The folder is not there yet, and will be made."))
        self.note.setText(" ".join(notes))

    def _question(self, checked: Checked) -> str:
        text = self.tr("{} Choose at “{}” what is to be written there, or propagate first.")
        return text.format(checked.unprocessed, UNPROCESSED.label)

    def _about_replaced(self, there: tuple[Path, ...]) -> str:
        if len(there) < 2:
            return self.tr("{} is there already, and will be replaced.").format(there[0].name) if there else ""
        text = self.tr("{} files are there already, and will be replaced: {}.")
        names = ", ".join(path.name for path in there[:_NAMED]) + (", …" if len(there) > _NAMED else "")
        return text.format(len(there), names)


def _existing(path: Path) -> Path:
    """The path itself or what is above it, whichever exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _wrapped() -> QLabel:
    label = QLabel(wordWrap=True)
    return label
