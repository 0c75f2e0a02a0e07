"""Runs of a project as a person finds them again: their settings, the weights that drew them, and their masks.

The masks of each run stay in the project beside those that count, within `RUN_BYTES`: then the oldest that nobody has
pinned are let go, and what the run was stays noted.
"""

from dataclasses import dataclass, replace

from core.project.model import RunInfo
from core.project.project import Project
from core.studio.run_settings import RunSettings, settings_from

RUN_BYTES = 256 * 2**20
"""Most that the masks of all runs take in a project, unless more are pinned."""


@dataclass(frozen=True)
class RunRecord:
    """One run, as the project has it; `info` says how it went."""

    id: int
    info: RunInfo

    @property
    def has_masks(self) -> bool:
        """Whether its masks are kept."""
        return self.info.kept_bytes > 0

    @property
    def settings(self) -> RunSettings:
        """Settings that it was made with, as far as this program knows them."""
        return settings_from(self.info.settings)

    @property
    def missing_weights(self) -> str:
        """A sentence if the weights that drew it are gone; "" where they are there, or were the shipped ones."""
        weights = self.settings.engine.weights
        if weights is None or weights.is_file():
            return ""
        sentence = f"The weights of this propagation are gone ({weights}): choose others to propagate again."
        return f"{sentence} Its masks are still here."


def run_records(project: Project) -> list[RunRecord]:
    """All runs that are over, the newest first."""
    return [RunRecord(id, info) for id, info in reversed(project.runs()) if info.state != "running"]


def pin(project: Project, run: int, pinned: bool = True) -> None:
    """Keep the masks of a run whatever room they take, or no longer."""
    project.update_run(run, replace(dict(project.runs())[run], pinned=pinned))


def make_room(project: Project, most: int = RUN_BYTES) -> list[int]:
    """Let go of masks of the oldest runs that are not pinned, until all take at most so many bytes; the newest one's
    stay. The ids of these runs."""
    runs = [(id, info) for id, info in project.runs() if info.kept_bytes]
    total, gone = sum(info.kept_bytes for _, info in runs), []
    for id, info in runs[:-1]:
        if total <= most:
            break
        if not info.pinned:
            total -= info.kept_bytes
            project.kept_runs.drop(id)
            project.update_run(id, replace(info, kept_bytes=0))
            gone.append(id)
    return gone


def let_go_in_words(runs: list[int]) -> str:
    """A sentence on runs whose masks had to make room."""
    which = f"propagation {runs[0]}" if len(runs) == 1 else f"propagations {', '.join(map(str, runs))}"
    return f"The project keeps the masks of {which} no more, to stay small; pin one to keep its masks."
