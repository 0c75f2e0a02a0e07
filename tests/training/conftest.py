"""Training data that the tests share."""

from pathlib import Path

import numpy as np
import pytest
from training_files import encode, photos, sequence, texture, write_tar

from core.training.data import TrainingData, load_training_data


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of photos, two sequences to train on, one of them in two tars, and one that is held out."""
    folder = tmp_path_factory.mktemp("data")
    car = sequence("car", 1, 12)
    cut = dict(list(car.items())[:9])
    regions = np.repeat(np.arange(1, 9, dtype=np.uint8), 15)[:, None] * np.ones((1, 160), np.uint8)
    regions[:, :2] = 9
    write_tar(folder / "a.tar", {**photos("things", 5), **cut})
    write_tar(folder / "b.tar", {k: v for k, v in car.items() if k not in cut} | sequence("dog", 2, 9))
    further = {"bsds/1.jpg": encode(texture(9, (120, 160)), ".jpg"), "bsds/1.png": encode(regions, ".png")}
    write_tar(folder / "c.tar", {**further, **sequence("mallard-fly", 3, 4), "notes.txt": b"no image"})
    return folder


@pytest.fixture(scope="session")
def data(data_folder: Path) -> TrainingData:
    return load_training_data(data_folder)
