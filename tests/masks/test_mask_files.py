"""Which frame a mask file belongs to, what it speaks for, and what is refused."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from core.errors import PCVOSError
from core.masks.label_map import write_label_map
from core.masks.mask_files import load_masks, masks_fingerprint

SIZE = (12, 16)
DAVIS = [f"{index:05d}" for index in range(20)]
EVERY_FIFTH = ["00005", "00010", "00015"]
NAMED = ["img_a", "img_b", "img_c"]


def labels(*ids: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A label map with one column of each id."""
    result = np.zeros(size, np.uint8)
    for column, number in enumerate(ids):
        result[2:-2, 2 + column] = number
    return result


def save(path, *ids, size=SIZE):
    path.parent.mkdir(exist_ok=True)
    write_label_map(path, labels(*ids, size=size))
    return path


def frames(masks) -> dict[int, str]:
    return {annotation.frame: annotation.path.name for annotation in masks.annotations}


@pytest.mark.parametrize(
    ("name", "stems", "is_video", "frame"),
    [
        pytest.param("00004", DAVIS, False, 4, id="stem"),
        pytest.param("4", DAVIS, False, 4, id="number of a stem, other padding"),
        pytest.param("rabbit.00004", DAVIS, False, 4, id="trailing number of a stem"),
        pytest.param("00010", EVERY_FIFTH, False, 1, id="stem with gaps"),
        pytest.param("10", EVERY_FIFTH, False, 1, id="number with gaps is no index"),
        pytest.param("x.00015", EVERY_FIFTH, False, 2, id="trailing number with gaps"),
        pytest.param("img_b", NAMED, False, 1, id="stem that is no number"),
        pytest.param("2", NAMED, False, 2, id="index among stems without numbers"),
        pytest.param("x.00002", NAMED, False, 2, id="trailing index among stems without numbers"),
        pytest.param("shot.1002", ["shot.1001", "shot.1002"], False, 1, id="stem that ends in a number"),
        pytest.param("roto.1002", ["shot.1001", "shot.1002"], False, 1, id="same number, other name"),
        pytest.param("1002", ["shot.1001", "shot.1002"], False, 1, id="number of stems that end in one"),
        pytest.param("0002", ["0001", "cover", "0002"], False, 2, id="numbers and names: the number's image"),
        pytest.param("5", ["05", "5"], False, 1, id="the same stem goes before the same number"),
        pytest.param("7", DAVIS, True, 7, id="video"),
        pytest.param("00007", DAVIS, True, 7, id="video, padded"),
        pytest.param("big-buck-bunny.00007", DAVIS, True, 7, id="video, trailing"),
        pytest.param("7", ["a"] * 20, True, 7, id="names of a video's frames do not matter"),
    ],
)
@pytest.mark.parametrize("in_folder", [False, True])
def test_the_frame_of_a_file(tmp_path, name, stems, is_video, frame, in_folder):
    file = save(tmp_path / "masks" / f"{name}.png", 1)
    masks = load_masks(file.parent if in_folder else file, stems, SIZE, start=0, is_video=is_video)
    assert frames(masks) == {frame: f"{name}.png"}


@pytest.mark.parametrize("name", ["rabbit", "rabbit_3", "rabbit3", "v1.2b", "3.rabbit"])
@pytest.mark.parametrize("is_video", [False, True])
def test_a_single_file_without_a_number_belongs_to_the_range(tmp_path, name, is_video):
    file = save(tmp_path / f"{name}.png", 1)

    def frame(**options) -> list[int]:
        return list(frames(load_masks(file, DAVIS, SIZE, is_video=is_video, **options)))

    assert frame() == [0]
    assert frame(start=5, end=9) == [5]
    assert frame(start=5, end=9, backward=True) == [9]
    assert frame(backward=True) == [19]


def test_mask_frame_goes_before_the_name(tmp_path):
    file = save(tmp_path / "00004.png", 1)
    assert list(frames(load_masks(file, DAVIS, SIZE, mask_frame=7))) == [7]
    assert list(frames(load_masks(file, DAVIS, SIZE, start=3, end=5, mask_frame=0, is_video=True))) == [0]
    assert list(frames(load_masks(file, EVERY_FIFTH, SIZE, mask_frame=2))) == [2]  # an index, also among stems


@pytest.mark.parametrize("mask_frame", [-1, 20])
def test_mask_frame_outside_the_footage(tmp_path, mask_frame):
    with pytest.raises(PCVOSError, match=rf"frame {mask_frame} is outside.* 0 to 19"):
        load_masks(save(tmp_path / "m.png", 1), DAVIS, SIZE, mask_frame=mask_frame)


def test_mask_frame_is_for_one_file(tmp_path):
    save(tmp_path / "masks" / "00001.png", 1)
    with pytest.raises(PCVOSError, match="for one PNG"):
        load_masks(tmp_path / "masks", DAVIS, SIZE, mask_frame=1)


@pytest.mark.parametrize(
    ("name", "stems", "is_video", "shown"),
    [
        ("00020", DAVIS, False, "00000 to 00019"),
        ("x.99", DAVIS, True, "0 to 19"),
        ("1", EVERY_FIFTH, False, "00005 to 00015"),
        ("0", EVERY_FIFTH, False, "00005 to 00015"),
        ("3", NAMED, False, "img_a to img_c"),
        ("7", ["a.7", "b.7"], False, "a.7 to b.7"),
    ],
)
def test_a_number_with_no_frame(tmp_path, name, stems, is_video, shown):
    file = save(tmp_path / f"{name}.png", 1)
    with pytest.raises(PCVOSError, match=rf"{name}\.png belongs to no frame.*{shown}"):
        load_masks(file, stems, SIZE, is_video=is_video)


@pytest.mark.parametrize("is_video", [False, True])
def test_in_a_folder_every_name_must_say_its_frame(tmp_path, is_video):
    save(tmp_path / "masks" / "00001.png", 1)
    save(tmp_path / "masks" / "rabbit.png", 1)
    with pytest.raises(PCVOSError, match=r"rabbit\.png belongs to no frame"):
        load_masks(tmp_path / "masks", DAVIS, SIZE, is_video=is_video)


def test_two_files_for_one_frame(tmp_path):
    save(tmp_path / "masks" / "00001.png", 1)
    save(tmp_path / "masks" / "rabbit.1.png", 1)
    with pytest.raises(PCVOSError, match=r"00001\.png and .*rabbit\.1\.png are both masks of frame 1 \(00001\)"):
        load_masks(tmp_path / "masks", DAVIS, SIZE)


def test_a_folder_in_order_of_frames(tmp_path):
    for number, ids in {10: (7,), 2: (1, 3), 19: (3,)}.items():
        save(tmp_path / "masks" / f"{number}.png", *ids)
    (tmp_path / "masks" / "._2.png").write_bytes(b"left by another system")
    (tmp_path / "masks" / "notes.txt").write_text("no mask")
    (tmp_path / "masks" / "soft.png").mkdir()
    masks = load_masks(tmp_path / "masks", DAVIS, SIZE, start=5, end=12)
    assert [(one.frame, one.objects) for one in masks.annotations] == [(2, (1, 3)), (10, (7,)), (19, (3,))]
    assert masks.objects == (1, 3, 7)
    assert np.array_equal(masks.annotations[0].labels, labels(1, 3))
    assert (masks.notes, masks.warnings) == ((), ())


def test_complete_masks_speak_for_every_object(tmp_path):
    save(tmp_path / "masks" / "0.png")  # all absent: says something
    save(tmp_path / "masks" / "3.png", 2)
    save(tmp_path / "masks" / "6.png", 9)
    masks = load_masks(tmp_path / "masks", DAVIS, SIZE, complete=True)
    assert [(one.frame, one.objects) for one in masks.annotations] == [(0, (2, 9)), (3, (2, 9)), (6, (2, 9))]
    assert not masks.annotations[0].labels.any()
    with pytest.raises(PCVOSError, match=r"0\.png holds no object") as caught:
        load_masks(tmp_path / "masks", DAVIS, SIZE)
    assert caught.value.code == "all absent"


@pytest.mark.parametrize("complete", [False, True])
def test_no_object_at_all(tmp_path, complete):
    with pytest.raises(PCVOSError, match=r"No object in the masks of .*a\.png"):
        load_masks(save(tmp_path / "a.png"), DAVIS, SIZE, complete=complete)
    save(tmp_path / "masks" / "1.png")
    save(tmp_path / "masks" / "2.png")
    with pytest.raises(PCVOSError, match=r"No object in the masks of .*masks"):
        load_masks(tmp_path / "masks", DAVIS, SIZE, complete=complete)


def test_nothing_there(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "00001.jpg").write_bytes(b"")
    with pytest.raises(PCVOSError, match="empty holds no PNG"):
        load_masks(tmp_path / "empty", DAVIS, SIZE)
    with pytest.raises(PCVOSError, match=r"none\.png cannot be read"):
        load_masks(tmp_path / "none.png", DAVIS, SIZE)


def test_a_damaged_file_in_a_folder_is_named(tmp_path):
    save(tmp_path / "masks" / "1.png", 1)
    whole = save(tmp_path / "masks" / "2.png", 1).read_bytes()
    (tmp_path / "masks" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PCVOSError, match=r"2\.png is damaged or cut short"):
        load_masks(tmp_path / "masks", DAVIS, SIZE)


def test_a_larger_mask_is_resized_by_nearest_with_a_warning(tmp_path):
    ids = np.random.default_rng(0).choice([0, 3, 200], SIZE).astype(np.uint8)
    write_label_map(tmp_path / "m.png", np.kron(ids, np.ones((3, 3), np.uint8)))
    masks = load_masks(tmp_path / "m.png", DAVIS, SIZE)
    assert np.array_equal(masks.annotations[0].labels, ids)  # the middle of each 3 x 3 block
    assert masks.warnings == ("m.png: resized from 48x36 to 16x12 by nearest.",)
    assert masks.notes == ()


def test_smaller_masks_are_resized_with_one_warning(tmp_path):
    for number in range(3):
        save(tmp_path / "masks" / f"{number}.png", 1, 2)
    masks = load_masks(tmp_path / "masks", DAVIS, (36, 48))
    assert all(np.array_equal(np.kron(labels(1, 2), np.ones((3, 3))), one.labels) for one in masks.annotations)
    assert masks.warnings == ("0.png and 2 more: resized from 16x12 to 48x36 by nearest.",)


def test_a_mask_that_vanishes_by_resizing_is_a_mask_without_object(tmp_path):
    save(tmp_path / "m.png", 1, size=(1200, 1600))  # a line one pixel wide
    with pytest.raises(PCVOSError, match=r"No object .*m\.png: every pixel, at the footage's size, is background"):
        load_masks(tmp_path / "m.png", DAVIS, SIZE)


def test_an_object_lost_by_resizing_is_told(tmp_path):
    large = np.zeros((36, 48), np.uint8)
    large[:18] = 1
    large[30, 30] = 5  # not the middle of its 3 x 3 block
    write_label_map(tmp_path / "m.png", large)
    masks = load_masks(tmp_path / "m.png", DAVIS, SIZE)
    assert masks.annotations[0].objects == masks.objects == (1,)
    assert any("object 5" in warning for warning in masks.warnings)


@pytest.mark.parametrize(("size", "fits"), [((480, 854), True), ((480, 850), True), ((480, 840), False)])
def test_the_aspect_ratio_may_differ_by_one_percent(tmp_path, size, fits):
    file = tmp_path / "m.png"
    write_label_map(file, np.ones((1080, 1920), np.uint8))  # 854/480 is 0.1 % off, 850/480 0.4 %, 840/480 1.6 %
    if fits:
        assert load_masks(file, DAVIS, size).annotations[0].labels.shape == size
    else:
        with pytest.raises(PCVOSError, match=r"m\.png is 1920x1080, but the footage is 840x480"):
            load_masks(file, DAVIS, size)


def test_colours_mean_the_same_in_a_folder_and_are_told(tmp_path):
    red, blue = (255, 0, 0), (0, 0, 255)
    for name, colour in {"0": red, "1": blue}.items():
        (tmp_path / "masks").mkdir(exist_ok=True)
        image = Image.new("RGB", SIZE[::-1])
        image.paste(colour, (2, 2, 8, 8))
        image.save(tmp_path / "masks" / f"{name}.png")
    masks = load_masks(tmp_path / "masks", DAVIS, SIZE)
    assert [one.objects for one in masks.annotations] == [(2,), (1,)]
    assert masks.notes == ("Colours of the masks as object ids: #0000ff = 1, #ff0000 = 2.",)
    assert masks.warnings == ()


def test_reading_a_number_as_an_index_among_images_is_told_once(tmp_path):
    save(tmp_path / "masks" / "1.png", 1)
    save(tmp_path / "masks" / "2.png", 1)
    masks = load_masks(tmp_path / "masks", NAMED, SIZE)
    assert masks.notes == ("Numbers of masks are read as indices, from 0: 1.png belongs to frame 1 (img_b).",)
    assert masks.warnings == ()
    assert load_masks(tmp_path / "masks", NAMED, SIZE, is_video=True).notes == ()


def test_long_footage_is_no_trouble(tmp_path):
    stems = [f"{index:06d}" for index in range(300_000)]
    save(tmp_path / "masks" / "299999.png", 1)
    save(tmp_path / "masks" / "7.png", 1)
    assert list(frames(load_masks(tmp_path / "masks", stems, SIZE))) == [7, 299_999]


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_many_masks_take_little_memory(tmp_path, mode):
    size, count = (480, 640), 60
    (tmp_path / "masks").mkdir()
    image = Image.new(mode, size[::-1])
    image.paste(1 if mode == "P" else (200, 20, 3), (100, 100, 400, 300))
    for number in range(count):
        image.save(tmp_path / "masks" / f"{number}.png")
    peaks = []
    for path in (tmp_path / "masks" / "0.png", tmp_path / "masks"):
        tracemalloc.start()
        masks = load_masks(path, [str(number) for number in range(count)], size)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(masks.annotations) == count
    assert peaks[1] - peaks[0] < count * size[0] * size[1] / 10, "far less than all label maps"
    assert all(np.count_nonzero(one.labels == 1) == 300 * 200 for one in masks.annotations[::20])


def test_fingerprint_tells_names_and_bytes(tmp_path):
    folder = tmp_path / "masks"
    first, second = save(folder / "1.png", 1), save(folder / "2.png", 2)
    original = masks_fingerprint(folder)
    assert masks_fingerprint(folder) == original
    assert masks_fingerprint(first) != masks_fingerprint(second)

    (folder / "notes.txt").write_text("not a mask")
    assert masks_fingerprint(folder) == original
    second.rename(folder / "3.png")
    assert masks_fingerprint(folder) != original
    save(folder / "2.png", 2)
    (folder / "3.png").unlink()
    assert masks_fingerprint(folder) == original
    save(folder / "2.png", 3)
    assert masks_fingerprint(folder) != original

    with pytest.raises(PCVOSError, match="cannot be read"):
        masks_fingerprint(tmp_path / "none.png")
