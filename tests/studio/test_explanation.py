"""Which run drew a frame, and what it knew then; explained by the engine, with the shipped network."""

from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import PCVOSError
from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import SoftMask
from core.media import open_media
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.progress import UNWATCHED
from core.project.model import Cell, Change, FootageReference, ObjectInfo
from core.project.project import Project
from core.studio.engine import Engine
from core.studio.explanation import make_explain_job, origin_of, uncertainty
from core.studio.jobs import Ablated, AblateJob, ClipDone, make_job
from core.studio.recorded_run import RecordedRun
from core.studio.run_settings import RunSettings
from core.studio.touched import find_touched

pytestmark = pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="no weights in this checkout")

COUNT, SIZE = 13, (96, 128)
SETTINGS = RunSettings(interval=3, resolution=96, device="cpu", progressive=2)


def ball(frame: int) -> np.ndarray:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return (y - 48) ** 2 + (x - 30 - 4 * frame) ** 2 < 18**2


@pytest.fixture(scope="module")
def engine():
    engine = Engine()
    yield engine
    engine.close()


class Work:
    """A project of a ball on 13 frames, and what is done with it."""

    def __init__(self, folder: Path, engine: Engine):
        ground = np.random.default_rng(3).integers(60, 120, (12, 16, 3), np.uint8)
        self.footage, self.engine = folder / "frames", engine
        self.footage.mkdir()
        for i in range(COUNT):
            image = cv2.resize(ground, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
            image[ball(i)] = 50, 60, 220
            cv2.imwrite(str(self.footage / f"{i:03}.png"), image)
        with open_media(self.footage) as media:
            reference = FootageReference(self.footage, media.fingerprint(), COUNT, SIZE, media.rate)
        self.project = Project.new(reference, folder / "ball.pcvos")
        self.project.apply(Change("object", objects=((), (ObjectInfo(1, "Ball", (200, 0, 0)),))))

    def correct(self, frame: int, mask: np.ndarray) -> None:
        cell = Cell(PackedMask.pack(mask), corrected=True, in_memory=True)
        self.project.apply(Change("paint", {(frame, 1): (self.project.cell(frame, 1), cell)}))

    def run(self, touched: bool = False) -> int:
        """Propagate all, or what corrections touch; the run's id."""
        only = find_touched(self.project, SETTINGS) if touched else None
        first, last = only.extent if only else (0, COUNT - 1)
        job = make_job(self.project, self.footage, SETTINGS, first, last, touched=only)
        run, memory = RecordedRun(self.project, "run", job, asdict(SETTINGS)), None
        for result in self.engine.run(job, UNWATCHED):
            if isinstance(result, ClipDone):
                self.project.apply(run.change(result.cells, result.provisional))
                run.note_clip(result.frames, result.drawn)
                memory = result.memory
        run.end("done", (*memory.permanent, *memory.working))
        return run.id

    def explained(self, frame: int):
        (found,) = self.engine.run(self.job(frame), UNWATCHED)
        return found

    def job(self, frame: int):
        return make_explain_job(self.project, self.footage, frame, 1, RunSettings(device="cpu"))

    def ablated(self, frame: int) -> dict[str, Ablated]:
        return {one.without: one for one in self.engine.run(AblateJob(self.job(frame)), UNWATCHED)}


@pytest.fixture
def work(tmp_path: Path, engine: Engine):
    work = Work(tmp_path, engine)
    work.correct(0, ball(0))
    yield work
    work.project.close()


def test_a_frame_is_explained_by_the_run_that_drew_it_as_it_was_then(work: Work):
    nothing_yet = work.explained(5)
    assert nothing_yet.run == 0 and "No propagation has drawn this" in nothing_yet.notes[0]
    run = work.run()
    before = work.explained(9)
    assert (before.run, before.notes) == (run, ())
    sources = [(source.frame, source.kind) for source in before.attribution.sources]
    assert sources == [(0, "permanent"), (3, "working"), (6, "working"), (8, "temporary")]
    assert before.attribution.clip == (7, 8, 9)
    as_it_was = work.ablated(9)
    assert as_it_was[""].agreement[1] > 0.99, "rebuilt, it is what the run drew"
    work.correct(5, ball(5) & False)
    work.correct(8, ball(8))
    after = work.explained(9)
    assert after.notes == ("Corrected since, and not read then: frames 5, 8.",)
    np.testing.assert_array_equal(after.attribution.places, before.attribution.places)
    again = work.ablated(9)
    assert again[""].cells[7, 1].mask == as_it_was[""].cells[7, 1].mask, "what was corrected since changes nothing"
    assert set(again) == {"", "refinement", "progressive", "kernel", "distractors"}
    assert again["progressive"].cells and not again["distractors"].cells, "nothing looks like the ball"
    assert work.explained(0).attribution is None, "a person drew it"
    touched = work.run(touched=True)
    found = work.explained(10)
    assert (
        found.run == touched and found.attribution.direction == "forward" and "a correction touched" in found.notes[0]
    )
    assert {s.frame for s in found.attribution.sources if s.kind == "permanent"} == {0, 5, 8}
    assert (10, 1) in work.ablated(10)[""].cells


def test_what_cannot_be_had_is_said(work: Work, tmp_path: Path):
    run = work.run()
    info = dict(work.project.runs())[run]
    work.project.kept_runs.drop(run)
    work.project.update_run(run, replace(info, kept_bytes=0, weights="of others"))
    found = work.explained(8)
    assert "are not kept any more" in found.notes[0] and "other weights" in found.notes[1]
    gone = {"weights": str(tmp_path / "gone")}
    work.project.update_run(run, replace(info, kept_bytes=0, settings=info.settings | gone))
    with pytest.raises(PCVOSError, match="The weights of this propagation are gone"):
        origin_of(work.project, 8, 1, SETTINGS)


def test_uncertainty_is_the_entropy_of_what_the_run_gave(work: Work):
    levels = np.zeros((24, 32), np.uint8)
    levels[4:8, 4:8], levels[4:8, 8:12] = 255, 128
    soft = SoftMask.pack(levels, (0, 0, 96, 128))
    cell = Cell(PackedMask.pack(ball(3)), confidence=0.9, soft=soft)
    work.project.apply(Change("draw", {(3, 1): (None, cell)}))
    found, area = uncertainty(work.project, 3)
    assert found.shape == (24, 32) and area == (0, 0, 128, 96)
    assert (found[4:8, 8:12] == 255).all() and found[4:8, 4:8].max() == 0 == found[0].max()
    assert uncertainty(work.project, 0) is None and uncertainty(work.project, 4) is None


def test_a_run_that_failed_before_it_drew_anything_has_drawn_nothing(tmp_path, engine):
    work = Work(tmp_path, engine)
    work.correct(0, ball(0))
    done = work.run()
    job = make_job(work.project, work.footage, SETTINGS, 0, COUNT - 1)
    gone = asdict(replace(SETTINGS, weights=str(tmp_path / "gone.safetensors")))
    RecordedRun(work.project, "run", job, gone).end("failed", ())
    assert origin_of(work.project, 4, 1, SETTINGS).run == done
    work.project.close()
