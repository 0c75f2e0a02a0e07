"""Masks as programs and people really make them are taken as they are meant; label maps stay what they are."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.errors import PCVOSError
from core.masks.label_map import read_label_map, read_label_maps, sentences_on_reading, write_label_map
from core.masks.mask_files import load_masks
from core.masks.palette import DAVIS_PALETTE

SIZE = (120, 160)
BLACK, WHITE, RED, GREEN = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0)


def ellipse(scale=1, at=(80.3, 60.2), radius=(40, 25), size=SIZE):
    """The share of each pixel that lies in it, 0 to 255, from `scale` x `scale` points a pixel."""
    picture = Image.new("L", (size[1] * scale, size[0] * scale))
    (x, y), (a, b) = at, radius
    ImageDraw.Draw(picture).ellipse([v * scale for v in (x - a, y - b, x + a, y + b)], fill=255)
    return np.array(picture.resize(size[::-1], Image.Resampling.BOX))


def through_jpeg(picture, quality=85):
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality)
    return np.array(Image.open(data))


def save(path, picture, **options):
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def j(labels, truth, id=1):
    inside = labels == id
    return np.count_nonzero(inside & truth) / np.count_nonzero(inside | truth)


def indexed(values, palette):
    picture = Image.fromarray(values.astype(np.uint8), "P")
    picture.putpalette([channel for colour in palette for channel in colour])
    return picture


TRUTH = ellipse(8) > 127
GREYS = {
    "2 x 2 points a pixel": ellipse(2),
    "4 x 4 points a pixel": ellipse(4),
    "8 x 8 points a pixel": ellipse(8),
    "drawn by OpenCV": cv2.ellipse(np.zeros(SIZE, np.uint8), (80, 60), (40, 25), 0, 0, 360, 255, -1, cv2.LINE_AA),
    "blurred": cv2.GaussianBlur(ellipse(4), (0, 0), 2),
    "widely blurred": cv2.GaussianBlur(ellipse(4), (0, 0), 6),
    "enlarged": cv2.resize(ellipse(2)[::2, ::2], SIZE[::-1], interpolation=cv2.INTER_CUBIC),
    "JPEG 95 of hard edges": through_jpeg(np.where(TRUTH, 255, 0).astype(np.uint8), 95),
    "JPEG 75 of hard edges": through_jpeg(np.where(TRUTH, 255, 0).astype(np.uint8), 75),
    "JPEG 50 of soft edges": through_jpeg(ellipse(4), 50),
}
KINDS = {
    "grey": lambda grey: Image.fromarray(grey),
    "colour": lambda grey: Image.fromarray(np.stack([grey] * 3, axis=2)),
    "16 bits": lambda grey: Image.fromarray(grey.astype(np.uint16) * 257),
    "indexed, a grey for each value": lambda grey: indexed(grey, [(i, i, i) for i in range(256)]),
    "indexed, as Pillow finds a palette": lambda grey: Image.fromarray(grey).convert("RGB").quantize(256, dither=0),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("grey", GREYS.values(), ids=GREYS.keys())
def test_black_and_white_with_soft_edges_is_one_object(tmp_path, grey, kind):
    mask = read_label_map(save(tmp_path / "mask.png", kind(grey)))
    assert mask.ids == (1,)
    assert j(mask.labels, TRUTH) > 0.95
    (sentence,) = sentences_on_reading(["mask.png"], [mask])
    assert "mask.png" in sentence and "soft edges" in sentence


@pytest.mark.parametrize("radius", [2, 4, 12])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_small_ones(tmp_path, radius, scale):
    mask = read_label_map(save(tmp_path / "mask.png", ellipse(scale, radius=(radius * 1.5, radius))))
    assert mask.ids == (1,) and j(mask.labels, ellipse(8, radius=(radius * 1.5, radius)) > 127) > 0.8


def test_areas_of_several_greys_and_colours_keep_their_values(tmp_path):
    one, two = ellipse(4, (45, 60), (30, 40)), ellipse(4, (112, 60), (32, 40))
    grey = (one / 255 * 100 + two / 255 * 200).astype(np.uint8)
    mask = read_label_map(save(tmp_path / "grey.png", grey))
    assert mask.ids == (100, 200) and mask.taken == "soft colours"
    assert j(mask.labels, one > 127, 100) > 0.97 and j(mask.labels, two > 127, 200) > 0.97

    colours = (one[..., None] / 255 * RED + two[..., None] / 255 * GREEN).astype(np.uint8)
    for picture, least in ((colours, 0.97), (through_jpeg(colours, 90), 0.93), (through_jpeg(colours, 60), 0.9)):
        mask = read_label_map(save(tmp_path / "colours.png", picture))
        assert len(mask.ids) == 2, mask.colours
        by_colour = {max(range(3), key=lambda i: colour[i]): id for id, colour in mask.colours.items()}
        assert j(mask.labels, one > 127, by_colour[0]) > least and j(mask.labels, two > 127, by_colour[1]) > least


def test_what_no_rule_decides_is_refused_in_a_sentence(tmp_path):
    one, two = ellipse(4, (45, 60), (30, 40)), ellipse(4, (112, 60), (32, 40))
    picture = (one / 255 * 100 + two / 255 * 255).astype(np.uint8)
    with pytest.raises(PCVOSError, match=r"a\.png holds \d+ greys with soft edges.*save it as an indexed PNG"):
        read_label_map(save(tmp_path / "a.png", picture))
    photo = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, SIZE).astype(np.uint8), (0, 0), 3)
    photo = cv2.normalize(photo, None, 0, 255, cv2.NORM_MINMAX)
    with pytest.raises(PCVOSError, match=r"b\.png holds"):
        read_label_map(save(tmp_path / "b.png", photo))
    ramp = np.tile(np.linspace(0, 255, SIZE[1] * 2).astype(np.uint8), (SIZE[0], 1))
    with pytest.raises(PCVOSError, match=r"c\.png holds"):
        read_label_map(save(tmp_path / "c.png", ramp))


@pytest.mark.parametrize(("step", "quality"), [(1, 75), (1, 95), (60, 95)])
def test_a_label_map_that_was_a_jpeg_does_not_become_other_objects(tmp_path, step, quality):
    """Ids that are near to each other: what JPEG leaves at their edges are ids as well."""
    labels = sum(
        (ellipse(1, at, (25, 18)) > 0) * number * step for number, at in enumerate(((30, 30), (110, 50), (60, 95)), 1)
    )
    path = save(tmp_path / "ids.png", through_jpeg(labels.astype(np.uint8), quality))
    with pytest.raises(PCVOSError, match="does not say which of them are objects"):
        read_label_map(path)


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
@pytest.mark.parametrize("ids", [(1, 2, 3), (2, 5, 9), (10, 20, 30), (50, 100, 150)], ids=str)
def test_ids_that_jpeg_left_are_not_taken_for_objects(tmp_path, ids, quality):
    """Large and small shapes; with round edges and straight ones, off the blocks of JPEG."""
    labels = np.zeros((240, 427), np.uint8)
    y, x = np.mgrid[:240, :427]
    for id, (row, column, radius) in zip(ids, ((90, 70, 48), (120, 210, 60), (60, 340, 11)), strict=True):
        labels[(x - column) ** 2 + (y - row) ** 2 < radius * radius] = id
    labels[130:221, 290:403], labels[20:61, 150:171] = ids[0], ids[2]
    path = save(tmp_path / "ids.png", through_jpeg(labels, quality))
    with pytest.raises(PCVOSError, match="does not say which of them are objects"):
        read_label_map(path)
    for clean in (labels, labels[::2, ::2].repeat(2, 0).repeat(2, 1)):
        mask = read_label_map(save(tmp_path / "clean.png", clean))
        assert np.array_equal(mask.labels, clean) and not mask.taken


def test_black_and_white_from_the_best_jpeg(tmp_path):
    picture = through_jpeg(ellipse(1), 100)
    assert 254 in picture
    labels = read_label_map(save(tmp_path / "m.png", picture))
    assert (set(labels.ids), j(labels.labels, ellipse(1) > 127)) == ({1}, 1)


def test_files_beside_each_other_are_read_alike(tmp_path):
    """An object that comes in: first nothing, then a faint corner, then all of it."""
    faint = np.zeros(SIZE, np.uint8)
    faint[0, :12] = [3, 9, 15, 30, 60, 90, 90, 60, 30, 15, 9, 3]
    paths = [
        save(tmp_path / "0.png", np.zeros(SIZE, np.uint8)),
        save(tmp_path / "1.png", faint),
        save(tmp_path / "2.png", ellipse(4)),
        save(tmp_path / "3.png", np.where(TRUTH, 255, 0).astype(np.uint8)),
    ]
    masks = read_label_maps(paths)
    assert [mask.ids for mask in masks] == [(), (), (1,), (1,)]
    labels = np.zeros(SIZE, np.uint8)
    labels[10:50, 10:50], labels[60:90, 30:80] = 1, 2
    with pytest.raises(PCVOSError, match=r"4\.png is a label map, but others beside it are white with soft edges"):
        read_label_maps([*paths, save(tmp_path / "4.png", labels)])


# --- alpha


def photograph(seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (15, 20, 3)).astype(np.uint8)
    return cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def rgba(colour, alpha):
    picture = np.empty((*SIZE, 4), np.uint8)
    picture[..., :3], picture[..., 3] = colour, alpha
    return picture


@pytest.mark.parametrize("alpha", [ellipse(1), ellipse(4), GREYS["blurred"], ellipse(4) // 2], ids=str)
@pytest.mark.parametrize(
    "colour",
    [photograph(), np.where(TRUTH[..., None], photograph(), 0), BLACK, WHITE],
    ids=["photograph", "cut out", "black", "white"],
)
def test_the_alpha_of_a_cut_out_is_the_mask(tmp_path, colour, alpha):
    mask = read_label_map(save(tmp_path / "mask.png", rgba(colour, alpha)))
    assert mask.ids == (1,) and j(mask.labels, TRUTH) > 0.94
    assert "alpha" in sentences_on_reading(["mask.png"], [mask])[0]


def test_grey_with_alpha(tmp_path):
    for grey in (np.zeros(SIZE, np.uint8), photograph()[..., 0]):
        picture = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(ellipse(4))])
        mask = read_label_map(save(tmp_path / "mask.png", picture))
        assert mask.ids == (1,) and j(mask.labels, TRUTH) > 0.97


@pytest.mark.parametrize("ground", [BLACK, WHITE, (90, 20, 200)])
@pytest.mark.parametrize("scale", [1, 4])
def test_painted_colours_on_a_transparent_ground(tmp_path, ground, scale):
    one, two = ellipse(scale, (45, 60), (30, 40)), ellipse(scale, (112, 60), (32, 40))
    picture = rgba(ground, np.maximum(one, two))
    picture[one > 0, :3], picture[two > 0, :3] = RED, GREEN
    mask = read_label_map(save(tmp_path / "mask.png", picture))
    assert mask.colours == {1: GREEN, 2: RED}
    assert j(mask.labels, one > 127, 2) > 0.97 and j(mask.labels, two > 127, 1) > 0.97


def test_cut_outs_beside_each_other(tmp_path):
    alphas = [np.zeros(SIZE, np.uint8), ellipse(4), np.full(SIZE, 255, np.uint8)]
    paths = [save(tmp_path / f"{i}.png", rgba(photograph(i), alpha)) for i, alpha in enumerate(alphas)]
    assert [np.count_nonzero(mask.labels == 1) > 0 for mask in read_label_maps(paths)] == [False, True, True]


def test_colours_under_what_is_transparent_are_refused(tmp_path):
    picture = rgba(RED, ellipse(1))
    picture[:20, :, :3], picture[100:, :, :3] = GREEN, (0, 0, 255)
    picture[55:65, 70:90, :3] = GREEN
    with pytest.raises(PCVOSError, match=r"m\.png has colours also where it is transparent"):
        read_label_map(save(tmp_path / "m.png", picture))


def test_an_alpha_that_says_nothing_is_dropped(tmp_path):
    labels = np.zeros(SIZE, np.uint8)
    labels[10:40, 10:90], labels[60:90, 30:80] = 1, 2
    picture = rgba(DAVIS_PALETTE[labels], 255)
    mask = read_label_map(save(tmp_path / "m.png", picture))
    assert np.array_equal(mask.labels, labels) and not mask.taken


# --- palettes


@pytest.mark.parametrize("palette", [[BLACK, WHITE], [WHITE, BLACK]])
@pytest.mark.parametrize("bits", [1, 8])
def test_of_a_palette_of_black_and_white_white_is_the_object(tmp_path, palette, bits):
    values = TRUTH if palette[1] == WHITE else ~TRUTH
    mask = read_label_map(save(tmp_path / "m.png", indexed(values, palette), bits=bits))
    assert np.array_equal(mask.labels, TRUTH)
    said = sentences_on_reading(["m.png"], [mask])
    assert bool(said) == (palette[0] == WHITE)
    nothing = read_label_map(save(tmp_path / "n.png", indexed(np.full(SIZE, palette.index(BLACK)), palette), bits=bits))
    assert nothing.ids == ()


# --- label maps


def many_objects(count, radius, seed=0):
    random, labels = np.random.default_rng(seed), np.zeros(SIZE, np.uint8)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    for id in range(1, count + 1):
        row, column, r = random.integers(0, SIZE[0]), random.integers(0, SIZE[1]), random.integers(1, radius)
        labels[(y - row) ** 2 + (x - column) ** 2 < r * r] = id
    return labels


def with_void(labels):
    kernel = np.ones((5, 5), np.uint8)
    return np.where(cv2.dilate(labels, kernel) != cv2.erode(labels, kernel), 255, labels).astype(np.uint8)


LABELS = {
    "60 objects": many_objects(60, 9),
    "60 objects, void between them": with_void(many_objects(60, 9)),
    "60 small objects": many_objects(60, 4),
    "250 objects side by side": many_objects(250, 14),
    "a small picture of many": np.ascontiguousarray(many_objects(60, 20)[::4, ::4]),
    "lines": np.add.outer(np.zeros(120, np.uint8), np.arange(160, dtype=np.uint8) % 4 // 3 * (np.arange(160) % 50)),
    "an outline beside its area": np.where(ellipse() > 0, 2, 0) - (cv2.morphologyEx(ellipse(), 4, np.ones((3, 3))) > 0),
    "a trimap": np.where(TRUTH, 255, np.where(cv2.dilate(ellipse(), np.ones((9, 9))) > 0, 128, 0)),
    "greys far apart": np.where(TRUTH, 200, np.where(cv2.dilate(ellipse(), np.ones((9, 9))) > 0, 100, 0)),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_label_maps_stay_as_they_are(tmp_path, labels):
    labels = labels.astype(np.uint8)
    wanted = np.where(labels == 255, 0, labels)
    write_label_map(tmp_path / "indexed.png", labels)
    files = [tmp_path / "indexed.png", save(tmp_path / "grey.png", labels)]
    files.append(save(tmp_path / "colour.png", DAVIS_PALETTE[labels]))
    for path in files:
        mask = read_label_map(path)
        assert not mask.taken and np.array_equal(mask.labels, wanted), path.name


def test_loading_masks_says_how_they_were_read(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", ellipse(4))
    masks = load_masks(tmp_path, ["0", "1", "2"], SIZE)
    assert masks.objects == (1,)
    assert masks.warnings == ("0.png and 2 more: read with soft edges: what is at least half white is object 1.",)


@pytest.mark.parametrize(
    ("ids", "quality"), [((1, 2), 30), ((1, 2), 85), ((1,), 85), ((100,), 50), ((50, 150), 90), ((7,), 95)], ids=str
)
def test_what_jpeg_made_of_few_ids_is_not_taken_without_a_word(tmp_path, ids, quality):
    """Steps of one between ids, and single ids: what JPEG leaves of them is unchanged by another one."""
    labels = np.zeros((150, 220), np.uint8)
    for id, at in zip(ids, ((60, 60), (150, 80)), strict=False):
        labels[ellipse(1, at, (45, 33), labels.shape) > 127] = id
    path = save(tmp_path / "ids.png", through_jpeg(labels, quality))
    try:
        mask = read_label_map(path)
    except PCVOSError as error:
        assert "does not say which of them are objects" in str(error)
    else:
        (said,) = sentences_on_reading(["ids.png"], [mask])
        assert "once JPEGs" in said
    clean = read_label_map(save(tmp_path / "clean.png", labels))
    assert clean.ids == ids and sentences_on_reading(["clean.png"], [clean]) == []


def test_small_objects_are_no_specks_if_they_are_large_elsewhere(tmp_path):
    labels = np.zeros(SIZE, np.uint8)
    labels[20:60, 20:60], labels[80, 90:93] = 1, 2
    one = save(tmp_path / "1.png", labels)
    labels[80:100, 90:120] = 2
    both = read_label_maps([one, save(tmp_path / "2.png", labels)])
    assert sentences_on_reading(["1.png", "2.png"], both) == []
    assert "object 2 is nothing but specks" in sentences_on_reading(["1.png"], both[:1])[0]
