"""Masks from files: what they are, what would become of them, what only the person knows; then it is done, or not."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.errors import PCVOSError
from core.exchange.importer import READING, Importer, Question
from core.exchange.plan import ImportPlan
from core.exchange.registry import IMPORTERS, importer, recognise
from core.studio.imports import Reading, options_for, read_masks, usual_options
from pcvos_gui.dialogs.exchange import Exchange
from pcvos_gui.dialogs.import_change import ImportMaking, with_snapshot
from pcvos_gui.dialogs.option_form import OptionForm, order_tabs
from pcvos_gui.dialogs.question_box import QuestionBox
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.busy_bar import BusyBar
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.workers.task import Task

_SIZE = QSize(640, 560)
_MARGIN = 16
_PAUSE = 300  # ms of rest before files are read anew
_FOLDER = "import/folder"


class ImportDialog(QDialog):
    """Shows what an import will do before it does it; nothing is changed until it is accepted.

    Attributes:
        path, format, options, corrected, question_box: what a person chooses.
        plan: what will be done; None while it is not known, or cannot be.

    Signals:
        footage_chosen(Path): what was dropped is no masks, but footage to open.
    """

    footage_chosen = Signal(Path)

    def __init__(
        self,
        session: Session,
        exchange: Exchange,
        paths: Sequence[Path] = (),
        may_be_footage: bool = False,
        parent: QWidget | None = None,
    ):
        super().__init__(parent)
        self._session, self._exchange = session, exchange
        self._paths = tuple(paths)
        self._task: Task | None = None  # what is being read or planned
        self._making: ImportMaking | None = None
        self._reading: Reading | None = None
        self._has_options = False  # those shown are as they are for what is read
        self.plan: ImportPlan | None = None
        self.setWindowTitle(self.tr("Import masks"))
        self.setAcceptDrops(True)
        self._make_parts()
        self._lay_out()
        self.footage.setVisible(may_be_footage)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._read)
        self._connect()
        session.closing.connect(self.reject)
        session.states_changed.connect(self._on_project_changed)
        self._show_paths()
        self._read()
        (self.accept_button if paths else self.from_file).setFocus(Qt.FocusReason.OtherFocusReason)

    # parts

    def _make_parts(self) -> None:
        self.path = QLineEdit()
        self.path.setAccessibleName(self.tr("File or folder"))
        self.path.setPlaceholderText(self.tr("File or folder"))
        self.from_file, self.from_folder = QPushButton(self.tr("File…")), QPushButton(self.tr("Folder…"))
        self.format = QComboBox()
        self.format.setAccessibleName(self.tr("Format"))
        for format in IMPORTERS:
            self.format.addItem(format.label, format.name)
            self.format.setItemData(self.format.count() - 1, format.reads, Qt.ItemDataRole.ToolTipRole)
        self.format.setCurrentIndex(-1)
        self.format.setPlaceholderText(self.tr("As it is recognised"))
        self.reads = QLabel(wordWrap=True)
        self.reads.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.options = OptionForm()
        self.corrected = QCheckBox(self.tr("Mark as corrected (permanent memory)"))
        self.corrected.setChecked(True)
        self.corrected.setToolTip(
            self.tr("Corrected masks are propagated, and never changed by that; others are redrawn")
        )
        self.question_box = QuestionBox()
        self.text = QLabel(wordWrap=True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setAccessibleName(self.tr("What will happen"))
        self.progress = BusyBar()
        self.footage = QPushButton(self.tr("Open as footage instead"))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button = self.buttons.addButton(self.tr("Import"), QDialogButtonBox.ButtonRole.AcceptRole)
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        for button in (self.from_file, self.from_folder, self.footage, cancel):
            button.setAutoDefault(False)
        self.accept_button.setDefault(True)

    def _lay_out(self) -> None:
        where = laid_out(QHBoxLayout(), spacing=8)
        where.addWidget(self.path, 1)
        where.addWidget(self.from_file)
        where.addWidget(self.from_folder)
        form = laid_out(QFormLayout(), spacing=8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("From"), where)
        form.addRow(self.tr("Format"), self.format)
        form.addRow("", self.reads)
        form.addRow("", self.options)
        form.addRow("", self.corrected)
        happens = QGroupBox(self.tr("What will happen"))
        told = QVBoxLayout(happens)
        scroll = QScrollArea()
        scroll.setWidget(self.text)
        self.text.setAutoFillBackground(False)  # the box's colour
        scroll.viewport().setAutoFillBackground(False)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        told.addWidget(scroll)
        foot = QHBoxLayout()
        foot.addWidget(self.footage)
        foot.addStretch(1)
        foot.addWidget(self.buttons)
        layout = laid_out(QVBoxLayout(self), _MARGIN, 8)
        layout.addLayout(form)
        layout.addWidget(self.question_box)
        layout.addWidget(happens, 1)
        layout.addWidget(self.progress)
        layout.addLayout(foot)
        self.resize(_SIZE.boundedTo((self.parentWidget() or self).screen().availableSize() - QSize(16, 48)))

    def _connect(self) -> None:
        self.path.textEdited.connect(self._on_path_edited)
        self.from_file.clicked.connect(self._browse_file)
        self.from_folder.clicked.connect(self._browse_folder)
        self.format.activated.connect(self._on_format_chosen)
        self.options.changed.connect(self._read_soon)
        self.corrected.toggled.connect(self._tell)
        self.question_box.answered.connect(self._on_answered)
        self.footage.clicked.connect(self._open_as_footage)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    # what is chosen

    def choose(self, *paths: Path) -> None:
        """Read these; their format is recognised."""
        self._paths = paths
        QSettings().setValue(_FOLDER, str(paths[0].parent))
        self._show_paths()
        self._forget_format()
        self._read()

    @property
    def questions(self) -> Mapping[str, QComboBox]:
        """By the keys of the questions."""
        return self.question_box.fields

    def _show_paths(self) -> None:
        paths = self._paths
        if len(paths) > 1:
            self.path.setText(self.tr("{} and {} more").format(paths[0], len(paths) - 1))
        else:
            self.path.setText(str(paths[0]) if paths else "")
        self.path.setReadOnly(len(paths) > 1)

    def _on_path_edited(self, text: str) -> None:
        self._paths = (Path(text.strip()).expanduser(),) if text.strip() else ()
        self._forget_format()
        self._read_soon()

    def _forget_format(self) -> None:
        self.format.setCurrentIndex(-1)
        self._forget_questions()
        self._has_options = False
        self.reads.clear()
        self.options.show_options((), {})

    def _on_format_chosen(self) -> None:
        self._forget_questions()
        self._show_options(importer(self.format.currentData()))
        self._read()

    def _browse_file(self) -> None:
        suffixes = sorted({suffix for importer in IMPORTERS for suffix in importer.suffixes})
        filters = self.tr("Masks ({});;All files (*)").format(" ".join(f"*{suffix}" for suffix in suffixes))
        path, _ = QFileDialog.getOpenFileName(self, self.windowTitle(), self._folder(), filters)
        if path:
            self.choose(Path(path))

    def _browse_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, self.windowTitle(), self._folder())
        if path:
            self.choose(Path(path))

    def _folder(self) -> str:
        there = self._paths[0].parent if self._paths else self._session.document.media.path.parent
        return str(there if self._paths else QSettings().value(_FOLDER, str(there)))

    def _open_as_footage(self) -> None:
        self.reject()
        self.footage_chosen.emit(self._paths[0])

    # reading

    def _read_soon(self) -> None:
        self._show_no_plan()
        self._pause.start()

    def _read(self) -> None:
        """Begin to read, in a thread; what was read before no longer counts."""
        self._pause.stop()
        self._show_no_plan()
        if not self._paths:
            self._say([self.tr("Choose a file or a folder, or drop it here.")])
            return
        self._say([self.tr("Reading…")])
        chosen = self.format.currentData()
        if chosen is None:
            path = self._paths[0]
            self._begin(lambda progress: recognise(path), self._on_recognised)
        else:
            self._read_as(importer(chosen))

    def _on_recognised(self, format: Importer) -> None:
        self.format.setCurrentIndex(self.format.findData(format.name))
        self._read_as(format)

    def _read_as(self, format: Importer) -> None:
        if not self._has_options:
            self._show_options(format)
        work = partial(
            read_masks,
            self._paths,
            self._session.document.media,
            self._session.navigator.frame,
            format.name,
            self.options.values,
            {key: answer for key, answer in self._answers().items() if key in READING},
        )
        self._begin(lambda progress: work(progress=progress), self._on_read)

    def _on_read(self, reading: Reading) -> None:
        self._reading = reading
        self._make_plan(reading)

    def _on_error(self, error: Exception) -> None:
        self.progress.follow(None)
        self._say([str(error) or type(error).__name__])
        if not isinstance(error, PCVOSError):
            raise error  # for whoever watches over errors that nobody expected

    def _show_no_plan(self) -> None:
        self._stop()
        self._reading = self.plan = None
        self.accept_button.setEnabled(False)

    # work in threads

    def _begin(self, work: Callable, then: Callable) -> None:
        """Have `work` done in a thread, in place of what is under way; it takes its `Progress`."""
        self._stop()
        self._task = Task(work, self)
        self._task.returned.connect(lambda: self.progress.follow(None))
        self._task.returned.connect(then)
        self._task.failed.connect(self._on_error)
        self.progress.follow(self._task)

    def _stop(self) -> None:
        """Drop what is under way: it is no longer wanted."""
        for work in (self._task, self._making):
            if work is not None:
                work.cancel()
        self._task = self._making = None
        self.progress.follow(None)

    def _show_options(self, format: Importer) -> None:
        """Show the options of a format, as they usually are for what is read."""
        path = self._paths[0] if self._paths else Path()
        self.reads.setText(format.reads)
        usual = usual_options(format, path, self._session.navigator.frame, self._session.document.media)
        self.options.show_options(options_for(format, path), usual)
        self._has_options = True
        self._order_tabs()

    def _order_tabs(self) -> None:
        order_tabs(
            [
                *(self.path, self.from_file, self.from_folder, self.format),
                *self.options.fields.values(),
                self.corrected,
                *self.questions.values(),
                *(self.text, self.footage, self.accept_button),
                self.buttons.button(QDialogButtonBox.StandardButton.Cancel),
            ]
        )

    # the plan

    def _make_plan(self, reading: Reading) -> None:
        """With what was read and answered so far; in a thread."""
        self.plan = None
        self.accept_button.setEnabled(False)
        plan_of = partial(reading.plan, self._answers())
        try:
            work = with_snapshot(self._session.document.project, plan_of)
            self._begin(work, lambda plan: self._on_planned(reading, plan))
        except PCVOSError as error:  # the project cannot be read just now
            self._on_error(error)

    def _on_planned(self, reading: Reading, plan: ImportPlan) -> None:
        if not plan.questions:
            self.plan = plan
            self._tell()
            return
        self._ask(plan.questions)
        if reading.found.questions or None in self.question_box.given.values():
            self._say([*plan.notes, self.tr("Answer the questions above.")])
        else:  # as it is likely
            self._make_plan(reading)

    def _tell(self) -> None:
        """The plan in sentences."""
        plan = self.plan
        if plan is None:
            return
        self.accept_button.setEnabled(plan.changes(self.corrected.isChecked()))
        warnings = [self.tr("Mind: {}").format(warning) for warning in plan.warnings]
        self._say([*plan.sentences(self.corrected.isChecked()), *plan.notes, *warnings])

    def _on_project_changed(self) -> None:
        """Find anew what would change something."""
        is_waiting = self.isVisible() and self._making is None
        is_idle = self.plan is not None and not self.accept_button.isEnabled()
        if is_waiting and is_idle and self._reading is not None:
            self._make_plan(self._reading)

    def _say(self, sentences: Sequence[str]) -> None:
        self.text.setText("\n".join(sentences))

    def _answers(self) -> dict[str, str]:
        return {key: answer for key, answer in self.question_box.given.items() if answer is not None}

    def _on_answered(self, key: str) -> None:
        if key in READING:  # what is read is other files, or of other frames
            self._forget_questions(but=READING)
            self._read()
        elif self._reading is not None:
            self._make_plan(self._reading)

    def _ask(self, questions: Sequence[Question]) -> None:
        self.question_box.ask(questions)
        self._order_tabs()

    def _forget_questions(self, but: Sequence[str] = ()) -> None:
        self.question_box.forget(but)
        self._order_tabs()

    # the end

    def accept(self) -> None:
        """Do it, computed anew: a run may have gone on meanwhile. Where it cannot be done, say so and stay."""
        if self.plan is None or self._reading is None or self._making is not None:
            return
        plan_of = partial(self._reading.plan, self._answers())
        self._making = self._exchange.bring_in(plan_of, self._reading.name, self.corrected.isChecked())
        self._making.made.connect(lambda: QDialog.accept(self))
        self._making.failed.connect(self._on_not_made)
        self.progress.follow(self._making)
        self._set_choosable(False)

    def _on_not_made(self, error: Exception) -> None:
        self._making = None
        self._set_choosable(True)
        self._on_error(error)

    def _set_choosable(self, is_choosable: bool) -> None:
        """Whether anything but Cancel can be pressed."""
        parts: list[QWidget] = [self.path, self.from_file, self.from_folder, self.format, self.options]
        for part in (*parts, self.corrected, self.question_box, self.footage, self.accept_button):
            part.setEnabled(is_choosable)
        self.setAcceptDrops(is_choosable)

    def done(self, result: int) -> None:
        self._pause.stop()
        self._stop()
        super().done(result)

    # Qt

    def dragEnterEvent(self, event) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            self.footage.hide()
            self.choose(*paths)


def open_import_dialog(window, paths: Sequence[Path] = ()) -> None:
    """The dialog over `window` (a MainWindow), for `paths` that were dropped on it or, without, to be chosen there."""
    if not window.exchange.may_import():
        return
    may_be_footage = len(paths) == 1 and paths[0].is_dir()
    dialog = ImportDialog(window.session, window.exchange, paths, may_be_footage, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.footage_chosen.connect(window.opener.open)
    dialog.open()
