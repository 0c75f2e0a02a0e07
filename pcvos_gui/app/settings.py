"""Settings of the application: one table, kept by Qt in the user's settings on this machine."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings

from core.errors import PCVOSError
from core.propagation.settings import check_settings, setting


@dataclass(frozen=True)
class ApplicationSettings:
    """A field is a row, as in `PropagationSettings`: its type, default, range, label and help."""

    theme: str = setting("system", "Theme", "Colours of the window", choices=("system", "dark", "light"))
    frame_cache_mib: int = setting(
        512,
        "Memory for decoded frames",
        "Decoded frames kept for scrubbing; takes effect at the next start",
        low=1,
        high=65536,
    )
    folder: str = setting("", "Folder", "Where files were chosen last")
    ruler_shows_time: bool = setting(False, "Ruler shows time", "The timeline counts time instead of frames")
    rows_collapsed: bool = setting(False, "Objects in one row", "The timeline shows the worst of all objects")

    @property
    def start_folder(self) -> str:
        """Folder in which choosing a file begins."""
        return self.folder or str(Path.home())


def stored_settings() -> ApplicationSettings:
    """Settings as the person has chosen; what cannot be is as it is at first."""
    settings, store = ApplicationSettings(), QSettings()
    for one in fields(ApplicationSettings):
        try:
            value: Any = store.value(_key(one.name), one.default, type(one.default))
            chosen = replace(settings, **{one.name: value})
            check_settings(chosen)
        except (PCVOSError, TypeError, ValueError):
            continue
        settings = chosen
    return settings


def store_setting(name: str, value: Any) -> None:
    """Keep the choice of one of them."""
    check_settings(replace(ApplicationSettings(), **{name: value}))
    QSettings().setValue(_key(name), value)


def _key(name: str) -> str:
    """The name in Qt's store, which keeps the timeline's in a group."""
    return f"timeline/{name}" if name in ("ruler_shows_time", "rows_collapsed") else name
