"""Formats with their options under names a person gave them, and what was chosen last: kept by Qt, on this machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QSettings

from core.errors import PCVOSError
from core.exchange.options import Value
from core.exchange.registry import exporter

_PRESETS, _LAST, _FORMAT = "export/presets", "export/last", "export/format"


@dataclass(frozen=True)
class Preset:
    """A format by name, and the values of its options."""

    format: str
    options: Mapping[str, Value]


class ExportPresets:
    """The presets that are kept. Formats, options and values that there are no longer are passed over."""

    def __init__(self) -> None:
        self._store = QSettings()

    @property
    def names(self) -> list[str]:
        """Names of the presets, sorted."""
        return sorted(name for name in self._read(_PRESETS) if self.get(name) is not None)

    def get(self, name: str) -> Preset | None:
        """The preset of this name."""
        return _valid(self._read(_PRESETS).get(name))

    def save(self, name: str, preset: Preset) -> None:
        """Keep a preset; another one of this name is replaced."""
        self._write(_PRESETS, self._read(_PRESETS) | {name: _stored(preset)})

    def delete(self, name: str) -> None:
        """Forget a preset."""
        self._write(_PRESETS, {key: value for key, value in self._read(_PRESETS).items() if key != name})

    def remember(self, preset: Preset) -> None:
        """This was chosen last."""
        self._write(_LAST, self._read(_LAST) | {preset.format: _stored(preset)})
        self._store.setValue(_FORMAT, preset.format)

    @property
    def last_format(self) -> str | None:
        """The format chosen last."""
        name = self._store.value(_FORMAT)
        return None if _valid({"format": name}) is None else str(name)

    def last_options(self, format: str) -> Mapping[str, Value]:
        """The last choices for a format; those that are missing are the default."""
        preset = _valid(self._read(_LAST).get(format))
        return preset.options if preset is not None and preset.format == format else {}

    def _read(self, key: str) -> dict:
        try:
            presets = json.loads(str(self._store.value(key, "{}")))
        except ValueError:  # a settings file that was damaged is not worth a message
            return {}
        return presets if isinstance(presets, dict) else {}

    def _write(self, key: str, value: dict) -> None:
        self._store.setValue(key, json.dumps(value))


def _stored(preset: Preset) -> dict:
    return {"format": preset.format, "options": dict(preset.options)}


def _valid(stored: object) -> Preset | None:
    """A preset of what this version knows of it; None: not even its format."""
    if not isinstance(stored, dict):
        return None
    try:
        format = exporter(str(stored.get("format")))
    except PCVOSError:
        return None
    given = stored.get("options", {})
    options = {}
    for option in format.options:
        try:
            options[option.name] = option.checked(given[option.name])
        except (KeyError, TypeError, PCVOSError):  # a new option, or one that has changed
            continue
    return Preset(format.name, options)
