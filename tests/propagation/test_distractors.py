"""Distractors: they look like an object, and are not taken for it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from footage import assert_equal, collect, footage, make_propagator, make_settings, remembered
from hypothesis import event, given
from hypothesis import strategies as st

from core.commands.propagate import PropagateRequest, propagate
from core.media import open_media
from core.network import PCVOS, load_network
from core.network.aggregation import aggregate
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.network.matching import read_top_k
from core.propagation import ClipResult
from core.propagation.distractors import SMALLEST, compete, diagonal, distractor
from core.studio.run_settings import RunSettings

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"
DRAWN, FIRST, COUNT, SIZE = 40, 44, 12, (240, 426)
"""The rabbit is drawn on one frame of the demo; the scene begins some frames on, with what the network makes of it."""


def box(top: int, left: int, height: int, width: int, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


OBJECT = box(10, 5, 16, 10)
DIAGONAL = float(np.hypot(16, 10))


# which parts of a frame are distractors


def test_a_distractor_is_sure_somewhere_large_enough_and_takes_what_is_possible_near_it():
    sure, faint, far, apart = box(12, 30, 10, 6), box(22, 30, 4, 6), box(26, 30, 10, 6), box(0, 50, 8, 8)
    looks = 0.9 * sure + 0.4 * (faint | far) + 0.4 * apart
    found = distractor(looks, OBJECT, DIAGONAL)
    assert found[sure].all() and found[faint].all(), "possible, and next to it"
    assert not found[32:].any(), "possible, but too far from what is sure"
    assert not found[apart].any(), "possible, with nothing sure about it"


def test_little_and_thin_and_the_objects_own_outline_are_no_distractors():
    side = int((SMALLEST * OBJECT.sum()) ** 0.5) - 1
    outline = (cv2.dilate(OBJECT.astype(np.uint8), np.ones((3, 3))) > 0) & ~OBJECT
    for looks in (box(12, 30, side, side), box(12, 30, 25, 2), OBJECT, outline, np.zeros_like(OBJECT)):
        assert not distractor(looks.astype(np.float32), OBJECT, DIAGONAL).any()


def test_where_all_looks_alike_looking_alike_says_nothing():
    assert distractor(np.ones(OBJECT.shape, np.float32) * ~OBJECT, OBJECT, 1000.0).sum() == 0


BOXES = st.builds(box, st.integers(0, 30), st.integers(0, 50), st.integers(4, 10), st.integers(4, 10))


@given(st.lists(st.tuples(BOXES, st.sampled_from([0.2, 0.4, 0.9])), min_size=1, max_size=5), BOXES)
def test_a_distractor_is_likely_and_beside_the_object(parts: list[tuple[np.ndarray, float]], mask: np.ndarray):
    looks = np.max([level * part for part, level in parts], axis=0)
    found = distractor(looks, mask, 12.0)
    outline = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) > 0
    assert found.dtype == bool and not (found & outline).any()
    assert (looks[found] > 0.3).all()
    event("found" if found.any() else "nothing found")
    for part, level in parts:
        if level == 0.9 and not (part & outline).any() and part.sum() >= SMALLEST * mask.sum():
            assert found[part].all(), "each that is sure, large enough and apart"


def test_the_diagonal_of_the_box_around_an_object():
    covers = torch.zeros(6, 8)
    covers[1:5, 2:6] = 0.4
    assert diagonal(covers.flatten(), 8) == pytest.approx(3 * 2**0.5)


# what both claim


@given(st.floats(-12, 12), st.floats(-12, 12), st.floats(0.2, 12))
def test_an_object_and_its_distractor_are_aggregated_as_two_objects(ours: float, theirs: float, own: float):
    """Both claim the upper half, and the distractor the lower one."""
    found, other = torch.full((1, 4, 4), ours), torch.full((1, 4, 4), theirs)
    found[0, 2:], other[0, 2:] = -5, own
    both = aggregate(torch.sigmoid(torch.stack([found, other])))
    for logits, planes in zip(compete(found, other), both[1:], strict=True):
        torch.testing.assert_close(aggregate(torch.sigmoid(logits))[1:], planes, atol=1e-3, rtol=0)


def test_without_a_distractor_an_object_stays_as_it_is():
    found = torch.linspace(-6, 6, 25).view(1, 5, 5)
    for other in (torch.full_like(found, -16), torch.where(found > 5.9, 8.0, -16.0)):
        ours, theirs = compete(found, other)
        torch.testing.assert_close(ours, found, atol=1e-6, rtol=0, msg="too little of it is left")
        assert (theirs < -20).all(), "nowhere"


def test_hidden_memory_is_not_read():
    torch.manual_seed(0)
    query, memory, values = torch.randn(30, 8), torch.randn(50, 8), torch.randn(50, 4)
    hidden = torch.rand(30, 50) < 0.6
    (found,) = read_top_k(
        query, memory, [values], 5, block_bytes=50 * 4 * 7, hidden=lambda start, stop: hidden[start:stop]
    )
    for own, hides, one in zip(found, hidden, query, strict=True):
        (alone,) = read_top_k(one[None], memory[~hides], [values[~hides]], 5)
        torch.testing.assert_close(own, alone[0])


# in runs: the rabbit of the demo with a copy of it behind, mirrored, three quarters of its size, three frames late

shipped = pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="no weights in this checkout")


@dataclass(frozen=True)
class Scene:
    """The rabbit without its copy and with it; where it is, as the network has it, and where the copy shows."""

    network: PCVOS
    alone: np.ndarray
    both: np.ndarray
    rabbit: np.ndarray
    copy: np.ndarray

    def follow(self, *annotations: tuple, frames: np.ndarray | None = None, **settings: object) -> list[ClipResult]:
        """Clips of a run; `both`, its distractors followed, from the rabbit on frame 0 unless said otherwise."""
        given_ = annotations or ((0, self.rabbit[0]),)
        pictures = self.both if frames is None else frames
        return list(make_propagator(self.network, pictures, given_, {"distractors": True, **settings}).run())


@pytest.fixture(scope="module")
def scene() -> Scene:
    network, (height, width) = load_network(device="cpu"), SIZE
    drawn = cv2.imread(str(DEMO / "big-buck-bunny.00040.png"), cv2.IMREAD_UNCHANGED)
    mask = np.uint8(drawn[..., :3].any(-1) if drawn.ndim == 3 else drawn > 0)
    mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    with open_media(DEMO / "big-buck-bunny.mp4") as media:
        pictures = [media.read(i) for i in range(DRAWN, FIRST + COUNT)]
    alone = np.stack([cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in pictures])
    start = collect(make_propagator(network, alone, [(0, mask)]).run())[FIRST - DRAWN]
    alone = alone[FIRST - DRAWN :]
    followed = collect(make_propagator(network, alone, [(0, start)]).run())
    rabbit = np.stack([followed[i] for i in range(COUNT)])
    matrix = np.float32([[-0.75, 0, 0.875 * width], [0, 0.75, 0.125 * height]])
    both, copy = alone.copy(), np.zeros(rabbit.shape, bool)
    for i in range(COUNT):
        late = max(0, i - 3)
        image = cv2.warpAffine(alone[late], matrix, (width, height), flags=cv2.INTER_AREA)
        mirrored = cv2.warpAffine(rabbit[late], matrix, (width, height), flags=cv2.INTER_NEAREST)
        copy[i] = (mirrored > 0) & (rabbit[i] == 0)
        both[i][copy[i]] = image[copy[i]]
    return Scene(network, alone, both, rabbit, copy)


def has_distractors(clips: list[ClipResult]) -> bool:
    return any(kept.distractors for kept in remembered(clips).values())


@shipped
def test_a_copy_is_found_and_kept_apart(scene: Scene):
    """Without the kernel, which alone keeps this one apart."""
    clips, without = scene.follow(kernel=0.0), scene.follow(kernel=0.0, distractors=False)
    assert has_distractors(clips) and not has_distractors(without)
    taken = [
        sum(np.count_nonzero(labels[scene.copy[frame]]) for frame, labels in collect(run).items())
        for run in (clips, without)
    ]
    assert taken[0] < 0.9 * taken[1]
    for clip in clips:
        assert set(clip.confidence) == {1} and all(set(planes) <= {1} for planes in clip.small), "unseen"
        assert clip.labels.max() <= 1


@shipped
def test_where_there_is_no_copy_nothing_is_found_and_nothing_changes(scene: Scene):
    clips = scene.follow(frames=scene.alone)
    assert not has_distractors(clips)
    assert_equal(collect(clips), dict(enumerate(scene.rabbit)))


@shipped
def test_a_run_that_goes_on_follows_distractors_as_before(scene: Scene):
    clips = scene.follow(interval=2)
    whole = collect(clips)
    done = {frame: whole[frame] for frame in range(5)}
    again = make_propagator(scene.network, scene.both, [(0, scene.rabbit[0])], {"interval": 2, "distractors": True})
    rest = collect(again.run(finished=done, remembered=remembered(clips)))
    assert_equal(rest, {frame: whole[frame] for frame in range(5, COUNT)})


@shipped
@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_annotated_frames_keep_what_was_said_beside_distractors(scene: Scene, direction: str):
    """The second object, the copy itself, is carried through frame 6, where the first is annotated."""
    labels = np.where(scene.copy, np.uint8(2), scene.rabbit)
    given_, settings = [(2, labels[2]), (6, scene.rabbit[6], [1])], {"distractors": True, "soft": True}
    clips = list(make_propagator(scene.network, scene.both, given_, settings).run(direction=direction))
    found = collect(clips)
    np.testing.assert_array_equal(found[2], labels[2])
    np.testing.assert_array_equal(found[6] == 1, scene.rabbit[6] == 1)
    for clip in clips:
        assert set(clip.soft) == set(clip.confidence) == {1, 2}
        assert all(set(planes) <= {1, 2} for planes in clip.small)
    if direction != "backward":
        assert (found[6][scene.copy[6]] == 2).mean() > 0.5, "the first object's distractor leaves the second alone"


@shipped
def test_the_exact_mode_knows_no_distractors(scene: Scene):
    exact = scene.follow(exact=True)
    assert not has_distractors(exact)
    assert_equal(collect(exact), collect(scene.follow(exact=True, distractors=False)))


@shipped
def test_settings_that_look_for_distractors_encode_annotated_frames_anew(scene: Scene):
    first = make_propagator(scene.network, scene.both, [(0, scene.rabbit[0])])
    collect(first.run(end=4))
    second = first.with_settings(make_settings(distractors=True))
    assert_equal(collect(second.run()), collect(scene.follow()))
    assert not first.distractors and second.distractors == {0: (1,)}


@shipped
def test_the_command_says_what_is_followed_unseen(scene: Scene, tmp_path: Path):
    (tmp_path / "frames").mkdir()
    for frame in range(2):
        cv2.imwrite(str(tmp_path / "frames" / f"{frame:05}.png"), scene.both[frame, ..., ::-1])
    cv2.imwrite(str(tmp_path / "00000.png"), scene.rabbit[0])
    told = []
    for distractors in (True, False):
        settings = RunSettings(resolution=None, distractors=distractors, device="cpu")
        request = PropagateRequest(
            tmp_path / "frames", tmp_path / "00000.png", tmp_path / f"masks-{distractors}", settings
        )
        notes: list[str] = []
        propagate(request, say=notes.append, note=notes.append, warn=notes.append)
        told.append([note for note in notes if "looks like object 1" in note])
    assert told[0] and "--no-distractors" in told[0][0] and not told[1]


@pytest.mark.parametrize("objects", [[1, 2], [1, 2, 3]])
def test_what_is_absent_or_a_few_pixels_has_no_distractor(small_network: PCVOS, objects: list[int]):
    frames, labels = footage(5)
    mask = np.zeros_like(labels[0])
    mask[10:11, 8:10] = 1
    clips = list(make_propagator(small_network, frames, [(0, mask, objects)], {"distractors": True}).run())
    assert collect(clips).keys() == set(range(5)) and not has_distractors(clips)
