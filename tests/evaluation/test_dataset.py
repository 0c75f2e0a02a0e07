"""The layouts of data sets, splits, and where each object is given."""

import numpy as np
import pytest
from dataset_folders import disc_and_square, write_meta, write_sequence
from PIL import Image

from core.errors import PCVOSError
from core.evaluation.dataset import find_sequences
from core.evaluation.truth import Truth, read_truth
from core.media import open_media


def names(*args, **options) -> list[str]:
    return [sequence.name for sequence in find_sequences(*args, **options)]


def truth_of(sequence) -> Truth:
    with open_media(sequence.frames) as media:
        return read_truth(sequence, media)


@pytest.mark.parametrize("below", ["", "480p", "Full-Resolution"])
def test_davis_with_and_without_its_folder_of_a_size(tmp_path, below):
    images, labels = disc_and_square()
    for name in ("bear", "ant"):
        write_sequence(tmp_path, name, images, labels, below=below)
    found = find_sequences(tmp_path)
    assert [sequence.name for sequence in found] == ["ant", "bear"]
    assert found[0].frames == tmp_path / "JPEGImages" / below / "ant"
    assert found[0].count_frames() == 9
    truth = truth_of(found[0])
    assert truth.frames == tuple(range(9)) and truth.given == {1: 0}
    assert np.array_equal(truth.labels(4), labels[4])


def test_davis_prefers_480p(tmp_path):
    images, labels = disc_and_square()
    for below in ("Full-Resolution", "480p"):
        write_sequence(tmp_path, "bear", images, labels, below=below)
    assert find_sequences(tmp_path)[0].masks == tmp_path / "Annotations" / "480p" / "bear"


def test_masks_of_davis_2016_are_white(tmp_path):
    images, labels = disc_and_square()
    write_sequence(tmp_path, "bear", images, labels, masked=[])
    for i, own in enumerate(labels):
        Image.fromarray(own * np.uint8(255)).save(tmp_path / "Annotations" / "bear" / f"{i:05d}.png")
    truth = truth_of(find_sequences(tmp_path)[0])
    assert truth.objects == (1,)
    assert np.array_equal(truth.labels(0), labels[0])


def test_splits_as_files_and_as_names_of_the_data_set(tmp_path):
    images, labels = disc_and_square(3)
    for name in ("ant", "bear", "cat"):
        write_sequence(tmp_path, name, images, labels)
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("cat\n\nbear\ncat\n")
    (tmp_path / "own.txt").write_text("/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n")
    assert names(tmp_path, split="2017/val") == names(tmp_path, split="2017/val.txt") == ["cat", "bear"]
    assert names(tmp_path, split=str(tmp_path / "own.txt")) == ["bear"]
    assert names(tmp_path, split="2017/val", limit=1) == ["cat"]
    assert names(tmp_path, limit=2) == ["ant", "bear"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_splits_saved_on_windows(tmp_path, encoding):
    images, labels = disc_and_square(3)
    for name in ("ant", "bär"):
        write_sequence(tmp_path, name, images, labels)
    (tmp_path / "split.txt").write_bytes("bär\r\nant\r\n".encode(encoding))
    assert names(tmp_path, split=str(tmp_path / "split.txt")) == ["bär", "ant"]


def test_ytvos_gives_objects_where_they_first_appear(tmp_path):
    images, labels = disc_and_square(11, square_from=3)
    write_sequence(tmp_path, "0a1", images, labels, masked=[0, 5, 10])
    write_meta(tmp_path, {"0a1": {1: "00000", 2: "00005"}})
    truth = truth_of(find_sequences(tmp_path, "ytvos")[0])
    assert truth.frames == (0, 5, 10)
    assert truth.given == {1: 0, 2: 5}
    assert truth.given_frames() == {0: frozenset({1}), 5: frozenset({2})}
    assert truth.known(4) == {1} and truth.known(5) == {1, 2}


def test_what_meta_says_counts_where_the_mask_bears_it_out(tmp_path):
    images, labels = disc_and_square(8, square_from=2)
    write_sequence(tmp_path, "a", images, labels, step=5)
    write_meta(tmp_path, {"a": {1: "00005", 2: "00000"}}, "meta_train.json")
    truth = truth_of(find_sequences(tmp_path, "mose")[0])
    assert truth.given == {1: 1, 2: 2}  # the square has no pixel on frame 0


def test_without_meta_the_masks_say_where_objects_appear(tmp_path):
    images, labels = disc_and_square(8, square_from=4)
    write_sequence(tmp_path, "a", images, labels)
    assert truth_of(find_sequences(tmp_path, "mose")[0]).given == {1: 0, 2: 4}
    assert Truth.from_array(labels).given == {1: 0, 2: 4}


def refused(*words: str, call) -> None:
    with pytest.raises(PCVOSError) as error:
        call()
    assert [word for word in words if word not in str(error.value)] == [], error.value


def test_folders_that_are_no_data_set(tmp_path):
    refused("no folder", "JPEGImages", call=lambda: find_sequences(tmp_path / "none"))
    refused("holds no folder JPEGImages", call=lambda: find_sequences(tmp_path))
    images, labels = disc_and_square(3)
    write_sequence(tmp_path / "train", "a", images, labels)
    refused(f"for example {tmp_path / 'train'}", call=lambda: find_sequences(tmp_path))
    (tmp_path / "JPEGImages").mkdir()
    refused("holds no folder Annotations", call=lambda: find_sequences(tmp_path))
    (tmp_path / "Annotations").mkdir()
    refused("No sequence", "--layout davis", call=lambda: find_sequences(tmp_path))


def test_splits_and_meta_that_cannot_be_used(tmp_path):
    images, labels = disc_and_square(3)
    write_sequence(tmp_path, "a", images, labels)
    split = tmp_path / "split.txt"
    refused("There is no split val", "ImageSets", call=lambda: find_sequences(tmp_path, split="val"))
    split.write_text("\n \n")
    refused("is empty", call=lambda: find_sequences(tmp_path, split=str(split)))
    split.write_bytes(b"\xff\xfe\x00")
    refused("cannot be read as a split", call=lambda: find_sequences(tmp_path, split=str(split)))
    split.write_text("../a\n")
    refused("'../a'", call=lambda: find_sequences(tmp_path, split=str(split)))
    split.write_text("a\nb\n")
    refused("sequence b of the split is not there", call=lambda: find_sequences(tmp_path, split=str(split)))
    refused("--limit 0", call=lambda: find_sequences(tmp_path, limit=0))
    (tmp_path / "meta.json").write_text('{"videos": {"a": []}}')
    refused("meta.json", "YouTube-VOS", call=lambda: find_sequences(tmp_path, "ytvos"))
    assert names(tmp_path, "davis") == ["a"]  # which has no meta.json to heed


def test_masks_that_cannot_be_used(tmp_path):
    images, labels = disc_and_square(3)
    write_sequence(tmp_path, "a", images, labels)
    (sequence,) = find_sequences(tmp_path)
    masks = sequence.masks
    Image.fromarray(labels[0][:-2]).save(masks / "00001.png")
    refused("00001.png is 64x46", "are 64x48", call=lambda: truth_of(sequence))
    (masks / "00001.png").rename(masks / "1.png")
    refused("1.png belongs to no frame of a", "00000 to 00002", call=lambda: truth_of(sequence))
    (masks / "1.png").unlink()
    for path in masks.iterdir():
        Image.fromarray(labels[0] * np.uint8(0)).save(path)
    refused("No mask in", "a out of the split", call=lambda: truth_of(sequence))
    for path in masks.iterdir():
        path.unlink()
    refused("holds no PNG", str(masks), call=lambda: truth_of(sequence))
