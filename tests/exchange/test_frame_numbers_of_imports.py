"""Every format reads the numbers of its frames by the one rule, and asks where the names leave doubt."""

import io
import json
import zipfile

import numpy as np
import pytest
from exchange_projects import SIZE, disc, empty_project, footage, plan
from PIL import Image

from core.commands.hints import hint
from core.errors import PCVOSError
from core.exchange.plan import change
from core.exchange.rle import encode
from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask


def mask(frame):
    return disc(SIZE, 20, 10 + 8 * frame, 6)


def png(frame):
    data = io.BytesIO()
    Image.fromarray(np.where(mask(frame)[..., None], (10, 200, 30), 0).astype(np.uint8)).save(data, "PNG")
    return data.getvalue()


def pngs(out, names):
    (out / "masks").mkdir()
    for number, name in enumerate(names):
        write_label_map(out / "masks" / f"{name}.png", mask(number).astype(np.uint8))
    return out / "masks"


def objects(out, names):
    """Every second mask in another folder: the rule is found from the names in both."""
    for number, name in enumerate(names):
        folder = out / "objects" / f"{number % 2 + 1:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        write_label_map(folder / f"{name}.png", mask(number).astype(np.uint8))
    return out / "objects"


def davis(out, names):
    folder = out / "set" / "Annotations" / "480p"
    folder.mkdir(parents=True)
    pngs(out, names).rename(folder / "meadow")
    return out / "set"


def coco(out, names):
    content = {
        "images": [
            {"id": i, "file_name": f"{n}.jpg", "height": SIZE[0], "width": SIZE[1]} for i, n in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "leaf"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": encode(PackedMask.pack(mask(i)))}
            for i in range(len(names))
        ],
    }
    (out / "masks.json").write_text(json.dumps(content))
    return out / "masks.json"


def youtube_vis(out, names):
    masks = [encode(PackedMask.pack(mask(i))) for i in range(len(names))]
    files = [f"meadow/{name}.jpg" for name in names]
    content = {
        "videos": [{"id": 1, "file_names": files, "height": SIZE[0], "width": SIZE[1], "length": len(names)}],
        "categories": [{"id": 1, "name": "leaf"}],
        "annotations": [{"id": 1, "video_id": 1, "category_id": 1, "segmentations": masks}],
    }
    (out / "masks.json").write_text(json.dumps(content))
    return out / "masks.json"


def cvat(out, names):
    with zipfile.ZipFile(out / "masks.zip", "w") as file:
        file.writestr("labelmap.txt", "background:0,0,0::\nleaf:10,200,30::\n")
        for number, name in enumerate(names):
            file.writestr(f"SegmentationClass/{name}.png", png(number))
    return out / "masks.zip"


FORMATS = [pngs, objects, davis, coco, youtube_vis, cvat]


def numbered(pattern, *numbers):
    return [pattern.format(number) for number in numbers]


@pytest.fixture
def project_on(tmp_path):
    """A project on a folder of images that have these names."""
    opened = []

    def make(stems):
        media = footage(tmp_path / "footage" / "meadow", stems=stems)
        project = empty_project(media, tmp_path / "meadow.pcvos")
        opened.append(project)
        return project, media

    yield make
    for project in opened:
        project.close()


def found(planned):
    """The first mask of each frame."""
    assert not planned.questions, planned.questions
    return {frame: next(iter(here.values())) for frame, here in planned.masks.items() if here}


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize(
    ("images", "names", "first"),
    [
        pytest.param("frame_{:06d}", numbered("frame_{:06d}", *range(6)), 0, id="from 0 on images from 1"),
        pytest.param("{:04d}", numbered("{:04d}", *range(6)), 0, id="from 0 on images from 1, plain"),
        pytest.param("frame_{:04d}", numbered("{:04d}", *range(1, 6)), 0, id="numbers of images called otherwise"),
        pytest.param("frame_{:04d}", numbered("mask-{:02d}_x", *range(2, 5)), 1, id="in the middle of a name"),
    ],
)
def test_one_rule_for_all_formats(write, images, names, first, project_on, out):
    project, media = project_on(numbered(images, *range(1, 7)))
    planned = plan(write(out, names), project, media)
    assert found(planned) == {first + i: PackedMask.pack(mask(i)) for i in range(len(names))}
    assert any("belong" in note for note in planned.notes)


@pytest.mark.parametrize("write", FORMATS)
def test_doubt_is_a_question_and_its_answer_is_heeded(write, project_on, out):
    project, media = project_on(numbered("{:05d}", *range(6)))
    path = write(out, numbered("frame_{:04d}", 1, 2, 3))
    planned = plan(path, project, media)
    (question,) = planned.questions
    assert (question.key, question.proposal) == ("numbers", None)
    assert [answer for answer, _ in question.choices] == ["names", "from-1"]
    with pytest.raises(PCVOSError) as caught:
        change(planned)
    assert "'numbers=…'" in hint(caught.value, {"--answer"}) and "is frame 0 (00000)" in str(caught.value)
    for answer, first in (("names", 1), ("from-1", 0)):
        planned = plan(path, project, media, answers={"numbers": answer})
        assert found(planned) == {first + i: PackedMask.pack(mask(i)) for i in range(3)}
    with pytest.raises(PCVOSError, match="numbers cannot be 1: answer with names, from-0, from-1"):
        plan(path, project, media, answers={"numbers": "1"})


@pytest.mark.parametrize("write", [pngs, davis, coco, youtube_vis, cvat])
def test_two_for_one_frame_are_an_error(write, project_on, out):
    project, media = project_on(numbered("{:05d}", *range(6)))
    with pytest.raises(PCVOSError, match=r"frame_2.* and .*x\.2.* are both .*frame 2 \(00002\)"):
        plan(write(out, ["frame_2", "x.2"]), project, media)


@pytest.mark.parametrize("write", [pngs, coco, youtube_vis, cvat])
def test_one_file_whose_name_ends_in_the_frame(write, project_on, out):
    project, media = project_on(["a", "b", "c", "d", "e", "f"])
    planned = plan(write(out, ["frame_000005"]), project, media)
    assert found(planned) == {5: PackedMask.pack(mask(0))}


def test_images_of_another_folder_of_the_data_set_are_of_other_footage(project_on, out):
    project, media = project_on(numbered("{:05d}", *range(6)))
    path = coco(out, numbered("beach/{:05d}", 0, 1) + numbered("meadow/{:05d}", 2, 0))
    planned = plan(path, project, media)
    assert found(planned) == {2: PackedMask.pack(mask(2)), 0: PackedMask.pack(mask(3))}
    assert "left out: 2" in planned.warnings[0]
