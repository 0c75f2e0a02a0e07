"""The frames of all files of an import, found from all their names by one rule."""

import pytest

from core.errors import PCVOSError
from core.masks.frame_numbers import FootageNames, Numbering, UnclearNumberingError, place


def series(pattern: str, *numbers: int) -> list[str]:
    return [pattern.format(number) for number in numbers]


VIDEO = FootageNames([""] * 30, True)
FROM_0 = FootageNames(series("{:05d}", *range(30)), False)
FROM_1 = FootageNames(series("frame_{:04d}", *range(1, 7)), False)
FROM_1001 = FootageNames(series("plate.{:04d}", *range(1001, 1031)), False)
NAMED = FootageNames(["img_a", "img_b", "img_c"], False)
EVERY_FIFTH = FootageNames(series("{:05d}", *range(0, 30, 5)), False)


def frames(names, footage, numbering=None, **options):
    return list(place(names, footage, numbering, **options).frames.values())


@pytest.mark.parametrize(
    ("names", "footage", "expected"),
    [
        pytest.param(["frame_000005.png"], VIDEO, [5], id="one, as CVAT calls it"),
        pytest.param(["Frame 7.PNG"], VIDEO, [7], id="one, after the word"),
        pytest.param(["IMG_0012.png"], VIDEO, [12], id="one, four digits"),
        pytest.param(series("clip_{}.png", 3, 12, 20), VIDEO, [3, 12, 20], id="several, alike but for a number"),
        pytest.param(series("{:05d}_mask.png", 0, 9), VIDEO, [0, 9], id="the number need not be the end"),
        pytest.param(series("shot2_{:03d}.png", 0, 9), VIDEO, [0, 9], id="a number that is in all names is none"),
        pytest.param(series("s{0}/{0:04d}.jpg", 0, 9), VIDEO, [0, 9], id="folders do not matter"),
        pytest.param(series("x\\{:04d}.jpg", 0, 9), VIDEO, [0, 9], id="nor those of Windows"),
        pytest.param(series("{:04d}.jpg", 1, 2, 5), FROM_1, [0, 1, 4], id="the images' own numbers"),
        pytest.param(series("frame_{:04d}.png", 1, 2, 6), FROM_1, [0, 1, 5], id="the images' own names"),
        pytest.param(series("frame_{:06d}.png", *range(6)), FROM_1, [*range(6)], id="from 0 where images are from 1"),
        pytest.param(series("frame_{:04d}.png", *range(6)), FROM_1, [*range(6)], id="the same, though names are alike"),
        pytest.param(series("{}.png", 0, 1, 3), FROM_1, [0, 1, 3], id="some of them"),
        pytest.param(series("{:04d}.png", *range(1, 31)), VIDEO, [*range(30)], id="from 1, as ffmpeg counts, all"),
        pytest.param(series("{:05d}.png", *range(1, 31)), FROM_0, [*range(30)], id="from 1 where images are from 0"),
        pytest.param(series("{}.png", 0, 4, 8), FROM_1001, [0, 4, 8], id="from 0 where images count from 1001"),
        pytest.param(series("{}.png", 1001, 1005), FROM_1001, [0, 4], id="as the images"),
        pytest.param(series("{}.png", 0, 2), NAMED, [0, 2], id="indices of images without numbers"),
        pytest.param(series("{}.png", 1, 2, 3), NAMED, [0, 1, 2], id="and from 1"),
        pytest.param(series("{:05d}.png", 1, 2, 3), VIDEO, [1, 2, 3], id="as this program calls a video's frames"),
        pytest.param(series("frame_{:06d}.png", 1, 2, 3), VIDEO, [1, 2, 3], id="as CVAT does"),
        pytest.param(series("{}.png", 5, 25), EVERY_FIFTH, [1, 5], id="gaps stay"),
        pytest.param(["img_b.png"], NAMED, [1], id="a name"),
        pytest.param(["rabbit_3.png", "rabbit.png"], VIDEO, [None, None], id="no numbers of frames"),
        pytest.param(["9" * 9000 + ".png", "8" * 9000 + ".png"], VIDEO, [None, None], id="numbers of many digits"),
        pytest.param(["7.png"], EVERY_FIFTH, [None], id="a number that no image has"),
    ],
)
def test_the_frames(names, footage, expected):
    assert frames(names, footage) == expected


@pytest.mark.parametrize(
    ("names", "footage", "choices", "by_answer"),
    [
        pytest.param(
            series("{:04d}.png", 1, 2, 3), VIDEO, ["names", "from-1"], {"names": [1, 2, 3], "from-1": [0, 1, 2]}
        ),
        pytest.param(series("m_{}.png", 1, 11, 21), FROM_0, ["names", "from-1"], {"from-1": [0, 10, 20]}),
        pytest.param(series("frame_{:04d}.png", 0, 1, 2), FROM_1, ["from-0"], {"from-0": [0, 1, 2]}),
        pytest.param(series("{}.png", 1, 2, 3), FROM_1001, ["from-0", "from-1"], {"from-0": [1, 2, 3]}),
        pytest.param(series("{}.png", 12, 30), VIDEO, ["from-1"], {"from-1": [11, 29]}),
    ],
)
def test_doubt_is_a_question_whose_answer_decides(names, footage, choices, by_answer):
    with pytest.raises(UnclearNumberingError) as caught:
        place(names, footage)
    assert [answer for answer, _ in caught.value.choices] == choices
    assert caught.value.code == "numbering" and caught.value.fields["answers"]
    assert names[0] in str(caught.value)
    for answer, expected in by_answer.items():
        assert frames(names, footage, Numbering(answer)) == expected


def test_choices_say_what_they_mean():
    with pytest.raises(UnclearNumberingError) as caught:
        place(series("{:04d}.png", 1, 2, 3), VIDEO)
    assert caught.value.choices == (
        ("names", "Counted from 0: 0001.png is frame 1"),
        ("from-1", "Counted from 1: 0001.png is frame 0"),
    )
    assert isinstance(caught.value, PCVOSError)


@pytest.mark.parametrize(
    ("names", "footage", "note"),
    [
        (series("{:04d}.jpg", 2, 1), FROM_1, "that have their numbers: 0001.jpg belongs to frame 0 (frame_0001)."),
        (series("{}.png", 0, 1), FROM_1, "indices, from 0: 0.png belongs to frame 0 (frame_0001)."),
        (series("{:04d}.png", *range(1, 31)), VIDEO, "indices, from 1: 0001.png belongs to frame 0."),
        (series("{:05d}.png", 1, 2, 3), VIDEO, "indices, from 0: 00001.png belongs to frame 1."),
        (series("{:05d}.png", 0, 5), FROM_0, None),
        (series("{}.png", 0, 5), FROM_0, None),
        (series("{}.png", 0, 5), VIDEO, None),
    ],
)
def test_what_is_not_plain_is_told(names, footage, note):
    notes = place(names, footage).notes
    assert notes == () if note is None else len(notes) == 1 and notes[0].endswith(note)


def test_images_of_other_footage_in_a_data_set():
    own = series("a_{:04d}.jpg", *range(6))
    footage = FootageNames([name[:-4] for name in own], False)
    assert frames([*own, *series("b_{:04d}.jpg", *range(6))], footage, strangers=True) == [*range(6), *[None] * 6]
    assert frames(series("{}.jpg", *range(9)), footage, strangers=True) == [*range(6), None, None, None]
    with pytest.raises(UnclearNumberingError):
        place(series("{:04d}.jpg", *range(1, 99)), VIDEO, strangers=True)
    with pytest.raises(UnclearNumberingError) as caught:  # 0000 may be of other footage, or all are shifted by one
        place(series("frame_{:04d}.jpg", *range(4)), FROM_1, strangers=True)
    assert [answer for answer, _ in caught.value.choices] == ["names", "from-0"]
