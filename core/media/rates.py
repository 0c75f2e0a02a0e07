"""Frame rates."""

from fractions import Fraction

_LARGEST_TERM = 1001  # that of NTSC's rates


def simple_rate(rate: Fraction | float) -> Fraction:
    """The simplest exact rate near a measured or rounded one: frames per second, or seconds per frame if there is less
    than one a second, with a denominator of 1001 at most. 0 stays 0.
    """
    rate = Fraction(rate)
    if not 0 < rate < 1:
        return rate.limit_denominator(_LARGEST_TERM)
    return 1 / (1 / rate).limit_denominator(_LARGEST_TERM)
