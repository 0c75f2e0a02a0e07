"""Reading the tars: everything in them yields objects, or an error says what does not."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_files import encode, photo, photos, sequence, sparse_sequence, texture, write_tar

from core.errors import PCVOSError
from core.training.data import (
    FRAMES,
    IGNORE,
    DataFolder,
    TrainingData,
    load_hard_sequences,
    load_training_data,
    load_validation_sequences,
)
from core.training.hard_clips import HARD_CLIPS


def test_photos_and_sequences_are_read_whole(data: TrainingData):
    found = {group: len(found) for group, found in data.photos.items()}
    assert found == {"things": 5, "bsds": 1, FRAMES: 11 + 8}, "of the sequences' frames, those with an object"
    image, labels = photo(3)
    found = data.photos["things"][3]
    np.testing.assert_array_equal(found.labels, labels)
    assert found.objects == (1, 4), "neither background nor what is to be ignored"
    assert np.abs(found.image.astype(int) - image).mean() < 12, "RGB, but for the JPEG"

    frames = [s.frames[i] for s in data.sequences for i in range(len(s.frames) - 1)]
    assert all(np.array_equal(a.image, b) for a, b in zip(data.photos[FRAMES], frames, strict=True)), "none held out"
    shapes = {s.name: np.stack(s.frames).shape for s in data.sequences}
    assert shapes == {"car": (12, 96, 128, 3), "dog": (9, 96, 128, 3)}
    assert [s.name for s in data.validation] == ["mallard-fly"], "held out"
    for s in (*data.sequences, *data.validation):
        labels = np.stack(s.labels)
        assert labels.shape == np.stack(s.frames).shape[:3] and set(np.unique(labels)) == {0, 1}
        centres = [np.nonzero(mask)[1].mean() for mask in labels[:-1]]
        np.testing.assert_allclose(np.diff(centres), 6, atol=0.1)
        assert not labels[-1].any()


def test_regions_of_middling_size_are_objects(data: TrainingData):
    assert data.photos["bsds"][0].objects == tuple(range(1, 9)), "not the narrow one"


def test_held_out_sequences_alone(data_folder: Path, data: TrainingData, tmp_path: Path):
    (found,) = load_validation_sequences(data_folder)
    np.testing.assert_array_equal(found.frames, data.validation[0].frames)
    write_tar(tmp_path / "a.tar", sequence("car", 1, 3))
    with pytest.raises(PCVOSError, match="held-out"):
        load_validation_sequences(tmp_path)


def test_frames_without_masks_say_nothing(tmp_path: Path):
    write_tar(tmp_path / "a.tar", {**photos("things", 2), **sparse_sequence("walk", 1, 10, every=4)})
    (walk,) = load_training_data(tmp_path).sequences
    assert walk.labelled == (0, 4, 8) and walk.is_sparse and len(walk.frames) == len(walk.labels) == 10
    assert set(np.unique(walk.labels[4])) == {0, 3, 7}
    assert (walk.labels[5] == IGNORE).all() and walk.labels[5].shape == (96, 128)


@pytest.mark.parametrize("between", ["", "480p/"])
def test_folders_of_files_as_data_sets_have_them(data_folder: Path, tmp_path: Path, between: str):
    """Masks with a palette, as DAVIS and YouTube-VOS have them: their values count, not their colours."""
    files = {**photos("things", 2), **sparse_sequence("walk", 1, 10, every=5)}
    for name, data in files.items():
        kind, _, rest = name.partition("/")
        path = tmp_path / kind / (between if kind != "things" else "") / rest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if kind == "Annotations":
            with Image.open(io.BytesIO(data)) as mask:
                mask.putpalette([v * 7 % 256 for v in range(768)])
                mask.save(path)
    data = load_training_data(tmp_path)
    assert {group: len(found) for group, found in data.photos.items()} == {"things": 2, FRAMES: 2}
    (walk,) = data.sequences
    assert walk.labelled == (0, 5) and set(np.unique(walk.labels[5])) == {0, 3, 7}


def test_several_folders_each_with_a_weight(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two=2"
    for folder, files in ((one, {**photos("things", 3), **CAR}), (two, {**photos("others", 2), **photos("things", 1)})):
        folder.mkdir()
        write_tar(folder / "a.tar", files)
    folders = [DataFolder.parse(f"{one}=0.5"), DataFolder.parse(str(two))]
    assert folders == [DataFolder(one, 0.5), DataFolder(two, 1.0)], "a folder's name may hold a ="
    data = load_training_data(*folders)
    assert [p.weight for p in data.photos["things"]] == [0.5, 0.5, 0.5, 1.0]
    assert [p.weight for p in data.photos["others"]] == [1.0, 1.0]
    assert [s.weight for s in data.sequences] == [0.5]


@pytest.mark.parametrize("weight", ["0", "-1", "inf", "nan", "much"])
def test_a_weight_is_a_number_above_0(weight: str):
    with pytest.raises(PCVOSError, match="FOLDER=WEIGHT"):
        DataFolder.parse(f"folder={weight}")


def binary_photos() -> dict[str, bytes]:
    """A set whose masks are 0 and 255: read as label maps, they hold nothing but what is to be ignored."""
    image, labels = photo(0)
    return {"duts/0.jpg": encode(image, ".jpg"), "duts/0.png": encode(np.uint8(255) * (labels == 1), ".png")}


def without(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {key: data for key, data in files.items() if key != name}


CAR = sequence("car", 1, 4)
BAD = {
    "nothing": ({}, "neither .tar files nor images"),
    "a set without objects": ({**CAR, **photos("things", 1), **binary_photos()}, "set duts"),
    "a sequence of 0 and 255": ({**photos("things", 1), **sequence("car", 1, 4, value=255)}, "sequence car"),
    "a sequence of empty masks": ({**photos("things", 1), **sequence("car", 1, 4, value=0)}, "sequence car"),
    "a mask missing on a held-out sequence": (
        {**photos("things", 1), **without(sequence("mallard-fly", 3, 4), "Annotations/mallard-fly/00002.png")},
        "mallard-fly do not pair",
    ),
    "no mask at all": (
        {**photos("things", 1), **{k: v for k, v in CAR.items() if k.startswith("JPEGImages")}},
        "sequence car",
    ),
    "a frame missing": ({**photos("things", 1), **without(CAR, "JPEGImages/car/00002.jpg")}, "car do not pair"),
    "frames of two sizes": (
        {**photos("things", 1), **CAR, "JPEGImages/car/00002.jpg": encode(texture(0, (32, 32)), ".jpg")},
        "car do not pair",
    ),
    "not an image": ({**photos("things", 1), **CAR, "things/0.jpg": b"not an image"}, "things/0.jpg"),
    "no photos": (CAR, "no photos"),
    "no sequences": (photos("things", 1), "no sequences"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_one_sentence(name: str, tmp_path: Path):
    files, words = BAD[name]
    if files:
        write_tar(tmp_path / "data.tar", files)
    with pytest.raises(PCVOSError, match=words) as caught:
        load_training_data(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_tar_is_one_sentence(tmp_path: Path):
    (tmp_path / "data.tar").write_bytes(b"not a tar" * 100)
    with pytest.raises(PCVOSError, match=r"data\.tar"):
        load_training_data(tmp_path)


def test_the_ends_that_hard_clips_take_are_not_trained_on(tmp_path: Path):
    taken = next(clip for clip in HARD_CLIPS if clip.sequence == "rollerblade").frames
    write_tar(tmp_path / "a.tar", {**photos("things", 1), **CAR, **sequence("rollerblade", 2, taken + 4)})
    write_tar(tmp_path / "b.tar", sequence("mots-0002-09", 3, 60))
    by_name = {s.name: s for s in load_training_data(tmp_path).sequences}
    assert set(by_name) == {"car", "rollerblade"}, "one is taken whole"
    assert len(by_name["rollerblade"].frames) == 4 and len(by_name["car"].frames) == 4
    hard = load_hard_sequences(tmp_path)
    assert {name: len(frames) for name, (frames, _) in hard.items()} == {"rollerblade": taken, "mots-0002-09": 60}
    seen = [by_name["rollerblade"].frames[i] for i in range(4)]
    assert not any(np.array_equal(a, b) for a in seen for b in hard["rollerblade"][0])
