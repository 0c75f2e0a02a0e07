"""The frame of a project to correct next."""

import sqlite3
from contextlib import closing
from fractions import Fraction

import numpy as np
import pytest
from studio_projects import SIZE, square

from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project
from core.propagation.doubt import LOW_CONFIDENCE
from core.studio.done import set_done
from core.studio.review import doubtful_stretches, tick_off
from core.studio.suggestion import suggest

FRAMES = 80


@pytest.fixture
def project(tmp_path):
    """Two objects that were corrected on frame 0; the first is in doubt on 30 to 39, the second on 60 to 63."""
    made = Project.new(FootageReference(tmp_path / "c", "f", FRAMES, SIZE, Fraction(25)), tmp_path / "c.pcvos")
    made.apply(Change("objects", objects=((), tuple(ObjectInfo(i, f"Object {i}", (i, 0, 0)) for i in (1, 2)))))
    cells = {(0, i): (None, Cell(square(4 * i), True, True)) for i in (1, 2)}
    for frame in range(1, FRAMES):
        sure = {1: 0.3 if 30 <= frame < 40 else 0.95, 2: 0.2 if 60 <= frame < 64 else 0.95}
        cells |= {(frame, i): (None, Cell(square(4 * i), confidence=sure[i])) for i in (1, 2)}
    made.apply(Change("drawn", cells))
    yield made
    made.close()


def found(project: Project):
    return suggest(project, doubtful_stretches(project))


def test_it_is_in_the_middle_of_the_worst_stretch_and_says_of_which_object(project):
    one = found(project)
    assert 33 <= one.frame <= 36 and one.object == 1 and one.distance == one.frame
    assert (one.stretch.first, one.stretch.last) == (30, 39)


@pytest.mark.parametrize("way", ["corrected", "ticked", "done"])
def test_what_a_person_has_seen_to_is_not_asked_for_again(project, way: str):
    if way == "corrected":
        cells = {(f, 1): (None, Cell(square(4), True, True)) for f in range(30, 40)}
        project.apply(Change("corrected", cells))
    elif way == "ticked":
        tick_off(project, next(s for s in doubtful_stretches(project) if s.object == 1))
    else:
        project.apply(set_done(project, "done", (1,), 0, FRAMES - 1))
    one = found(project)
    assert 58 <= one.frame <= 65 and one.object == 2


def test_where_nothing_waits_nothing_is_suggested(project):
    for stretch in doubtful_stretches(project):
        tick_off(project, stretch)
    assert found(project) is None


def test_much_doubt_that_is_not_listed_leads_nobody_away_from_what_is(project):
    cells = {(f, 1): (None, Cell(square(4), confidence=0.95)) for f in range(1, FRAMES)}
    cells |= {(f, 2): (None, Cell(square(8), confidence=LOW_CONFIDENCE)) for f in range(30, FRAMES)}
    cells |= {(f, 2): (None, Cell(square(8), confidence=0.7)) for f in (3, 4)}
    project.apply(Change("drawn otherwise", cells))
    (listed,) = doubtful_stretches(project)
    one = found(project)
    assert (listed.first, listed.last) == (3, 4) and one.frame in (3, 4) and one.stretch == listed


def test_it_asks_for_no_mask(project, monkeypatch):
    monkeypatch.setattr("core.project.database.EXAMINED_BYTES", 0)  # of a large project masks are not read at first
    with closing(sqlite3.connect(project.path)) as file, file:
        file.execute("UPDATE cells SET mask = zeroblob(1)")  # which would be noticed if anybody read one
    with Project.open(project.path, to_write=False) as again:
        assert suggest(again, doubtful_stretches(again)) is not None
        assert np.isnan(again.confidence_of(1)[0])
        assert again.warnings == [] and again.cell(30, 1) is None and again.warnings
