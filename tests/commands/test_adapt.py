"""`pcvos adapt`: weights that learn from corrections, judged on others, handed over only if they gain."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from pcvos_command import Result, Scene, pcvos

from core.masks.label_map import write_label_map
from core.media import open_media
from core.network.checkpoint import load_network
from core.progress import Cancelled, Progress
from core.project.project import Project
from core.propagation import PropagationSettings
from core.studio import adaptation
from core.studio.adaptation import AdaptationRequest, adapt, lesson
from core.training.trainer import Trainer

CORRECTED = (0, 3, 6, 9, 11)


@pytest.fixture
def project(tmp_path: Path, scene: Scene) -> Path:
    """The disc, corrected on five frames."""
    return make_project(tmp_path, scene, CORRECTED)


def make_project(folder: Path, scene: Scene, frames: tuple[int, ...]) -> Path:
    masks = folder / "masks"
    masks.mkdir()
    for frame in frames:
        write_label_map(masks / f"{frame:05d}.png", scene.labels[frame])
    made = pcvos("new", scene.folder, "--masks", masks, "--output", folder / "disc.pcvos")
    return Path(made.out.splitlines()[-1])


@pytest.fixture
def run(project: Path, scene: Scene, tmp_path: Path) -> Callable[..., Result]:
    fixed = ("--weights", scene.weights, "--steps", 1, "--device", "cpu", "--resolution", 64)
    return lambda *options: pcvos("adapt", project, "--output", tmp_path / "own.safetensors", *fixed, *options)


def test_weights_that_gain_are_written_and_keep_the_key_features(
    run: Callable[..., Result], scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adaptation, "LEAST_GAIN", -1.0)
    result = run()
    assert result.code == 0, result.err
    row = result.out.splitlines()[2]
    assert row.split()[:3] == ["disc", "4", "1"]
    assert all(0 <= float(score) <= 1 for score in row.split()[3:])
    before, after = load_network(scene.weights, "cpu"), load_network(tmp_path / "own.safetensors", "cpu")
    assert after.features_fingerprint == before.features_fingerprint
    assert after.weights_fingerprint != before.weights_fingerprint
    assert sorted(tmp_path.glob("own*")) == [tmp_path / "own.safetensors"]
    assert run().error.endswith("--overwrite replaces what is there.")


def test_opencv_has_its_threads_again(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch):
    """The window goes on with them."""
    monkeypatch.setattr(adaptation, "LEAST_GAIN", -1.0)
    cv2.setNumThreads(3)
    try:
        assert run().code == 0
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(-1)


def test_weights_that_do_not_gain_are_not_written(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adaptation, "LEAST_GAIN", 1.0)
    folder = tmp_path / "own.safetensors.training"  # of other corrections: it is begun anew
    folder.mkdir()
    (folder / "adaptation.json").write_text('{"of": "others"}')
    (folder / "progress.json").write_text("would be refused if it were read")
    result = run()
    assert result.code == 2
    assert "not better" in result.err
    assert not list(tmp_path.glob("own*"))


def test_a_folder_of_somebody_elses_stays(run: Callable[..., Result], tmp_path: Path):
    folder = tmp_path / "own.safetensors.training"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    result = run()
    assert result.code == 2 and "in the way" in result.err.splitlines()[-1]
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_what_was_learned_before_a_cancel_counts(
    project: Path, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adaptation, "LEAST_GAIN", -1.0)
    request = AdaptationRequest(
        tmp_path / "own.safetensors", scene.weights, steps=2, device="cpu", settings=PropagationSettings(resolution=64)
    )
    began_at = []
    run_training = Trainer.run

    def watched(trainer: Trainer) -> None:
        began_at.append(trainer.progress.step)
        run_training(trainer)

    monkeypatch.setattr(Trainer, "run", watched)
    with Project.open(project, to_write=False) as opened, open_media(scene.folder) as media:
        lessons = [lesson(opened, media)]
        told: list[int] = []
        with pytest.raises(Cancelled):  # after the first step
            adapt(lessons, request, Progress(lambda done, total: told.append(done), lambda: bool(told)))
        assert not request.output.exists()
        adapt(lessons, request)
    assert began_at == [0, 1]
    assert request.output.exists()


@pytest.mark.parametrize(
    ("frames", "options", "sentence"),
    [
        ((0, 5), (), "has 2 corrected frames, and 3 are needed"),
        (CORRECTED, ("--minutes", "0"), "--minutes 0.0 is no time"),
        (CORRECTED, ("--output", "own.pth"), "ends in .safetensors"),
        (CORRECTED, ("--weights", "gone.safetensors"), "There is no weights file gone.safetensors"),
    ],
)
def test_wrong_input_is_one_sentence(
    frames: tuple[int, ...], options: tuple[str, ...], sentence: str, tmp_path: Path, scene: Scene
):
    project = make_project(tmp_path, scene, frames)
    fixed = () if "--output" in options else ("--output", tmp_path / "own.safetensors")
    result = pcvos("adapt", project, *fixed, *options, "--device", "cpu")
    assert result.code == 2 and result.out == ""
    assert sentence in result.err.splitlines()[-1]
