"""The interface of import formats, and how what one finds in files becomes a change of the project.

Three steps, for the window and the command alike: `Importer.read` finds masks in files (on any thread, without the
project), `make_plan` says what would become of them, `change` makes the one step of undo that does it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from core.errors import PCVOSError
from core.exchange.options import Option, Value, resolve
from core.masks.frame_numbers import Numbering, UnclearNumberingError
from core.masks.packed_mask import PackedMask
from core.media.source import FrameSource
from core.progress import UNWATCHED, Progress
from core.project.model import MAX_OBJECTS, ObjectInfo

RGB = tuple[int, int, int]

InFront = Literal["later", "higher id"] | None
"""Order of masks that share pixels on a frame: which of two is in front; None: none can share any."""

SEQUENCE = "sequence"
"""The key of the question which sequence of a data set is the footage."""

NUMBERS = "numbers"
"""The key of the question how the masks are numbered; its answers are those of `Numbering`."""

READING = (SEQUENCE, NUMBERS)
"""The keys of all questions that are answered before files can be read."""

COMPLETE = Option(
    "complete",
    "Objects that a file leaves out are absent",
    "bool",
    False,
    help="On each frame of the import, its objects without a mask there are marked as absent.",
)
"""For formats with a file a frame; `Found` is made the same way with it and without, `make_plan` heeds it."""


@dataclass(frozen=True)
class ImportRequest:
    """The request for an import; made by `import_request`.

    Attributes:
        path: a file or a folder.
        files: several PNGs that are one import, in place of `path`, which is the first of them; else empty.
        media: the footage that the masks belong to; only what it says about itself is read, no frames.
        options: a value for every option of the format.
        answers: to the questions of an earlier attempt, by their keys.
        progress: of reading; a step is a file, or a mask in one.
    """

    path: Path
    media: FrameSource
    options: Mapping[str, Value]
    answers: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = UNWATCHED
    files: tuple[Path, ...] = ()

    @property
    def numbering(self) -> Numbering | None:
        """Numbering of the masks, as it was answered; PCVOSError if that is no answer."""
        answer = self.answers.get(NUMBERS)
        if answer is not None and answer not in list(Numbering):
            raise PCVOSError(f"{NUMBERS} cannot be {answer}: answer with {', '.join(Numbering)}.")
        return None if answer is None else Numbering(answer)

    @property
    def sequence(self) -> str:
        """The footage's name in a data set: its folder, or its file without suffix."""
        return sequence_name(self.media)


@dataclass(frozen=True)
class Question:
    """A question that only the person can answer.

    Attributes:
        key: for the answer, e.g. "#ff8000". text: one sentence. choices: (answer, label) each.
        proposal: the answer that is likely; None: none is.
    """

    key: str
    text: str
    choices: tuple[tuple[str, str], ...]
    proposal: str | None = None


def numbers_question(error: UnclearNumberingError) -> Question:
    """The question where names can be read in several ways."""
    return Question(NUMBERS, error.question, error.choices)


@dataclass(frozen=True)
class FoundObject:
    """An object in the files, before it is known which one of the project it is.

    Attributes:
        key: what tells it from the others there, and what answers name it by.
        id: its number there, or None. is_id: whether that is the project's id, as in an indexed PNG.
        name, colour: as it is called and painted there, or None.
        class_name: its class there; "": none is said.
    """

    key: str
    id: int | None = None
    is_id: bool = False
    name: str | None = None
    colour: RGB | None = None
    class_name: str = ""


@dataclass(frozen=True)
class Found:
    """The content of files.

    Attributes:
        masks: by frame, then key of object; an empty mask says that the object is not there. A frame without any mask
            can be among them: its file says nothing, or that all are absent (`COMPLETE`).
        objects: those that occur, or are only named, in the order in which new ones are listed.
        in_front: of two masks on a frame; the later one is the one that comes later in `masks`.
        questions: what must be answered before the files can be read; then there are no masks yet.
        notes: sentences on how they were understood. warnings: on what was changed or lost of them.
    """

    masks: Mapping[int, Mapping[str, PackedMask]]
    objects: tuple[FoundObject, ...]
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    in_front: InFront = None


class Importer(ABC):
    """One format to read; stateless. What is imported only for it, it imports inside its methods.

    Attributes:
        name: what it is called on the command line. label: in a list. reads: one sentence on what it reads.
        is_folder: whether that is a folder; None: either.
        suffixes: of a file. options: what can be chosen.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reads: ClassVar[str]
    is_folder: ClassVar[bool | None] = True
    suffixes: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether this is likely the format of what is at `path`, which exists; cheap, and never an error."""

    @abstractmethod
    def read(self, request: ImportRequest) -> Found:
        """The content of the files.

        Raises:
            PCVOSError: they cannot be read, or do not belong to the footage; it names the file and, in it, the field.
        """


def import_request(
    importer: Importer,
    path: Path,
    media: FrameSource,
    options: Mapping[str, Value] | None = None,
    answers: Mapping[str, str] | None = None,
) -> ImportRequest:
    """A request with all options; PCVOSError if one is wrong, or there is no such file or folder."""
    path = Path(path).absolute()
    if not path.exists():
        raise PCVOSError(f"{path} does not exist: give a file or a folder of masks.")
    if importer.is_folder is not None and importer.is_folder != path.is_dir():
        given, wanted = ("a folder", "a file") if path.is_dir() else ("a file", "a folder")
        raise PCVOSError(f"{path} is {given}, but {importer.label} is read from {wanted}.")
    return ImportRequest(path, media, resolve(importer.options, options or {}, importer.name), dict(answers or {}))


def sequence_name(media: FrameSource) -> str:
    """The name of footage in a data set: its folder, or its file without suffix."""
    return media.path.stem if media.is_video else media.path.absolute().name


def id_objects(ids: tuple[int, ...]) -> tuple[FoundObject, ...]:
    """Objects whose numbers in the files are ids of the project."""
    return tuple(FoundObject(str(id), id, is_id=True) for id in ids if 1 <= id <= MAX_OBJECTS)


def is_taken_for(info: ObjectInfo, found: FoundObject) -> bool:
    """Whether a found object that has no id is, by its name or else its colour, this one of the project."""
    if found.name is not None:
        return info.name == found.name
    return found.colour is not None and tuple(info.colour) == tuple(found.colour)
