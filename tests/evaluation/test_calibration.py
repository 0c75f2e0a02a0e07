"""The script that fits the confidence to true J."""

import importlib.util
import random
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from core.evaluation.scores import ObjectScores, SequenceScores, confidence_correlation
from core.media.arrays import LabelledSequence
from core.network import PCVOS
from core.propagation import PropagationSettings
from core.propagation.appearance import load_appearance
from core.propagation.confidence import CALIBRATION, Absence, Mask
from core.training.data import Sequence, TrainingData

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    monkeypatch.delitem(sys.modules, "make_hard_clips", raising=False)
    spec = importlib.util.spec_from_file_location("calibrate_confidence", ROOT / "scripts" / "calibrate_confidence.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def made_up(script: ModuleType, name: str, seed: int):
    """A sequence on which J is what the mask seems to have, and what is gone is right where it left over the border."""
    rng, evidence, count = np.random.default_rng(seed), {}, 40
    j = np.zeros(count)
    for i in range(count):
        iou, at_border = rng.uniform(0.3, 0.95), bool(rng.integers(2))
        evidence[1, i] = Mask(iou, rng.uniform()) if i % 4 else Absence(at_border, i + 1, 0.9)
        j[i] = iou if i % 4 else at_border
    counted = np.arange(count) > 0
    scores = ObjectScores(1, 0, j, j, rng.uniform(size=count), counted)
    return script.Drawn(script.ONE, frozenset([name]), SequenceScores(name, tuple(range(count)), (scores,)), evidence)


def test_what_is_fitted_orders_frames_of_other_sequences_as_their_j_does(script: ModuleType):
    drawn = [made_up(script, str(seed), seed) for seed in range(5)]
    fitted = script.fit(drawn[1:])
    constants = fitted.constants
    assert constants[Mask][1] > 3 * abs(constants[Mask][2]), "of the IoU alone, as it was made"
    assert abs(confidence_correlation([drawn[0].scores])) < 0.4
    assert confidence_correlation([drawn[0].judged_by(fitted)]) > 0.95
    low = script.lowest([one.judged_by(fitted) for one in drawn])
    assert 0.4 <= low < 1


def test_what_covers_things_of_low_j_is_less_sure(script: ModuleType):
    """Half of the sequences show what is followed badly, which only its appearance says."""

    def with_looks(seed: int):
        own, rng = made_up(script, str(seed), seed), np.random.default_rng(seed)
        (scores,), is_bad = own.scores.objects, seed % 2
        evidence = {
            at: replace(e, appearance=np.array([is_bad, rng.normal(), 7], np.float32)) if isinstance(e, Mask) else e
            for at, e in own.evidence.items()
        }
        lower = np.array([s - 0.25 * is_bad * isinstance(own.evidence[1, i], Mask) for i, s in enumerate(scores.j)])
        scores = replace(scores, j=lower)
        return replace(own, scores=replace(own.scores, objects=(scores,)), evidence=evidence)

    drawn = [with_looks(seed) for seed in range(8)]
    fitted, without = script.fit(drawn[2:]), script.fit([made_up(script, str(seed), seed) for seed in range(2, 8)])
    assert without.appearance is None
    bad, noise, same, _ = fitted.appearance
    assert bad < 0 and abs(noise) < 0.1 * -bad and abs(same) < 1e-3
    pair = [one.judged_by(fitted) for one in drawn[:2]]
    plain = [one.judged_by(replace(fitted, appearance=None)) for one in drawn[:2]]
    assert confidence_correlation(pair) > confidence_correlation(plain) + 0.05


def test_what_the_engine_says_is_what_its_evidence_gives(script: ModuleType, small_network: PCVOS):
    frames = np.random.default_rng(0).integers(0, 255, (7, 48, 64, 3), np.uint8)
    labels = np.zeros((7, 48, 64), np.uint8)
    labels[:, 10:30, 20:40], labels[:, 35:45, 40:60], labels[2:, :5] = 1, 2, 255
    sequence = LabelledSequence("noise", frames, labels)
    drawn = script.draw(small_network, sequence, PropagationSettings(interval=2, resolution=None), script.HARD)
    assert len(drawn.scores.objects) == 2
    for own, again in zip(drawn.scores.objects, drawn.judged_by(script.Fit(CALIBRATION, None)).objects, strict=True):
        assert own.counted.sum() == 5
        assert again.confidence[own.counted] == pytest.approx(own.confidence[own.counted])


def test_clips_of_the_training_data_begin_with_an_object_and_are_always_the_same(script: ModuleType, monkeypatch):
    rng = np.random.default_rng(0)
    sequences = []
    for name, objects in (("dog", [4]), ("crowd", [2, 5, 9]), ("cat", [1])):
        labels = np.zeros((70, 32, 48), np.uint8)
        for i, obj in enumerate(objects):
            labels[5:, 4:28, 4 + 14 * i : 16 + 14 * i] = obj
        labels[:, :2] = script.IGNORE
        sequences.append(Sequence(name, rng.integers(0, 255, (70, 32, 48, 3), np.uint8), labels))
    sparse = replace(sequences[0], name="sparse", labelled=(5, 9))
    monkeypatch.setattr(script, "load_training_data", lambda *_: TrainingData({}, [*sequences, sparse]))
    monkeypatch.setattr(script, "CLIPS", 30)
    clips, again = (list(script.clips_trained_on([], random.Random(0))) for _ in range(2))
    assert [clip.name for clip in clips] == [clip.name for clip in again]
    assert {clip.name for clip in clips} > {"dog", "crowd"} and "sparse" not in {clip.name for clip in clips}
    pasted = [clip for clip in clips if " + " in clip.name]
    assert pasted and all(clip.labels[0].max() > 1 and not clip.name.startswith("crowd") for clip in pasted)
    for clip in clips:
        assert 5 <= len(clip.frames) == len(clip.labels) <= 30
        assert sorted(np.unique(clip.labels[0])) == list(range(clip.labels[0].max() + 1)) and clip.labels[0].any()


def test_constants_are_written_into_the_code(script: ModuleType, tmp_path: Path, monkeypatch):
    folder = tmp_path / "core" / "propagation"
    folder.mkdir(parents=True)
    for name in ("confidence.py", "doubt.py"):
        shutil.copy(ROOT / "core" / "propagation" / name, folder)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "weights").mkdir()
    appearance = np.arange(5, dtype=np.float32)
    constants = {Mask: np.array([-1, 0.5, 0.25]), Absence: np.array([0.1, 0.2, -0.3, 0.4])}
    script.write(script.Fit(constants, appearance), 0.7, "these features")
    code = {name: (folder / name).read_text() for name in ("confidence.py", "doubt.py")}
    assert "    Mask: (-1.000, 0.500, 0.250),\n" in code["confidence.py"]
    assert "    Absence: (0.100, 0.200, -0.300, 0.400),\n" in code["confidence.py"]
    assert "\nLOW_CONFIDENCE = 0.700\n" in code["doubt.py"]
    compile(code["confidence.py"], "confidence.py", "exec")
    path = tmp_path / "weights" / "pcvos-confidence.safetensors"
    assert load_appearance("these features", path) == pytest.approx(appearance)
    assert load_appearance("others", path) is None
