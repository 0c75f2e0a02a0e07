"""The files that an unfinished run leaves of its memory, whole, of earlier versions, and damaged."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.commands.memory_file import read_remembered, write_remembered
from core.propagation import Remembered

PLANES = {o: np.random.default_rng(o).normal(o, 5, (6, 9)).astype(np.float32) for o in (1, 7, 254)}
GONE = np.full((6, 9), -30, np.float32)
REMEMBERED = Remembered({**PLANES, 9: GONE}, {7: PLANES[7][::-1].copy()})


def same(one: Remembered, other: Remembered) -> bool:
    return ((one.logits.keys(), one.distractors.keys()) == (other.logits.keys(), other.distractors.keys())) and all(
        np.array_equal(a, b) for a, b in zip(one.planes, other.planes, strict=True)
    )


def test_it_comes_back_as_it_was(tmp_path):
    write_remembered(tmp_path / "00003.npz", REMEMBERED)
    found = read_remembered(tmp_path / "00003.npz")
    assert same(found, REMEMBERED)
    assert {plane.dtype for plane in found.planes} == {np.dtype(np.float32)}
    assert [file.name for file in tmp_path.iterdir()] == ["00003.npz"]


def test_files_of_earlier_versions_are_read(tmp_path):
    """The oldest have distractors under negative ids, later ones say which objects are absent."""
    arrays = {str(o): plane for o, plane in REMEMBERED.logits.items()}
    for more in (
        {"-7": REMEMBERED.distractors[7]},
        {"distractor-7": REMEMBERED.distractors[7], "absent": np.array([9])},
    ):
        np.savez_compressed(tmp_path / "00003.npz", **arrays, **more)
        assert same(read_remembered(tmp_path / "00003.npz"), REMEMBERED)


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
    whole = REMEMBERED.logits
    assert found is None or all(o not in whole or np.array_equal(plane, whole[o]) for o, plane in found.logits.items())
