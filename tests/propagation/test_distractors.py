"""What looks like an object, and is not taken for it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from footage import collect, footage, make_propagator, make_settings, remembered
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.media import open_media
from core.network import PCVOS, load_network
from core.network.aggregation import aggregate
from core.network.checkpoint import DEFAULT_WEIGHTS
from core.network.matching import read_top_k
from core.propagation.distractors import SMALLEST, compete, diagonal, distractor

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo"
FIRST, LAST = 40, 54
FRAMES, LABELS = footage(10)


def box(top: int, left: int, height: int, width: int, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


OBJECT = box(10, 5, 16, 10)
SIZE = float(np.hypot(16, 10))


# which parts of a frame are distractors


def test_a_distractor_is_sure_somewhere_large_enough_and_takes_what_is_possible_near_it():
    sure, faint, far, apart = box(12, 30, 10, 6), box(22, 30, 4, 6), box(26, 30, 10, 6), box(0, 50, 8, 8)
    looks = 0.9 * sure + 0.4 * (faint | far) + 0.4 * apart
    found = distractor(looks, OBJECT, SIZE)
    assert found[sure].all() and found[faint].all(), "possible, and next to it"
    assert not found[32:].any(), "possible, but too far from what is sure"
    assert not found[apart].any(), "possible, with nothing sure about it"


def test_little_and_thin_and_the_objects_own_outline_are_no_distractors():
    side = int((SMALLEST * OBJECT.sum()) ** 0.5) - 1
    outline = (cv2.dilate(OBJECT.astype(np.uint8), np.ones((3, 3))) > 0) & ~OBJECT
    for looks in (box(12, 30, side, side), box(12, 30, 25, 2), OBJECT, outline, np.zeros_like(OBJECT)):
        assert not distractor(looks.astype(np.float32), OBJECT, SIZE).any()


@given(arrays(np.float32, (20, 24), elements=st.floats(0, 1, width=32)), arrays(bool, (20, 24)))
def test_a_distractor_is_likely_and_beside_the_object(looks: np.ndarray, mask: np.ndarray):
    found = distractor(looks, mask, 12.0)
    assert found.dtype == bool and not (found & mask).any()
    assert (looks[found] > 0.3).all()


def test_the_diagonal_of_the_box_around_an_object():
    covers = torch.zeros(6, 8)
    covers[1:5, 2:6] = 0.4
    assert diagonal(covers.flatten(), 8) == pytest.approx(3 * 2**0.5)


# what both claim


@given(st.floats(-12, 12), st.floats(-12, 12))
def test_an_object_and_its_distractor_are_aggregated_as_two_objects(ours: float, theirs: float):
    found, other = torch.full((1, 1), ours), torch.full((1, 1), theirs)
    both = aggregate(torch.sigmoid(torch.stack([found, other])))
    for alone, plane in zip(compete(found, other), both[1:], strict=True):
        assert aggregate(torch.sigmoid(alone[None]))[1].item() == pytest.approx(plane.item(), abs=1e-3)


def test_without_a_distractor_an_object_stays_as_it_is():
    found = torch.linspace(-6, 6, 25)
    torch.testing.assert_close(compete(found, torch.full_like(found, -16))[0], found, atol=1e-2, rtol=0)


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


# in runs


def test_a_run_that_goes_on_follows_distractors_as_before(small_network: PCVOS):
    """To weights that learned nothing all looks alike: what matters here is that both runs are the same."""
    given_, settings = [(0, LABELS[0])], {"interval": 2, "distractors": True}
    clips = list(make_propagator(small_network, FRAMES, given_, settings).run())
    whole, known = collect(clips), remembered(clips)
    assert any(obj < 0 for planes in known.values() for obj in planes), "there are some"
    without = collect(make_propagator(small_network, FRAMES, given_, settings | {"distractors": False}).run())
    assert any((whole[frame] != without[frame]).any() for frame in whole), "and they change what is drawn"
    assert {o for labels in whole.values() for o in np.unique(labels).tolist()} <= {0, 1, 2}, "unseen"
    done = {frame: whole[frame] for frame in range(5)}
    rest = collect(make_propagator(small_network, FRAMES, given_, settings).run(finished=done, remembered=known))
    assert rest.keys() == whole.keys() - done.keys()
    for frame, labels in rest.items():
        np.testing.assert_array_equal(labels, whole[frame], f"frame {frame}")


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_annotated_frames_keep_what_was_said_beside_distractors(small_network: PCVOS, direction: str):
    given_ = [(2, LABELS[2]), (6, LABELS[6], [1])]
    clips = list(make_propagator(small_network, FRAMES, given_, {"distractors": True, "soft": True}).run(
        direction=direction
    ))  # fmt: skip
    found = collect(clips)
    np.testing.assert_array_equal(found[2], LABELS[2])
    np.testing.assert_array_equal(found[6] == 1, LABELS[6] == 1)
    for clip in clips:
        assert set(clip.soft) == set(clip.confidence) == {1, 2}
        assert all(set(planes) <= {1, 2} for planes in clip.small)


@pytest.mark.parametrize("objects", [[1, 2], [1, 2, 3]])
def test_what_is_absent_or_a_few_pixels_has_no_distractor(small_network: PCVOS, objects: list[int]):
    labels = np.zeros_like(LABELS[0])
    labels[10:11, 8:10] = 1
    propagator = make_propagator(small_network, FRAMES, [(0, labels, objects)], {"distractors": True})
    clips = list(propagator.run())
    assert collect(clips).keys() == set(range(len(FRAMES)))
    assert not any(obj < 0 for clip in clips for obj in clip.remembered or {})


def test_the_exact_mode_knows_no_distractors(small_network: PCVOS):
    drawn = [
        collect(
            make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"exact": True, "distractors": distractors}).run()
        )
        for distractors in (False, True)
    ]
    for frame in drawn[0]:
        np.testing.assert_array_equal(drawn[0][frame], drawn[1][frame])


def test_settings_that_look_for_distractors_encode_annotated_frames_anew(small_network: PCVOS):
    first = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"distractors": False})
    collect(first.run())
    expected = collect(make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"distractors": True}).run())
    found = collect(first.with_settings(make_settings(distractors=True)).run())
    for frame, labels in expected.items():
        np.testing.assert_array_equal(found[frame], labels)


@pytest.mark.skipif(not DEFAULT_WEIGHTS.is_file(), reason="no weights in this checkout")
def test_a_copy_of_the_rabbit_is_kept_apart_from_it():
    """Mirrored, three quarters of its size, behind it, and three frames late."""
    network, size = load_network(device="cpu"), (426, 240)
    drawn = cv2.imread(str(DEMO / "big-buck-bunny.00040.png"), cv2.IMREAD_UNCHANGED)
    mask = cv2.resize(np.uint8(drawn[..., :3].any(-1) if drawn.ndim == 3 else drawn > 0), size, interpolation=0)
    with open_media(DEMO / "big-buck-bunny.mp4") as media:
        frames = np.stack(
            [cv2.resize(media.read(i), size, interpolation=cv2.INTER_AREA) for i in range(FIRST, LAST + 1)]
        )

    def follow(pictures: np.ndarray, distractors: bool) -> np.ndarray:
        clips = list(make_propagator(network, pictures, [(0, mask)], {"distractors": distractors}).run())
        found = collect(clips)
        kept = any(-1 in clip.remembered for clip in clips if clip.remembered)
        assert kept == (distractors and pictures is not frames), "only where there is a copy"
        return np.stack([found[frame] for frame in range(len(pictures))]) == 1

    alone = follow(frames, True)
    np.testing.assert_array_equal(alone, follow(frames, False))
    matrix = np.float32([[-0.75, 0, 0.875 * size[0]], [0, 0.75, 0.125 * size[1]]])
    both, copies = frames.copy(), []
    for i in range(len(frames)):
        late = max(0, i - 3)
        image = cv2.warpAffine(frames[late], matrix, size, flags=cv2.INTER_AREA)
        shown = (cv2.warpAffine(np.uint8(alone[late]), matrix, size, flags=cv2.INTER_NEAREST) > 0) & ~alone[i]
        both[i][shown] = image[shown]
        copies.append(shown)
    taken = {d: np.count_nonzero(follow(both, d) & np.stack(copies)) for d in (False, True)}
    assert taken[True] < 0.9 * taken[False]
