"""Keeps a small picture of what is open, for the list of recent files."""

import cv2
import numpy as np
from PySide6.QtCore import QObject

from core.masks.overlay import draw_overlay
from core.masks.palette import palette_of
from pcvos_gui.app.recent import RecentFiles
from pcvos_gui.panels.thumbnails import shown_size, to_image
from pcvos_gui.session.session import Session

_SOURCE = 360  # pixels of the shorter side; thumbnails are half as high


class RecentPictures(QObject):
    """Of what is on the screen when it is closed; of the first frame shown, where there is no picture yet."""

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
