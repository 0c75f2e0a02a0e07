"""Files opened lately: the list of them with a thumbnail of each, its submenu, and taking the thumbnails."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QObject, QSettings, QSize, QStandardPaths, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMenu, QWidget

from core.masks.overlay import draw_overlay
from core.masks.palette import palette_of
from core.project.places import shown_name
from pcvos_gui.app.icons import icon
from pcvos_gui.panels.thumbnails import shown_size, to_image
from pcvos_gui.session.session import Session

log = logging.getLogger(__name__)

MOST = 12
THUMBNAIL = QSize(320, 180)


@dataclass(frozen=True)
class RecentFile:
    """A video, image folder or project; `thumbnail` may not exist."""

    path: Path
    thumbnail: Path

    @property
    def name(self) -> str:
        """The name that a person knows it by."""
        return shown_name(self.path)


class RecentFiles(QObject):
    """The list, newest first, kept between sessions. Files that are gone are left out."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._store = QSettings()

    def files(self) -> list[RecentFile]:
        return [RecentFile(Path(p), _thumbnail_path(Path(p))) for p in self._paths() if Path(p).exists()]

    def add(self, path: Path) -> None:
        """Put a file first."""
        text = str(path.absolute())
        self._write([text, *(p for p in self._paths() if p != text)][:MOST])

    def remove(self, path: Path) -> None:
        self._write([p for p in self._paths() if p != str(path)])

    def clear(self) -> None:
        """Forget all; the files stay."""
        self._write([])

    def has_thumbnail(self, path: Path) -> bool:
        """Whether there is a picture of this file."""
        return _thumbnail_path(path).exists()

    def set_thumbnail(self, path: Path, image: QImage) -> None:
        """Keep a small picture of what is in the file."""
        whole = THUMBNAIL.scaled(image.size(), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        left, top = (image.width() - whole.width()) // 2, (image.height() - whole.height()) // 2
        small = image.copy(left, top, whole.width(), whole.height()).scaled(
            THUMBNAIL, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        target = _thumbnail_path(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("no thumbnails can be kept: %s", error)
        small.save(str(target), "JPG", 85)  # type: ignore[call-overload]  # it is declared to take bytes, and does not
        self.changed.emit()

    def _paths(self) -> list[str]:
        stored: Any = self._store.value("recent", [])
        return [stored] if isinstance(stored, str) else list(stored or [])

    def _write(self, paths: list[str]) -> None:
        self._store.setValue("recent", paths)
        self.changed.emit()


def _thumbnail_path(path: Path) -> Path:
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.CacheLocation))
    return folder / "thumbnails" / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]}.jpg"


class RecentMenu(QMenu):
    """Filled whenever it is about to be shown; `chosen` names the file clicked."""

    chosen = Signal(Path)

    def __init__(self, recent: RecentFiles, parent: QWidget | None = None):
        super().__init__(parent)
        self._recent = recent
        self.setTitle(self.tr("Open recent"))
        self.setIcon(icon("history"))
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)
        self._fill()  # a menu without entries cannot be opened

    def _fill(self) -> None:
        self.clear()
        files = self._recent.files()
        for place, file in enumerate(files, 1):
            mnemonic = f"&{place}  " if place < 10 else f"{place}  "
            action = self.addAction(mnemonic + file.name.replace("&", "&&"))
            action.setToolTip(str(file.path))
            action.triggered.connect(lambda _=False, path=file.path: self.chosen.emit(path))
        if not files:
            self.addAction(self.tr("Nothing was opened yet")).setEnabled(False)
        self.addSeparator()
        clear = self.addAction(icon("broom"), self.tr("Clear this list"), self._recent.clear)
        clear.setToolTip(self.tr("Forget what was opened; the files stay"))
        clear.setEnabled(bool(files))


_SOURCE = 360  # pixels of the shorter side; thumbnails are half as high


class RecentPictures(QObject):
    """Pictures of what is on the screen when it is closed; of the first frame shown, where there is no picture yet."""

    def __init__(self, session: Session, recent: RecentFiles, parent: QObject | None = None):
        super().__init__(parent)
        self._session, self._recent = session, recent
        self._is_first = False
        session.opened.connect(self._on_opened)
        session.navigator.image_changed.connect(self._on_image)
        session.closing.connect(self._keep)

    def _on_opened(self) -> None:
        self._is_first = True

    def _on_image(self) -> None:
        """A program that is killed later has a picture nevertheless."""
        if self._is_first and self._session.is_open:
            self._is_first = False
            if not self._recent.has_thumbnail(self._session.document.media.path):
                self._keep()

    def _keep(self) -> None:
        session = self._session
        if session.navigator.image is None or session.labels is None:
            return
        height, width = shown_size(session.labels.shape, float(session.document.media.sample_aspect_ratio))
        shrunk = min(1.0, _SOURCE / max(1, min(height, width)))
        size = (max(1, round(width * shrunk)), max(1, round(height * shrunk)))
        image = cv2.resize(session.navigator.image, size, interpolation=cv2.INTER_AREA)
        labels = cv2.resize(session.labels, size, interpolation=cv2.INTER_NEAREST)
        seen = {o.id: o.colour for o in session.objects if session.is_drawn(o)}
        labels = cv2.LUT(labels, np.array([id if id in seen else 0 for id in range(256)], np.uint8))
        picture = draw_overlay(image, labels, palette=palette_of(seen))
        for path in {session.document.media.path, session.document.project.path}:
            self._recent.set_thumbnail(path, to_image(picture))
