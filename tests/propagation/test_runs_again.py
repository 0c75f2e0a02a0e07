"""Runs after runs: corrections, the feature cache, resuming, and what stays in memory."""

import numpy as np
import pytest
import torch
from footage import agreement, assert_equal, collect, footage, make_propagator, remembered
from hypothesis import given
from hypothesis import strategies as st

from core.network import PCVOS
from core.propagation import Remembered
from core.propagation import clip_inference as engine
from core.propagation.feature_cache import FeatureCache, FrameFeatures

FRAMES, LABELS = footage(14)
COUNT = len(FRAMES)


# the cache between runs


def test_the_second_run_encodes_nothing_and_gives_the_same(small_network: PCVOS):
    calls = []
    hook = small_network.key_encoder.register_forward_hook(lambda _, given, __: calls.extend(given[0]))
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0]), (7, LABELS[7], [1])])
    try:
        first = collect(propagator.run())
        assert len(calls) == COUNT
        calls.clear()
        second = collect(propagator.run())
        assert not calls and len(propagator.media.read_frames) == COUNT
        backward = collect(propagator.run(direction="backward"))
        assert len(calls) <= 4, "frames that are memory only now"
    finally:
        hook.remove()
    assert_equal(first, second)
    fresh = make_propagator(small_network, FRAMES, [(0, LABELS[0]), (7, LABELS[7], [1])])
    assert_equal(backward, collect(fresh.run(direction="backward")))


def test_after_a_correction_only_new_memory_frames_are_encoded(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 5})
    collect(propagator.run())
    propagator.media.read_frames.clear()
    propagator.memory.add(3, LABELS[3])
    corrected = collect(propagator.run())
    assert sorted(propagator.media.read_frames) == [3, 8], "the corrected frame, and the ends of clips from there"
    fresh = make_propagator(small_network, FRAMES, [(0, LABELS[0]), (3, LABELS[3])])
    assert_equal(corrected, collect(fresh.run()))


def test_a_correction_that_is_taken_back_never_was(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])])
    before = collect(propagator.run())
    propagator.memory.add(6, LABELS[6])
    between = collect(propagator.run())
    propagator.memory.remove(6)
    assert_equal(collect(propagator.run()), before)
    assert agreement(before, between) < 1


def test_a_correction_of_one_object_replaces_what_was_said_of_it(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, np.roll(LABELS[0], 9)), (5, LABELS[5], [2])])
    collect(propagator.run())
    propagator.memory.add(0, LABELS[0])
    fresh = make_propagator(small_network, FRAMES, [(0, LABELS[0]), (5, LABELS[5], [2])])
    assert_equal(collect(propagator.run()), collect(fresh.run()))


def test_without_room_for_features_runs_are_the_same(small_network: PCVOS):
    ample = make_propagator(small_network, FRAMES, [(2, LABELS[2])])
    expected = [collect(ample.run(direction=d)) for d in ("both", "forward")]
    for budget in (0, 600_000):
        tight = make_propagator(small_network, FRAMES, [(2, LABELS[2])], {"cache_bytes": budget})
        for direction, labels in zip(("both", "forward"), expected, strict=True):
            assert_equal(collect(tight.run(direction=direction)), labels)
            assert tight.cache.bytes <= budget
    assert len(tight.cache) > 0


@pytest.mark.cpu_only("frames of a batch share memory: the next test")
def test_the_budget_counts_what_features_hold_in_memory(small_network: PCVOS):
    """Also where a tensor is a view of a larger one."""
    frames, labels = footage(6, 1, (70, 90))
    propagator = make_propagator(small_network, frames, [(0, labels[0])])
    collect(propagator.run())
    held = [t for f in range(6) for t in vars(propagator.cache.get(f)).values() if t is not None]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in held}
    assert len(storages) == len(held), "nothing is shared"
    assert propagator.cache.bytes == sum(storages.values())


def test_memory_that_frames_share_counts_once():
    """And until the last of them has gone."""
    batch = torch.zeros(3, 100, dtype=torch.uint8)
    own = [torch.zeros(1, dtype=torch.uint8) for _ in range(4)]
    entries = [FrameFeatures(row, *own, None, None, None) for row in batch]
    cache = FeatureCache(1000)
    for frame, entry in enumerate(entries):
        cache.put(frame, entry)
        assert cache.bytes == 304
    cache.begin_run(range(5, 6))
    cache.put(5, features(696, 0))
    assert cache.bytes == 1000 and len(cache) == 4
    cache.put(5, features(697, 0))
    assert len(cache) == 1 and cache.bytes == 697, "nothing is gained before all have gone"


def test_each_frame_is_decoded_once_a_pass(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(4, LABELS[4]), (9, LABELS[9], [1])], {"cache_bytes": 0})
    collect(propagator.run())
    counts = np.bincount(propagator.media.read_frames, minlength=COUNT)
    assert counts.max() <= 2 and counts.sum() <= COUNT + 4, "annotated frames once more at most"


def features(size: int, trunk: int) -> FrameFeatures:
    """Features of `size` bytes, and a trunk of `trunk` more."""
    row, *planes = (torch.zeros(n, dtype=torch.uint8) for n in (size - 4, 1, 1, 1, 1))
    rest = torch.zeros(trunk, dtype=torch.uint8) if trunk else None
    return FrameFeatures(row, *planes, None, None, rest)


@given(
    st.integers(0, 200),
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 12), st.integers(4, 60), st.integers(0, 30)),
            st.tuples(st.just("run"), st.integers(0, 12), st.integers(0, 12), st.none()),
        ),
        max_size=40,
    ),
)
def test_the_cache_never_goes_over_its_budget(budget: int, steps: list):
    cache, put = FeatureCache(budget), {}
    wanted = range(0)
    for what, *values in steps:
        if what == "run":
            wanted = range(*sorted(values[:2]))
            cache.begin_run(wanted)
            continue
        frame, size, trunk = values
        kept = {f for f in wanted if cache.get(f) is not None}
        old = cache.get(frame)
        put[frame] = features(size, trunk)
        assert put[frame].bytes == size + trunk
        cache.put(frame, put[frame])
        held = {f: cache.get(f) for f in range(13) if cache.get(f) is not None}
        assert cache.bytes == sum(entry.bytes for entry in held.values()) <= budget
        assert len(cache) == len(held)
        assert kept <= set(held), "frames of the present run are not dropped for others"
        assert cache.get(frame) is put[frame] or cache.get(frame) is old, "what was there stays if there is no room"


def test_features_say_what_they_hold():
    whole = features(40, 20)
    assert whole.has_trunk and whole.bytes == 60
    assert not whole.without_trunk().has_trunk and whole.without_trunk().bytes == 40


# resuming


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
@pytest.mark.parametrize("finished_clips", [0, 1, 3, 100])
def test_a_resumed_run_goes_on_where_the_other_one_stopped(small_network: PCVOS, direction: str, finished_clips: int):
    """Clips that are finished do not come again; the rest is complete, and annotated frames are as given."""
    given = [(0, LABELS[0]), (6, LABELS[6], [1])]
    settings = {"interval": 3}
    whole = list(make_propagator(small_network, FRAMES, given, settings).run(direction=direction))
    final = [c for c in whole if not c.provisional]
    done = {f: labels for c in final[:finished_clips] for f, labels in zip(c.frames, c.labels, strict=True)}
    rest = list(make_propagator(small_network, FRAMES, given, settings).run(direction=direction, finished=done))
    assert [c.frames for c in rest if not c.provisional] == [c.frames for c in final[finished_clips:]]
    found = done | collect(rest)
    np.testing.assert_array_equal(found[0], LABELS[0])
    np.testing.assert_array_equal(found[6] == 1, LABELS[6] == 1)
    if finished_clips == 0:
        assert_equal(found, collect(whole))


def test_a_resumed_run_reads_memory_from_the_finished_masks(small_network: PCVOS):
    """The frames behind depend on them, and on nothing that was not finished."""
    given = [(0, LABELS[0])]
    settings = {"interval": 3}
    whole = collect(make_propagator(small_network, FRAMES, given, settings).run())
    done = {f: whole[f] for f in range(7)}
    resumed = make_propagator(small_network, FRAMES, given, settings)
    found = collect(resumed.run(finished=done))
    assert sorted(found) == list(range(7, COUNT))
    assert set(resumed.media.read_frames) == {0, 3, 6, *range(7, COUNT)}, "memory frames, and what is left"
    other = {**done, 6: np.roll(done[6], 30, axis=1)}
    changed = collect(make_propagator(small_network, FRAMES, given, settings).run(finished=other))
    assert agreement(found, changed) < 1
    ignored = {**done, 5: np.roll(done[5], 30, axis=1)}
    assert_equal(collect(make_propagator(small_network, FRAMES, given, settings).run(finished=ignored)), found)


@pytest.mark.cpu_only(
    "to the bit, which on an accelerator depends on the size of batches, and that on where a run begins"
)
@pytest.mark.parametrize(
    ("direction", "settings"),
    [
        ("forward", {"interval": 3}),
        ("backward", {"interval": 3}),
        ("both", {"interval": 3}),
        ("forward", {"interval": 2, "memory_frames": 2}),
        ("forward", {"interval": 3, "exact": True}),
    ],
)
def test_with_what_was_remembered_it_is_as_if_nothing_had_been_interrupted(
    small_network: PCVOS, direction: str, settings: dict
):
    """To the bit; also where an annotation speaks for one object, and the other one is carried through it."""
    given = [(0, LABELS[0]), (5, LABELS[5], [1])]
    whole = list(make_propagator(small_network, FRAMES, given, settings).run(direction=direction))
    final = [c for c in whole if not c.provisional]
    assert remembered(final)
    for count in (2, 3):
        done = {f: labels for c in final[:count] for f, labels in zip(c.frames, c.labels, strict=True)}
        resumed = make_propagator(small_network, FRAMES, given, settings)
        rest = list(resumed.run(direction=direction, finished=done, remembered=remembered(final[:count])))
        assert_equal(done | collect(rest), collect(whole))
        assert remembered(rest).keys() == remembered(final[count:]).keys(), "it can be interrupted again"


def test_both_ways_it_is_as_if_nothing_had_been_interrupted_between_annotations(small_network: PCVOS):
    """The last pass is interrupted: what it finished there is of both passes."""
    given = [(0, LABELS[0]), (7, LABELS[7], [1]), (13, LABELS[13])]
    whole = list(make_propagator(small_network, FRAMES, given, {"interval": 3}).run(direction="both"))
    final = [c for c in whole if not c.provisional]
    for count in (1, 3):
        done = {f: labels for c in final[:count] for f, labels in zip(c.frames, c.labels, strict=True)}
        resumed = make_propagator(small_network, FRAMES, given, {"interval": 3})
        rest = collect(resumed.run(direction="both", finished=done, remembered=remembered(final[:count])))
        assert agreement(done | rest, collect(whole)) >= 0.999, f"{count} clips finished"


@pytest.mark.cpu_only(
    "to the bit, which on an accelerator depends on the size of batches, and that on where a run begins"
)
def test_a_resumed_run_keeps_the_memory_frames_that_were_kept(small_network: PCVOS, monkeypatch: pytest.MonkeyPatch):
    frames, labels = footage(60, 1, (32, 32))
    read, keys = engine.read_localised, []
    monkeypatch.setattr(engine, "read_localised", lambda q, k, v, *rest: keys.append(k) or read(q, k, v, *rest))
    given, settings = [(0, labels[0])], {"interval": 2, "memory_frames": 5, "progressive": 0}
    whole = list(make_propagator(small_network, frames, given, settings).run())
    expected = keys[-19:]
    done = {f: one for c in whole[:-10] for f, one in zip(c.frames, c.labels, strict=True)}
    keys.clear()
    resumed = make_propagator(small_network, frames, given, settings)
    rest = collect(resumed.run(finished=done, remembered=remembered(whole[:-10])))
    assert len(keys) == 19 and all(torch.equal(one, other) for one, other in zip(keys, expected, strict=True))
    assert_equal(done | rest, collect(whole))


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: None,
        lambda kept: kept.with_planes(plane[:-1] for plane in kept.planes),
        lambda kept: kept.with_planes(plane.astype(np.float64) for plane in kept.planes),
        lambda kept: Remembered({**kept.logits, 77: kept.logits[1]}),
        lambda kept: Remembered(kept.logits, distractors={77: kept.logits[1]}),
        lambda kept: Remembered(distractors={1: kept.logits[1]}),
        lambda kept: kept.with_planes(plane * np.nan for plane in kept.planes),
    ],
)
def test_what_was_remembered_and_does_not_fit_gives_way_to_the_label_map(small_network: PCVOS, change):
    given = [(0, LABELS[0])]
    whole = list(make_propagator(small_network, FRAMES, given, {"interval": 3}).run())
    done = {f: labels for c in whole[:3] for f, labels in zip(c.frames, c.labels, strict=True)}
    without = collect(make_propagator(small_network, FRAMES, given, {"interval": 3}).run(finished=done))
    damaged = {frame: change(kept) for frame, kept in remembered(whole[:3]).items()}
    assert damaged
    resumed = make_propagator(small_network, FRAMES, given, {"interval": 3})
    assert_equal(collect(resumed.run(finished=done, remembered=damaged)), without)


def test_a_clip_that_was_cut_short_is_drawn_again_from_both_ends(small_network: PCVOS):
    """The last pass was interrupted inside a clip: the first one's clips are others, and must be run for it."""
    given = [(0, LABELS[0]), (10, LABELS[10]), (13, LABELS[13])]
    settings = {"interval": 5}
    propagator = make_propagator(small_network, FRAMES, given, settings)
    whole = collect(propagator.run(direction="both"))
    done = {f: whole[f] for f in (13, 12)}  # the clip is 12, 11; behind it 10
    clips = list(make_propagator(small_network, FRAMES, given, settings).run(direction="both", finished=done))
    again = {f for c in clips if not c.provisional for f in c.frames}
    assert again == set(range(13))
    found = {**collect(clips), 13: whole[13]}
    assert agreement(found, whole) >= 0.999


# what stays in memory


def test_what_a_run_reads_is_bounded(small_network: PCVOS, monkeypatch: pytest.MonkeyPatch):
    frames, labels = footage(60, 1, (32, 32))
    cells, sizes = 4, []

    def counted(read):
        return lambda q, k, v, *rest: sizes.append(len(k) // cells) or read(q, k, v, *rest)

    for name in ("read_localised", "read_top_k"):  # the exact mode reads without a kernel
        monkeypatch.setattr(engine, name, counted(getattr(engine, name)))
    given = [(0, labels[0]), (3, labels[3])]
    settings = {"interval": 2, "memory_frames": 4, "progressive": 1}
    collect(make_propagator(small_network, frames, given, settings).run())
    assert max(sizes) == 2 + 4 + 1, "permanent, working, and temporary memory"
    sizes.clear()
    collect(make_propagator(small_network, frames, given, {**settings, "exact": True}).run())
    assert max(sizes) > 25, "the exact mode forgets nothing"


def test_memory_of_removed_annotations_is_let_go(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(f, LABELS[f]) for f in range(5)])
    collect(propagator.run())
    for frame in range(1, 5):
        propagator.memory.remove(frame)
    collect(propagator.run())
    assert propagator.encoder.permanent_frames == {0}
