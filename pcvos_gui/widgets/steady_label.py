"""A label whose text changes all the time, and its size never."""

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QLabel, QWidget


class SteadyLabel(QLabel):
    """Each new text of a label that may grow has Qt lay the whole window out anew; here it only paints."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._longest = ""

    def keep_room_for(self, longest: str) -> None:
        """Be as large as this text needs."""
        self._longest, text = longest, self.text()
        self.setText(longest)
        self.setFixedSize(self.sizeHint())
        self.setText(text)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self._longest:
            self.keep_room_for(self._longest)
