"""Label maps: the palette, reading and writing mask PNGs, which frame a mask file belongs to, drawing over footage."""
