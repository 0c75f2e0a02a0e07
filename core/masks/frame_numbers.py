"""The frame of the footage that each of several files belongs to: one rule for all of them, found from all their names.

Other programs count frames from 0, from 1, or as the camera does. Read one by one, masks of one import could be read
in two ways, which puts two of them on one frame.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePosixPath

from core.errors import PCVOSError

_SERIES = 3  # so many numbers in equal steps are no accident
_SURE = (
    re.compile(r"(?:^|\.)([0-9]+)$"),  # a whole name, or the end of one after a dot: rabbit.00040
    re.compile(r"frame[ _.-]?([0-9]+)$", re.IGNORECASE),
    re.compile(r"([0-9]{4,})$"),  # IMG_0042; but rabbit_3 may be the third rabbit
)
_LAST = re.compile(r"([0-9]+)$")
_PIECES = re.compile(r"([0-9]+)")
_DIGITS = 18  # of a number, the last ones: more of them count no frames, and Python reads only thousands
_CVAT = "frame_{:06d}"  # as CVAT calls the frames of a video


class Numbering(StrEnum):
    """Readings of the numbers in names of masks."""

    NAMES = "names"
    """Numbered as the footage's images in their names; where these have no numbers, and of a video, indices from 0."""
    FROM_0 = "from-0"
    FROM_1 = "from-1"


@dataclass(frozen=True)
class Placement:
    """The frames of files.

    Attributes:
        frames: by name as it was given; None: it belongs to no frame.
        notes: sentences on how the numbers were read, where that is not plain from the names.
    """

    frames: Mapping[str, int | None]
    notes: tuple[str, ...] = ()


class UnclearNumberingError(PCVOSError):
    """The names can be read in several ways, or only in one that contradicts the footage's own: the person knows.

    Attributes:
        question: one sentence. choices: (a `Numbering`, what it would mean) each, the likely one first.
    """

    def __init__(self, choices: tuple[tuple[str, str], ...]):
        self.question, self.choices = "How are the masks numbered?", choices
        meanings = "; ".join(meaning for _, meaning in choices)
        answers = " or ".join(answer for answer, _ in choices)
        super().__init__(
            f"{self.question} Their names do not say for sure. {meanings}. Name them like the frames, or say which.",
            "numbering",
            answers=answers,
        )


@dataclass
class FootageNames:
    """The footage's frames by name.

    Attributes:
        stems: a name each; those of a video are only counted. is_video: whether it is one.
    """

    stems: Sequence[str]
    is_video: bool
    _by_stem: dict[str, int] = field(init=False)
    _by_number: dict[int, int | None] = field(init=False)
    _texts: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._by_stem = {} if self.is_video else {stem: index for index, stem in enumerate(self.stems)}
        self._by_number = {}
        numbers = _numbers(list(self._by_stem), lambda stem: _number(stem, (_LAST,)))
        for index, number in enumerate(numbers.values()):
            if number is not None:
                self._by_number[number] = None if number in self._by_number else index  # None: shared by two images
        self._texts = {_text(stem) for stem in self._by_stem}

    def __len__(self) -> int:
        return len(self.stems)

    @property
    def has_numbers(self) -> bool:
        """Whether its images carry numbers of their own."""
        return bool(self._by_number)

    def by_name(self, stem: str) -> int | None:
        """The frame that is called so; of a video, as this program or CVAT calls its frames."""
        if not self.is_video:
            return self._by_stem.get(stem)
        number = _number(stem, (_LAST,))
        is_frame = number is not None and number < len(self) and stem in (f"{number:05d}", _CVAT.format(number))
        return number if is_frame else None

    def by_number(self, number: int, numbering: Numbering) -> int | None:
        """The frame of a number, read in this way."""
        if numbering == Numbering.NAMES and self.has_numbers:
            return self._by_number.get(number)
        index = number - (numbering == Numbering.FROM_1)
        return index if 0 <= index < len(self) else None

    def has_text(self, stem: str) -> bool:
        """Whether an image has a name that differs from this in its numbers alone."""
        return _text(stem) in self._texts

    def says_frame(self, name: str) -> bool:
        """Whether the name of a file alone, as masks are called, says which frame it belongs to."""
        stem = _stem(name)
        return self.by_name(stem) is not None or self.sure_number(stem) is not None

    def sure_number(self, stem: str) -> int | None:
        """The number of a frame in a name that is looked at alone."""
        return _number(stem, (*_SURE, _LAST) if self.has_text(stem) and _text(stem) else _SURE)

    def name(self, frame: int) -> str:
        return f"frame {frame}" if self.is_video else f"frame {frame} ({self.stems[frame]})"

    @property
    def range(self) -> str:
        """The frames in words, for messages."""
        numbers = f"0 to {len(self) - 1}"
        return numbers if self.is_video else f"{self.stems[0]} to {self.stems[-1]} (numbered {numbers})"


def place(
    names: Collection[str], footage: FootageNames, numbering: Numbering | None = None, *, strangers: bool = False
) -> Placement:
    """The frame of each file of an import.

    A name that a frame of the footage has is that frame's; otherwise the number in it counts: the one that differs
    among names that are alike otherwise, or a name's own where it is plain (a whole name, the end of one after a dot or
    "frame", four digits and more). Numbers are read as those in the images' names if they all fit these (of a video,
    as indices from 0), else as indices from 0 or 1 if they all fit these and begin there.

    Args:
        names: with or without folders, with a suffix.
        numbering: how to read the numbers, where the person has said so.
        strangers: files of other footage can be among them, as in a data set; without, every one must have a frame for
            a reading to fit.

    Raises:
        UnclearNumberingError: numbers from 1 on could be counted from 0 or from 1; or some names are names of the
            footage's frames, but all would fit only if they were counted in another way.
    """
    return _Placing(list(dict.fromkeys(names)), footage, strangers).place(numbering)


class _Placing:
    """One import's names, read in each way."""

    def __init__(self, names: Sequence[str], footage: FootageNames, strangers: bool):
        self._footage, self._strangers = footage, strangers
        stems = {name: _stem(name) for name in names}
        numbers = _numbers(list(dict.fromkeys(stems.values())), footage.sure_number)
        self._numbers = {name: numbers[stem] for name, stem in stems.items()}
        self._named = {name: footage.by_name(stem) for name, stem in stems.items()}
        self._present = sorted({number for number in self._numbers.values() if number is not None})
        self._has_named = any(frame is not None for frame in self._named.values())

    def place(self, numbering: Numbering | None) -> Placement:
        if numbering is not None:
            return self._placement(numbering)
        names, may_be_from_1 = self._frames(Numbering.NAMES), self._may_be_from_1()
        if _fits(names):
            if may_be_from_1:
                raise self._unclear([Numbering.NAMES, Numbering.FROM_1])
            return self._placement(Numbering.NAMES)
        fitting = [way for way in (Numbering.FROM_0, Numbering.FROM_1) if _fits(self._frames(way))]
        is_some = any(frame is not None for frame in names.values())
        if len(self._present) < 2 or not fitting:
            if self._strangers and may_be_from_1 and is_some:
                raise self._unclear([Numbering.NAMES, Numbering.FROM_1])
            return self._placement(Numbering.NAMES)
        if len(fitting) == 1 and self._present[0] == (fitting[0] == Numbering.FROM_1):
            frames = self._frames(fitting[0])
            if not self._has_named or len(frames) == len(self._footage):
                return self._placement(fitting[0])
        raise self._unclear([Numbering.NAMES, *fitting] if self._strangers and is_some else fitting)

    def _frames(self, numbering: Numbering) -> Mapping[str, int | None]:
        """The frame of each name, read in this way."""
        by_name = numbering == Numbering.NAMES
        frames = {}
        for name, number in self._numbers.items():
            named = self._named[name]
            is_name = number is None or (by_name and named is not None)
            frames[name] = named if is_name or number is None else self._footage.by_number(number, numbering)
        if by_name and self._strangers and self._has_named and not _fits(frames):
            return self._named  # where some files are the footage's own, numbers of others say nothing of it
        return frames

    def _is_series_from_1(self) -> bool:
        numbers = self._present
        return len(numbers) >= _SERIES and numbers[0] == 1 and len({b - a for a, b in pairwise(numbers)}) == 1

    def _may_be_from_1(self) -> bool:
        """Whether a series of numbers begins at 1 where the footage begins at 0, and its frames are not called so."""
        begins_at_0 = self._footage.by_number(0, Numbering.NAMES) == 0
        return begins_at_0 and None in self._named.values() and self._is_series_from_1()

    def _placement(self, numbering: Numbering) -> Placement:
        frames = self._frames(numbering)
        note = self._note(frames, numbering)
        return Placement(frames, (note,) if note else ())

    def _note(self, frames: Mapping[str, int | None], numbering: Numbering) -> str | None:
        """A warning of what may not have been meant, with the first file as an example."""
        is_like_names = numbering == Numbering.NAMES and (self._footage.is_video or self._footage.has_numbers)
        is_told = is_like_names and self._footage.is_video and self._is_series_from_1()
        read = {
            name: frame
            for name, frame in frames.items()
            if frame is not None and (is_told or self._named[name] != frame)
        }
        if not read:
            return None
        first = min(read, key=lambda name: read[name])
        example = f"{_file(first)} belongs to {self._footage.name(read[first])}"
        if is_like_names and not self._footage.is_video:
            if self._footage.has_text(_stem(first)):
                return None
            return f"Masks belong to the images that have their numbers: {example}."
        if is_like_names and not is_told:
            return None
        base = 1 if numbering == Numbering.FROM_1 else 0
        return f"Numbers of masks are read as indices, from {base}: {example}."

    def _unclear(self, ways: Sequence[Numbering]) -> UnclearNumberingError:
        numbers = {name: number for name, number in self._numbers.items() if number is not None}
        first = min(numbers, key=lambda name: numbers[name])
        choices = []
        for way in ways:
            frame = self._frames(way)[first]
            is_image = way == Numbering.NAMES and self._footage.has_numbers
            counted = "As the images are numbered" if is_image else f"Counted from {int(way == Numbering.FROM_1)}"
            what = "of no frame" if frame is None else self._footage.name(frame)
            choices.append((str(way), f"{counted}: {_file(first)} is {what}"))
        return UnclearNumberingError(tuple(choices))


def _fits(frames: Mapping[str, int | None]) -> bool:
    """Whether each has a frame, and one of its own."""
    return None not in frames.values() and len(set(frames.values())) == len(frames)


def _numbers(stems: Sequence[str], alone: Callable[[str], int | None]) -> dict[str, int | None]:
    """The number in each name: where all are alike but for their numbers, the last one that differs; else what `alone`
    finds in it."""
    if len(stems) > 1 and len({_text(stem) for stem in stems}) == 1:
        pieces = [_PIECES.split(stem) for stem in stems]
        differing = [i for i in range(1, len(pieces[0]), 2) if len({_int(own[i]) for own in pieces}) > 1]
        if differing:
            return {stem: _int(own[differing[-1]]) for stem, own in zip(stems, pieces, strict=True)}
    return {stem: alone(stem) for stem in stems}


def _number(stem: str, patterns: Sequence[re.Pattern[str]]) -> int | None:
    named = next((match for pattern in patterns if (match := pattern.search(stem))), None)
    return _int(named[1]) if named else None


def _int(digits: str) -> int:
    return int(digits[-_DIGITS:])


def _text(stem: str) -> str:
    """A name without its numbers, with a mark where each was."""
    return _PIECES.sub("\0", stem)


def _stem(name: str) -> str:
    return PurePosixPath(_slashes(name)).stem


def _file(name: str) -> str:
    return PurePosixPath(_slashes(name)).name


def _slashes(name: str) -> str:
    return name.replace("\\", "/")
