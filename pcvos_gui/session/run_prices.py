"""The prices of a run's parts on this machine, kept between sessions."""

import json
from dataclasses import asdict
from pathlib import Path

from PySide6.QtCore import QSettings

from core.propagation.pace import Prices
from core.studio.run_settings import RunSettings


class RunPrices:
    """Prices by interval, for each device, size and weights."""

    def __init__(self) -> None:
        self._store = QSettings()

    def at(self, settings: RunSettings, interval: int) -> Prices | None:
        """The prices at this interval, or at the nearest one that was measured; None: none was."""
        measured = self._measured(settings)
        if not measured:
            return None
        return measured[min(measured, key=lambda known: abs(known - interval))]

    def intervals(self, settings: RunSettings) -> list[int]:
        """Those that were measured, ascending."""
        return sorted(self._measured(settings))

    def keep(self, settings: RunSettings, interval: int, prices: Prices) -> None:
        """Note what was measured."""
        known = self._measured(settings) | {interval: prices}
        self._store.setValue(_key(settings), json.dumps({k: asdict(known[k]) for k in sorted(known)}))

    def _measured(self, settings: RunSettings) -> dict[int, Prices]:
        try:
            stored = json.loads(str(self._store.value(_key(settings), "{}")))
            return {int(interval): Prices(**prices) for interval, prices in stored.items()}
        except (ValueError, TypeError, AttributeError):  # of another version
            return {}


def _key(settings: RunSettings) -> str:
    weights = Path(settings.weights).name if settings.weights else "shipped"
    return f"prices/{settings.device}-{settings.precision}-{settings.resolution or 'native'}-{weights}"
