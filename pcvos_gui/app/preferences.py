"""The dialog of preferences: fields for rows of the table of the application's settings."""

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

from core.propagation.settings import settings_table
from pcvos_gui.app import theme
from pcvos_gui.app.settings import ApplicationSettings, store_setting, stored_settings
from pcvos_gui.widgets.layouts import laid_out


class PreferencesDialog(QDialog):
    """Changes take effect at once; there is nothing to confirm."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(self.tr("Preferences"))
        rows, stored = settings_table(ApplicationSettings), stored_settings()
        form = QFormLayout(verticalSpacing=8)
        self.theme = QComboBox(self)
        for name, text in (
            ("system", self.tr("As the system")),
            ("dark", self.tr("Dark")),
            ("light", self.tr("Light")),
        ):
            self.theme.addItem(text, name)
        self.theme.setCurrentIndex(self.theme.findData(stored.theme))
        self.theme.currentIndexChanged.connect(self._choose_theme)
        form.addRow(self.tr(rows["theme"].label), self.theme)
        self.cache = QSpinBox(self)
        cache = rows["frame_cache_mib"]
        self.cache.setRange(64, int(cache.high))  # less is of no use to a person
        self.cache.setSingleStep(128)
        self.cache.setSuffix(self.tr(" MiB"))
        self.cache.setValue(stored.frame_cache_mib)
        self.cache.setToolTip(self.tr(cache.help))
        self.cache.valueChanged.connect(lambda value: store_setting("frame_cache_mib", value))
        form.addRow(self.tr(cache.label), self.cache)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = laid_out(QVBoxLayout(self), 16, 16)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def _choose_theme(self) -> None:
        name = self.theme.currentData()
        store_setting("theme", name)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.choose(application, name)
