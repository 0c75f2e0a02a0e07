"""The inference thread with the shipped network, at low resolution, on a small generated video."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from inference_parts import (
    COUNT,
    PATIENCE,
    SIZE,
    Recorder,
    ball,
    box,
    iou,
    job,
    masks,
    permanent,
    picture,
    write_footage,
)
from PySide6.QtCore import QCoreApplication, Qt
from pytestqt.qtbot import QtBot

from core.errors import ResourceError
from core.marking.marks import Stroke
from core.masks.packed_mask import PackedMask
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.progress import UNWATCHED, Progress
from core.propagation import PropagationSettings
from core.studio.jobs import (
    ClipDone,
    Compared,
    CompareJob,
    EngineChoice,
    Estimated,
    EstimateJob,
    JobEnded,
    JobStarted,
    Marked,
    MarkJob,
    MemoryJob,
    MemoryTold,
    PermanentFrame,
)
from pcvos_gui.workers.inference import InferenceWorker

pytestmark = pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="no weights in this checkout")


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if "libx264" not in av.codecs_available:
        pytest.skip("this PyAV has no libx264")
    return write_footage(tmp_path_factory.mktemp("footage") / "balls.mp4")


@pytest.fixture(scope="module")
def long_lived(qapp) -> Iterator[InferenceWorker]:
    worker = InferenceWorker()
    yield worker
    assert worker.shutdown(60)


@pytest.fixture
def worker(long_lived: InferenceWorker) -> InferenceWorker:
    """One for all tests: they also show that whatever happens in one, the next finds a thread that works."""
    return long_lived


@pytest.fixture
def heard(worker: InferenceWorker, qtbot: QtBot) -> Recorder:
    return Recorder(worker, qtbot)


# results


def test_a_run_comes_clip_by_clip(worker: InferenceWorker, heard: Recorder, footage: Path):
    run = job(footage)
    worker.submit(run)
    assert heard.end(run.number) == JobEnded(run.number, "done")
    assert heard.of(run.number, JobStarted) == [JobStarted(run.number, "CPU", COUNT - 1, COUNT - 1)]
    clips = heard.of(run.number, ClipDone)
    assert [c.frames for c in clips] == [(0,), (1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11)]
    assert not any(c.provisional for c in clips) and all(c.seconds > 0 for c in clips)
    for clip in clips:
        assert set(clip.cells) == {(f, o) for f in clip.frames for o in (1, 2)}
        assert all(0 <= cell.confidence <= 1 for cell in clip.cells.values())
    np.testing.assert_array_equal(masks(clips, 0)[1], ball(0))
    assert clips[0].cells[0, 1].confidence == 1 and clips[0].cells[0, 1].soft is None
    assert iou(masks(clips, 5)[1], ball(5)) > 0.6
    soft = clips[2].cells[5, 1].soft.enlarged(SIZE)
    assert iou(soft > 0.5, masks(clips, 5)[1]) > 0.95, "the network's probabilities come along"
    assert clips[2].memory.permanent == (0,) and clips[2].memory.working == (4, 8)
    memory = clips[-1].memory
    assert 0 < memory.process_bytes < memory.total_bytes and memory.cached_frames > 0
    assert heard.threads == {threading.main_thread()}


def test_a_run_after_a_correction_finds_its_features(
    worker: InferenceWorker, heard: Recorder, footage: Path, monkeypatch: pytest.MonkeyPatch
):
    from core.propagation.clip_inference import ClipInference

    encoded, valued = [], []
    features, values = ClipInference.features, ClipInference.values
    monkeypatch.setattr(ClipInference, "features", lambda s, images: encoded.extend(images) or features(s, images))
    monkeypatch.setattr(ClipInference, "values", lambda s, *given: valued.append(1) or values(s, *given))
    settings = {"resolution": 96, "distractors": False}
    first, same = job(footage, settings=settings), job(footage, settings=settings | {"interval": 6})
    corrected = job(footage, 0, 7, settings=settings)
    counts = []
    for run in (first, same, corrected):
        encoded.clear(), valued.clear()
        worker.submit(run)
        assert heard.end(run.number).state == "done"
        counts.append((len(encoded), len(valued)))
    assert counts[0] == (COUNT, 3), "each frame, and as memory frames 0, 4 and 8"
    assert counts[1][0] == 1, "another interval: only frame 6 is memory anew"
    assert counts[2][0] <= 2 and counts[2][0] < COUNT
    frames = [heard.of(run.number, ClipDone) for run in (first, corrected)]
    np.testing.assert_array_equal(masks(frames[1], 7)[1], ball(7))
    worker.submit(again := job(footage, settings=settings))
    heard.end(again.number)
    for frame in range(COUNT):
        before, after = masks(frames[0], frame), masks(heard.of(again.number, ClipDone), frame)
        assert all((before[o] == after[o]).all() for o in (1, 2)), "a correction taken back never was"


def test_both_directions_and_objects_that_come_later(worker: InferenceWorker, heard: Recorder, footage: Path):
    given = (*permanent(0, objects=(1,)), *permanent(6, objects=(2,)))
    forward, both = job(footage, permanent=given), job(footage, permanent=given, direction="both")
    for run in (forward, both):
        worker.submit(run)
        assert heard.end(run.number).state == "done"
    cells = {key for c in heard.of(forward.number, ClipDone) for key in c.cells}
    assert {f for f, o in cells if o == 2} == set(range(6, COUNT)), "nothing is said before the object is"
    clips = heard.of(both.number, ClipDone)
    assert any(c.provisional for c in clips)
    final = {key for c in clips if not c.provisional for key in c.cells}
    assert final == {(f, o) for f in range(COUNT) for o in (1, 2)}
    started = heard.of(both.number, JobStarted)[0]
    assert sum(len(c.drawn) for c in clips) == started.steps
    assert len({f for c in clips if not c.provisional for f in c.drawn}) == started.frames


def test_results_never_overlap_what_is_kept(worker: InferenceWorker, heard: Recorder, footage: Path):
    kept = {f: (PackedMask.pack(np.roll(ball(f), 10, 1)),) for f in range(3, 8)}
    run, free = job(footage, keep=kept), job(footage)
    for one in (run, free):
        worker.submit(one)
        heard.end(one.number)
    taken = 0
    for frame in range(COUNT):
        lock = kept[frame][0].unpack() if frame in kept else np.zeros(SIZE, bool)
        found, plain = (masks(heard.of(n.number, ClipDone), frame) for n in (run, free))
        for obj in (1, 2):
            np.testing.assert_array_equal(found[obj], plain[obj] & ~lock)
            taken += (plain[obj] & lock).sum()
    assert taken > 0


def test_intervals_are_compared(worker: InferenceWorker, heard: Recorder, footage: Path):
    compare = CompareJob(job(footage, end=8), (1, 4, 8))
    worker.submit(compare)
    assert heard.end(compare.number).state == "done"
    found = heard.of(compare.number, Compared)
    assert [c.interval for c in found] == [1, 4, 8] and all(c.frames_per_second > 0 for c in found)
    for one in found:
        assert one.frames == tuple(range(9)) and one.labels.shape == (9, *SIZE) and one.labels.dtype == np.uint8
        np.testing.assert_array_equal(one.labels[0], ball(0) + 2 * box(0))
        assert iou(one.labels[4] == 1, ball(4)) > 0.6
    assert (found[0].labels != found[2].labels).any()
    run = job(footage, end=8, settings={"interval": 8})
    worker.submit(run)
    heard.end(run.number)
    for frame in range(9):
        np.testing.assert_array_equal(masks(heard.of(run.number, ClipDone), frame)[1], found[2].labels[frame] == 1)


def test_a_frame_is_estimated_from_the_others(worker: InferenceWorker, heard: Recorder, footage: Path):
    estimate = EstimateJob(job(footage, 0, 8, start=4, end=4))
    worker.submit(estimate)
    assert heard.end(estimate.number).state == "done"
    found: Estimated = heard.of(estimate.number, Estimated)[0]
    assert found.frame == 4 and set(found.cells) == {1, 2}
    assert iou(found.cells[1].mask.unpack(), ball(4)) > 0.6
    nothing = EstimateJob(job(footage, 4, start=4, end=4))
    worker.submit(nothing)
    assert heard.end(nothing.number).state == "done"
    assert heard.of(nothing.number, Estimated)[0].cells == {}, "only the frame itself is annotated"


def test_the_memory_of_a_run_is_told_before_it(worker: InferenceWorker, heard: Recorder, footage: Path):
    base = job(footage, 0, 8)
    frames = {"size": (720, 1280), "frames": 12, "objects": 2, "annotated": 2}
    short, long = base.settings, replace(base.settings, interval=12)
    asked = [MemoryJob(base.engine, settings, **frames) for settings in (short, long)]
    bounds = []
    for question in asked:
        worker.submit(question)
        assert heard.end(question.number).state == "done"
        (told,) = heard.of(question.number, MemoryTold)
        assert told.advice == "" and told.at_most.startswith("at most ")
        bounds.append(told.at_most)
    assert bounds[0] != bounds[1], "longer clips take more"


# stopping and holding


class Gate:
    """Holds the thread at the first frame it is about to encode or decode into a mask."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, skip: int = 0):
        from core.propagation.clip_inference import ClipInference

        self.open, self.reached, self.checks = threading.Event(), threading.Event(), 0
        check = ClipInference.check

        def held(engine: ClipInference) -> None:
            self.checks += 1
            if self.checks > skip and not self.open.is_set():
                self.reached.set()
                self.open.wait(60)
            check(engine)

        monkeypatch.setattr(ClipInference, "check", held)


def test_a_run_is_cancelled_inside_a_clip(
    worker: InferenceWorker, heard: Recorder, footage: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    gate = Gate(monkeypatch, skip=12)
    run, behind = job(footage, settings={"interval": 50}), job(footage)
    worker.submit(run)
    worker.submit(behind)
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE)
    done = gate.checks
    worker.cancel(run.number)
    gate.open.set()
    assert heard.end(run.number) == JobEnded(run.number, "stopped")
    assert all(len(c.frames) == 1 for c in heard.of(run.number, ClipDone)), "the clip under way is dropped"
    assert gate.checks >= done
    assert heard.end(behind.number).state == "done"


def test_nothing_comes_of_a_cancelled_job_but_its_end(
    worker: InferenceWorker, heard: Recorder, footage: Path, qtbot: QtBot
):
    run, waiting = job(footage), job(footage)
    stop = lambda clip: worker.cancel(clip.number)  # noqa: E731
    worker.clip_done.connect(stop)
    worker.submit(run)
    worker.submit(waiting)
    worker.cancel(waiting.number)
    assert heard.end(run.number).state == "stopped"
    worker.clip_done.disconnect(stop)
    assert len(heard.of(run.number, ClipDone)) == 1
    assert heard.of(waiting.number) == [JobEnded(waiting.number, "stopped")]
    worker.cancel(run.number)
    worker.submit(last := job(footage))
    assert heard.end(last.number).state == "done"


def test_a_run_pauses_between_clips(worker: InferenceWorker, heard: Recorder, footage: Path, qtbot: QtBot):
    run = job(footage)
    worker.submit(run)
    worker.pause(run.number)
    heard.wait(run.number, ClipDone, 1)
    for _ in range(3):  # marks are made meanwhile
        with qtbot.waitSignal(worker.marked, timeout=60_000):
            worker.mark(MarkJob(np.ascontiguousarray(picture(0)), None, steps=(Stroke(((40.0, 50.0),)),)))
    assert len(heard.of(run.number, ClipDone)) == 1 and not heard.of(run.number, JobEnded)
    worker.resume(run.number)
    assert heard.end(run.number).state == "done" and len(heard.of(run.number, ClipDone)) == 4
    paused = job(footage)
    worker.submit(paused)
    worker.pause(paused.number)
    heard.wait(paused.number, ClipDone, 1)
    worker.cancel(paused.number)
    assert heard.end(paused.number).state == "stopped"


def test_estimates_give_way(
    worker: InferenceWorker, heard: Recorder, footage: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    gate = Gate(monkeypatch)
    frame = job(footage, 0, start=5, end=5, settings={"resolution": 80})
    first, second, third = (EstimateJob(frame) for _ in range(3))
    worker.submit(first)
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE)
    worker.submit(second)
    worker.submit(third)
    gate.open.set()
    assert [heard.end(e.number).state for e in (first, second, third)] == ["stopped", "stopped", "done"]
    gate.open.clear()
    gate.reached.clear()
    worker.submit(fourth := EstimateJob(replace(frame, settings=PropagationSettings(resolution=96))))
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE)
    worker.submit(run := job(footage))
    worker.submit(fifth := EstimateJob(frame))
    gate.open.set()
    assert [heard.end(j.number).state for j in (fourth, fifth, run)] == ["stopped", "stopped", "done"]


# what goes wrong


def test_an_error_ends_the_job_and_not_the_thread(
    worker: InferenceWorker, heard: Recorder, footage: Path, monkeypatch: pytest.MonkeyPatch
):
    from core.propagation.clip_inference import ClipInference

    predict, calls = ClipInference.predict, []

    def broken(engine: ClipInference, *args: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return predict(engine, *args)

    with monkeypatch.context() as patch:
        patch.setattr(ClipInference, "predict", broken)
        worker.submit(run := job(footage))
        end = heard.end(run.number)
    assert end.state == "failed" and "ZeroDivisionError" in end.sentence and not end.remedies
    assert len(heard.of(run.number, ClipDone)) == 2, "clips before it have come"
    worker.submit(again := job(footage))
    assert heard.end(again.number).state == "done"


@pytest.mark.parametrize(
    "error", [MemoryError(), ResourceError("full"), RuntimeError("DefaultCPUAllocator: not enough memory")]
)
def test_lack_of_memory_has_remedies_and_lets_go_of_caches(
    worker: InferenceWorker, heard: Recorder, footage: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    from core.propagation.clip_inference import ClipInference

    worker.submit(before := job(footage))
    heard.end(before.number)

    def full(*_: object) -> object:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ClipInference, "predict", full)
        worker.submit(run := job(footage))
        end = heard.end(run.number)
    assert end.state == "failed" and end.remedies == ("smaller resolution", "fewer memory") and "--" not in end.sentence
    worker.submit(again := job(footage, end=4))
    assert heard.end(again.number).state == "done"
    assert heard.of(again.number, ClipDone)[-1].memory.cached_frames == 5


@pytest.mark.parametrize("where", ["in a clip", "beside a run"])
def test_a_device_that_fails_is_told_and_left(
    worker: InferenceWorker, heard: Recorder, footage: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    """The next job loads the network anew, on a device that works."""
    from core.propagation.clip_inference import ClipInference
    from core.studio.engine import Engine

    def dead(*_: object) -> object:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be ...")

    with monkeypatch.context() as patch:
        patch.setattr(*((ClipInference, "predict") if where == "in a clip" else (Engine, "_memory_use")), dead)
        worker.submit(run := job(footage))
        end = heard.end(run.number)
    assert end.state == "failed" and end.remedies == ("cpu",)
    assert "start it again" in end.sentence and "\n" not in end.sentence and "--" not in end.sentence
    worker.submit(again := job(footage))
    assert heard.end(again.number).state == "done"


@pytest.mark.loads_anew
def test_why_a_gpu_is_passed_over_is_told(
    worker: InferenceWorker, heard: Recorder, footage: Path, monkeypatch: pytest.MonkeyPatch
):
    from core.network import devices

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(devices, "why_no_gpu", lambda: "This machine's NVIDIA GPU is not used: its driver is too old.")
    worker.submit(run := replace(job(footage), engine=EngineChoice(None, "auto")))
    heard.end(run.number)
    assert "driver is too old" in heard.of(run.number, JobStarted)[0].passed_over
    worker.submit(named := replace(job(footage), engine=EngineChoice(None, "cuda")))
    end = heard.end(named.number)
    assert end.state == "failed" and "driver is too old" in end.sentence and end.remedies == ("cpu",)


def test_what_cannot_be_is_one_sentence(worker: InferenceWorker, heard: Recorder, footage: Path, tmp_path: Path):
    other_size = (PermanentFrame(0, {1: PackedMask.pack(np.ones((20, 30), bool))}),)
    wrong = {
        "does not exist": job(tmp_path / "gone.mp4"),
        "30 x 20": job(footage, permanent=other_size),
        "weights": replace(job(footage), engine=EngineChoice(tmp_path / "none.safetensors", "cpu")),
        "Frame 99": job(footage, permanent=(PermanentFrame(99, permanent(0)[0].masks),)),
        "frames 0 to 11": job(footage, end=40),
        "annotated": job(footage, permanent=()),
    }
    for words, run in wrong.items():
        worker.submit(run)
        end = heard.end(run.number)
        assert end.state == "failed" and words in end.sentence
        assert end.remedies == (("shipped weights",) if words == "weights" else ())
    worker.submit(good := job(footage))
    assert heard.end(good.number).state == "done"


def test_footage_that_changes_is_opened_again(worker: InferenceWorker, heard: Recorder, tmp_path: Path):
    path = write_footage(tmp_path / "changing.mp4", 6)
    worker.submit(first := job(path, end=5))
    assert heard.end(first.number).state == "done"
    write_footage(path, 8)
    worker.submit(second := job(path, end=7))
    assert heard.end(second.number).state == "done"
    assert masks(heard.of(second.number, ClipDone), 7)[1].any()


def test_shutdown_inside_a_run(footage: Path, qtbot: QtBot):
    worker = InferenceWorker()
    heard = Recorder(worker, qtbot)
    worker.submit(run := job(footage, settings={"interval": 50}))
    heard.wait(run.number, JobStarted)
    assert worker.shutdown(60)
    QCoreApplication.processEvents()
    assert not heard.of(run.number, JobEnded)


def test_warming_up_loads_the_engine_only(qtbot: QtBot, footage: Path):
    worker = InferenceWorker()
    heard = Recorder(worker, qtbot)
    worker.warm_up()
    worker.submit(run := job(footage, end=1))
    assert heard.end(run.number).state == "done"
    assert worker.shutdown(60)


def test_the_window_starts_without_pytorch():
    """It takes a second or more to import: only the thread does."""
    code = "import sys, pcvos_gui.workers.inference, pcvos_gui.workers.frames; "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_run_says_beforehand_that_it_may_not_fit(
    worker: InferenceWorker, heard: Recorder, footage: Path, monkeypatch: pytest.MonkeyPatch
):
    worker.submit(first := job(footage))
    heard.end(first.number)
    assert heard.of(first.number, JobStarted)[0].memory_advice == ""
    monkeypatch.setattr("core.propagation.propagator.memory_of", lambda device: (2**20, 2**30))
    worker.submit(again := job(footage))
    assert heard.end(again.number).state == "done", "it is a bound: the run may go well"
    assert "choose" in heard.of(again.number, JobStarted)[0].memory_advice


def test_marks_are_made_within_a_clip_and_leave_the_run_as_it_is(footage: Path):
    """A run of one clip; the engine is asked on its own thread, as the worker asks it."""
    from core.studio.engine import Engine

    engine = Engine()
    run = job(footage, 0)
    alone = [r for r in engine.run(run, UNWATCHED) if isinstance(r, ClipDone)]
    engine.free_memory()
    image = np.ascontiguousarray(picture(5))
    across, down = Stroke(((42.0, 50.0), (78.0, 50.0))), Stroke(((60.0, 32.0), (60.0, 68.0)))
    mark = MarkJob(image, None, steps=(across, down), engine=EngineChoice(None, "auto"))
    order: list[str] = []
    found: list[np.ndarray] = []

    def is_cancelled() -> bool:
        order.append("asked")
        if len(order) > 3 and not found:
            found.append(engine.mark(mark))
            order.append("marked")
        return False

    marked = []
    for result in engine.run(run, Progress(is_cancelled=is_cancelled)):
        if isinstance(result, ClipDone):
            order.append("clip")
            marked.append(result)
    first = order.index("clip")
    assert "marked" in order[:first] and "asked" in order[order.index("marked") : first], "within the first clip"
    assert iou(found[0], ball(5)) > 0.7
    assert [clip.cells for clip in marked] == [clip.cells for clip in alone]
    assert engine.mark(MarkJob(image, None)) is None, "a look gives no mask"
    engine.close()


def test_of_marks_of_one_subject_the_newest_wins_and_previews_come_last(worker: InferenceWorker, qtbot: QtBot):
    image = np.ascontiguousarray(picture(0))
    step = (Stroke(((40.0, 50.0),)),)
    jobs = [
        MarkJob(image, None, subject=(0, 1), steps=step),
        MarkJob(image, None, subject=(0, 1), steps=step, is_preview=True),
        MarkJob(image, None, subject=(0, 1), steps=step),
        MarkJob(image, None, subject=(0, 2), steps=step),
    ]
    first = MarkJob(image, None, subject=(0, 3), steps=step)
    heard: list[int] = []

    def note(marked: Marked) -> None:
        """In the worker's thread: all are there before it can take one."""
        heard.append(marked.number)
        for one in jobs if marked.number == first.number else ():
            worker.mark(one)

    worker.marked.connect(note, Qt.ConnectionType.DirectConnection)
    worker.mark(first)
    qtbot.waitUntil(lambda: len(heard) == 4, timeout=PATIENCE)
    assert heard[1:] == [jobs[3].number, jobs[2].number, jobs[1].number]
