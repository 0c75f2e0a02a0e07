"""Decoding ahead on a thread."""

import gc
import threading

import numpy as np
import pytest
from footage_files import decode_straight, picture

from core.errors import PCVOSError
from core.media import open_media, read_ahead
from core.media.images import ImageFolder


class Counting(ImageFolder):
    """A folder that counts what is read from it, and lets a test wait for that."""

    def __init__(self, path, fail_at=None):
        super().__init__(path)
        self.begun = []
        self.fail_at = fail_at
        self.changed = threading.Condition()

    def _read(self, index):
        with self.changed:
            self.begun.append(index)
            self.changed.notify_all()
        if index == self.fail_at:
            raise PCVOSError(f"Frame {index} is damaged.")
        return super()._read(index)

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, timeout=20)


@pytest.fixture
def folder(tmp_path):
    from PIL import Image

    for number in range(30):
        Image.fromarray(picture(number)).save(tmp_path / f"{number}.png")
    return tmp_path


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")}


@pytest.mark.parametrize("depth", [1, 3, 100])
@pytest.mark.parametrize("order", [range(30), range(29, -1, -1), [3, 3, 17, 0], []])
def test_gives_the_frames_asked_for_in_order(video, order, depth):
    path = video(count=30)
    _, frames = decode_straight(path)
    with open_media(path) as media:
        indices = []
        for index, pixels in read_ahead(media, order, depth):
            indices.append(index)
            np.testing.assert_array_equal(pixels, frames[index])
    assert indices == list(order)
    assert not threads()


def test_reads_exactly_depth_frames_ahead(folder):
    media = Counting(folder)
    frames = read_ahead(media, range(30), depth=4)
    assert media.begun == []
    next(frames)
    media.wait_for(5)
    next(frames)
    media.wait_for(6)
    frames.close()
    assert media.begun == list(range(6))


def test_an_error_comes_with_its_frame(folder):
    frames = read_ahead(Counting(folder, fail_at=3), range(30))
    assert [next(frames)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(PCVOSError, match="Frame 3 is damaged"):
        next(frames)
    assert not threads()


def test_the_thread_ends_when_the_iterator_is_closed(folder):
    frames = read_ahead(Counting(folder), range(30))
    next(frames)
    assert threads()
    frames.close()
    assert not threads()


def test_the_thread_ends_when_the_iterator_is_dropped(folder):
    for _ in read_ahead(Counting(folder), range(30)):
        break
    gc.collect()
    assert not threads()


def test_a_depth_of_nothing_is_refused(folder):
    with pytest.raises(ValueError, match="depth"):
        read_ahead(ImageFolder(folder), range(3), depth=0)
