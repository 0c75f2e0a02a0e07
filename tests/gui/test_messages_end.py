"""Messages of the real window end with what they are about."""

from dataclasses import replace
from pathlib import Path

import pytest
from window_parts import COUNT, Hands, make_clip, truth

from core.errors import PCVOSError
from core.propagation import Propagator


@pytest.fixture
def desk(hands: Hands, clip: Path) -> Hands:
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    return hands


def refused(hands: Hands) -> bool:
    return hands.told("is locked")


def lock(hands: Hands, locked: bool) -> None:
    hands.session.change_object(replace(hands.session.object(1), locked=locked))


def try_to_paint(hands: Hands) -> None:
    hands.paint((20, 20), (40, 20))
    assert refused(hands)


def test_a_refusal_goes_when_the_object_is_unlocked(desk: Hands):
    lock(desk, True)
    for _ in range(3):
        try_to_paint(desk)
    assert sum("locked" in text for text in desk.texts) == 1
    lock(desk, False)
    assert not refused(desk)


@pytest.mark.parametrize("way", ["another object", "deleted", "closed", "another footage"])
def test_a_refusal_goes_when_it_is_not_about_this_any_more(desk: Hands, tmp_path: Path, way: str):
    lock(desk, True)
    try_to_paint(desk)
    if way == "another object":
        desk.act("add_object")
    elif way == "deleted":
        desk.act("delete_object")
    elif way == "closed":
        desk.act("close")
        assert desk.texts == [], "the start page is empty"
    else:
        desk.open(make_clip(tmp_path / "other.mp4", 2))
    assert not refused(desk)


def test_mark_an_object_first_goes_when_one_is_marked(hands: Hands, clip: Path):
    hands.open(clip)
    hands.act("propagate")
    assert hands.told("Mark an object first")
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    assert not hands.told("Mark an object first")


def test_a_failed_run_is_spoken_of_until_the_next_begins(desk: Hands, monkeypatch):
    def fail(self, *args, **kwargs):
        raise PCVOSError("It cannot be done.")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(Propagator, "run", fail)
        for _ in range(3):
            desk.run()
            assert desk.texts.count("It cannot be done.") == 1
    desk.begin_run(interval=7)
    assert not desk.told("cannot be done")
    desk.act("stop")


def test_what_could_not_be_opened_is_forgotten_when_something_else_is(hands: Hands, clip: Path, tmp_path: Path):
    for name in ("one.mp4", "two.mp4"):
        bad = tmp_path / name
        bad.write_bytes(b"this is text")
        hands.open_in_vain(bad)
        assert len(hands.texts) == 1 and hands.told(name), "not a pile of them"
    hands.open(clip)
    assert not hands.told("two.mp4")


def test_an_unreadable_frame_is_spoken_of_while_it_is_there(desk: Hands):
    for frame in (3, 4):
        desk.session.navigator.go_to(frame)
        desk.session.navigator.frames.failed.emit(frame, f"Frame {frame} cannot be read.")
        assert [text for text in desk.texts if "cannot be read" in text] == [f"Frame {frame} cannot be read."]
    desk.go_to(5)
    assert not desk.told("cannot be read")


def test_what_an_import_has_brought_is_not_spoken_of_when_it_is_undone(desk: Hands, tmp_path: Path):
    import numpy as np
    from PIL import Image

    masks = tmp_path / "masks"
    masks.mkdir()
    lock(desk, True)
    Image.fromarray(truth(7).astype(np.uint8)).save(masks / "00007.png")
    Image.fromarray(truth(8).astype(np.uint8) * 2).save(masks / "00008.png")
    with desk.bot.waitSignal(desk.window.exchange.imported, timeout=20_000):
        desk.window.exchange.import_masks(masks)
    assert desk.told("Imported")
    desk.act("undo")
    assert not desk.told("Imported")


def test_a_long_session_never_hides_more_than_a_line_of_the_picture(desk: Hands):
    window = desk.window
    for number in range(10):
        desk.session.navigator.frames.failed.emit(0, f"Trouble {number}: " + "much is to be said about this. " * 20)
        window.show_trouble(f"Error {number}", "details")
    line = window.fontMetrics().height()
    assert window.messages.height() <= 2.5 * line
    assert COUNT and window.messages.isVisible()
