"""Clips made from photos and from video."""

import multiprocessing
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from training_files import disc, photos, sparse_sequence, write_tar

from core.training.clips import MIN_AREA, ClipMaker, ClipSettings, ClipStream
from core.training.data import IGNORE, Photo, Sequence, TrainingData, load_training_data
from core.training.weather import add_smoke, blur_along_motion

clip_settings = st.builds(
    ClipSettings,
    size=st.sampled_from([48, 64, 96]),
    length=st.integers(1, 4),
    inter_gap=st.integers(1, 15),
    clips=st.integers(2, 3),
    intra_gap=st.integers(1, 5),
    video_share=st.sampled_from([0.0, 0.5, 1.0]),
    paste_share=st.sampled_from([0.0, 1.0]),
    hide_share=st.sampled_from([0.0, 1.0]),
    fast_share=st.sampled_from([0.0, 1.0]),
    smoke_share=st.sampled_from([0.0, 1.0]),
    enter_share=st.sampled_from([0.0, 1.0]),
    max_objects=st.integers(1, 3),
)


@settings(max_examples=60)
@given(clip_settings, st.integers(0, 10_000))
def test_what_a_clip_holds(data: TrainingData, wanted: ClipSettings, seed: int):
    clip = ClipMaker(data, wanted, np.random.default_rng(seed)).make()
    shape = (1 + wanted.clips * wanted.length, wanted.size, wanted.size)
    assert clip.frames.shape == (*shape, 3) and clip.frames.dtype == np.uint8
    assert clip.labels.shape == shape and clip.labels.dtype == np.uint8
    ids = set(np.unique(clip.labels).tolist()) - {0, IGNORE}
    first = {int(i): int(n) for i, n in zip(*np.unique(clip.labels[0], return_counts=True), strict=True)}
    shown = set(first) - {0, IGNORE}
    assert ids == shown == set(range(1, len(ids) + 1)), "ids without gaps, all on the first frame"
    assert 1 <= len(ids) <= wanted.max_objects
    assert all(first[i] >= MIN_AREA for i in ids)
    assert clip.frames[0].std() > 1, "a picture"


def test_clips_are_the_same_for_the_same_seed_and_others_for_another(data: TrainingData):
    wanted = ClipSettings(size=64)

    def clips(seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        return list(islice(ClipStream(data, wanted, seed), 6))

    one, again, other = clips(3), clips(3), clips(4)
    for (frames, labels), (frames_again, labels_again) in zip(one, again, strict=True):
        assert torch.equal(frames, frames_again) and torch.equal(labels, labels_again)
    assert not any(torch.equal(a[0], b[0]) for a in one for b in other)
    assert one[0][0].shape == (5, 3, 64, 64) and one[0][1].shape == (5, 64, 64)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="as the trainer does")
def test_workers_make_different_clips(data: TrainingData):
    stream = ClipStream(data, ClipSettings(size=48, length=1), 0)
    loader = torch.utils.data.DataLoader(stream, batch_size=2, num_workers=2, multiprocessing_context="fork")
    first, second = islice(loader, 2)
    assert not torch.equal(first[0], second[0])


@pytest.fixture(scope="module")
def coloured() -> TrainingData:
    """Red discs on green: pixels tell their label."""
    labels = np.stack([disc((96, 128), (48, 30 + 8 * i), 22) for i in range(8)]).astype(np.uint8)
    frames = np.where(labels[..., None] == 1, np.uint8([200, 40, 40]), np.uint8([40, 180, 40]))
    photos = [Photo.encode(frames[i], labels[i], (1,)) for i in range(8)]
    return TrainingData({"discs": photos}, [Sequence("discs", frames, labels)])


@pytest.mark.parametrize("video_share", [0.0, 1.0])
@pytest.mark.parametrize("paste_share", [0.0, 1.0])
def test_labels_stay_on_their_pixels(coloured: TrainingData, video_share: float, paste_share: float):
    wanted = ClipSettings(size=96, length=2, video_share=video_share, paste_share=paste_share)
    travelled = []
    for seed in range(15):
        clip = ClipMaker(coloured, wanted, np.random.default_rng(seed)).make()
        red, green = (clip.frames[..., i].astype(int) for i in (0, 1))
        if np.abs(red - green).max() < 20:
            continue  # one of the grey clips
        said = clip.labels != IGNORE
        assert said[0].any()
        is_red, is_object = (red > green)[said], clip.labels[said] > 0
        assert (is_red | ~is_object).mean() > 0.97, "what is labelled is an object"
        if not paste_share:  # otherwise some belong to nobody
            assert (is_red == is_object).mean() > 0.97
        centres = [np.argwhere(labels == 1).mean(0) for labels in clip.labels if (labels == 1).any()]
        travelled.append(np.ptp(centres, axis=0).max())
    assert np.median(travelled) > 5, "and they move"


@pytest.mark.parametrize("alike_share", [0.0, 1.0])
def test_a_look_alike_is_the_scenes_own_object(coloured: TrainingData, alike_share: float):
    """Photos show blue discs here, the scene a red one."""
    red = coloured.sequences[0]
    blue = [Photo.encode(photo.image[..., ::-1], photo.labels, (1,)) for photo in coloured.photos["discs"]]
    maker = ClipMaker(
        TrainingData({"blue": blue}, [red]),
        ClipSettings(size=96, length=2, video_share=1.0, paste_share=1.0, alike_share=alike_share, max_objects=1),
        np.random.default_rng(0),
    )
    is_blue, more_red = [], []
    for _ in range(20):
        clip = maker.make()
        r, g, b = np.moveaxis(clip.frames.astype(int), -1, 0)
        if np.abs(r - g).max() < 20:
            continue  # one of the grey clips
        is_blue.append(((b - np.maximum(r, g)) > 40).mean() > 0.005)
        more_red.append(((r - np.maximum(g, b) > 40) & (clip.labels == 0)).mean() > 0.005)
    if alike_share:
        assert not any(is_blue) and np.mean(more_red) > 0.3, "red without a label is the copy that nobody asked for"
    else:
        assert np.mean(is_blue) > 0.3


def test_objects_are_hidden_and_uncovered(coloured: TrainingData):
    """An object is hidden by a photo or by a part of one, unlabelled: here discs of the same kind, so that red without
    a label is what passes in front. It is there in the first frame of some clips, and comes later in others."""
    wanted = ClipSettings(size=96, length=2, video_share=1.0, paste_share=0.0, hide_share=1.0)
    covers = []
    for seed in range(40):
        clip = ClipMaker(coloured, wanted, np.random.default_rng(seed)).make()
        red, green = (clip.frames[..., i].astype(int) for i in (0, 1))
        if np.abs(red - green).max() >= 20:
            covers.append(((red > green) & (clip.labels == 0)).mean((1, 2)) > 0.03)
    at_first, later = np.array(covers)[:, 0], np.array(covers)[:, 1:].any(1)
    assert 0.05 < at_first.mean() < 0.6
    assert (later & ~at_first).mean() > 0.2


@pytest.mark.parametrize("video_share", [0.0, 1.0])
def test_objects_come_in_over_the_border(coloured: TrainingData, video_share: float):
    """A part of the object is there at first, at the border, and more of it later."""
    wanted = ClipSettings(size=96, length=3, video_share=video_share, paste_share=0.0)
    at_border, grown = [], []
    for enter_share in (0.0, 1.0):
        maker = ClipMaker(coloured, replace(wanted, enter_share=enter_share), np.random.default_rng(5))
        own = [clip.labels == 1 for clip in (maker.make() for _ in range(60))]
        at_border.append(np.mean([np.pad(mask[0, 2:-2, 2:-2], 2).sum() < mask[0].sum() for mask in own]))
        grown.append(np.median([mask.sum((1, 2)).max() / mask[0].sum() for mask in own]))
    assert at_border[1] > 0.85 and at_border[1] > at_border[0] + 0.15
    assert grown[1] > 1.15 * grown[0]


def test_hidden_objects_come_back(coloured: TrainingData):
    wanted = ClipSettings(size=96, length=2, clips=3, video_share=1.0, paste_share=0.0, hide_share=1.0)
    clips = [ClipMaker(coloured, wanted, np.random.default_rng(seed)).make() for seed in range(60)]
    seen = np.array([(clip.labels == 1).any((1, 2)) for clip in clips])
    assert seen[:, 0].all()
    hidden = ~seen.all(1)
    assert hidden.mean() > 0.3, "wholly, on some frame"
    assert (hidden & seen[:, -1]).mean() > 0.1, "and found again on the last"


@given(st.integers(1, 40), st.integers(0, 1000), clip_settings)
def test_frames_of_a_video_sample(data: TrainingData, count: int, seed: int, wanted: ClipSettings):
    """One frame, then the clips; the gaps are within the settings, and smaller ones are made to fit short videos."""
    index = ClipMaker(data, wanted, np.random.default_rng(seed)).frame_indices(count)
    assert len(index) == wanted.frames
    assert index.min() >= 0 and index.max() < count
    steps = np.diff(index) if index[-1] >= index[0] else np.diff(index[::-1])
    assert (steps >= (1 if count >= wanted.frames else 0)).all()
    forward = index if index[-1] >= index[0] else index[::-1]
    assert (np.diff(forward) <= max(wanted.inter_gap, wanted.intra_gap)).all()


def test_videos_shorter_than_a_sample_can_be_used(data: TrainingData):
    car = data.sequences[0]
    frames, labels = (np.stack([part[i] for i in range(3)]) for part in (car.frames, car.labels))
    short = TrainingData(data.photos, [Sequence("short", frames, labels)])
    clip = ClipMaker(short, ClipSettings(size=64, length=3, video_share=1.0), np.random.default_rng(0)).make()
    assert clip.labels.shape == (7, 64, 64)


def test_pasting_makes_clips_with_several_objects(coloured: TrainingData):
    wanted = ClipSettings(size=96, length=1, video_share=1.0, paste_share=1.0, max_objects=3)
    clips = [ClipMaker(coloured, wanted, np.random.default_rng(seed)).make() for seed in range(40)]
    counts = [int(clip.labels[clip.labels != IGNORE].max()) for clip in clips]
    assert counts.count(1) >= 5 and counts.count(2) >= 5 and counts.count(3) >= 1


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_of_few_masks_the_first_and_the_last_are_in_a_sample(sparse: TrainingData, seed: int):
    """Frames between them may have none: these say nothing."""
    wanted = ClipSettings(size=64, length=2, video_share=1.0, paste_share=0.0, hide_share=0.0)
    clip = ClipMaker(sparse, wanted, np.random.default_rng(seed)).make()
    says = [(labels != IGNORE).mean() > 0.2 for labels in clip.labels]
    assert says[0] and says[-1]
    assert set(np.unique(clip.labels)) <= {0, 1, 2, IGNORE}


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    folder = tmp_path_factory.mktemp("sparse")
    write_tar(folder / "a.tar", {**photos("things", 2), **sparse_sequence("walk", 1, 13, every=6)})
    return load_training_data(folder)


def test_each_object_of_a_crowd_is_followed_at_times(sparse: TrainingData):
    wanted = ClipSettings(size=64, length=2, video_share=1.0, paste_share=0.0, max_objects=1)
    shades = set()
    for seed in range(12):
        clip = ClipMaker(sparse, wanted, np.random.default_rng(seed)).make()
        red, _, blue = clip.frames[0][clip.labels[0] == 1].mean(0)
        shades.add(bool(red > blue))
    assert shades == {False, True}, "disc 7 is red, disc 3 is blue"


def test_what_is_drawn_follows_the_weights():
    image = np.zeros((64, 64, 3), np.uint8)
    labels = disc((64, 64), (32, 32), 20).astype(np.uint8)
    rare, often = (replace(Photo.encode(image + v, labels, (1,)), weight=w) for v, w in ((20, 1.0), (200, 9.0)))
    data = TrainingData({"a": [rare, often]}, [Sequence("s", image[None], labels[None])])
    wanted = ClipSettings(size=48, length=1, video_share=0.0, paste_share=0.0)
    maker = ClipMaker(data, wanted, np.random.default_rng(0))
    bright = [maker.make().frames.mean() > 110 for _ in range(60)]
    assert 0.75 < np.mean(bright) < 1


def test_smoke_and_motion_blur_change_pixels_and_no_labels(coloured: TrainingData):
    rng = np.random.default_rng(0)
    sequence = coloured.sequences[0]
    for change in (add_smoke, blur_along_motion):
        frames, labels = sequence.frames[:, :96, :96].copy(), sequence.labels[:, :96, :96].copy()
        change(frames, labels, rng)
        np.testing.assert_array_equal(labels, sequence.labels[:, :96, :96])
        np.testing.assert_array_equal(frames[0], sequence.frames[0, :96, :96])
        changed = (frames != sequence.frames[:, :96, :96]).any(-1)[1:]
        near = np.stack([cv2.dilate((m == 1).astype(np.uint8), np.ones((25, 25))) for m in labels[1:]]).astype(bool)
        assert changed.any() and changed[near].mean() > 0.02
