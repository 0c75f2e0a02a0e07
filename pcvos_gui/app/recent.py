"""Files opened lately, with a thumbnail of each."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QSize, QStandardPaths, Qt, Signal
from PySide6.QtGui import QImage

from core.project.places import shown_name

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
        """As a person knows it."""
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
        small.save(str(target), "JPG", 85)
        self.changed.emit()

    def _paths(self) -> list[str]:
        stored = self._store.value("recent", [])
        return [stored] if isinstance(stored, str) else list(stored or [])

    def _write(self, paths: list[str]) -> None:
        self._store.setValue("recent", paths)
        self.changed.emit()


def _thumbnail_path(path: Path) -> Path:
    folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.CacheLocation))
    return folder / "thumbnails" / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]}.jpg"
