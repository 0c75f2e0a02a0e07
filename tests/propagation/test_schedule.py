"""How a pass falls into clips, and what of it is remembered."""

from hypothesis import given
from hypothesis import strategies as st

from core.propagation.published import PublishedLoop
from core.propagation.schedule import (
    Annotated,
    Clip,
    Pass,
    backward_pass,
    cut_clips,
    forward_pass,
    forward_weight,
)

LAST = 30
annotations = st.dictionaries(
    st.integers(0, LAST), st.frozensets(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=6
)
ranges = st.tuples(st.integers(0, LAST), st.integers(0, LAST)).map(sorted)
intervals = st.integers(1, 8)


def make_pass(span: list[int], annotated: Annotated, backward: bool) -> Pass:
    return (backward_pass if backward else forward_pass)(*span, annotated)


def remembered_of(clips: list[Clip]) -> set[int]:
    return {clip.end for clip in clips if clip.remembered}


def exist_before(frame: int, annotated: Annotated, backward: bool) -> set[int]:
    """Objects that were annotated on a frame the pass has behind it, in the range or not."""
    behind = [f for f in annotated if (f > frame if backward else f < frame)]
    return set().union(*(annotated[f] for f in behind))


@given(ranges, annotations, intervals, st.booleans())
def test_clips_follow_the_rules(span: list[int], annotated: Annotated, interval: int, backward: bool):
    this_pass = make_pass(span, annotated, backward)
    clips = cut_clips(this_pass, annotated, interval)
    order = list(range(span[0], span[1] + 1))
    assert [f for clip in clips for f in clip.frames] == (order[::-1] if backward else order)
    for clip, behind in zip(clips, [*clips[1:], None], strict=True):
        first, last = clip.frames[0], clip.frames[-1]
        known = exist_before(first, annotated, backward)
        assert len(clip.frames) <= interval
        assert not set(clip.frames[:-1]) & set(annotated), "a clip ends at an annotated frame"
        if last in annotated and not known - annotated[last]:
            assert clip == Clip((last,), ()), "where everything is given, there is nothing to predict"
            continue
        assert clip.objects == tuple(sorted(known))
        if len(clip.frames) < interval and last not in annotated and behind is not None:
            assert behind.frames[0] in annotated, "a clip is as long as it may be"


@given(ranges, annotations, intervals, st.booleans())
def test_full_clips_end_on_a_working_frame(span: list[int], annotated: Annotated, interval: int, backward: bool):
    clips = cut_clips(make_pass(span, annotated, backward), annotated, interval)
    full = {c.frames[-1] for c in clips[:-1] if c.objects and len(c.frames) == interval}
    assert remembered_of(clips) == full - set(annotated)


@given(annotations, intervals)
def test_exact_mode_schedules_as_the_published_loop(annotated: Annotated, interval: int):
    clips, remembered = published_schedule(annotated, interval, LAST + 1)
    (this_pass,) = PublishedLoop.passes("forward", 0, LAST, annotated)
    found = cut_clips(this_pass, annotated, interval)
    assert [Clip(c.frames, c.objects) for c in found if c.objects] == clips
    found_remembered = remembered_of(found)
    assert remembered - found_remembered <= set(clips[-1].frames[-1:] if clips else ()), "the last is read by nobody"
    assert found_remembered <= remembered


def published_schedule(annotated: Annotated, interval: int, count: int) -> tuple[list[Clip], set[int]]:
    """A plain reading of the reference's inference loop: clips, and frames whose prediction enters memory."""
    starts = sorted(annotated)
    clips, remembered, enabled = [], set(), set()
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        end = count if following is None else following + 1
        enabled |= annotated[start]
        last = start
        for first in range(start + 1, end, interval):
            frames = tuple(range(first, min(first + interval, end)))
            clips.append(Clip(frames, tuple(sorted(enabled))))
            for frame in frames:
                if frame - last >= interval:
                    remembered.add(frame)
                    last = frame
    return clips, remembered


@given(ranges, annotations, st.booleans())
def test_objects_exist_from_their_first_annotation_in_the_pass_on(
    span: list[int], annotated: Annotated, backward: bool
):
    this_pass = make_pass(span, annotated, backward)
    for frame in this_pass.frames:
        here = exist_before(frame, annotated, backward) | annotated.get(frame, frozenset())
        assert this_pass.objects_at(frame) == tuple(sorted(here))


@given(ranges, annotations, intervals)
def test_backward_mirrors_forward(span: list[int], annotated: Annotated, interval: int):
    mirrored = {LAST - f: objects for f, objects in annotated.items()}
    backward = cut_clips(backward_pass(*span, annotated), annotated, interval)
    forward = cut_clips(forward_pass(LAST - span[1], LAST - span[0], mirrored), mirrored, interval)
    assert backward == [Clip(tuple(LAST - f for f in c.frames), c.objects, c.remembered) for c in forward]


@given(annotations, st.integers(0, LAST), st.integers(1, 4))
def test_weight_of_the_forward_pass(annotated: Annotated, frame: int, obj: int):
    own = [f for f in annotated if obj in annotated[f]]
    weight = forward_weight(obj, frame, annotated)
    assert 0 <= weight <= 1
    if not any(f <= frame for f in own):
        assert weight == 0, "only the backward pass knows it"
    elif not any(f >= frame for f in own):
        assert weight == 1, "only the forward pass knows it"
    elif frame not in own:
        before, after = max(f for f in own if f < frame), min(f for f in own if f > frame)
        assert weight == (after - frame) / (after - before), "the nearer annotation counts more"


def test_a_worked_example():
    """L = 3, objects 1 and 2 on frame 0, object 1 corrected on 5, object 3 appears on 7."""
    annotated = {0: frozenset({1, 2}), 5: frozenset({1}), 7: frozenset({3})}
    clips = cut_clips(forward_pass(0, 11, annotated), annotated, 3)
    assert [c.frames for c in clips] == [(0,), (1, 2, 3), (4, 5), (6, 7), (8, 9, 10), (11,)]
    assert [c.objects for c in clips] == [(), (1, 2), (1, 2), (1, 2), (1, 2, 3), (1, 2, 3)]
    assert remembered_of(clips) == {3, 10}
