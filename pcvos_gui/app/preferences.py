"""The person's preferences on this machine: kept by Qt, in the user's settings."""

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pcvos_gui.app import theme

FRAME_CACHE_MIB = 512


class Preferences:
    """Typed access to the settings; each has its default here."""

    def __init__(self) -> None:
        self._store = QSettings()

    @property
    def theme(self) -> str:
        """ "system", "dark" or "light"."""
        return str(self._store.value("theme", "system"))

    @theme.setter
    def theme(self, value: str) -> None:
        self._store.setValue("theme", value)

    @property
    def frame_cache_mib(self) -> int:
        """Memory for decoded frames, MiB."""
        return int(self._store.value("frame_cache_mib", FRAME_CACHE_MIB))

    @frame_cache_mib.setter
    def frame_cache_mib(self, value: int) -> None:
        self._store.setValue("frame_cache_mib", value)


class PreferencesDialog(QDialog):
    """Changes take effect at once; there is nothing to confirm."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(self.tr("Preferences"))
        self._preferences = preferences
        form = QFormLayout()
        form.setVerticalSpacing(8)
        self.theme = QComboBox(self)
        for name, text in (
            ("system", self.tr("As the system")),
            ("dark", self.tr("Dark")),
            ("light", self.tr("Light")),
        ):
            self.theme.addItem(text, name)
        self.theme.setCurrentIndex(self.theme.findData(preferences.theme))
        self.theme.currentIndexChanged.connect(self._choose_theme)
        form.addRow(self.tr("Theme"), self.theme)
        self.cache = QSpinBox(self)
        self.cache.setRange(64, 65536)
        self.cache.setSingleStep(128)
        self.cache.setSuffix(self.tr(" MiB"))
        self.cache.setValue(preferences.frame_cache_mib)
        self.cache.setToolTip(self.tr("Decoded frames kept for scrubbing; takes effect at the next start"))
        self.cache.valueChanged.connect(lambda value: setattr(preferences, "frame_cache_mib", value))
        form.addRow(self.tr("Memory for decoded frames"), self.cache)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def _choose_theme(self) -> None:
        self._preferences.theme = self.theme.currentData()
        theme.choose(QApplication.instance(), self._preferences.theme)
