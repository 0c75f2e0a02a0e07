"""Finding masks in files, for an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

from core.errors import PCVOSError
from core.exchange.formats.indexed_png import PNGs
from core.exchange.importer import Found, Importer, ImportRequest, import_request
from core.exchange.options import Option, Value
from core.exchange.plan import ImportPlan, make_plan, unanswered
from core.exchange.registry import IMPORTERS, importer, recognise
from core.masks.frame_numbers import FootageNames
from core.media import FrameSource
from core.progress import UNWATCHED, Progress
from core.project.project import Project

_FRAME = "frame"  # the option of a single PNG


@dataclass(frozen=True)
class Reading:
    """Files that were read.

    Attributes:
        paths: files or folders; several are files of one format, and one import. request: of the first of them.
        found: in all of them.
    """

    importer: Importer
    paths: tuple[Path, ...]
    request: ImportRequest
    found: Found

    @property
    def name(self) -> str:
        """Its origin, as a person would say it."""
        return self.paths[0].parent.name if len(self.paths) > 1 else self.paths[0].name

    def plan(self, answers: Mapping[str, str], project: Project, progress: Progress = UNWATCHED) -> ImportPlan:
        """The change it becomes; on the project's thread. Raises as `make_plan` does."""
        return make_plan(self.found, replace(self.request, answers=answers, progress=progress), project)

    def plan_as_proposed(self, project: Project, progress: Progress = UNWATCHED) -> ImportPlan:
        """The import with all questions answered as is likely; PCVOSError if there is one that is not."""
        plan = self.plan({}, project, progress)
        if not plan.questions:
            return plan
        answers = {question.key: question.proposal for question in plan.questions if question.proposal is not None}
        if self.found.questions or len(answers) < len({question.key for question in plan.questions}):
            raise unanswered(plan.questions)
        return self.plan(answers, project, progress)


def read_masks(
    paths: Sequence[Path],
    media: FrameSource,
    frame: int,
    format: str | None = None,
    options: Mapping[str, Value] | None = None,
    answers: Mapping[str, str] | None = None,
    progress: Progress = UNWATCHED,
) -> Reading:
    """Read files or a folder; on any thread.

    Args:
        frame: what a single PNG belongs to whose name says nothing of one.
        format: name of an importer; None: it is recognised.
        options, answers: None: the usual options, no answers.
        progress: of one file or folder after the other.

    Raises:
        PCVOSError: one of them cannot be read; it names the file.
    """
    reader = recognise(paths[0]) if format is None else importer(format)
    if reader.name == PNGs.name and len(paths) > 1:  # whose frames are found from all their names together
        chosen = {name: value for name, value in (options or {}).items() if name != _FRAME}
        request = import_request(reader, paths[0], media, chosen, answers)
        requests = [replace(request, files=tuple(paths))]
    else:
        requests = [
            import_request(
                reader,
                path,
                media,
                usual_options(reader, path, frame, media) if options is None else options,
                answers,
            )
            for path in paths
        ]
    masks = reduce(_joined, map(reader.read, [replace(request, progress=progress) for request in requests]))
    return Reading(reader, tuple(paths), requests[0], masks)


def options_for(known: Importer, path: Path) -> tuple[Option, ...]:
    """The choices for what is at `path`."""
    return tuple(option for option in known.options if option.name != _FRAME or path.is_file())


def usual_options(known: Importer, path: Path, frame: int, media: FrameSource) -> dict[str, Value]:
    """Options that are not the format's default.

    Args:
        frame: of `media`, what a single PNG belongs to whose name says nothing of one.
    """
    has_frame = any(option.name == _FRAME for option in options_for(known, path))
    return {_FRAME: frame} if has_frame and not FootageNames(media.stems, media.is_video).says_frame(path.name) else {}


def may_hold_masks(paths: Sequence[Path]) -> bool:
    """Whether these are likely masks rather than footage."""
    suffixes = {suffix for importer in IMPORTERS for suffix in importer.suffixes}
    if len(paths) == 1 and paths[0].is_dir():
        try:
            return bool(recognise(paths[0]))
        except PCVOSError:  # it is like no format: footage, perhaps
            return False
    return bool(paths) and all(path.suffix.lower() in suffixes for path in paths)


def _joined(one: Found, other: Found) -> Found:
    masks = dict(one.masks)
    for frame, here in other.masks.items():
        before = masks.get(frame, {})
        masks[frame] = {key: mask for key, mask in before.items() if key not in here} | dict(here)
    share_frames = not one.masks.keys().isdisjoint(other.masks)
    return Found(
        masks,
        tuple({object.key: object for object in (*one.objects, *other.objects)}.values()),
        (*one.questions, *other.questions),
        tuple(dict.fromkeys((*one.notes, *other.notes))),
        tuple(dict.fromkeys((*one.warnings, *other.warnings))),
        one.in_front or other.in_front or ("higher id" if share_frames else None),
    )
