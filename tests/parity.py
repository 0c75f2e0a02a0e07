"""Comparing with what the published network computes, whole or thinned.

`tests/data/parity.npz` is a thinned copy of the reference arrays, so that the parity tests hold anywhere: floats and
label maps are every n-th element of the flattened array (`thin`), inputs are whole. Where the whole reference lies
beside the checkout, in `../shared/reference/parity`, the same tests go over every element of it too. Run this file to
make the copy again from there.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

WHOLE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "parity"
SAMPLE = Path(__file__).parent / "data" / "parity.npz"
FILES = ("modules", "preprocess", "video_a2_L5", "video_a2_L6", "video_a2_L6_pmmF5", "video_c3late_L4_dup")
INPUTS = ("agg.in", "pad.sizes", "pad.lrtb", "clip", "n_frames", "config")
INPUT_SUFFIXES = (".frame", ".label", ".res")
FLOATS, INTEGERS = 700, 20_000
"""About how many elements of a thinned array stay."""


def is_input(name: str) -> bool:
    return name in INPUTS or name.endswith(INPUT_SUFFIXES)


def thin(array: np.ndarray, kept: int) -> np.ndarray:
    """Every n-th element of the flattened array, about `kept`; n has no factor that the arrays' sides have."""
    step = max(1, array.size // kept)
    while step > 1 and any(step % factor == 0 for factor in (2, 3, 5, 7)):
        step += 1
    return array.ravel()[::step]


def _kept(array: np.ndarray) -> int:
    return FLOATS if array.dtype.kind == "f" else INTEGERS


class Reference(Mapping[str, np.ndarray]):
    """One file of the reference: inputs whole, the rest as it is stored.

    Args:
        file: one of FILES. whole: take it from WHOLE rather than from the thinned copy.
    """

    def __init__(self, file: str, whole: bool):
        self.whole = whole
        if whole:
            with np.load(WHOLE / f"{file}.npz") as stored:
                self._arrays = {name: stored[name] for name in stored.files}
            self.shapes = {name: array.shape for name, array in self._arrays.items()}
        else:
            with np.load(SAMPLE) as stored:
                own = {name: name.removeprefix(f"{file}/") for name in stored.files if name.startswith(f"{file}/")}
                self._arrays = {short: stored[name] for name, short in own.items()}
                shapes = json.loads(str(stored["shapes"]))
            self.shapes = {name: tuple(shapes[f"{file}/{name}"]) for name in self._arrays}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self):
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def outputs(self) -> set[str]:
        """Names of the arrays to compute."""
        return {name for name in self if not is_input(name)}

    def as_stored(self, name: str, computed: np.ndarray) -> np.ndarray:
        """A computed array in the shape in which `name` is stored."""
        assert computed.shape == self.shapes[name], f"{name}: {computed.shape}, not {self.shapes[name]}"
        return computed if self.whole else thin(computed, _kept(self[name]))

    def error(self, name: str, computed: np.ndarray, only: np.ndarray | None = None) -> float:
        """Largest difference, relative to the largest element of the reference.

        Args:
            only: bool, of the shape of `computed`: compare these elements.
        """
        expected, found = self[name].astype(np.float64), self.as_stored(name, computed).astype(np.float64)
        difference = np.abs(found - expected)
        if only is not None:
            difference = difference[self.as_stored(name, only)]
        assert np.isfinite(found).all(), f"{name} is not finite"
        return float(difference.max() / np.abs(expected).max())

    def agreement(self, name: str, computed: np.ndarray) -> float:
        """Share of equal elements."""
        return float((self.as_stored(name, computed) == self[name]).mean())


def make_sample() -> None:
    """Write SAMPLE from WHOLE."""
    arrays, shapes = {}, {}
    for file in FILES:
        for name, array in Reference(file, whole=True).items():
            arrays[f"{file}/{name}"] = array if is_input(name) else thin(array, _kept(array))
            shapes[f"{file}/{name}"] = array.shape
    np.savez_compressed(SAMPLE, shapes=json.dumps(shapes), **arrays)


if __name__ == "__main__":
    make_sample()
