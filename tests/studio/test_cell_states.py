"""The one state that a timeline shows of a cell."""

import numpy as np
from studio_projects import FRAMES, SIZE, make_project, put

from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change
from core.project.project import Project
from core.studio.cell_states import CellState, states_of, worst_states
from core.studio.done import set_done
from core.studio.review import doubtful_stretches, tick_off

NOTHING = PackedMask.pack(np.zeros(SIZE, bool))


def test_states_of_an_object_and_the_worst_of_all(tmp_path):
    project = make_project(tmp_path)
    for frame in (1, 2, 6, 7, 8):
        put(project, frame, 1)
    confident = {1: 0.3, 2: 0.9, 6: 0.2}
    cells = {(f, 1): (c := project.cell(f, 1), Cell(c.mask, confidence=v)) for f, v in confident.items()}
    cells |= {(3, 1): (None, Cell(NOTHING, confidence=0.9)), (8, 1): (project.cell(8, 1), Cell(NOTHING, True, True))}
    cells |= {(9, 1): (None, Cell(project.cell(1, 1).mask, True, False))}
    project.apply(Change("cells", cells))
    put(project, 0, 1, corrected=True)
    put(project, 10, 2)
    tick_off(project, next(s for s in doubtful_stretches(project) if s.frame == 6))
    path = project.path
    project.close()
    with Project.open(path) as again:  # what is absent is known without reading masks
        stretches = doubtful_stretches(again)
        states = CellState
        expected = [states.IN_MEMORY, states.DOUBTFUL, states.DRAWN, states.NOT_SEEN, states.UNKNOWN, states.UNKNOWN]
        expected += [states.TICKED_OFF, states.DRAWN, states.SAID_ABSENT, states.CORRECTED]
        assert states_of(again, 1, stretches).tolist() == [*expected, *[states.UNKNOWN] * (FRAMES - 10)]
        assert states_of(again, 2, stretches)[10] == states.DRAWN
        worst = worst_states(again, stretches)
        assert worst[[0, 1, 6, 10]].tolist() == [states.IN_MEMORY, states.DOUBTFUL, states.TICKED_OFF, states.DRAWN]
        again.apply(set_done(again, "done", (1,), 0, FRAMES - 1))
        assert not [s for s in doubtful_stretches(again) if s.object == 1], "what is done needs no look"


def test_a_run_that_finds_the_object_again_ends_its_absence(tmp_path):
    with make_project(tmp_path) as project:
        project.apply(Change("run", {(1, 1): (None, Cell(NOTHING, confidence=0.9))}, made_by=Author.RUN))
        assert states_of(project, 1, [])[1] == CellState.NOT_SEEN
        put(project, 1, 1)
        assert states_of(project, 1, [])[1] == CellState.DRAWN
