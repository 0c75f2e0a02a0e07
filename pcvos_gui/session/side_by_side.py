"""Two sets of masks side by side: what is there and what was there before the last run, any two runs, a reference."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import PCVOSError
from core.evaluation.scores import SequenceScores
from core.progress import Progress
from core.project.project import Project
from core.studio.comparison import (
    Apart,
    Comparison,
    OfRun,
    Present,
    Reference,
    Side,
    compare,
    note_reference,
    noted_reference,
    read_reference,
    score,
    score_in_words,
    take,
)
from core.studio.run_records import RunRecord, pin, run_records
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.workers.task import Task

_SETTLE_MS = 200  # strokes come faster than anybody reads
ONLY_ONE, ONLY_OTHER, OTHERS_OBJECT = 1, 2, 3
"""Values of a map of differences: pixels that one side has alone, the other has alone, or that are another object's."""


@dataclass(frozen=True)
class Choice:
    """A side that can be chosen. `run` 0: what is there now, the reference, or what `apart` names; `before`: what was
    there before it."""

    run: int = 0
    before: bool = False
    is_reference: bool = False
    apart: str = ""


PRESENT, REFERENCE = Choice(), Choice(is_reference=True)


class Seen(Enum):
    """Masks that the canvas shows."""

    ONE = 0  # as always: what is there now
    FIRST = 1  # the first of the two sides, where that is not what is there now
    OTHER = 2
    DIFFERENCE = 3


class SideBySide(QObject):
    """Compares two sides, in a thread, and says which of them is to be seen.

    Attributes:
        records: runs that are over, newest first.
        reference: masks made elsewhere, once they are read. folder: where they are; kept in the project.
        apart: further masks that can be chosen, by their name; not kept in the project.
        one, other: chosen; None: nothing is compared.
        comparison: of the two, as of the last change; None: not known (yet). scores: against the reference.
        seen: what the canvas shows.
    """

    changed = Signal()
    seen_changed = Signal()

    def __init__(self, session: Session, runs: RunController, parent: QObject | None = None):
        super().__init__(parent)
        self._session, self._runs = session, runs
        self.records: list[RunRecord] = []
        self.reference: Reference | None = None
        self.folder: Path | None = None
        self.apart: dict[str, Apart] = {}
        self.one: Choice = PRESENT
        self.other: Choice | None = None
        self.comparison: Comparison | None = None
        self.scores: SequenceScores | None = None
        self.seen = Seen.ONE
        self._task: Task | None = None
        self._timer = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._timer.timeout.connect(self._compare)
        session.opened.connect(self._begin_anew)
        session.closed.connect(self._begin_anew)
        session.states_changed.connect(self._on_states)
        session.edited.connect(lambda _: self.see(Seen.ONE))  # what is painted is to be seen
        runs.state_changed.connect(self._on_run)

    # what there is

    @property
    def choices(self) -> list[Choice]:
        """All sides that can be chosen."""
        kept = [record.id for record in self.records if record.has_masks]
        before = [Choice(kept[0], before=True)] if kept else []
        apart = [Choice(apart=name) for name in self.apart]
        return [PRESENT, *before, *map(Choice, kept), *([REFERENCE] if self.folder else []), *apart]

    def name(self, choice: Choice) -> str:
        """Name of a side."""
        if choice.is_reference and self.folder is not None:
            return self.tr("Reference {}").format(self.folder.name)
        if choice.apart:
            return choice.apart
        if not choice.run:
            return self.tr("What is there now")
        if choice.before:
            return self.tr("Before propagation {}").format(choice.run)
        info = dict(self._project.runs())[choice.run] if self._session.is_open else None
        text = self.tr("Propagation {}: frames {} to {}, L = {}")
        if info is None:
            return ""
        named = text.format(choice.run, info.start, info.end, info.settings.get("interval", "?"))
        return f"{named} \N{BULLET} {self.tr('pinned')}" if info.pinned else named

    @property
    def _project(self) -> Project:
        return self._session.document.project

    @property
    def is_comparing(self) -> bool:
        return self._task is not None

    @property
    def record(self) -> RunRecord | None:
        """The run whose masks are chosen as the other side."""
        return next((r for r in self.records if self.other is not None and r.id == self.other.run), None)

    def _begin_anew(self) -> None:
        self._cancel()
        self.reference, self.folder, self.apart, self.one, self.other = None, None, {}, PRESENT, None
        self.comparison = self.scores = None
        self.records = run_records(self._project) if self._session.is_open else []
        folder = noted_reference(self._project) if self._session.is_open else None
        if folder is not None and not folder.is_dir():
            text = self.tr("The reference {} is gone: open it anew in Results, where it is now.")
            self._session.messages.say(text.format(folder), "warning", key="reference")
        else:
            self.folder = folder
        self.see(Seen.ONE)
        self.changed.emit()

    def _on_run(self) -> None:
        if self._runs.is_busy or not self._session.is_open:
            return
        self.records = run_records(self._project)
        if self.other is not None and not self.other.is_reference and self.records and self.records[0].has_masks:
            newest = self.records[0].id  # a new run is the new proposal
            if self.other.before or self.other not in self.choices:
                self.other = Choice(newest, before=True)
        if self.one not in self.choices:
            self.one = PRESENT
            self.see(Seen.ONE)
        self._timer.start()
        self.changed.emit()

    def _on_states(self) -> None:
        if self.other is not None and not self._runs.is_busy and PRESENT in (self.one, self.other):
            self._timer.start()

    # choosing, comparing

    def choose(self, one: Choice, other: Choice | None) -> None:
        """Compare these two."""
        if (one, other) != (self.one, self.other):
            self.one, self.other = one, other
            self.comparison = self.scores = None
            if other is None or (one == PRESENT and self.seen is Seen.FIRST):
                self.see(Seen.ONE)
            self._compare()
            self.seen_changed.emit()

    def set_apart(self, apart: dict[str, Apart]) -> None:
        """Further masks that can be chosen, in place of those before."""
        self.apart = apart
        if any(choice is not None and choice.apart and choice.apart not in apart for choice in (self.one, self.other)):
            self.choose(PRESENT, None)
        self.changed.emit()

    def propose(self) -> bool:
        """Compare what is there with what was there before the last run, unless two sides are chosen already; False:
        there is nothing to compare with."""
        if self.other is None:
            others = [choice for choice in self.choices if choice != PRESENT]
            if not others:
                return False
            self.choose(PRESENT, others[0])
        return True

    def _compare(self) -> None:
        self._cancel()
        if self.other is None or not self._session.is_open:
            self.changed.emit()
            return
        if self.reference is None and self.folder is not None and REFERENCE in (self.one, self.other):
            self._read(self.folder)
            return
        one, other, reference, apart = self.one, self.other, self.reference, self.apart
        snapshot = self._project.snapshot()

        def work(progress: Progress) -> tuple[Comparison, SequenceScores | None]:
            with snapshot:
                left, right = (_side(snapshot, choice, reference, apart) for choice in (one, other))
                scored = reference if other.is_reference and one == PRESENT else None
                comparison = compare(left, right, snapshot.footage.frames, progress.part(0, 2))
                return comparison, None if scored is None else score(snapshot, scored, progress.part(1, 2))

        self._task = Task(work, self)
        self._task.returned.connect(self._on_compared)
        self._task.failed.connect(self._on_failed)
        self.changed.emit()

    def _cancel(self) -> None:
        self._timer.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _on_compared(self, found: tuple[Comparison, SequenceScores | None]) -> None:
        self._task = None
        self.comparison, self.scores = found
        self.changed.emit()

    def _on_failed(self, error: Exception) -> None:
        self._task = None
        self._session.messages.say(str(error), "error", key="reference")
        self.changed.emit()

    # what is seen

    def see(self, seen: Seen) -> None:
        """Show this on the canvas."""
        if seen != self.seen:
            self.seen = seen
            self.seen_changed.emit()

    def flip(self) -> None:
        """The next of: as it is, the first side if that is not it, the other side, the difference."""
        if self.propose():
            ways = [seen for seen in Seen if seen is not Seen.FIRST or self.one != PRESENT]
            self.see(ways[(ways.index(self.seen) + 1) % len(ways)])
        else:
            self._session.messages.say(self.tr("There is nothing to compare yet: propagate first."), key="seen")

    @property
    def seen_in_words(self) -> str:
        """Words on what the canvas shows, where that is not what it always shows."""
        if self.seen is Seen.ONE or self.other is None:
            return ""
        if self.seen is not Seen.DIFFERENCE:
            return self.name(self.one if self.seen is Seen.FIRST else self.other)
        text = self.tr(
            "Difference: green only in \N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}, "
            "red only in \N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}"
        )
        return text.format(self.name(self.one), self.name(self.other))

    def seen_labels(self, frame: int) -> np.ndarray | None:
        """Label map that is seen of a frame in place of its own, uint8 (H, W); None: the label map itself. Of a
        difference the values are `ONLY_ONE`, `ONLY_OTHER` and `OTHERS_OBJECT`."""
        if self.seen is Seen.ONE or self.other is None or not self._session.is_open:
            return None
        if self.seen is Seen.FIRST:
            return self._labels(self.one, frame)
        other = self._labels(self.other, frame)
        if self.seen is Seen.OTHER:
            return other
        one = self._labels(self.one, frame)
        kinds = np.where(other == 0, ONLY_ONE, np.where(one == 0, ONLY_OTHER, OTHERS_OBJECT))
        return np.where(one == other, 0, kinds).astype(np.uint8)

    def _labels(self, choice: Choice, frame: int) -> np.ndarray:
        """The label map of a side; objects of which it has nothing here are as they are."""
        cells = dict(self._project.cells(frame))
        if not self._is_unread(choice):
            side = _side(self._project, choice, self.reference, self.apart)
            cells |= {key[1]: cell for key, cell in side.cells(frame, frame)}
        labels = np.zeros(self._project.footage.size, np.uint8)
        for id in sorted(cells.keys() & {info.id for info in self._project.objects}):
            cells[id].mask.draw(labels, id)
        return labels

    def _is_unread(self, choice: Choice) -> bool:
        """Whether it is a reference that is still being read."""
        return choice.is_reference and self.reference is None

    # taking

    def take(self, first: int, last: int, objects: tuple[int, ...] | None) -> None:
        """Make the other side's masks those of the project, on these frames, as one step of undo."""
        if self.other is None or self._is_unread(self.other) or not self._session.is_writable:
            return
        text = self._take_in_words(self.other, first, last, objects)
        side = _side(self._project, self.other, self.reference, self.apart)
        taken = take(self._project, text, side, first, last, objects)
        told = []
        if not self._session.document.push_unless_empty(taken.change):
            told.append(self.tr("Nothing changes: these masks are there, or were corrected, locked or declared done."))
        if taken.adapted:
            text = self.tr("{} changed as well, where it meets these masks; one undo takes all of it back.")
            told.append(text.format(self._names_of(taken.adapted)))
        if taken.in_the_way:
            text = self.tr(
                "{} keeps its pixels where it was corrected, locked or declared done: these masks lack them."
            )
            told.append(text.format(self._names_of(taken.in_the_way)))
        if told:
            self._session.messages.say(" ".join(told), key="take")

    def _take_in_words(self, other: Choice, first: int, last: int, objects: tuple[int, ...] | None) -> str:
        """The step of undo."""
        if other.before:
            text = self.tr("Take what was there before propagation {}").format(other.run)
        elif other.run:
            text = self.tr("Take what propagation {} drew").format(other.run)
        elif other.is_reference:
            text = self.tr("Take the masks of the reference")
        else:
            text = self.tr("Take what was drawn {}").format(other.apart[:1].lower() + other.apart[1:])
        if objects:
            text = f"{text}: {self._names_of(objects)}"
        if (first, last) == (0, self._session.navigator.frame_count - 1):
            return text
        if first == last:
            return self.tr("{}, frame {}").format(text, first)
        return self.tr("{}, frames {} to {}").format(text, first, last)

    # runs and references

    def pin(self, record: RunRecord) -> None:
        """Keep the masks of a run, or no longer."""
        if self._session.is_writable:
            pin(self._project, record.id, not record.info.pinned)
            self.records = run_records(self._project)
            self.changed.emit()

    def use_settings(self, record: RunRecord) -> None:
        """The next run has the settings of this one, as far as they can be had."""
        settings = record.settings
        if record.missing_weights:
            self._session.messages.say(record.missing_weights, "warning", key="weights")
            settings = replace(settings, weights=self._runs.next.settings.weights)
        self._runs.next.set_settings(settings)

    def open_reference(self, folder: Path) -> None:
        """Read masks made elsewhere, compare what is there with them, and keep in the project where they are."""
        self._cancel()
        self._read(folder, REFERENCE)

    def forget_reference(self) -> None:
        """The project is compared with none any more."""
        if REFERENCE in (self.one, self.other):
            self.choose(PRESENT, None)
        self.reference = self.folder = None
        if self._session.is_writable:
            note_reference(self._project, None)
        self.changed.emit()

    def _read(self, folder: Path, other: Choice | None = None) -> None:
        """Read the reference, and compare; `other`: choose it first, and note the folder."""
        media = self._session.document.media

        def take_over(reference: Reference) -> None:
            self.reference, self.folder = reference, folder
            self.comparison = self.scores = None
            if other is not None:
                self.one, self.other = PRESENT, other
                if self._session.is_writable:
                    note_reference(self._project, folder)
            for sentence in reference.notes:
                self._session.messages.say(sentence, key="reference")
            self._compare()
            self.seen_changed.emit()

        def tell(error: Exception) -> None:
            self._on_failed(error)
            if self.reference is None and REFERENCE in (self.one, self.other):  # one that was noted
                self.choose(PRESENT, None)

        self._task = Task(lambda _: read_reference(folder, media), self)
        self._task.returned.connect(take_over)
        self._task.failed.connect(tell)
        self.changed.emit()

    # figures

    def summary(self) -> str:
        """The outcome, in a sentence or two."""
        if self.other is None:
            return ""
        if self.comparison is None:
            return self.tr("Comparing\N{HORIZONTAL ELLIPSIS}") if self.is_comparing else ""
        if self.scores is not None:
            return score_in_words(self.scores, self._name_of)
        compared = self.comparison.lowest[~np.isnan(self.comparison.lowest)]
        if not len(compared):
            return self.tr("These two have no frame in common.")
        count = len(self.comparison.differences)
        frames = self.tr("1 frame") if len(compared) == 1 else self.tr("{} frames").format(len(compared))
        if not count:
            return self.tr("No difference: the two agree on all that they have in common ({}).").format(frames)
        differ = self.tr("1 stretch differs") if count == 1 else self.tr("{} stretches differ").format(count)
        text = self.tr("{}; {} compared, mean agreement {:.3f}")
        return text.format(differ, frames, float(compared.mean()))

    def _name_of(self, id: int) -> str:
        info = self._session.object(id)
        return info.name if info else self.tr("object {}").format(id)

    def _names_of(self, ids: Iterable[int]) -> str:
        return ", ".join(map(self._name_of, sorted(ids)))

    def curves(self) -> dict[str, np.ndarray]:
        """Curves along the timeline, by name: J and F against a reference, else agreement; of the active object
        if it was compared, else the lowest. float (frames,), 0 to 1, NaN where nothing is known."""
        if self.comparison is None or not self._session.is_open:
            return {}
        active = self._session.active
        if self.scores is not None:
            own = next((o for o in self.scores.objects if o.object == active), next(iter(self.scores.objects), None))
            frames = list(self.scores.frames)
            curves = {}
            for name, values in (("J", own.j), ("F", own.f)) if own is not None else ():
                curves[name] = np.full(self._session.navigator.frame_count, np.nan, np.float32)
                curves[name][frames] = values
            return curves
        agreement = self.comparison.agreement.get(active, self.comparison.lowest)
        return {self.tr("agreement"): agreement} if len(agreement) else {}


def folder_of_references(session: Session) -> Path:
    """Where choosing a reference begins: at the one that the project is compared with; else beside the footage."""
    noted = noted_reference(session.document.project)
    if noted is not None and noted.is_dir():
        return noted
    return session.document.media.path.parent


def _side(project: Project, choice: Choice, reference: Reference | None, apart: Mapping[str, Apart]) -> Side:
    if choice.apart:
        return apart[choice.apart]
    if choice.is_reference:
        if reference is None:
            raise PCVOSError("There is no reference: open one.")
        return reference
    return OfRun(project, choice.run, choice.before) if choice.run else Present(project)
