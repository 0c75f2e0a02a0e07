"""An export is there as a whole, or not at all, and takes nothing of anybody's."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from exchange_projects import all_labels, cancelled_after, empty_project, export, footage, request, tree
from PIL import Image

from core.errors import PCVOSError, ResourceError
from core.exchange import export_run, registry
from core.exchange.export_run import check_space, run_export, size_in_words
from core.exchange.exporter import Exporter
from core.exchange.options import Option
from core.media import VideoWriter, open_media
from core.progress import Cancelled, Progress
from core.project.model import ObjectInfo

ALL = [exporter.name for exporter in registry.EXPORTERS]


def place(name, out):
    suffixes = registry.exporter(name).suffixes
    return out / f"new/deeper/result{suffixes[0] if suffixes else ''}"


class Failing(Exporter):
    """Writes two files, and fails at the third frame."""

    name, label, writes, options = "failing", "Failing", "Two files.", (Option("strength", "Strength", "int", 3, 0, 9),)

    def __init__(self, error):
        self.error = error

    def files(self, request):
        return (f"{frame}.bin" for frame in request.frames)

    def estimate(self, request):
        return 10

    def write(self, request, place):
        for frame in (0, 1):
            (place / f"{frame}.bin").write_bytes(b"x" * 10)
            yield frame + 1
        raise self.error


@pytest.mark.parametrize("name", ALL)
def test_cancelled_after_any_frame_it_leaves_nothing(name, project, media, out):
    before = tree(out)
    for done in (1, 3, 6):
        with pytest.raises(Cancelled):
            export(name, project, media, place(name, out), progress=cancelled_after(done))
        assert tree(out) == before


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), PCVOSError("Frame 2 is damaged."), MemoryError()]
)
def test_failed_it_leaves_nothing_and_says_why(error, project, media, out):
    before = tree(out)
    wanted = request("png", project, media, out / "masks")
    with pytest.raises((PCVOSError, MemoryError)) as caught:
        run_export(Failing(error), wanted)
    assert tree(out) == before
    if isinstance(error, OSError):
        assert isinstance(caught.value, ResourceError) and "disk is full" in str(caught.value)
    else:
        assert caught.value is error


def test_messages_name_the_target_and_not_where_it_is_written_meanwhile(project, media, out):
    class Refused(Failing):
        def write(self, request, place):
            raise ResourceError(f"The disk is full: {place / '00003.png'} could not be written.")

    with pytest.raises(ResourceError) as caught:
        run_export(Refused(None), request("png", project, media, out / "masks"))
    assert str(caught.value) == f"The disk is full: {out / 'masks' / '00003.png'} could not be written."


@pytest.mark.parametrize("name", ALL)
def test_existing_files_are_replaced_only_when_asked(name, project, media, out):
    target = place(name, out)
    export(name, project, media, target)
    before = tree(out)
    with pytest.raises(PCVOSError, match=r"exist.* already in .*have it replaced") as caught:
        export(name, project, media, target)
    assert caught.value.code == "exists"
    assert tree(out) == before
    export(name, project, media, target, overwrite=True)
    assert tree(out).keys() == before.keys()


def test_others_in_a_folder_are_left_alone_and_stale_files_go(project, media, out):
    export("png-binary", project, media, out, options={"objects": "each"})
    (out / "002" / "mine.txt").write_text("mine")
    with pytest.raises(PCVOSError, match=r"002/00003.png, 002/00004.png, 002/00007.png and 15 more exist already in"):
        export("png-objects", project, media, out, objects=(2, 7, 254))
    export("png-objects", project, media, out, overwrite=True)
    assert (out / "notes.txt").read_text() == (out / "002" / "mine.txt").read_text() == "mine"
    # Nothing is known of 254 but on one frame: the other pictures of it would be read as if it was.
    assert [path.name for path in (out / "254").iterdir()] == ["00021.png"]
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


def test_neighbouring_ranges_fill_one_folder(project, media, out):
    export("png", project, media, out, first=0, last=2)
    export("png", project, media, out, first=3)
    assert len(list(out.glob("*.png"))) == 6


def test_what_appears_meanwhile_is_not_overwritten(project, media, out):
    def write_another(done: int, total: int) -> None:
        (out / "masks").mkdir(exist_ok=True)
        (out / "masks" / "00004.png").write_text("somebody's")

    with pytest.raises(PCVOSError, match=r"00004.png exists already"):
        export("png", project, media, out / "masks", progress=Progress(write_another))
    assert tree(out / "masks") == {"00004.png": b"somebody's"}


def test_nothing_is_mixed_with_the_footage(project, media, tmp_path):
    before = tree(media.path)
    (tmp_path / "link").symlink_to(media.path)
    for name, target in (("png", media.path), ("png-binary", media.path), ("png", tmp_path / "link")):
        with pytest.raises(PCVOSError, match="is the footage itself"):
            export(name, project, media, target, first=1, last=1, overwrite=True)
    assert tree(media.path) == before
    export("png", project, media, media.path / "masks")
    export("png", project, media, media.path / "masks", overwrite=True)
    assert len(list((media.path / "masks").iterdir())) == len(media)

    photos = footage(tmp_path / "photos", suffix=".jpg")
    with empty_project(photos, tmp_path / "photos.pcvos", project.objects) as other:
        with pytest.raises(PCVOSError, match="is the footage itself"):
            export("png", other, photos, photos.path)  # 00003.png beside 00003.jpg
        export("coco", other, photos, photos.path / "masks.json")
    assert len(open_media(photos.path)) == len(photos)


def test_footage_and_project_are_never_replaced(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", (48, 64), 25) as video:
        video.write(np.zeros((48, 64, 3), np.uint8))
    before = (tmp_path / "clip.mp4").read_bytes()
    with open_media(tmp_path / "clip.mp4") as media:
        info = ObjectInfo(1, "x", (1, 1, 1))
        with empty_project(media, tmp_path / "masks.json", [info]) as project:
            for name, target in (("overlay", "clip.mp4"), ("coco", "masks.json")):
                with pytest.raises(PCVOSError, match="is the footage or the project itself"):
                    export(name, project, media, tmp_path / target, overwrite=True)
    assert (tmp_path / "clip.mp4").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("png", "notes.txt", "is a file"),
        ("coco", "folder.json", "is a folder"),
        ("png", "notes.txt/below", "cannot be written"),
        ("coco", "masks.txt", "let it end in .json"),
        ("overlay", "masks", "let it end in .mp4 or .mov or .mkv"),
    ],
)
def test_unusable_places(name, path, words, project, media, out):
    (out / "folder.json").mkdir()
    before = tree(out)
    with pytest.raises(PCVOSError, match=words):
        export(name, project, media, out / path)
    assert tree(out) == before


def test_a_folder_that_goes_while_it_is_written_in(project, media, out):
    folder = out / "gone"
    folder.mkdir()
    going = Progress(lambda done, total: shutil.rmtree(folder, ignore_errors=True))
    with pytest.raises(PCVOSError, match=r"masks\.json cannot be written: its folder is not there"):
        export("coco", project, media, folder / "masks.json", progress=going)
    assert not folder.exists()


def test_free_space_is_checked_first(project, media, out, monkeypatch):
    monkeypatch.setattr(Failing, "estimate", lambda self, request: 10**18)
    with pytest.raises(ResourceError, match=r"masks will take about 1000000\.0 TB, but only .* are free"):
        run_export(Failing(AssertionError()), request("png", project, media, out / "masks"))
    assert not (out / "masks").exists()
    check_space(out, 1, out / "masks")


@pytest.mark.parametrize(("size", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.34e8, "234 MB")])
def test_sizes_in_words(size, words):
    assert size_in_words(size) == words


UNTIL_KILLED = """
import signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from exchange_projects import request
from core.exchange import export_run, registry
from core.exchange.export_run import run_export
from core.media import open_media
from core.progress import Progress
from core.project.project import Project
media = open_media(sys.argv[3])
project = Project.open(Path(sys.argv[2]))

def export(name, target, then):
    wanted = request(name, project, media, Path(target))
    run_export(registry.exporter(name), wanted, progress=Progress(lambda done, total: then()))

def wait():
    print("going on", flush=True)
    signal.pause()

export("png", sys.argv[4], lambda: export("coco", sys.argv[5], wait))
"""


@pytest.mark.skipif(os.name != "posix", reason="kills as Unix does")
def test_what_a_killed_export_left_is_swept_by_the_next_but_not_while_it_runs(project, media, out):
    before = tree(out)
    arguments = [Path(__file__).parent, project.path, media.path, out / "masks", out / "masks.json"]
    process = subprocess.Popen(
        [sys.executable, "-c", UNTIL_KILLED, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "going on\n"
        export("png", project, media, out / "other")
        assert len(list(out.glob(".*.pcvos-export"))) == 2  # under way
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert not (out / "masks").exists() and not (out / "masks.json").exists()
    export("png", project, media, out / "another")
    assert list(out.glob(".*")) == []
    assert {name for name in tree(out) if "other" not in name} == before.keys()


def test_a_folder_just_being_made_is_not_swept(out):
    young, old = out / ".a-1.pcvos-export", out / ".b-2.pcvos-export"
    young.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 3600,) * 2)
    export_run.sweep(out)
    assert young.exists() and not old.exists()


def test_what_is_asked_for_is_checked(project, media, out):
    for choices, words in (
        ({"first": 3, "last": 2}, "Frames 3 to 2 are no range of the footage: its frames are 0 to 5"),
        ({"last": 6}, "Frames 0 to 6"),
        ({"first": -1}, "Frames -1 to 5"),
        ({"objects": (2, 3)}, "There is no object 3 .* its ids are 2, 7, 9, 254"),
        ({"objects": ()}, "No object is chosen"),
        ({"options": {"images": False}}, "png has no option images: its options are unprocessed"),
    ):
        with pytest.raises(PCVOSError, match=words):
            request("png", project, media, out / "masks", **choices)
    with pytest.raises(PCVOSError, match="option opacity cannot be 101: it is 0 to 100 %"):
        request("overlay", project, media, out / "a.mp4", options={"opacity": 101})


def test_every_preview_is_a_picture_of_the_frame(project, media, out):
    for name in ALL:
        exporter = registry.exporter(name)
        wanted = request(name, project, media, place(name, out))
        picture = exporter.preview(wanted, 2)
        assert picture.dtype == np.uint8 and picture.shape[:2] == media.size and picture.shape[2] in (3, 4)
        assert exporter.estimate(wanted) > 0


def test_formats_are_declared_well():
    for formats in (registry.EXPORTERS, registry.IMPORTERS):
        assert len({known.name for known in formats}) == len(formats)
        for known in formats:
            assert known.label and known.name == known.name.lower() and " " not in known.name
            for option in known.options:
                assert option.checked(option.default) == option.default and option.label


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        (Option("n", "N", "int", 3, 0, 9), {"4": 4, "0": 0}, ["10", "-1", "x", "2.5", ""]),
        (Option("f", "F", "float", 1.0, 0.5), {"4": 4.0, "0.5": 0.5}, ["0.4", "nan", "inf", "x"]),
        (Option("b", "B", "bool", True), {"yes": True, "OFF": False, "1": True}, ["2", "maybe"]),
        (Option("c", "C", "choice", "a", choices=(("a", "A"), ("b", "B"))), {"b": "b"}, ["c", ""]),
    ],
)
def test_options_take_what_they_can_be(option, good, bad):
    for text, value in good.items():
        assert option.parse(text) == value and type(option.parse(text)) is type(option.default)
    for text in bad:
        with pytest.raises(PCVOSError, match=f"option {option.name} cannot be"):
            option.parse(text)
    with pytest.raises(PCVOSError):
        option.checked(None)


def test_written_pictures_are_whole_when_many_threads_write(project, media, out):
    export("png", project, media, out / "masks")
    for path, labels in zip(sorted((out / "masks").iterdir()), all_labels(project), strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.array(image), labels)
