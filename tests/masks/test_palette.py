"""The palette of files and that of the screen."""

import numpy as np
import pytest

from core.masks.palette import DAVIS_PALETTE, DISPLAY_PALETTE, distinct_colour, palette_of


def test_davis_palette_holds_the_known_colours():
    first = ["000000", "800000", "008000", "808000", "000080", "800080", "008080", "808080", "400000", "c00000"]
    assert [bytes(colour).hex() for colour in DAVIS_PALETTE[:10]] == first
    # 255 = 0b11111111: bits 0-2 give 128 each, bits 3-5 64 each, bits 6 and 7 add 32 to red and green.
    assert tuple(DAVIS_PALETTE[255]) == (224, 224, 192)
    assert DAVIS_PALETTE.dtype == np.uint8 and DAVIS_PALETTE.shape == (256, 3)


def test_every_id_has_its_own_colour_in_both():
    assert len(np.unique(DAVIS_PALETTE, axis=0)) == 256
    assert len(np.unique(DISPLAY_PALETTE, axis=0)) == 256


def test_display_colours_are_never_dark_nor_darker_than_the_files():
    luma = DISPLAY_PALETTE[1:] @ np.array([0.299, 0.587, 0.114])
    assert luma.min() > 90
    assert (DISPLAY_PALETTE >= DAVIS_PALETTE).all()
    assert tuple(DISPLAY_PALETTE[0]) == (0, 0, 0)


def own(id: int) -> tuple[int, ...]:
    return tuple(DISPLAY_PALETTE[id].tolist())


def test_a_new_object_has_its_own_colour_where_footage_is_not_like_it():
    for id in (1, 2, 3, 40, 254):
        assert distinct_colour(id, []) == own(id)
        assert distinct_colour(id, [], np.full((40, 60, 3), 30, np.uint8)) == own(id)


@pytest.mark.parametrize("id", [1, 2, 4, 5, 6])
def test_on_footage_of_its_own_colour_it_has_another_one(id):
    footage = np.full((90, 160, 3), 30, np.uint8)
    footage[30:60, 40:90] = own(id)
    chosen = distinct_colour(id, [], footage)
    assert np.linalg.norm(np.subtract(chosen, own(id))) > 60
    footage[:] = own(id)
    assert np.linalg.norm(np.subtract(distinct_colour(id, [], footage), own(id))) > 60


def test_the_colours_of_many_objects_differ():
    used = []
    for id in range(1, 21):
        used.append(distinct_colour(id, used, np.full((90, 160, 3), (200, 40, 40), np.uint8)))
    assert len(set(used)) == 20


def test_the_first_objects_keep_their_colours_apart_also_when_one_was_taken():
    taken = distinct_colour(1, [], np.full((9, 16, 3), own(1), np.uint8))
    assert distinct_colour(2, [taken]) != taken


def test_chosen_colours_are_in_the_palette():
    palette = palette_of({3: (1, 2, 3)})
    assert tuple(palette[3]) == (1, 2, 3) and np.array_equal(palette[4], DISPLAY_PALETTE[4])
    assert palette.dtype == np.uint8 and palette.shape == (256, 3)
