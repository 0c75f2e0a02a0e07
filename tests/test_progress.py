"""How work tells how far it is, and how it is cancelled."""

import ast
from pathlib import Path

import pytest

from core.progress import UNWATCHED, Cancelled, Progress

ROOT = Path(__file__).parent.parent


def test_it_tells_sparingly_and_always_that_it_is_done():
    told: list[tuple[int, int]] = []
    progress = Progress(lambda done, total: told.append((done, total)))
    for done in range(100_001):
        progress.say(done, 100_000)
    assert told[0] == (0, 100_000) and told[-1] == (100_000, 100_000) and 400 < len(told) < 510
    progress.say(10, 100)
    assert told[-1] == (10, 100), "another stage begins anew"


def test_items_steps_and_parts():
    told: list[tuple[int, int]] = []
    progress = Progress(lambda done, total: told.append((done, total)), total=2)
    assert list(progress.over("ab")) == ["a", "b"] and told == [(1, 2), (2, 2)]
    told.clear()
    for number in (0, 1):
        for _ in progress.part(number, 2).over("abc"):
            pass
    assert told == [(1, 6), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]
    told.clear()
    for steps in (1, 1, 3):
        progress.advance(steps)
    assert told == [(1, 2), (2, 2), (5, 5)], "more than were expected"
    assert list(UNWATCHED.over("ab")) == ["a", "b"]


def test_cancelled_it_ends_where_it_tells_also_in_a_part():
    seen = []
    progress = Progress(is_cancelled=lambda: len(seen) == 2)
    with pytest.raises(Cancelled):
        for item in progress.part(0, 1).over("abc"):
            seen.append(item)
    assert seen == ["a", "b"]
    with pytest.raises(Cancelled):
        progress.raise_if_cancelled()


def test_there_is_one_exception_for_cancelling():
    """All other classes of exceptions say that something is wrong: those that say nothing went wrong are errors too."""
    named = []
    for file in [*ROOT.glob("core/**/*.py"), *ROOT.glob("pcvos_gui/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id in ("Exception", "BaseException") for base in node.bases
            ):
                named.append(node.name)
    assert sorted(named) == ["Cancelled", "DamageMet", "PCVOSError", "_ChangedError"]
