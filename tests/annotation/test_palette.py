"""The palette of files and that of the screen."""

import numpy as np

from core.annotation.palette import DAVIS_PALETTE, DISPLAY_PALETTE


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
