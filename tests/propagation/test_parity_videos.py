"""Whole videos against the published inference loop, with stand-in weights."""

import json

import numpy as np
import pytest
import torch
from parity import WHOLE, Reference
from published_loop import Call, Recording, label_maps, run_baseline, run_engine
from stand_in_weights import video

from core.network import PCVOS
from core.propagation import PropagationSettings

TOLERANCE = 1e-4
CLIPS = {"a2": (9, 96, 160, 2), "c3late": (10, 96, 160, 3)}
NEAR_TIES_IN, NEAR_TIES = "c3late", [5, 6]
"""Frames of that clip, and the segments 2 to 4, whose readouts are not compared number by number.

There frame 4 is in memory twice, as predicted and as annotated, and the two encodings of it differ by 8e-6 in the
reference itself (its `k16` shows it): which of two positions that are all but equal is among the best 20 is decided
by rounding. Label maps are compared there as everywhere.
"""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((file, whole), id=f"{file}-{'whole' if whole else 'thinned'}", marks=marks)
        for file in ("video_a2_L5", "video_a2_L6", "video_a2_L6_pmmF5", "video_c3late_L4_dup")
        for whole, marks in ((False, ()), (True, pytest.mark.skipif(not WHOLE.is_dir(), reason="no reference")))
    ],
)
def reference(request: pytest.FixtureRequest) -> Reference:
    return Reference(*request.param)


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, np.ndarray]]:
    """The runs so far: each video is run once by each implementation."""
    return {}


@pytest.mark.cpu_only("notes what one call gives, of one frame or object; test_engine_against_baseline runs on it")
def test_engine_in_exact_mode(reference: Reference, paper_network: PCVOS, runs: dict):
    config, frames, labels = _inputs(reference)
    key = f"engine {reference['config']}"
    if key not in runs:
        settings = PropagationSettings(
            exact=True, interval=config["L"], progressive=_progressive(config), top_k=config["top_k"], resolution=None
        )
        probabilities, drawn, record = run_engine(paper_network, frames, labels, config["calls"], settings)
        np.testing.assert_array_equal(drawn, label_maps(probabilities, frames.shape[1:3]))
        # The engine encodes a frame once, however often the published loop does.
        order = _encoding_order(config["calls"])
        first = {frame: i for i, frame in enumerate(dict.fromkeys(order))}
        record.key, record.thin = ([found[first[frame]] for frame in order] for found in (record.key, record.thin))
        runs[key] = _arrays(probabilities, record, frames.shape[1:3])
    _compare(reference, runs[key], config)


def test_plain_baseline(reference: Reference, plain_paper_network: PCVOS, runs: dict):
    config, frames, labels = _inputs(reference)
    key = f"baseline {reference['config']}"
    if key not in runs:
        progressive = config["mode"] == "PMM"
        assert _progressive(config) in (0, 5), "the baseline's is 5"
        probabilities, record = run_baseline(
            plain_paper_network, frames, labels, config["calls"], config["L"], progressive
        )
        # It does not compute the thin features of annotated frames, which nobody would read.
        starts = _annotation_positions(config["calls"])
        thin = iter(record.thin)
        nothing = torch.zeros_like(record.thin[0])
        record.thin = [nothing if i in starts else next(thin) for i in range(len(record.key))]
        runs[key] = _arrays(probabilities, record, frames.shape[1:3])
    left_out = np.zeros(runs[key]["thin"].shape, bool)
    left_out[_annotation_positions(config["calls"])] = True
    _compare(reference, runs[key], config, {"thin": ~left_out})


def _inputs(reference: Reference) -> tuple[dict, np.ndarray, np.ndarray]:
    clip, count = str(reference["clip"]), int(reference["n_frames"])
    frames, labels = video(clip, *CLIPS[clip])
    return json.loads(str(reference["config"])), frames[:count], labels[:count]


def _progressive(config: dict) -> int:
    return config["F"] if config["mode"] == "PMM" else 0


def _encoding_order(calls: list[Call]) -> list[int]:
    """Frames in the published key encoder's order: each annotated frame, then the frames predicted from it."""
    return [frame for start, end, _ in calls for frame in (start, *range(start + 1, end))]


def _annotation_positions(calls: list[Call]) -> list[int]:
    """Where annotated frames are in that order."""
    lengths = [end - start for start, end, _ in calls]
    return np.cumsum([0, *lengths[:-1]]).tolist()


def _arrays(probabilities: np.ndarray, record: Recording, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """A run under the reference's names."""
    found = {
        "prob_s3": probabilities[..., ::3, ::3],
        "argmax_x1.5": label_maps(probabilities, size, 1.5),
        "k16": torch.cat(record.key)[:, ::2].numpy(),
        "thin": torch.cat(record.thin)[:, ::64].numpy(),
    }
    for i, (masks, value) in enumerate(record.values):
        found[f"value{i}"] = value[:, ::16].numpy()
        found[f"value{i}.mask_s8"] = masks[..., ::8, ::8].numpy()
    for i, segment in enumerate(record.segments):
        found[f"seg{i}.logit4"] = torch.cat(segment.logits).numpy()
        for name in ("readout", "refined", "local"):
            found[f"seg{i}.{name}"] = getattr(segment, name)[::32].numpy()
    return found


def _compare(
    reference: Reference, found: dict[str, np.ndarray], config: dict, only: dict[str, np.ndarray] | None = None
) -> None:
    """Every array of the reference, within the tolerance wherever it is well-defined; of those in `only` a part."""
    # The engine encodes slots of objects that come later, too; the published loop leaves them out.
    found = {name: a[: reference.shapes[name][0]] if name.startswith("value") else a for name, a in found.items()}
    assert reference.outputs == set(found)
    only = dict(only or {})
    names = reference.outputs - {"argmax_x1.5"}
    if str(reference["clip"]) == NEAR_TIES_IN:
        only["prob_s3"] = np.ones(found["prob_s3"].shape, bool)
        only["prob_s3"][:, NEAR_TIES] = False
        names = {n for n in names if not n.startswith(("seg2", "seg3", "seg4")) or n.endswith(".local")}
    errors = {name: reference.error(name, found[name], only.get(name)) for name in sorted(names)}
    assert {name: error for name, error in errors.items() if not error <= TOLERANCE} == {}
    assert reference.agreement("argmax_x1.5", found["argmax_x1.5"]) >= 0.9995
