"""The cost of a memory interval, in words."""

from PySide6.QtCore import QCoreApplication

from pcvos_gui.session.runs import RunController

PAPER_SCORES = {5: 84.6, 10: 84.1, 15: 83.6, 25: 83.0}
"""YouTube-VOS 2019 (validation), overall score by L, of the published network: the paper's own measurements."""

_SPACE = "\N{NO-BREAK SPACE}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("costs", text)


def duration(seconds: float) -> str:
    """ "8 s", "4 min", "1 h 10 min"."""
    seconds = max(0, round(seconds))
    if seconds < 100:
        return _tr("{} s").format(seconds).replace(" ", _SPACE)
    minutes = round(seconds / 60)
    if minutes < 60:
        return _tr("{} min").format(minutes).replace(" ", _SPACE)
    return _tr("{} h {} min").format(minutes // 60, minutes % 60).replace(" ", _SPACE)


def speed_text(frames_per_second: float) -> str:
    """ "4.1 frames per second"."""
    digits = 0 if frames_per_second >= 20 else 1 if frames_per_second >= 1 else 2
    return _tr("{} frames per second").format(f"{frames_per_second:.{digits}f}")


def count_text(frames: int) -> str:
    """ "1 frame", "12 frames"."""
    return _tr("1 frame") if frames == 1 else _tr("{} frames").format(frames)


def cost_text(runs: RunController, interval: int) -> str:
    """The cost of the next propagation on this machine at this interval, and what others would buy; nothing while no
    footage is open."""
    if not runs.session.is_open:
        return ""
    seconds, measured = runs.forecast.seconds_for(interval), runs.forecast.intervals
    if not measured:
        return _tr(
            "A small L is more accurate, a large one faster. How fast on this machine is told here after the first "
            "propagation."
        )
    if seconds is None:
        return _tr(
            "A small L is more accurate, a large one faster. How fast on this machine is told here once there is "
            "something to propagate."
        )
    parts = [_touched_text(runs, interval, seconds) if runs.next.touched else _range_text(runs, interval, seconds)]
    others = [other for other in {measured[0], measured[-1]} if other != interval]
    if others:
        told = [f"L = {other}: {duration(runs.forecast.seconds_for(other) or 0)}" for other in sorted(others)]
        parts.append(_tr("In its place {}.").format(", ".join(told)))
    else:
        parts.append(_tr("Compare L measures others."))
    return " ".join(parts)


def _range_text(runs: RunController, interval: int, seconds: float) -> str:
    first, last = runs.next.frames_to_draw()
    text = _tr("L = {}: about {} for the {} on this machine.")
    return text.format(interval, duration(seconds), count_text(last - first + 1))


def _touched_text(runs: RunController, interval: int, seconds: float) -> str:
    """The time of each frame once, and the other time that it may take."""
    assert runs.next.touched is not None, "everything is drawn"
    worst = runs.forecast.seconds_for(interval, from_both_sides=True) or seconds
    text = _tr("L = {}: at most {} for at most {} on this machine")
    parts = [text.format(interval, duration(seconds), count_text(runs.next.touched.frames_at_most))]
    if duration(worst) != duration(seconds):
        parts.append(_tr("{} where they have to be drawn from both sides").format(duration(worst)))
    return ", ".join(parts) + "."


def paper_text(interval: int) -> str:
    """The paper's figures around this interval."""
    known = sorted(PAPER_SCORES)
    if interval < known[0]:
        return _tr("The paper begins at L = 5, with a score of {}.").format(PAPER_SCORES[known[0]])
    if interval > known[-1]:
        return _tr("The paper ends at L = 25: {}, {} points below L = 5.").format(*_score(known[-1]))
    if interval in PAPER_SCORES:
        score, lost = _score(interval)
        if not float(lost):
            return _tr("In the paper, L = 5 scores {}.").format(score)
        return _tr("In the paper, L = {} scores {}: {} points below L = 5.").format(interval, score, lost)
    low, high = max(k for k in known if k < interval), min(k for k in known if k > interval)
    return _tr("In the paper, between {} (L = {}) and {} (L = {}).").format(
        PAPER_SCORES[low], low, PAPER_SCORES[high], high
    )


def _score(interval: int) -> tuple[str, str]:
    score = PAPER_SCORES[interval]
    return f"{score:.1f}", f"{PAPER_SCORES[5] - score:.1f}"


def paper_summary() -> str:
    """All that the paper measured of L."""
    lost = {interval: _score(interval)[1] for interval in PAPER_SCORES}
    return _tr(
        "{} points lost at L = 10, {} at 15, {} at 25, relative to L = 5: YouTube-VOS 2019 overall, published network."
    ).format(lost[10], lost[15], lost[25])
