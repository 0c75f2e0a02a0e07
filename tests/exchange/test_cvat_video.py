"""CVAT's XML 1.1: files of CVAT itself, of this program, and those that are broken."""

import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from exchange_projects import SIZE, bring_in, export, plan

from core.errors import PCVOSError
from core.exchange import registry

HEIGHT, WIDTH = SIZE


def document(body, original_size=True):
    size = f"<original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>" if original_size else ""
    head = '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>'
    return f"{head}<meta><task><size>6</size><mode>interpolation</mode>{size}</task></meta>{body}</annotations>"


def attributes(values):
    return "".join(f' {name}="{value}"' for name, value in values.items())


def mask(frame, rle="1, 2, 1, 2", left=10, top=20, width=3, height=2, outside=0, **more):
    values = {"frame": frame, "keyframe": 1, "outside": outside, "occluded": 0, "rle": rle, "left": left, "top": top}
    values |= {"width": width, "height": height, "z_order": 0} | more
    return f"<mask{attributes(values)}></mask>"


def track(number, label, *shapes, **more):
    values = {"id": number, "label": label, "source": "manual"} | more
    return f"<track{attributes(values)}>{''.join(shapes)}</track>"


@pytest.fixture
def read(other, media, out):
    """Import the elements in a document; the masks by frame and name of the object, as (rows, columns)."""

    def do(*body, **choices):
        (out / "a.xml").write_text(document("".join(body), **choices), encoding="utf-8")
        planned = plan(out / "a.xml", other, media)
        names = {info.id: f"{info.name} {info.id}" for info in planned.objects}
        masks = {
            (frame, names[id]): set(zip(*(part.tolist() for part in np.nonzero(found.unpack())), strict=True))
            for frame, here in planned.masks.items()
            for id, found in here.items()
        }
        return masks, planned

    return do


PIXELS = {(20, 11), (20, 12), (21, 11), (21, 12)}  # the runs of `mask`: out 1, in 2, out 1, in 2 along rows of 3


def test_runs_go_along_the_rows_of_the_box(read):
    masks, planned = read(track(0, "person", mask(0), mask(1, "0, 1", 5, 6, 1, 1), mask(2, "2, 1", 5, 6, 2, 2)))
    assert masks == {(0, "person 1"): PIXELS, (1, "person 1"): {(6, 5)}, (2, "person 1"): {(7, 5)}}
    assert [(info.name, info.class_name) for info in planned.new] == [("person", "person")]


def test_two_tracks_of_a_label_are_two_objects(read):
    masks, planned = read(track(0, "person", mask(0), mask(1)), track(1, "person", mask(0, left=30), mask(1, left=30)))
    assert len(masks) == 4 and [info.class_name for info in planned.new] == ["person", "person"]


def test_outside_says_that_it_is_absent_and_no_element_says_nothing(read):
    masks, _ = read(track(0, "person", mask(0), mask(1), mask(2, outside=1), mask(5)))
    assert masks == {(0, "person 1"): PIXELS, (1, "person 1"): PIXELS, (2, "person 1"): set(), (5, "person 1"): PIXELS}


def single(number, label, frame, **more):
    """A mask as CVAT itself writes it, which has no tracks of masks."""
    left = more.pop("left", 10)
    closing = [mask(frame + 1, left=left, outside=1)] if frame < 5 else []
    return track(number, label, mask(frame, left=left), *closing, **more)


def test_masks_that_cvat_writes_one_a_track(read):
    masks, planned = read(*(single(frame, "person", frame) for frame in range(6)))
    assert masks == {(frame, "person 1"): PIXELS for frame in range(6)} and not planned.warnings


def test_masks_of_one_label_on_one_frame_are_kept_apart(read):
    tracks = [single(2 * f + k, "person", f, left=10 + 20 * k) for f in range(3) for k in range(2)]
    masks, planned = read(*tracks)
    assert len(masks) == 6 and len(planned.new) == 2
    assert "go by their order" in " ".join(planned.warnings)


def test_groups_say_which_belong_together(read):
    where = {0: (7, 8), 1: (8, 7)}  # their order differs
    tracks = [
        single(2 * frame + place, "person", frame, left=10 if group == 7 else 40, group_id=group)
        for frame, groups in where.items()
        for place, group in enumerate(groups)
    ]
    masks, planned = read(*tracks)
    columns = {}
    for (_, name), pixels in masks.items():
        columns.setdefault(name, set()).update(column for _, column in pixels)
    assert sorted(map(sorted, columns.values())) == [[11, 12], [41, 42]] and not planned.warnings


def test_polygons_and_what_is_no_mask(read):
    polygon = '<polygon frame="{}" keyframe="1" outside="0" points="10.0,20.0;14.0,20.0;14.0,24.0;10.0,24.0"></polygon>'
    box = '<box frame="0" keyframe="1" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"></box>'
    masks, planned = read(track(0, "car", polygon.format(0), polygon.format(1)), track(1, "bus", box))
    assert masks.keys() == {(0, "car 1"), (1, "car 1")} and (22, 12) in masks[0, "car 1"]
    assert "(box), left out: 1" in " ".join(planned.warnings)


def test_cvat_for_images(read):
    shape = '<mask label="cat" source="manual" occluded="0" rle="1, 2, 1, 2" left="10" top="20" width="3" height="2"/>'
    image = f'<image id="0" name="00004.png" width="{WIDTH}" height="{HEIGHT}">{shape}</image>'
    masks, planned = read(image, '<image id="1" name="stranger.png"></image>', original_size=False)
    assert masks == {(1, "cat 1"): PIXELS} and "left out: 1" in " ".join(planned.warnings)


def test_who_is_in_front(read):
    behind = [mask(0, "0, 4", 10, 20, 2, 2, z_order=1), mask(1, "0, 4", 10, 20, 2, 2)]
    before = [mask(0, "0, 4", 10, 20, 2, 2), mask(1, "0, 4", 10, 20, 2, 2)]
    masks, planned = read(track(0, "a", *behind), track(1, "b", *before))
    assert planned.overlapping == (0, 1)
    assert masks[0, "b 2"] == set() and masks[0, "a 1"], "z_order decides"
    assert masks[1, "a 1"] and masks[1, "b 2"], "else the later one, which has the higher id"


def test_zipped_in_a_folder(out, other, media):
    for name in ("annotations.xml", "task/annotations.xml", "a\\annotations.xml"):
        with zipfile.ZipFile(out / "a.zip", "w") as file:
            file.writestr("task/images/frame_000000.png", b"")
            file.writestr(name, document(track(0, "person", mask(0), mask(1))))
        assert registry.recognise(out / "a.zip").name == "cvat-video"
        assert len(plan(out / "a.zip", other, media).masks) == 2
    (out / "b.xml").write_bytes(
        document(track(0, "Fußgänger", mask(0), mask(1))).replace("utf-8", "utf-16").encode("utf-16")
    )
    assert registry.recognise(out / "b.xml").name == "cvat-video"
    assert plan(out / "b.xml", other, media).new[0].name == "Fußgänger"


def test_objects_that_the_mask_format_loses(project, other, media, out):
    """Object 9 is on no frame, 7 is known to be absent on frame 3, and unknown on 0 and 4."""
    for place, tracks in (("a.xml", "object"), ("a.zip", "mask")):
        wanted = {"unprocessed": "skip", "tracks": tracks}
        export("cvat-video", project, media, out / place, options=wanted)
        change = bring_in(out / place, other, media)
        assert other.objects == project.objects
        assert (other.cell(3, 7) is not None) == (tracks == "object")
        assert other.cell(0, 7) is None and other.cell(4, 7) is None
        other.apply(change.inverted())


def test_what_is_written_is_what_the_format_asks_for(project, media, out):
    export("cvat-video", project, media, out / "a.xml", options={"unprocessed": "skip"})
    root = ElementTree.parse(out / "a.xml").getroot()
    assert (root.tag, root.findtext("version"), root.findtext("meta/task/mode")) == (
        "annotations",
        "1.1",
        "interpolation",
    )
    assert root.findtext("meta/task/original_size/width") == str(WIDTH)
    assert [label.findtext("name") for label in root.iter("label")] == ["rabbit", "bird", "nowhere", "rabbit"]
    tracks = root.findall("track")
    assert [track.get("label") for track in tracks] == ["rabbit", "bird", "rabbit"]
    drawn = np.zeros((HEIGHT, WIDTH), bool)
    shape = tracks[0].find("mask")
    runs = list(map(int, shape.get("rle").split(",")))
    left, top, width, height = (int(shape.get(name)) for name in ("left", "top", "width", "height"))
    inside = np.repeat(np.arange(len(runs)) % 2, runs).reshape(height, width)
    drawn[top : top + height, left : left + width] = inside
    np.testing.assert_array_equal(drawn, project.cell(0, 2).mask.unpack())
    export("cvat-video", project, media, out / "b.xml", options={"tracks": "mask"})
    tracks = ElementTree.parse(out / "b.xml").getroot().findall("track")
    assert all([m.get("outside") for m in track.iter("mask")] in (["0", "1"], ["0"]) for track in tracks)
    assert {track.get("group_id") for track in tracks} == {"2", "7", "254"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (track(0, "", mask(0)), "track has no label"),
        (track(0, "a", mask("x")), "track 0, frame x, mask: frame is x, no whole number"),
        (track(0, "a", mask(0, rle="1, x")), "rle is no list of numbers"),
        (track(0, "a", mask(0, rle="5, 9")), "rle fills 14 pixels, but 3x2 are 6"),
        (track(0, "a", mask(0, rle="-1, 3")), "rle fills"),
        (track(0, "a", mask(0, left=62)), "its box does not lie in the frame of 63x47"),
        (track(0, "a", mask(0, width=10**12)), "its box does not lie"),
        (track(0, "a", mask(99)), "speaks of 99, but the footage's frames are 0 to 5"),
        ("<track", "is no XML, or is cut short"),
        ("<a>" * 2000, "is no XML, or is cut short"),
    ],
)
def test_broken_files_end_in_one_sentence(body, words, project, media, out):
    (out / "a.xml").write_text(document(body))
    with pytest.raises(PCVOSError, match=words) as caught:
        plan(out / "a.xml", project, media, name="cvat-video")
    assert str(out / "a.xml") in str(caught.value) and "\n" not in str(caught.value)


def test_documents_that_are_another_thing(project, media, out):
    for text, words in (
        ("<html></html>", "begins with <html>"),
        ('<!DOCTYPE a [<!ENTITY b "cc">]><annotations>&b;</annotations>', "has a document type"),
        ("", "is no XML"),
        ('<?xml version="1.0" encoding="utf-nan"?><annotations/>', "is no XML"),
    ):
        (out / "a.xml").write_text(text)
        with pytest.raises(PCVOSError, match=words):
            plan(out / "a.xml", project, media, name="cvat-video")
    export("cvat-video", project, media, out / "good.zip")
    data = (out / "good.zip").read_bytes()
    for place in (len(data) // 3, len(data) // 2):
        (out / "cut.zip").write_bytes(data[:place])
        with pytest.raises(PCVOSError):
            plan(out / "cut.zip", project, media, name="cvat-video")
