"""Permanent memory as a person edits it, and the bank that a run reads."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PCVOSError
from core.propagation.memory import MemoryBank, MemoryEntry, PermanentMemory
from core.propagation.prediction import Track

SIZE = (2, 3)
masks = st.lists(st.integers(0, 3), min_size=6, max_size=6).map(lambda v: np.array(v, np.uint8).reshape(SIZE))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 2), masks, st.none() | st.frozensets(st.integers(1, 4), min_size=1)),
        st.tuples(st.just("remove"), st.integers(0, 2), st.none(), st.none() | st.frozensets(st.integers(1, 4))),
    ),
    max_size=12,
)


@given(steps)
def test_permanent_memory_against_a_plain_model(steps: list):
    """The model keeps, per frame, the set of pixels of each object."""
    memory, model = PermanentMemory(3, SIZE), {}
    for what, frame, mask, objects in steps:
        if what == "add":
            objects = set(np.unique(mask).tolist()) - {0} if objects is None else objects
            if not objects:
                with pytest.raises(PCVOSError):
                    memory.add(frame, mask)
                continue
            memory.add(frame, mask, objects)
            said = model.setdefault(frame, {})
            painted = {pixel for pixel in np.ndindex(SIZE) if mask[pixel] in objects}
            for other in set(said) - objects:
                said[other] -= painted
            said.update({o: {pixel for pixel in painted if mask[pixel] == o} for o in objects})
        else:
            memory.remove(frame, objects)
            for o in list(model.get(frame, {})):
                if objects is None or o in objects:
                    del model[frame][o]
        model = {f: said for f, said in model.items() if said}

        assert list(memory) == sorted(model) and len(memory) == len(model)
        assert memory.objects == tuple(sorted(set().union(*model.values())))
        for f, said in model.items():
            assert f in memory and memory[f].objects == set(said)
            found = {o: {p for p in np.ndindex(SIZE) if memory[f].labels[p] == o} for o in said}
            assert found == said
            assert np.count_nonzero(memory[f].labels) == sum(len(pixels) for pixels in said.values())
        assert all(memory.get(f) is None for f in range(3) if f not in model)


def test_permanent_memory_keeps_its_own_copy():
    memory, mask = PermanentMemory(3, SIZE), np.ones(SIZE, np.uint8)
    memory.add(1, mask)
    mask[:] = 0
    assert memory[1].labels.all()


def test_hundreds_of_corrections_take_little_memory():
    size, count = (540, 960), 200
    mask = np.zeros(size, np.uint8)
    memory = PermanentMemory(count, size)
    tracemalloc.start()
    for frame in range(count):
        mask[:] = 0
        mask[100:300, 200 + frame : 500 + frame] = 1
        memory.add(frame, mask)
        mask[400:500, frame : frame + 90] = 2
        memory.add(frame, mask, [2])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < count * mask.size / 20
    np.testing.assert_array_equal(memory[count - 1].labels, mask)


@pytest.mark.parametrize(
    ("frame", "mask", "objects"),
    [
        (3, np.ones(SIZE, np.uint8), None),
        (-1, np.ones(SIZE, np.uint8), None),
        (0, np.ones((3, 2), np.uint8), None),
        (0, np.ones(SIZE, np.int64), None),
        (0, np.zeros(SIZE, np.uint8), None),
        (0, np.zeros(SIZE, np.uint8), []),
        (0, np.full(SIZE, 255, np.uint8), None),
        (0, np.ones(SIZE, np.uint8), [0, 1]),
        (0, np.ones(SIZE, np.uint8), [1, 255]),
    ],
)
def test_what_permanent_memory_refuses(frame: int, mask: np.ndarray, objects: list | None):
    memory = PermanentMemory(3, SIZE)
    with pytest.raises(PCVOSError, match=rf"[Ff]rame {frame}\b"):
        memory.add(frame, mask, objects)
    assert len(memory) == 0


# the bank


def entry(frame: int, permanent: bool = False, objects: tuple[int, ...] = (1,)) -> MemoryEntry:
    """A frame of one cell, whose key and values say which frame and object they are of."""
    values = {Track(o): torch.tensor([[frame, o]]) for o in objects}
    return MemoryEntry(frame, permanent, torch.tensor([[frame]]), values)


@given(
    st.integers(1, 12),
    st.lists(st.integers(1, 9), min_size=1, max_size=120),
    st.sets(st.integers(0, 1000), max_size=4),
    st.booleans(),
)
def test_working_memory_is_bounded_and_the_newest_stay(limit: int, gaps: list, permanent: set, backward: bool):
    bank = MemoryBank(limit)
    for frame in permanent:
        bank.add(entry(frame, permanent=True))
    frames = (1200 - np.cumsum(gaps) if backward else np.cumsum(gaps)).tolist()
    for i, frame in enumerate(frames):
        bank.add(entry(frame))
        seen = frames[: i + 1]
        newest = seen[-max(1, limit // 2) :]
        assert len(bank.working) == min(limit, len(seen))
        assert list(bank.working[-len(newest) :]) == newest
        assert list(bank.working) == sorted(bank.working, reverse=backward)
    (history,) = bank.histories([1])
    assert sorted(history.keys[:, 0].tolist()) == sorted([*permanent, *bank.working]), "permanent frames all stay"
    bank.forget_working()
    assert bank.working == ()
    assert len(bank.histories([1])[0].keys if permanent else ()) == len(permanent)


@pytest.mark.parametrize("limit", [4, 7, 10, 40])
@pytest.mark.parametrize("count", [50, 173, 400])
def test_older_working_frames_lie_evenly(limit: int, count: int):
    bank = MemoryBank(limit)
    for frame in range(0, 5 * count, 5):
        bank.add(entry(frame))
    older = bank.working[: limit - limit // 2]
    gaps = np.diff([*older, bank.working[limit - limit // 2]])
    assert older[0] == 0
    assert gaps.max() <= 2.5 * np.median(gaps)


def test_exact_memory_is_never_thinned():
    bank = MemoryBank(None)
    for frame in range(300):
        bank.add(entry(frame))
    assert bank.working == tuple(range(300))


def test_a_frame_is_in_memory_once_of_each_kind():
    bank = MemoryBank(5)
    for frame in (0, 3, 3):
        bank.add(entry(frame))
    bank.add(entry(3, permanent=True))
    assert bank.working == (0, 3)
    assert len(bank.histories([1])[0].keys) == 3
    bank.add(entry(7, objects=()))
    assert bank.working == (0, 3), "nothing is nothing to remember"


def test_objects_of_the_same_frames_share_a_history():
    bank = MemoryBank(None)
    bank.add(entry(0, True, (1, 2, 5)))
    bank.add(entry(4, False, (1, 2, 3, 5)))
    bank.add(entry(8, True, (5,)))
    histories = {tuple(track.obj for track in h.tracks): h for h in bank.histories([1, 2, 3, 4, 5])}
    assert set(histories) == {(1, 2), (3,), (5,)}, "an object that was never seen has none"
    assert histories[1, 2].keys[:, 0].tolist() == [0, 4]
    assert [v.tolist() for v in histories[1, 2].values] == [[[0, 1], [4, 1]], [[0, 2], [4, 2]]]
    assert histories[5,].keys[:, 0].tolist() == [0, 4, 8]
