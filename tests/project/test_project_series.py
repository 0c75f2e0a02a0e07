"""Any series of changes, taken back in any measure, with disks that fill up and windows that are closed in between."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from project_files import FRAMES, content, footage, objects, painted, predicted

from core.masks.packed_mask import PackedMask
from core.project.model import Cell, Change
from core.project.project import Project

AREA = (480, 640)
LARGE = {"size": st.just(AREA), "noisy": st.just(True)}  # each needs a page of its own
KEYS = st.tuples(st.sampled_from([0, 1, 2, 30, FRAMES - 1]), st.sampled_from([1, 2, 254]))
CELLS = (
    st.none()
    | st.just(Cell(PackedMask.empty(AREA), True, True))
    | st.builds(painted, st.integers(0, 3), **LARGE)
    | st.builds(predicted, st.integers(0, 3), st.none() | st.floats(0, 1), **LARGE)
)
LISTS = st.lists(st.integers(1, 254), unique=True, max_size=4).map(lambda ids: objects(*ids))


class Series(RuleBasedStateMachine):
    """A project beside a model of it: a dictionary and a tuple."""

    @initialize()
    def begin(self):
        self.folder = next(FOLDERS)
        self.project = Project.new(footage(self.folder, size=AREA), self.folder / "clip.pcvos")
        self.cells, self.objects, self.done = {}, (), []

    @rule(after=st.dictionaries(KEYS, CELLS, max_size=4), listed=st.none() | LISTS)
    def change(self, after, listed):
        cells = {key: (self.cells.get(key), cell) for key, cell in after.items()}
        self.done.append(Change("change", cells, None if listed is None else (self.objects, listed)))
        self.make(self.done[-1])

    @precondition(lambda self: self.done)
    @rule()
    def undo(self):
        self.make(self.done.pop().inverted())

    def make(self, change):
        for key, (_, after) in change.cells.items():
            if after is None:
                self.cells.pop(key, None)
            else:
                self.cells[key] = after
        if change.objects is not None:
            self.objects = change.objects[1]
        self.project.apply(change)
        REFUSED[0] += self.project.unsaved > 0

    @precondition(lambda self: self.project.exists and not self.project.unsaved)
    @rule()
    def fill_the_disk(self):
        limit_pages(self.project, 1)  # SQLite keeps the pages there are, and gets no more

    @precondition(lambda self: self.project.unsaved)
    @rule()
    def free_the_disk(self):
        if self.project.exists:
            limit_pages(self.project, 2**30)
        assert self.project.retry_save()
        assert self.project.unsaved == 0 and self.project.save_error is None

    @rule()
    def reopen(self):
        self.free_the_disk()
        self.project.close()
        if self.project.path.exists():
            self.project = Project.open(self.project.path)
        else:
            assert not self.cells and not self.objects
            self.project = Project.new(self.project.footage, self.project.path)

    @invariant()
    def is_as_the_model(self):
        if not hasattr(self, "project"):
            return
        assert content(self.project) == (self.objects, dict(sorted(self.cells.items())))
        for frame in (0, 1, 30):
            here = {obj: cell for (f, obj), cell in self.cells.items() if f == frame}
            assert self.project.cells(frame) == here
            state = 0
            for cell in here.values():
                state |= (1 if cell.corrected else 4) | (2 if cell.in_memory else 0)
            assert self.project.states[frame] == state
            confidences = [cell.confidence for cell in here.values() if cell.confidence is not None]
            found = self.project.confidence[frame]
            assert abs(found - min(confidences)) < 1e-6 if confidences else found != found

    def teardown(self):
        if hasattr(self, "project"):
            self.free_the_disk()
            self.project.close()
            if self.project.path.exists():
                with Project.open(self.project.path) as again:
                    assert content(again) == (self.objects, dict(sorted(self.cells.items())))


def limit_pages(project, pages):
    project._store._connection.execute(f"PRAGMA max_page_count = {pages}")  # a full disk for this one file


FOLDERS = iter(())
REFUSED = [0]  # changes that met a full disk


def test_any_series_of_changes(tmp_path_factory):
    global FOLDERS
    FOLDERS = iter(lambda: tmp_path_factory.mktemp("series"), None)
    limits = settings(max_examples=25, stateful_step_count=40, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Series, settings=limits)
    assert REFUSED[0], "or this tried nothing of it"  # how many depends on when the checkpoints run
