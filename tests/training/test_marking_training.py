"""Samples for the marking network, and its training on very little."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from training_files import encode, photo, texture, write_tar

from core.errors import PCVOSError
from core.network.config import SMALL
from core.network.marking_weights import initial_marking_network, read_marking, save_marking
from core.network.pcvos import PCVOS
from core.training.data import IGNORE, VALIDATION_SEQUENCES
from core.training.losses import marking_loss
from core.training.marking import MarkingPhase, MarkingTrainer, MarkingTrainingSettings
from core.training.marking_photos import PhotoStore
from core.training.marking_samples import (
    NEGATIVE,
    POSITIVE,
    PREVIOUS,
    MarkingSampleMaker,
    MarkingSampleSettings,
    add_mark,
    correct,
    spoil,
)

LITTLE = (MarkingPhase(1.0, MarkingSampleSettings(size=64), 1),)


@pytest.fixture(scope="module")
def store(data_folder: Path) -> PhotoStore:
    return PhotoStore([data_folder])


def test_held_out_sequences_never_train(store: PhotoStore):
    assert {"things", "bsds", "video/car", "video/dog"} == set(store.names)
    assert not any(sequence in name for name in store.names for sequence in VALIDATION_SEQUENCES)


def test_folders_without_photos_are_named(tmp_path: Path, data_folder: Path):
    with pytest.raises(PCVOSError, match=r"holds no \.tar"):
        PhotoStore([data_folder, tmp_path])
    write_tar(tmp_path / "a.tar", {"things/1.jpg": encode(photo(1)[0], ".jpg")})
    with pytest.raises(PCVOSError, match="no pair"):
        PhotoStore([tmp_path])
    (tmp_path / "b.tar").write_text("no tar")
    with pytest.raises(PCVOSError, match="cannot be read as a tar"):
        PhotoStore([tmp_path])


def test_samples_show_their_targets_and_mark_them_truly(store: PhotoStore):
    maker = MarkingSampleMaker(store, MarkingSampleSettings(size=96, targets=3), np.random.default_rng(0))
    begun = {"previous": 0, "box": 0, "estimate": 0, "first": 0}
    for _ in range(40):
        sample = maker.make()
        assert sample.image.shape == (3, 96, 96) and sample.truth.shape == (3, 96, 96)
        assert sample.planes.shape == (3, 5, 96, 96) and sample.planes.dtype == np.uint8
        for truth, planes in zip(sample.truth, sample.planes, strict=True):
            assert set(np.unique(truth)) <= {0, 1, IGNORE} and (truth == 1).sum() >= 60
            assert planes.any(), "something is known"
            positive, negative = (planes[i] > 0 for i in (POSITIVE, NEGATIVE))
            # Discs reach over edges; their middles do not.
            if positive.any():
                assert (truth[positive] == 1).mean() > 0.3
            if negative.any():
                assert (truth[negative] == 0).mean() > 0.3
            begun["previous"] += planes[PREVIOUS].any()
            begun["box"] += planes[3].any()
            begun["estimate"] += planes[4].any()
            begun["first"] += not planes[PREVIOUS].any()
    assert min(begun.values()) > 3


def test_the_same_seed_makes_the_same_samples(store: PhotoStore):
    one, other = (MarkingSampleMaker(store, LITTLE[0].samples, np.random.default_rng(3)).make() for _ in range(2))
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.planes, other.planes)


def test_corrections_point_at_what_is_wrong():
    truth = np.zeros((64, 64), np.uint8)
    truth[20:44, 20:44] = 1
    truth[:8] = IGNORE
    rng = np.random.default_rng(0)
    for mask, kind in ((truth == 5, POSITIVE), (np.ones((64, 64), bool), NEGATIVE)):
        planes = np.zeros((5, 64, 64), np.uint8)
        assert add_mark(planes, mask, truth, rng)
        assert planes[kind].any() and not planes[NEGATIVE if kind == POSITIVE else POSITIVE].any()
    planes = np.zeros((5, 64, 64), np.uint8)
    assert not add_mark(planes, truth == 1, truth, rng) and not planes.any()


def test_spoilt_masks_are_as_propagation_gets_them():
    truth = np.zeros((96, 96), np.uint8)
    truth[20:70, 30:60] = 1
    image = texture(0, truth.shape)
    rng = np.random.default_rng(1)
    ious = []
    for _ in range(60):
        mask = spoil(truth == 1, truth, image, rng)
        ious.append((mask & (truth == 1)).sum() / (mask | (truth == 1)).sum())
    assert 0.6 < np.mean(ious) < 0.92 and min(ious) > 0.1


def test_some_of_what_is_spoilt_ends_where_a_colour_does():
    truth = np.zeros((96, 96), np.uint8)
    truth[20:70, 30:60] = 1
    image = np.zeros((96, 96, 3), np.uint8)
    image[truth == 1] = 200
    image[20:40, 30:60] = (20, 160, 20)  # a shirt
    image[:, 62:] = (200, 40, 40)  # a wall close by
    rng = np.random.default_rng(2)
    has_lost = has_leaked = 0
    for _ in range(150):
        mask = spoil(truth == 1, truth, image, rng)
        shirt, rest = mask[23:37, 33:57].mean(), mask[43:67, 33:57].mean()
        has_lost += shirt < 0.1 and rest > 0.9
        has_leaked += mask[30:60, 65:75].mean() > 0.3 and not mask[:, 61].mean() > 0.5
    assert has_lost >= 3 and has_leaked >= 3


def test_some_corrections_stand_alone():
    truth = np.zeros((64, 64), np.uint8)
    truth[20:44, 20:44] = 1
    levels = np.zeros_like(truth)
    levels[20:32, 20:44] = 200
    rng = np.random.default_rng(0)
    alone = 0
    for _ in range(60):
        planes = np.zeros((5, 64, 64), np.uint8)
        planes[POSITIVE, 22:26, 22:26] = 255  # the first mark
        correct(planes, levels, truth, rng)
        assert planes[POSITIVE, 32:].any(), "what is missing is marked"
        np.testing.assert_array_equal(planes[PREVIOUS] > 127, levels > 127)
        if not planes[POSITIVE, 22:26, 22:26].any():
            alone += 1
            assert set(np.unique(planes[PREVIOUS])) == {0, 255}
    assert 8 < alone < 30


def test_what_is_ignored_costs_nothing():
    truth = torch.zeros(1, 32, 32, dtype=torch.uint8)
    truth[:, 8:16, 8:16] = 1
    good = torch.where(truth == 1, 8.0, -8.0)
    assert marking_loss(good, truth) < 0.02 < 1 < marking_loss(-good, truth)
    truth[:, 20:] = IGNORE
    wrong = good.clone()
    wrong[:, 20:] = 8
    torch.testing.assert_close(marking_loss(wrong, truth), marking_loss(good, truth))


def test_training_goes_on_where_it_stopped_and_the_features_stay(store: PhotoStore, tmp_path: Path):
    torch.manual_seed(0)
    network = PCVOS(SMALL)
    before = {name: value.clone() for name, value in network.state_dict().items()}

    def trainer(session: float) -> MarkingTrainer:
        settings = MarkingTrainingSettings(budget_minutes=1, session_minutes=session)
        marking = initial_marking_network(network)
        return MarkingTrainer(network, marking, store, tmp_path, settings, torch.device("cpu"), LITTLE)

    first = trainer(0.02)
    begin = {name: value.clone() for name, value in first.marking.state_dict().items()}
    first.run()
    assert first.progress.step >= 2 and first.progress.marks >= first.progress.step
    assert any(not torch.equal(value, begin[name]) for name, value in first.marking.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    second = trainer(0.01)
    assert second.progress == first.progress
    for name, value in first.ema.state_dict().items():
        torch.testing.assert_close(second.ema.state_dict()[name], value)
    second.run()
    assert second.progress.step > first.progress.step
    save_marking(tmp_path / "out.safetensors", second.ema)
    assert read_marking(tmp_path / "out.safetensors").features == second.marking.features


def test_the_curve_is_written(store: PhotoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.training.marking.REPORT_BATCHES", 1)
    network = PCVOS(SMALL)
    settings = MarkingTrainingSettings(budget_minutes=1, session_minutes=0.01)
    MarkingTrainer(
        network, initial_marking_network(network), store, tmp_path, settings, torch.device("cpu"), LITTLE
    ).run()
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert rows and all(float(row["loss"]) > 0 and 0 <= float(row["iou_first"]) <= 1 for row in rows)
