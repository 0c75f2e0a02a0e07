"""How fast runs were on this machine, kept between sessions."""

from pathlib import Path

from PySide6.QtCore import QSettings

from pcvos_gui.run_settings import RunSettings


class RunSpeeds:
    """Frames per second by interval, for each device, size and weights."""

    def __init__(self) -> None:
        self._store = QSettings()

    def at(self, settings: RunSettings, interval: int) -> float | None:
        """The speed at this interval, or at the nearest one that was measured; None: none was."""
        measured = self._measured(settings)
        if not measured:
            return None
        return measured[min(measured, key=lambda known: abs(known - interval))]

    def intervals(self, settings: RunSettings) -> list[int]:
        """Those that were measured, ascending."""
        return sorted(self._measured(settings))

    def keep(self, settings: RunSettings, interval: int, speed: float) -> None:
        """Note what was measured."""
        speeds = self._measured(settings) | {interval: speed}
        self._store.setValue(_key(settings), ";".join(f"{k}={v:.3f}" for k, v in sorted(speeds.items())))

    def _measured(self, settings: RunSettings) -> dict[int, float]:
        stored = self._store.value(_key(settings), "")
        pairs = (pair.split("=") for pair in str(stored).split(";") if "=" in pair)
        return {int(interval): float(speed) for interval, speed in pairs}


def _key(settings: RunSettings) -> str:
    weights = Path(settings.weights).name if settings.weights else "shipped"
    return f"speed/{settings.device}-{settings.precision}-{settings.resolution or 'native'}-{weights}"
