"""Weights that learn from the project's corrections: how long, how far it is, and what came of it."""

from dataclasses import replace
from itertools import count
from pathlib import Path

from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSpinBox, QVBoxLayout, QWidget

from core.studio.jobs import Adapted, AdaptJob, AdaptProgress, JobEnded
from pcvos_gui.panels.costs import duration
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.time_left import TimeLeft

_MARGIN = 16
_WIDTH = 460


class AdaptDialog(QDialog):
    """Holds the window while the network learns; closing it ends that, and what was learned counts when it is begun
    again.

    Attributes:
        minutes: how long it learns. start_button, use_button: begin; propagate with the new weights from now on.
        message: what this is, then how far it is, then what came of it.
    """

    def __init__(self, session: Session, runs: RunController, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._runs, self._worker = session, runs, runs.worker
        self._job: AdaptJob | None = None
        self._result: Adapted | None = None
        self._left = TimeLeft()
        self._is_over = False  # closed: what waited to be begun is not
        self.setWindowTitle(self.tr("Learn from corrections"))
        self.setModal(True)
        self.message = QLabel(
            self.tr(
                "The network goes on learning from the frames you have corrected, for more footage of this kind. The "
                "last quarter of them is held back to judge by: new weights are only kept if they do better there. The "
                "weights in use stay as they are."
            )
        )
        self.message.setWordWrap(True)
        self.message.setMinimumWidth(_WIDTH)
        self.minutes = QSpinBox()
        self.minutes.setRange(1, 600)
        self.minutes.setValue(10)
        self.minutes.setSuffix(self.tr(" min"))
        self.minutes.setAccessibleName(self.tr("How long it learns"))
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(self.tr("How far it is"))
        self.progress.hide()
        self.start_button = QPushButton(self.tr("Start"))
        self.use_button = QPushButton(self.tr("Use these weights"))
        self.use_button.hide()
        self.close_button = QPushButton(self.tr("Close"))
        self.start_button.clicked.connect(self._start)
        self.use_button.clicked.connect(self._use)
        self.close_button.clicked.connect(self.reject)
        self._lay_out()
        self._worker.adapt_progressed.connect(self._on_progress)
        self._worker.adapted.connect(self._on_adapted)
        self._worker.ended.connect(self._on_ended)
        session.closing.connect(self.reject)

    def _lay_out(self) -> None:
        self._choice = QWidget()
        row = laid_out(QHBoxLayout(self._choice), 0)
        row.addWidget(QLabel(self.tr("Learn for")))
        row.addWidget(self.minutes)
        row.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        for button in (self.start_button, self.use_button, self.close_button):
            button.setMinimumHeight(32)
            buttons.addWidget(button)
        layout = laid_out(QVBoxLayout(self), _MARGIN, _MARGIN)
        layout.addWidget(self.message)
        layout.addWidget(self._choice)
        layout.addWidget(self.progress)
        layout.addLayout(buttons)
        self.start_button.setDefault(True)

    # what a person does

    def _start(self) -> None:
        self._choice.hide()
        self.start_button.hide()
        self.progress.setRange(0, 0)  # Qt's way to say "busy, nobody knows how long"
        self.progress.show()
        self.close_button.setText(self.tr("Stop"))
        self.message.setText(self.tr("Measuring how good the weights in use are…"))
        self._session.document.when_saved(self._submit)

    def _submit(self) -> None:
        if self._is_over:
            return
        document, settings = self._session.document, self._runs.next.settings
        if not document.project.read_only:
            document.project.ensure_file()  # a new one has none before its first change
        self._job = AdaptJob(
            document.project.path,
            document.media.path,
            _free_name(document.project.path),
            self.minutes.value(),
            settings.engine,
            settings.propagation,
            document.media.stored_index(),
        )
        self._worker.submit(self._job)

    def _use(self) -> None:
        assert self._result is not None, "there are no weights yet"
        self._runs.next.set_settings(replace(self._runs.next.settings, weights=str(self._result.output)))
        self.accept()

    def done(self, result: int) -> None:
        self._is_over = True
        if self._job is not None:
            self._worker.cancel(self._job.number)
            self._job = None
        super().done(result)

    # what the inference thread tells

    def _on_progress(self, told: AdaptProgress) -> None:
        if self._job is None or told.number != self._job.number:
            return
        self.progress.setRange(0, told.total)
        self.progress.setValue(told.done)
        left = self._left.after(told.done, told.total)
        about = self.tr(" About {} left.").format(duration(left)) if left >= 0 else ""
        self.message.setText(self.tr("Learning from your corrections.{}").format(about))

    def _on_adapted(self, result: Adapted) -> None:
        if self._job is not None and result.number == self._job.number:
            self._result = result

    def _on_ended(self, end: JobEnded) -> None:
        if self._job is None or end.number != self._job.number:
            return
        self._job = None
        self.progress.hide()
        self.close_button.setText(self.tr("Close"))
        if self._result is None:
            self.message.setText(end.sentence)
            return
        text = self.tr(
            "On {} corrected frames that nothing was learned from, the masks now agree with yours by {:.3f}, before by "
            "{:.3f} (J&F, at most 1). The weights are in {}."
        )
        own = self._result
        self.message.setText(text.format(own.held_back, own.after, own.before, own.output.name))
        self.use_button.show()
        self.use_button.setDefault(True)


def _free_name(project: Path) -> Path:
    """A file for the weights beside the project that is not there yet."""
    names = (f"{project.stem}-weights{'' if n == 1 else f'-{n}'}.safetensors" for n in count(1))
    return next(path for path in map(project.with_name, names) if not path.exists())
