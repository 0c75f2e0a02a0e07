"""The questions of an import: a line for each question, with its likely answer chosen."""

from collections.abc import Mapping, Sequence
from html import escape

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QFormLayout, QGroupBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.exchange.importer import Question
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.scrolling import WheelGuard

_HEIGHT = 160


class QuestionBox(QGroupBox):
    """Not to be seen while there are no questions.

    Signals:
        answered(key): the person has given an answer.
    """

    answered = Signal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setTitle(self.tr("What only you know"))
        self._asked: dict[str, Question] = {}
        self._fields: dict[str, QComboBox] = {}
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.viewport().setAutoFillBackground(False)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setMaximumHeight(_HEIGHT)
        QVBoxLayout(self).addWidget(self._scroll)
        self.hide()

    @property
    def fields(self) -> Mapping[str, QComboBox]:
        """By the keys of the questions."""
        return self._fields

    @property
    def given(self) -> dict[str, str | None]:
        """The answers so far, by the keys of the questions; None: there is none yet."""
        return {key: box.currentData() for key, box in self._fields.items()}

    def ask(self, questions: Sequence[Question]) -> None:
        """These, and what was asked before; answers that were given stay."""
        self._asked |= {question.key: question for question in questions}
        self._show()

    def forget(self, but: Sequence[str] = ()) -> None:
        """Ask nothing any more, but for the questions of these keys."""
        self._asked = {key: question for key, question in self._asked.items() if key in but}
        self._show()

    def _show(self) -> None:
        given, self._fields = self.given, {}
        panel = QWidget()
        form = laid_out(QFormLayout(panel), 0, 8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for key, question in self._asked.items():
            box = self._fields[key] = self._made(question, given.get(key) or question.proposal)
            label = QLabel(_with_colour(question))
            label.setBuddy(box)
            form.addRow(label, box)
        WheelGuard(panel)
        before = self._scroll.takeWidget()
        if before is not None:
            before.deleteLater()  # it may be telling of an answer just now
        self._scroll.setWidget(panel)
        panel.setAutoFillBackground(False)  # the box's colour
        self._scroll.setMinimumHeight(min(panel.sizeHint().height() + 4, _HEIGHT))
        self.setVisible(bool(self._asked))

    def _made(self, question: Question, answer: str | None) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(question.text)
        box.setPlaceholderText(self.tr("Choose"))
        for choice, label in question.choices:
            box.addItem(label, choice)
        box.setCurrentIndex(-1 if answer is None else box.findData(answer))
        box.activated.connect(lambda: self.answered.emit(question.key))
        return box


def _with_colour(question: Question) -> str:
    """Its text; of a colour, behind a square of it. Rich text."""
    text = escape(question.text)
    is_colour = question.key.startswith("#") and QColor.isValidColorName(question.key)
    return f'<font color="{question.key}">■</font> {text}' if is_colour else text
