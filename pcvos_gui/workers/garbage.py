"""Python's garbage collector, kept from all that was imported: going through it stops every thread for a tenth of a
second, the window's too."""

import gc
from functools import cache


@cache
def keep_modules() -> None:
    """Keep what exists by now, modules for the most part, from the collector, once. Footage that is open is kept with
    them: see `free_closed`."""
    gc.freeze()


def free_closed() -> None:
    """Free what is left of footage that was closed, and keep the rest from the collector again."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
        gc.freeze()
