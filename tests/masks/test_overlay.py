"""Objects drawn over footage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.masks.overlay import draw_overlay
from core.masks.palette import DISPLAY_PALETTE


def test_colour_inside_line_at_the_edge_footage_outside():
    frame = np.full((40, 60, 3), 100, np.uint8)
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 10:30] = 3
    drawn = draw_overlay(frame, labels, alpha=0.25)

    outside = labels == 0
    assert (drawn[outside] == 100).all()
    fill = drawn[11:19, 11:29].reshape(-1, 3).astype(float)
    assert np.abs(fill - (0.75 * 100 + 0.25 * DISPLAY_PALETTE[3])).max() <= 0.5
    line = ~outside
    line[11:19, 11:29] = False
    assert (drawn[line] == DISPLAY_PALETTE[3]).all()
    assert (frame == 100).all()


def test_touching_objects_each_have_their_line():
    labels = np.ones((20, 20), np.uint8)
    labels[:, 10:] = 2
    drawn = draw_overlay(np.zeros((20, 20, 3), np.uint8), labels)
    assert (drawn[:, 9] == DISPLAY_PALETTE[1]).all() and (drawn[:, 10] == DISPLAY_PALETTE[2]).all()
    assert (drawn[:, 8] < DISPLAY_PALETTE[1]).any() and (drawn[:, 11] < DISPLAY_PALETTE[2]).any()
    assert (drawn[:, 0] == drawn[5, 5]).all()  # no line where the picture cuts the object off


def test_the_line_grows_with_the_picture():
    labels = np.zeros((1080, 1920), np.uint8)
    labels[300:700, 400:900] = 1
    row = draw_overlay(np.zeros((1080, 1920, 3), np.uint8), labels)[500]
    assert (row[400:402] == DISPLAY_PALETTE[1]).all() and (row[402] != DISPLAY_PALETTE[1]).any()


def test_no_object_is_the_footage_in_an_array_of_its_own():
    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    drawn = draw_overlay(frame, np.zeros((20, 30), np.uint8))
    assert np.array_equal(drawn, frame)
    assert not np.shares_memory(drawn, frame)


@given(
    labels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.integers(0, 254)),
    alpha=st.floats(0, 1),
)
@settings(max_examples=50, deadline=None)
def test_only_objects_change_and_a_pixel_depends_on_its_surroundings_alone(labels, alpha):
    frame = np.full((*labels.shape, 3), 90, np.uint8)
    drawn = draw_overlay(frame, labels, alpha)
    assert (drawn[labels == 0] == 90).all()
    # A far object widens the box that is drawn; nothing else may change.
    wide = np.pad(labels, ((0, 0), (0, 10)))
    wide_frame = np.full((*wide.shape, 3), 90, np.uint8)
    alone = draw_overlay(wide_frame, wide, alpha)
    wide[:, -1] = 7
    assert np.array_equal(draw_overlay(wide_frame, wide, alpha)[:, :-2], alone[:, :-2])


def test_sizes_must_match():
    with pytest.raises(ValueError, match="do not match"):
        draw_overlay(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 31), np.uint8))
