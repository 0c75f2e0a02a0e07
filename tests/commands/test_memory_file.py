"""The files that an unfinished run leaves of its memory, whole and damaged."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.commands.memory_file import read_remembered, write_remembered

# of objects, and of one's distractor
REMEMBERED = {o: np.random.default_rng(abs(o)).normal(o, 5, (6, 9)).astype(np.float32) for o in (1, 7, 254, -7)}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[o], other[o]) for o in one)


def test_it_comes_back_as_it_was(tmp_path):
    write_remembered(tmp_path / "00003.npz", REMEMBERED)
    found = read_remembered(tmp_path / "00003.npz")
    assert same(found, REMEMBERED)
    assert {plane.dtype for plane in found.values()} == {np.dtype(np.float32)}
    assert [file.name for file in tmp_path.iterdir()] == ["00003.npz"]


def test_nothing_there(tmp_path):
    assert read_remembered(tmp_path / "none.npz") is None
    assert read_remembered(tmp_path) is None


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_damaged_is_not_there(tmp_path, data):
    path = tmp_path / "00003.npz"
    write_remembered(path, REMEMBERED)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    found = read_remembered(path)
    assert found is None or all(o not in REMEMBERED or np.array_equal(found[o], REMEMBERED[o]) for o in found)
