"""The propagator as an interactive program needs it: confidence, other settings, estimates, stopping inside a clip."""

import numpy as np
import pytest
import torch
from footage import SIZE, agreement, assert_equal, collect, footage, make_propagator, make_settings, remembered

from core.errors import PCVOSError
from core.network import PCVOS
from core.progress import UNWATCHED, Cancelled, Progress
from core.propagation.composer import Composer
from core.propagation.confidence import Absence, Mask, confidence, drawn, mask_evidence
from core.propagation.doubt import LOW_CONFIDENCE
from core.propagation.geometry import Geometry
from core.propagation.memory import Annotation, PermanentMemory
from core.propagation.presence import COMMON_IOU, DECIDED, Presence, is_present

FRAMES, LABELS = footage()
COUNT = len(FRAMES)


# confidence


def disc(radius: float, softness: float = 0.5, centre: tuple[int, int] = (32, 32)) -> np.ndarray:
    """The probability of a disc, uint8 (64, 64); `softness` is the width of its edge, pixels."""
    y, x = np.mgrid[:64, :64]
    distance = radius - np.hypot(y - centre[0], x - centre[1])
    return (255 / (1 + np.exp(-distance / softness))).astype(np.uint8)


def sure(probability: np.ndarray) -> float:
    """The confidence in a mask."""
    return confidence(evidence_of(probability))


def evidence_of(probability: np.ndarray) -> Mask:
    """The evidence that the mask of a single object gives."""
    seen = mask_evidence(drawn(probability[None])[0], probability)
    assert seen is not None
    return seen


def annotated(labels: np.ndarray, objects: list[int]) -> Annotation:
    memory = PermanentMemory(1, labels.shape)
    memory.add(0, labels, objects)
    return memory[0]


def test_a_decided_mask_in_one_piece_is_sure():
    assert sure(disc(16, 0.1)) > 0.9
    hard = evidence_of(np.where(disc(16) > 127, 255, 0).astype(np.uint8))
    assert hard.iou == 1 and hard.size == pytest.approx(np.sqrt(np.pi) / 4, rel=0.02)


@pytest.mark.parametrize("factor", [2, 4])
def test_the_less_decided_the_less_sure(factor: int):
    """A wider edge, a smaller object with the same edge, and lower probabilities all over."""
    assert sure(disc(12, factor)) < sure(disc(12, 1)) < 1
    assert sure(disc(12 / factor, 1)) < sure(disc(12, 1))
    faint = (disc(12, 0.1) * (1 - 0.1 * factor)).astype(np.uint8)
    assert sure(faint) < sure(disc(12, 0.1))


def test_faint_noise_over_the_frame_changes_nothing():
    noisy = np.maximum(disc(4), 10)
    assert sure(noisy) == sure(disc(4).clip(0) * (disc(4) > 12).astype(np.uint8))


def test_what_left_over_the_border_long_ago_is_surely_nowhere():
    """And not what was in the middle of the picture a frame ago."""
    nothing, faint = np.zeros((64, 64), np.uint8), np.full((64, 64), 100, np.uint8)
    inside, leaving = Presence(), Presence()
    iou = inside.see(0, {1: disc(12)})[1].iou
    leaving.see(0, {1: disc(12, centre=(32, 12))})[1]
    for seen, at_border in ((inside, False), (leaving, True)):
        assert seen.see(1, {1: nothing})[1] == seen.see(1, {1: faint})[1], "too faint to be drawn"
        assert seen.see(1, {1: nothing})[1] == Absence(at_border, 1, pytest.approx(iou, abs=0.01))
        assert seen.see(-6, {1: nothing})[1] == Absence(at_border, 6, pytest.approx(iou, abs=0.01)), "backward"
    gone = confidence(leaving.see(8, {1: nothing})[1])
    assert confidence(inside.see(1, {1: nothing})[1]) < confidence(inside.see(8, {1: nothing})[1]) < gone
    assert confidence(inside.see(1, {1: nothing})[1]) < LOW_CONFIDENCE < gone
    assert confidence(leaving.see(9, {1: disc(12)})[1]) == sure(disc(12)), "seen, it speaks for itself"
    assert leaving.see(11, {1: nothing})[1] == Absence(False, 2, pytest.approx(iou, abs=0.01)), "and counts from there"
    assert leaving.see(11, {2: nothing})[2] == Absence(False, 1, COMMON_IOU), "another object, never seen"


def test_what_was_unsure_before_it_vanished_is_less_surely_nowhere():
    """The last five masks count, and none before."""
    nothing, sure_of, unsure_of, long_ago = np.zeros((64, 64), np.uint8), Presence(), Presence(), Presence()
    for frame in range(12):
        clear, vague = disc(12, 0.1), disc(12, 4)
        sure_of.see(frame, {1: clear})[1]
        unsure_of.see(frame, {1: vague})[1]
        long_ago.see(frame, {1: vague if frame < 7 else clear})[1]
    assert confidence(unsure_of.see(12, {1: nothing})[1]) < confidence(sure_of.see(12, {1: nothing})[1])
    assert long_ago.see(12, {1: nothing})[1] == sure_of.see(12, {1: nothing})[1]


def test_what_a_person_said_to_be_gone_or_at_the_border_is_where_that_person_left_it():
    labels, nothing, seen = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), Presence()
    labels[:, 61:63], labels[30:40, 30:40] = 1, 2
    seen.confirm(3, annotated(labels, [1, 2, 3]))
    assert [seen.see(5, {obj: nothing})[obj] for obj in (1, 2, 3)] == [
        Absence(at, 2, COMMON_IOU) for at in (True, False, True)
    ]


def test_what_was_seen_of_an_object_lately():
    seen = Presence()
    assert seen.area(1) == 0
    for area in (50, 8, 9, 7, 0):
        seen.note({1: area})
    assert seen.area(1) == 9, "of the last three on which it was somewhere"
    assert seen.area(2) == 0


def test_what_is_left_is_something_else_if_plain_matching_finds_it_elsewhere():
    found, elsewhere, near = torch.zeros(100), torch.zeros(100), torch.zeros(100)
    found[10:20], elsewhere[40:50], near[12:22] = 1, 1, 0.8
    assert not is_present(found, elsewhere) and not is_present(found, torch.zeros(100))
    assert is_present(found, near) and is_present(found, found)


def test_masks_are_expected_to_have_the_iou_that_confidence_goes_by():
    composer = Composer(Geometry((64, 64), None), torch.device("cpu"))
    planes = [disc(3, softness, (8, 8))[::4, ::4] for softness in (2.0, 8.0)]
    for plane in planes:
        logits = torch.logit(torch.from_numpy(plane / np.float32(255)).clamp(1e-4, 1 - 1e-4))
        _, covered, iou = composer.small_covers({1: logits[None]})
        small = composer.small({1: logits})[0].numpy()
        assert abs(float(iou) - evidence_of(small).iou) < 0.02
        assert float(covered) == np.count_nonzero(small > 127) / 16


def test_what_is_drawn_of_an_object_counts_however_unlikely_it_is():
    """Among three that a pixel may be none is likelier than not; the likeliest is drawn, seen, and doubted."""
    composer = Composer(Geometry((64, 64), None), torch.device("cpu"))
    logits = {obj: torch.full((16, 16), -9.0) for obj in (1, 2, 3)}
    for obj, own in zip(logits, (-0.6, -0.1, -0.4), strict=True):
        logits[obj][4:12, 4:12] = own
    assert (composer.labels(composer.aggregate(logits))[24:40, 24:40] == 2).all()
    _, covered, iou = composer.small_covers({obj: own[None] for obj, own in logits.items()})
    assert covered[:, 0].tolist() == [0, 4, 0]
    assert (composer.covers(composer.aggregate(logits)).sum(1) > 0).tolist() == [False, True, False]
    small = dict(zip(logits, composer.small(logits).numpy(), strict=True))
    assert max(plane.max() for plane in small.values()) < 128
    seen = Presence().see(1, small)
    assert isinstance(seen[2], Mask) and seen[2].iou == pytest.approx(float(iou[1, 0]), abs=0.02)
    assert confidence(seen[2]) < LOW_CONFIDENCE
    assert isinstance(seen[1], Absence) and isinstance(seen[3], Absence)


@pytest.mark.parametrize("by_matching", [True, False])
def test_memory_is_not_told_that_something_is_gone_by_matching_alone(
    small_network: PCVOS, monkeypatch: pytest.MonkeyPatch, by_matching: bool
):
    """Nothing is drawn of what either rule finds gone, here everything; where matching says so it can be found again,
    and a run that goes on knows as much."""
    monkeypatch.setattr("core.propagation.run.DECIDED", -1.0 if by_matching else 2.0)
    monkeypatch.setattr("core.propagation.run.LITTLE", 1e9)
    monkeypatch.setattr("core.propagation.presence.AGREEMENT", 2.0)
    propagator, clips, working = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 2}), [], 0
    for clip in propagator.run():
        clips.append(clip)
        working = max(working, len(propagator.working_frames))
    drawn = collect(clips)
    assert not any(drawn[frame].any() for frame in range(1, COUNT))
    assert working == (0 if by_matching else (COUNT - 1) // 2)
    again, working = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 2}), 0
    for _ in again.run(finished={frame: drawn[frame] for frame in range(7)}, remembered=remembered(clips)):
        working = max(working, len(again.working_frames))
    assert working == (0 if by_matching else (COUNT - 1) // 2)


def test_what_is_likelier_something_else_is_drawn_only_if_asked_for(small_network: PCVOS):
    """Untrained weights find something else, or doubt what they find; until then both runs are the same."""
    labels, objects = LABELS[0].copy(), (1, 2, 3)
    labels[:20, :20] = 3
    drawn_clips, kept_clips = (
        list(make_propagator(small_network, FRAMES, [(0, labels)], {"interval": 1, "keep_lost": keep}).run())
        for keep in (False, True)
    )
    drawn, kept = collect(drawn_clips), collect(kept_clips)
    seen, doubted = ({clip.frames[0]: clip.evidence[0] for clip in clips} for clips in (drawn_clips, kept_clips))
    first = next(f for f in range(1, COUNT) if any(type(seen[f][o]) is not type(doubted[f][o]) for o in objects))
    assert all(np.array_equal(drawn[f], kept[f]) for f in range(first))
    gone = [obj for obj in objects if isinstance(seen[first][obj], Absence) and isinstance(doubted[first][obj], Mask)]
    assert gone and not np.isin(drawn[first], gone).any(), "not a pixel of it"
    for obj in gone:
        earlier = (doubted[f][obj] for f in range(max(1, first - 3), first))
        lately = max((mask.size**2 for mask in earlier if isinstance(mask, Mask)), default=0)
        is_little = doubted[first][obj].size ** 2 < 0.5 * lately
        is_doubted = doubted[first][obj].iou < DECIDED + 0.03  # evidence goes by probabilities of eight bits
        assert is_little or is_doubted
    clips = list(make_propagator(small_network, FRAMES, [(0, labels)], {"interval": 1}).run())
    known = {clip.frames[0]: (clip.confidence, clip.evidence) for clip in clips}
    for obj in gone:
        own = known[first][1][0][obj]
        assert isinstance(own, Absence) and known[first][0][obj] == pytest.approx(confidence(own))
    done = {frame: own for frame, own in drawn.items() if frame <= first}
    again = make_propagator(small_network, FRAMES, [(0, labels)], {"interval": 1})
    rest = list(again.run(finished=done, remembered=remembered(clips)))
    assert [clip.frames[0] for clip in rest] == list(range(first + 1, COUNT)) != []
    for clip in rest:
        assert (clip.confidence, clip.evidence) == known[clip.frames[0]], (
            "a run that goes on knows as much, where all was remembered"
        )


@pytest.mark.parametrize("direction", ["forward", "both"])
def test_each_clip_says_how_sure_it_is(small_network: PCVOS, direction: str):
    given = [(0, LABELS[0], [1]), (5, LABELS[5], [2])]
    clips = list(make_propagator(small_network, FRAMES, given).run(direction=direction))
    seen = {}
    for clip in clips:
        assert set(clip.confidence) == {1, 2}
        for obj, values in clip.confidence.items():
            assert values.dtype == np.float32 and values.shape == (len(clip.frames),)
            seen.update({(f, obj): v for f, v in zip(clip.frames, values, strict=True)} if not clip.provisional else {})
    assert seen[0, 1] == 1 and seen[5, 2] == 1, "annotated"
    known = {(f, o) for f in range(COUNT) for o in (1, 2) if direction == "both" or f >= (0, 5)[o - 1]}
    assert {key for key, value in seen.items() if not np.isnan(value)} == known, "nothing is said before an object is"
    assert all(0 <= seen[key] <= 1 for key in known)
    assert len({seen[key] for key in known}) > 10


@pytest.mark.parametrize("exact", [False, True])
def test_what_was_annotated_is_certain(small_network: PCVOS, exact: bool):
    """The exact mode predicts there as well, and reads it like everything else."""
    given = [(0, LABELS[0]), (5, LABELS[5])]
    clips = list(make_propagator(small_network, FRAMES, given, {"exact": exact}).run())
    certain = {
        (clip.frames[i], o) for clip in clips for o, sure in clip.confidence.items() for i in np.nonzero(sure == 1)[0]
    }
    assert certain == {(frame, obj) for frame in (0, 5) for obj in (1, 2)}


# other settings


def test_another_interval_encodes_no_frame_anew(small_network: PCVOS):
    first = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 3})
    collect(first.run())
    first.media.read_frames.clear()
    calls = []
    hooks = [
        module.register_forward_hook(lambda *_, name=name: calls.append(name))
        for name, module in (("key", small_network.key_encoder), ("value", small_network.value_encoder))
    ]
    try:
        second = first.with_settings(make_settings(interval=6, top_k=5))
        found = collect(second.run())
    finally:
        for hook in hooks:
            hook.remove()
    assert calls == ["value"], "the end of one clip; frame 0 is known, and so are all features"
    assert not first.media.read_frames
    fresh = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 6, "top_k": 5})
    assert_equal(found, collect(fresh.run()))


def test_another_resolution_or_budget_shares_nothing_that_does_not_fit(small_network: PCVOS):
    first = make_propagator(small_network, FRAMES, [(0, LABELS[0])])
    collect(first.run())
    smaller = first.with_settings(make_settings(resolution=80))
    fresh = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"resolution": 80})
    assert_equal(collect(smaller.run()), collect(fresh.run()))
    held = len(first.cache)
    uncached = first.with_settings(make_settings(cache_bytes=0))
    collect(uncached.run())
    assert len(uncached.cache) == 0 and len(first.cache) == held
    assert uncached.memory is first.memory


# estimates


def test_an_estimate_reads_no_annotation_of_its_own_frame(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])])
    labels, confidence = propagator.estimate(4)
    assert labels.shape == SIZE and labels.dtype == np.uint8 and set(np.unique(labels)) <= {0, 1, 2}
    assert set(confidence) == {1, 2} and all(0 <= c <= 1 for c in confidence.values())
    alone = make_propagator(small_network, FRAMES[[0, 4]], [(0, LABELS[0])], {"interval": 1})
    assert (collect(alone.run())[1] == labels).mean() > 0.999, "as a run from the same memory"
    propagator.memory.add(4, np.full(SIZE, 1, np.uint8))
    np.testing.assert_array_equal(propagator.estimate(4)[0], labels)
    propagator.memory.add(9, LABELS[9])
    assert (propagator.estimate(4)[0] != labels).any()


def test_an_estimate_needs_another_annotated_frame(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(4, LABELS[4])])
    with pytest.raises(PCVOSError, match="frame 4"):
        propagator.estimate(4)
    with pytest.raises(PCVOSError):
        propagator.estimate(COUNT)


def test_what_is_prepared_is_not_encoded_again(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0]), (6, LABELS[6])])
    propagator.prepare()
    assert propagator.media.read_frames == [0, 6]
    propagator.prepare()
    propagator.estimate(3)
    assert propagator.media.read_frames == [0, 6, 3]


# under way


def test_working_memory_can_be_looked_at(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 3})
    assert propagator.working_frames == ()
    seen = [propagator.working_frames for _ in propagator.run()]
    assert seen == [(), (3,), (3, 6), (3, 6, 9), (3, 6, 9)]
    assert propagator.working_frames == ()


@pytest.mark.parametrize("asked", [1, 2, 9, 14, 30])
def test_a_run_stops_inside_a_clip(small_network: PCVOS, asked: int):
    """However far it has come; what is drawn before is as ever, and the next run is whole."""
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 4})
    whole = collect(make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 4}).run())
    left = iter([False] * asked)
    propagator.progress = Progress(is_cancelled=lambda: next(left, True))
    drawn = {}
    with pytest.raises(Cancelled):
        for clip in propagator.run():
            drawn |= dict(zip(clip.frames, clip.labels, strict=True))
    assert len(drawn) < COUNT
    assert_equal(drawn, {f: whole[f] for f in drawn})
    propagator.progress = UNWATCHED
    assert_equal(collect(propagator.run()), whole)


@pytest.mark.cpu_only("asks once for each frame: an accelerator for each batch")
def test_a_clip_asks_for_every_frame(small_network: PCVOS):
    """A clip of 11 frames asks before each of them is encoded, decoded and drawn."""
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])], {"interval": 50})
    asked = []
    propagator.progress = Progress(is_cancelled=lambda: bool(asked.append(1)))
    collect(propagator.run())
    assert len(asked) >= 4 * 11


def test_preparing_and_estimating_stop_too(small_network: PCVOS):
    propagator = make_propagator(small_network, FRAMES, [(0, LABELS[0])])
    propagator.progress = Progress(is_cancelled=lambda: True)
    for work in (propagator.prepare, lambda: propagator.estimate(3)):
        with pytest.raises(Cancelled):
            work()
    propagator.progress = UNWATCHED
    assert agreement({3: propagator.estimate(3)[0]}, {3: propagator.estimate(3)[0]}) == 1
