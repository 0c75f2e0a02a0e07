"""A report on a project: how sure the masks are, or how right against a reference, where they are worst, and what was
done to get them. One HTML file, and every figure as CSV beside it."""

import base64
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import PCVOSError
from core.evaluation.charts import WIDTH, Line, score_chart, thinned
from core.evaluation.pictures import side_by_side
from core.evaluation.scores import ObjectScores, SequenceScores, means, summarize_objects
from core.files import atomic_write
from core.masks.palette import DISPLAY_PALETTE
from core.media.source import FrameSource
from core.progress import UNWATCHED, Progress
from core.project.model import ObjectInfo
from core.project.project import Project
from core.project.tracks import CORRECTED, IN_MEMORY, PREDICTED
from core.studio.cell_states import CellState, states_of
from core.studio.comparison import Reference, score
from core.studio.done import done_frames, done_share, not_done_in_words
from core.studio.report_page import page
from core.studio.review import Stretch, doubtful_stretches, reason_of
from core.studio.run_settings import RunSettings
from core.studio.work import PAUSE_SECONDS, in_words, work_on

PICTURES = 6
_RIGHT = 0.95  # mean J from which on nobody looks for what is wrong
_APART = 10  # frames between two pictures: neighbours look the same
_RANGES = 12  # stretches of frames that are named


@dataclass(frozen=True)
class ReportFiles:
    """Files of a report: the page, and two tables beside it, one row a cell and one row an object."""

    page: Path

    @property
    def cells(self) -> Path:
        return self.page.with_name(f"{self.page.stem}-frames.csv")

    @property
    def objects(self) -> Path:
        return self.page.with_name(f"{self.page.stem}-objects.csv")

    def all(self) -> tuple[Path, ...]:
        return self.page, self.cells, self.objects


def page_at(path: Path) -> Path:
    """A path that ends as a page does."""
    return path if path.suffix.lower() in (".html", ".htm") else path.with_name(f"{path.name}.html")


def write_report(
    project: Project,
    media: FrameSource,
    output: Path,
    reference: Reference | None = None,
    overwrite: bool = False,
    progress: Progress = UNWATCHED,
) -> ReportFiles:
    """Write the report on a project.

    Args:
        output: the page, NAME.html. reference: masks to compare with. overwrite: replace files that are there.

    Raises:
        PCVOSError: there are no objects, files are there, or the place cannot be written. Cancelled: nothing is
            written.
    """
    files = ReportFiles(page_at(output))
    if not project.objects:
        raise PCVOSError(f"There is nothing to report on {project.path}: mark an object first.")
    if not files.page.parent.is_dir():
        raise PCVOSError(f"There is no folder {files.page.parent} for the report: make it, or choose another.")
    if not overwrite and (there := next((path for path in files.all() if path.exists()), None)):
        raise PCVOSError(f"{there} exists already: choose another place, or have it replaced.", "exists")
    report = _Report(project, media, reference, progress)
    content = {files.cells: report.cells_csv(), files.objects: report.objects_csv(), files.page: report.page()}
    for path, text in content.items():
        atomic_write(path, text.encode("utf-8", "backslashreplace"))
    return files


class _Report:
    def __init__(self, project: Project, media: FrameSource, reference: Reference | None, progress: Progress):
        self._project, self._media, self._reference = project, media, reference
        self._progress = progress
        self._scores: SequenceScores | None = None
        if reference is not None:
            self._scores = score(project, reference, progress)
        self._stretches = doubtful_stretches(project)
        self._summaries = {one.object: one for one in summarize_objects(self._scores)} if self._scores else {}

    def _scores_of(self, obj: int) -> ObjectScores | None:
        objects = self._scores.objects if self._scores else ()
        return next((one for one in objects if one.object == obj), None)

    # tables

    def _figures(self, info: ObjectInfo) -> dict[str, Any]:
        """Every figure of an object, by the name of its column."""
        project, own = self._project, [s for s in self._stretches if s.object == info.id]
        confidence = project.confidence_of(info.id)
        is_known, work = np.isfinite(confidence), work_on(project)
        figures: dict[str, Any] = {
            "frames": project.footage.frames,
            "propagated": len(project.frames_of(info.id, PREDICTED)),
            "corrected": len(project.frames_of(info.id, CORRECTED)),
            "marks": work.marks[info.id] if work.is_known else None,
            "in memory": len(project.frames_of(info.id, IN_MEMORY)),
            "unprocessed": project.footage.frames - len(project.frames_of(info.id)),
            "doubtful places": sum(s.waits for s in own),
            "ticked off": sum(s.ticked for s in own),
            "done %": done_share(project, (info.id,)).percent,
            "mean confidence": round(float(confidence[is_known].mean()), 4) if is_known.any() else None,
        }
        if self._scores is not None:
            summary = self._summaries.get(info.id)
            figures |= {
                "J": summary and summary.j.mean,
                "F": summary and summary.f.mean,
                "J&F": summary and summary.j_and_f,
            }
            figures |= {"frames scored": summary.frames if summary else 0}
        return figures

    def objects_csv(self) -> str:
        rows = [{"id": o.id, "object": o.name, "class": o.class_name} | self._figures(o) for o in self._project.objects]
        return _csv(list(rows[0]), (row.values() for row in rows))

    def cells_csv(self) -> str:
        header = ["frame", "seconds", "id", "object", "state", "confidence", "done"]
        return _csv([*header, "J", "F", "counted"] if self._scores else header, self._cell_rows())

    def _cell_rows(self) -> Iterator[list[Any]]:
        project, times = self._project, [float(seconds) for seconds in self._media.timestamps]
        for info in project.objects:
            states, done = states_of(project, info.id, self._stretches), done_frames(project, info.id)
            confidence, own = project.confidence_of(info.id), self._scores_of(info.id)
            places = {} if self._scores is None or own is None else {f: i for i, f in enumerate(self._scores.frames)}
            for frame in range(project.footage.frames):
                state = CellState(int(states[frame])).name.lower().replace("_", " ")
                sure = float(confidence[frame])
                seconds = times[frame] if frame < len(times) else None
                row = [frame, seconds, info.id, info.name, state, _finite(sure), int(done[frame])]
                if self._scores is not None:
                    i = places.get(frame)
                    if own is None or i is None:
                        row += [None, None, 0]
                    else:
                        row += [_finite(own.j[i]), _finite(own.f[i]), int(own.counted[i])]
                yield row

    # the page

    def page(self) -> str:
        project = self._project
        figures = [(info, self._figures(info)) for info in project.objects]
        columns = [name for name in figures[0][1] if name != "frames"]
        objects: list[dict[str, Any]] = [
            {
                "name": info.name + (f" ({info.class_name})" if info.class_name else ""),
                "colour": "#{:02x}{:02x}{:02x}".format(*info.colour),
                "cells": [_shown(own[name]) for name in columns],
                "is_mean": False,
            }
            for info, own in figures
        ]
        if len(self._summaries) > 1:
            mean = means(self._summaries.values())
            values = {"J": mean.j.mean, "F": mean.f.mean, "J&F": mean.j_and_f}
            objects.append(
                {"name": "mean", "colour": "", "is_mean": True, "cells": [_shown(values.get(n)) for n in columns]}
            )
        return page(
            list(self._curves()),
            title=f"Report on {project.path.stem}",
            facts=list(self._facts()),
            columns=columns,
            objects=objects,
            notes=list(self._notes()),
            pictures=list(self._pictures()),
            no_pictures=f"None: no frame {'is in doubt' if self._reference is None else f'has a J below {_RIGHT}'}.",
            corrections=[self._corrections(info) for info in project.objects],
            runs=list(self._runs()),
        )

    def _facts(self) -> Iterator[tuple[str, str]]:
        project, footage = self._project, self._project.footage
        height, width = footage.size
        yield "project", str(project.path)
        yield (
            "footage",
            f"{footage.path}, {width} x {height}, {footage.frames} frames, {float(footage.rate):g} a second",
        )
        if self._reference is not None:
            frames = len(self._reference.truth.frames)
            yield "reference", f"{self._reference.path}: masks of {frames} frames"
        share = done_share(project)
        yield (
            "done",
            f"{share.done} of {share.total} (frames of objects)" if project.done else "nothing was declared done",
        )
        runs = [run for _, run in project.runs()]
        plural = "" if len(runs) == 1 else "s"
        yield "time of computing", f"{sum(run.seconds for run in runs):.0f} s in {len(runs)} propagation{plural}"
        work = work_on(project)
        yield "marks", f"{work.all_marks}" if work.is_known else "not known: they were given before they were counted"
        yield (
            "time of working",
            f"{in_words(work.seconds)} in the window, without pauses of more than {PAUSE_SECONDS:.0f} s"
            if work.is_known
            else "not known: it was not recorded then",
        )
        yield "written", datetime.now().astimezone().isoformat(sep=" ", timespec="minutes")

    def _notes(self) -> Iterator[str]:
        yield "Confidence is the J that a mask is expected to have, as the network judges it; 1 is best."
        if self._reference is not None:
            yield (
                "J and F are those of `pcvos eval`: against the reference, over its frames behind the one on which the "
                "object first appears, without the last one."
            )
            ids = set(self._reference.truth.objects)
            if without := [info.name for info in self._project.objects if info.id not in ids]:
                yield f"The reference has no masks of: {', '.join(without)}."
            if strange := sorted(ids - {info.id for info in self._project.objects}):
                yield f"The reference has objects that the project does not have: {', '.join(map(str, strange))}."
            yield from self._reference.notes
        if left := not_done_in_words(self._project, None, 0, self._project.footage.frames - 1):
            yield left

    def _curves(self) -> Iterator[tuple[str, str]]:
        for info in self._project.objects:
            confidence, own = self._project.confidence_of(info.id), self._scores_of(info.id)
            curves = [("confidence", confidence, 2, True)]
            if self._scores is not None and own is not None:
                curves = [("J", self._plane(own.j), 0, False), ("F", self._plane(own.f), 1, False), *curves]
            if all(np.isnan(values).all() for _, values, _, _ in curves):
                continue
            frames, _ = thinned(confidence)
            lines = [Line(name, thinned(values)[1], colour, dashed) for name, values, colour, dashed in curves]
            corrected = self._project.frames_of(info.id, CORRECTED)
            marks = corrected[:: -(-len(corrected) // WIDTH) or 1].tolist()
            yield info.name, score_chart(frames, lines, marks, "corrected")

    def _plane(self, values: np.ndarray) -> np.ndarray:
        """Scores of the frames that have some, on all frames."""
        assert self._scores is not None, "there is no reference"
        plane = np.full(self._project.footage.frames, np.nan)
        plane[list(self._scores.frames)] = values
        return plane

    def _pictures(self) -> Iterator[dict[str, str]]:
        for frame, words in self._worst():
            self._progress.raise_if_cancelled()
            image, labels = self._media.read(frame), self._project.labels(frame)
            maps = [labels] if self._reference is None else [self._reference.truth.labels(frame), labels]
            palette = DISPLAY_PALETTE.copy()
            for info in self._project.objects:
                palette[info.id] = info.colour
            data = base64.b64encode(side_by_side(image, *maps, palette=palette)).decode()
            yield {"words": words, "data": data}

    def _worst(self) -> list[tuple[int, str]]:
        """Frames to be pictured, worst first, and what is said of each."""
        frames: list[tuple[int, str]] = []
        if self._scores is not None:
            j = self._scores.frame_means(counted=True)
            order = [(self._scores.frames[i], float(j[i])) for i in np.argsort(j) if j[i] < _RIGHT]  # NaN is not less
            told = ((frame, f"frame {frame}: J {value:.3f}; reference left, project right") for frame, value in order)
        else:
            told = ((s.frame, self._words(s)) for s in self._stretches if s.waits)
        for frame, words in told:
            if len(frames) < PICTURES and all(abs(frame - other) >= _APART for other, _ in frames):
                frames.append((frame, words))
        return frames

    def _words(self, stretch: Stretch) -> str:
        extent = f"{stretch.first}" if stretch.first == stretch.last else f"{stretch.first} to {stretch.last}"
        name = self._project.object(stretch.object).name
        why = str(reason_of(self._project, stretch))
        if stretch.confidence is not None:
            why += f", confidence {stretch.confidence:.0%}"
        return f"{name}, frame {stretch.frame} (of {extent}): {why}"

    def _corrections(self, info: ObjectInfo) -> dict[str, Any]:
        corrected = self._project.frames_of(info.id, CORRECTED)
        done = np.flatnonzero(done_frames(self._project, info.id))
        return {"name": info.name, "count": len(corrected), "frames": _ranges(corrected), "done": _ranges(done)}

    def _runs(self) -> Iterator[dict[str, Any]]:
        usual = RunSettings()
        for _, run in self._project.runs():
            other = {
                k: v
                for k, v in run.settings.items()
                if getattr(usual, k, None) != v and k not in ("direction", "range")
            }
            settings = {"interval": run.settings.get("interval", usual.interval)} | other
            yield {
                "started": run.started[:16].replace("T", " "),
                "extent": f"{run.start} to {run.end}",
                "frames": run.frames,
                "seconds": f"{run.seconds:.1f}",
                "direction": run.direction,
                "state": run.state,
                "settings": ", ".join(f"{name} {value}" for name, value in settings.items()),
            }


def _ranges(frames: np.ndarray) -> str:
    parts = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(frames) else []
    shown = [str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts[:_RANGES]]
    return ", ".join(shown) + (f", and {len(parts) - _RANGES} more stretches" if len(parts) > _RANGES else "")


def _finite(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _shown(value: Any) -> str:
    """A figure of an object; shares are floats to 1, all else is counted, or in percent."""
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and value <= 1 else f"{value:g}"


def _csv(header: Sequence[str], rows: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
