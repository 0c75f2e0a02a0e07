"""Options that help, for the errors that a sentence without options cannot say enough about."""

import re
from collections.abc import Container

from core.errors import PCVOSError

HINTS: dict[str, tuple[str, ...]] = {
    "all absent": ("--masks-complete says so.",),
    "damaged": ("`pcvos recover` does that.",),
    "exact direction": ("Leave out --direction {direction} or --exact.",),
    "exact precision": ("Leave out --precision {precision} or --exact.",),
    "exact range": ("Or leave out --exact.",),
    "exists": ("--overwrite replaces what is there.",),
    "gap": ("The range is chosen with --start and --end; --option unprocessed=empty says that the object is absent.",),
    "marking weights": ("Name another file with --marking-weights.",),
    "mismatched weights": ("Give a pair with --weights and --marking-weights.",),
    "no device": ("Give --device auto or cpu.",),
    "device lost": ("With --device cpu it goes on with the CPU.",),
    "no frame": ("--mask-frame N says it for a single mask.", "--option frame=N says it for a single mask."),
    "nothing marked": ("`pcvos import` brings masks in, too.",),
    "numbering": ("Say it with --mask-numbers {answers}.", "Say it with --answer 'numbers=…': {answers}."),
    "out of memory": ("Lower --resolution, --interval or --memory-frames.",),
    "too many objects": ("--answer KEY=skip leaves one out.",),
    "unanswered": ("Each answer goes with an --answer: {keys}.",),
    "unknown format": ("Say which one it is with --format: {names}.",),
    "unprocessed": ("--option unprocessed=empty: they are not there; --option unprocessed=skip: they are left out.",),
    "weights": ("Name another file with --weights.",),
}
"""Hints by an error's code, with its fields in braces. Of several the first counts whose options the command has."""


def hint(error: PCVOSError, options: Container[str]) -> str:
    """The sentence on which options of a command help; "" if there is none.

    Args:
        options: those that the command has, with their dashes.
    """
    for hint in HINTS.get(error.code, ()):
        if all(option in options for option in re.findall(r"--[a-z][a-z-]*", hint)):
            return hint.format_map(error.fields)
    return ""
