"""The results of an evaluation, and the tables and files that say them."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.evaluation.scores import (
    Means,
    ObjectSummary,
    SequenceScores,
    by_sequence,
    confidence_correlation,
    flagged_falls,
    means,
    summarize_objects,
)
from core.evaluation.sequence_runner import Round
from core.evaluation.tables import Table, number

_SCORES = ("mean", "recall", "decay")


@dataclass
class RunResults:
    """All sequences of one run.

    Attributes:
        name: in words. interval, without: its memory interval and the parts switched off; None and nothing for masks
            that were made elsewhere.
        rounds: per sequence, its state after 0, 1, … corrections.
    """

    name: str
    interval: int | None = None
    without: tuple[str, ...] = ()
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    @property
    def corrections(self) -> int:
        return max((len(rounds) - 1 for rounds in self.rounds.values()), default=0)

    def scores(self, corrections: int = 0, never_given: bool = False) -> list[SequenceScores]:
        """Scores of every sequence, after so many corrections. With `never_given` only frames count that are given in
        no round, so that all rounds are compared on the same frames."""
        own = [(rounds[corrections].scores, rounds[-1].scores) for rounds in self.rounds.values()]
        return [now.counting(last) if never_given else now for now, last in own]

    def summaries(self, corrections: int = 0, never_given: bool = False) -> list[ObjectSummary]:
        return [s for scores in self.scores(corrections, never_given) for s in summarize_objects(scores)]

    def means(self, corrections: int = 0, never_given: bool = False) -> Means:
        return means(self.summaries(corrections, never_given))

    def corrected(self, sequence: str) -> list[int]:
        """The frames that were corrected, in their order."""
        return [own.corrected for own in self.rounds[sequence] if own.corrected is not None]


def scores_table(run: RunResults) -> Table:
    """J and F of every object, before any correction; a sequence with several has a line for their mean."""
    columns = ("sequence", "object", "frames", "J", "recall", "decay", "F", "recall", "decay", "J&F")
    rows = []
    for sequence, summaries in by_sequence(run.summaries()).items():
        rows += [(sequence, str(s.object), str(s.frames), *_cells(s)) for s in summaries]
        if len(summaries) > 1:
            rows.append((sequence, "mean", "", *_cells(means(summaries))))
    return Table(run.name, columns, (*rows, ("mean", "", "", *_cells(run.means()))), words=2)


def intervals_table(runs: Sequence[RunResults]) -> Table:
    """J&F by memory interval, a line for what is switched off: the paper's Table 1."""
    intervals = list(dict.fromkeys(run.interval for run in runs))
    lines: dict[tuple[str, ...], dict[int | None, float]] = {}
    for run in runs:
        lines.setdefault(run.without, {})[run.interval] = run.means().j_and_f
    rows = []
    for without, found in lines.items():
        name = f"without {' and '.join(without)}" if without else "everything on"
        lost = [number(found[intervals[0]] - found[intervals[-1]])] if len(intervals) > 1 else []
        rows.append((name, *(number(found[i]) for i in intervals), *lost))
    last = ("lost",) if len(intervals) > 1 else ()
    return Table("J&F by memory interval", ("", *(f"L = {i}" for i in intervals), *last), tuple(rows))


def corrections_table(runs: Sequence[RunResults]) -> Table:
    """Scores after each correction, on the frames that were not given by then, and on those never given."""
    rows = []
    for run in runs:
        for count in range(run.corrections + 1):
            now, same = run.means(count), run.means(count, never_given=True)
            figures = (now.j.mean, now.f.mean, now.j_and_f, same.j_and_f)
            rows.append((run.name, str(count), *(number(figure) for figure in figures)))
    columns = ("", "corrections", "J", "F", "J&F", "J&F, same frames")
    return Table("After corrections of the worst frame", columns, tuple(rows))


def confidence_table(runs: Sequence[RunResults]) -> Table | None:
    """Rank correlation of confidence and true J, and whether doubt finds falls of J, by run; None where there is no
    confidence."""
    rows = []
    for run in (run for run in runs if run.rounds):
        if not math.isnan(correlation := confidence_correlation(run.scores())):
            falls = flagged_falls(run.scores())
            shares = [number(share) if math.isfinite(share) else "-" for share in (falls.of_falls, falls.of_others)]
            rows.append((run.name, number(correlation), str(falls.falls), *shares))
    columns = ("", "Spearman", "falls of J", "in doubt", "others in doubt")
    return Table("Confidence against true J", columns, tuple(rows)) if rows else None


def all_tables(runs: Sequence[RunResults]) -> Iterator[Table]:
    """Tables in which these runs have something to say."""
    for run in runs:
        yield scores_table(run)
    if len(runs) > 1:
        yield intervals_table(runs)
    if any(run.corrections for run in runs):
        yield corrections_table(runs)
    if (table := confidence_table(runs)) is not None:
        yield table


def scores_csv(runs: Sequence[RunResults]) -> str:
    """A line per object, sequence, round and run."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    scores = [f"{what}_{score}" for what in "JF" for score in _SCORES]
    head = ("run", "interval", "without", "corrections", "sequence", "object", "given_on", "frames")
    writer.writerow([*head, *scores, "J&F"])
    for run in runs:
        place = (run.name, "" if run.interval is None else run.interval, " ".join(run.without))
        for corrections in range(run.corrections + 1):
            for s in run.summaries(corrections):
                figures = [getattr(own, score) for own in (s.j, s.f) for score in _SCORES]
                own = (corrections, s.sequence, s.object, s.given, s.frames)
                writer.writerow([*place, *own, *(f"{value:.6f}" for value in (*figures, s.j_and_f))])
    return text.getvalue()


def runs_as_json(runs: Sequence[RunResults], stems: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Everything, the scores of every frame included, ready for `json.dumps`.

    Args:
        stems: names of the frames of each sequence.
    """
    return [
        {
            "name": run.name,
            "interval": run.interval,
            "without": list(run.without),
            "rounds": [_round_as_json(run, corrections, stems) for corrections in range(run.corrections + 1)],
        }
        for run in runs
    ]


def _round_as_json(run: RunResults, corrections: int, stems: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    never_given = run.means(corrections, never_given=True)
    return {
        "corrections": corrections,
        "mean": _means_as_json(run.means(corrections)),
        "mean_on_frames_never_given": _means_as_json(never_given),
        "confidence_correlation": _finite(confidence_correlation(run.scores(corrections))),
        "flagged_falls": {k: _finite(v) for k, v in asdict(flagged_falls(run.scores(corrections))).items()},
        "sequences": [_sequence_as_json(run, corrections, s, stems[s.sequence]) for s in run.scores(corrections)],
    }


def _sequence_as_json(
    run: RunResults, corrections: int, scores: SequenceScores, stems: Sequence[str]
) -> dict[str, Any]:
    summaries = summarize_objects(scores)
    by_object = {s.object: s for s in summaries}
    objects = []
    for own in scores.objects:
        entry = {"object": own.object, "given_on": stems[own.given]}
        if (summary := by_object.get(own.object)) is not None:
            entry |= {"frames": summary.frames, "J": asdict(summary.j), "F": asdict(summary.f)}
            entry |= {"J&F": summary.j_and_f}
        curves = {"J": own.j, "F": own.f, "confidence": own.confidence}
        rounded = {name: [_finite(round(float(v), 5)) for v in values] for name, values in curves.items()}
        objects.append(entry | {"by_frame": rounded | {"counted": own.counted.tolist()}})
    return {
        "sequence": scores.sequence,
        "corrected": [stems[frame] for frame in run.corrected(scores.sequence)[:corrections]],
        "mean": _means_as_json(means(summaries)) if summaries else None,
        "confidence_correlation": _finite(confidence_correlation([scores])),
        "frames": [stems[frame] for frame in scores.frames],
        "objects": objects,
    }


def _means_as_json(found: Means) -> dict[str, Any]:
    return {"objects": found.objects, "J": asdict(found.j), "F": asdict(found.f), "J&F": found.j_and_f}


def _cells(found: ObjectSummary | Means) -> tuple[str, ...]:
    figures = [getattr(own, score) for own in (found.j, found.f) for score in _SCORES]
    return tuple(number(value) for value in (*figures, found.j_and_f))


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
