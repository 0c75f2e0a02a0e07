"""From what files hold to what becomes of the project: first said, then done, as one step of undo."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from core.errors import PCVOSError
from core.exchange.importer import NUMBERS, READING, Found, FoundObject, ImportRequest, InFront, Question, is_taken_for
from core.exchange.overlaps import without, without_hidden
from core.masks.packed_mask import PackedMask
from core.masks.palette import DISPLAY_PALETTE, rgb
from core.progress import UNWATCHED, Progress
from core.project.model import MAX_OBJECTS, Author, Cell, Change, Key, ObjectInfo
from core.project.project import Project

NEW, SKIP = "new", "skip"
"""Answers that are no object's id."""

ChangedCells = dict[Key, tuple[Cell | None, Cell]]
"""Before and after, by (frame, object)."""

_NAMED = 20  # answers that a message names


@dataclass(frozen=True)
class ImportPlan:
    """The plan of an import.

    Attributes:
        project: what it will be done to. source: where the masks are from.
        masks: by frame, then object id; without those of locked objects.
        objects: those that get masks, or are new; with their ids in the project.
        new: those of them that are not in the project yet. classed: those that are, and get the class that the files
            say, as they have none.
        replaced: cells of the project that get another mask and were predicted. replaced_corrected: were corrected; an
            import that is not corrected leaves these alone.
        locked: objects of the import that are locked: left out. done: frames with masks that are left out because their
            object is done there.
        changing: of True (the masks become corrections) and False (predictions), those with which a mask changes.
        overlapping: frames on which masks of the import share pixels. in_front: which of them is in front there.
        questions: to be answered before anything can be done.
        notes, warnings: sentences.
    """

    project: Project
    source: Path
    masks: Mapping[int, Mapping[int, PackedMask]]
    objects: tuple[ObjectInfo, ...]
    new: tuple[ObjectInfo, ...]
    classed: tuple[ObjectInfo, ...] = ()
    replaced: tuple[Key, ...] = ()
    replaced_corrected: tuple[Key, ...] = ()
    locked: tuple[ObjectInfo, ...] = ()
    done: tuple[int, ...] = ()
    changing: frozenset[bool] = frozenset()
    overlapping: tuple[int, ...] = ()
    in_front: InFront = None
    questions: tuple[Question, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def frames(self) -> tuple[int, ...]:
        """Frames that get masks, ascending."""
        return tuple(sorted(frame for frame, masks in self.masks.items() if masks))

    def changes(self, corrected: bool) -> bool:
        """Whether anything in the project would be another than it is, if the masks became corrections or not."""
        return bool(self.new or self.classed) or corrected in self.changing

    def sentences(self, corrected: bool) -> list[str]:
        """Sentences on what it will do, for the person.

        Args:
            corrected: whether the masks will be corrections.
        """
        new = {info.id for info in self.new}
        names = ", ".join(_named(info, info.id in new) for info in self.objects)
        changes = self.changes(corrected)
        said = [self._what(corrected) if changes else self._nothing(corrected), f"Objects: {names or 'none'}."]
        if self.replaced and changes:
            said.append(f"Replaces predicted masks on {_frames_in_words(_frames(self.replaced))}.")
        if self.replaced_corrected and (changes or not corrected):
            verb = "Replaces" if corrected else "Leaves alone the"
            said.append(f"{verb} corrected masks on {_frames_in_words(_frames(self.replaced_corrected))}.")
        if self.classed:
            said.append(f"Class: {', '.join(f'{info.name} is {info.class_name}' for info in self.classed)}.")
        if self.overlapping:
            which = "the later one in the file" if self.in_front == "later" else "the one with the higher id"
            said.append(f"Masks overlap on {_frames_in_words(self.overlapping)}: {which} is in front.")
        if self.locked:
            said.append(f"Locked and left out: {', '.join(info.name for info in self.locked)}.")
        if self.done:
            said.append(f"Done and left out: masks on {_frames_in_words(self.done)}.")
        return said

    def _what(self, corrected: bool) -> str:
        """The sentence on the masks that come."""
        if not self.frames:
            return "No masks, only objects that are new." if self.new else "No masks, only classes of objects."
        kind = (
            "corrections, which runs read and never change" if corrected else "predictions, which the next run redraws"
        )
        return f"Masks for {_frames_in_words(self.frames)} as {kind}."

    def _nothing(self, corrected: bool) -> str:
        """The sentence that nothing would change, and why."""
        if not self.frames and not self.locked and not self.done:
            return "Nothing would change: there are no masks in it."
        reasons = ["in the project already"] if self.frames else []
        reasons += ["corrected there"] if self.replaced_corrected and not corrected else []
        reasons += ["locked"] if self.locked else []
        reasons += ["done"] if self.done else []
        return f"Nothing would change: all of it is {' or '.join(reasons)}."


def make_plan(found: Found, request: ImportRequest, project: Project) -> ImportPlan:
    """The plan to import `found` into `project`; on the project's thread. The request is told how far it is.

    Raises:
        PCVOSError: masks of another size than the project's, more than 254 objects, or an answer that is none.
    """
    if found.questions:
        return ImportPlan(project, request.path, {}, (), (), questions=found.questions)
    _check_answers(request.answers, found)
    assigned = _Assignment(found.objects, project.objects, request.answers)
    if assigned.questions:
        return ImportPlan(project, request.path, {}, (), (), questions=tuple(assigned.questions), notes=found.notes)
    infos = {info.id: info for info in project.objects}
    locked = {id for id, info in infos.items() if info.locked}
    masks = _by_id(found, assigned.ids, complete=bool(request.options.get("complete")))
    free = {frame: {id: mask for id, mask in here.items() if id not in locked} for frame, here in masks.items()}
    _check(free, project)
    done = tuple(sorted(frame for frame, here in free.items() if project.done_on(frame) & here.keys()))
    for frame in done:
        free[frame] = {id: mask for id, mask in free[frame].items() if id not in project.done_on(frame)}
    free, overlapping = _stacked(free, found.in_front, request.progress.part(0, 2))
    classed = _classed(found.objects, assigned.ids, infos)
    infos = infos | {info.id: info for info in (*assigned.new, *classed)}
    ids = [id for id in dict.fromkeys(assigned.ids[object.key] for object in found.objects) if id is not None]
    predicted, corrected, changing = _compared(free, project, locked, request.progress.part(1, 2))
    return ImportPlan(
        project,
        request.path,
        free,
        tuple(infos[id] for id in ids if id not in locked),
        tuple(assigned.new),
        classed=classed,
        replaced=predicted,
        replaced_corrected=corrected,
        locked=tuple(infos[id] for id in ids if id in locked),
        done=done,
        changing=changing,
        overlapping=overlapping,
        in_front=found.in_front,
        notes=(*found.notes, *assigned.notes),
        warnings=found.warnings,
    )


def change(plan: ImportPlan, corrected: bool = True) -> Change:
    """The step of undo that does what `plan` says; on the project's thread.

    Args:
        corrected: the masks become corrections and permanent memory, as if painted here; else predictions, and
            corrections that are there stay as they are.

    Raises:
        PCVOSError: there are questions left, or nothing to do.
    """
    if plan.questions:
        raise unanswered(plan.questions)
    return as_change(plan, changed_cells(plan, corrected))


def changed_cells(plan: ImportPlan, corrected: bool, progress: Progress = UNWATCHED) -> ChangedCells:
    """The cells that `plan` changes, as they are in its project and as they will be; on the project's thread."""
    project = plan.project
    locked = {info.id for info in project.objects if info.locked}
    cells: ChangedCells = {}
    for frame, masks in progress.over(plan.masks.items()):
        if masks:
            present = project.cells(frame)
            for obj, cell in _changed(present, masks, locked | project.done_on(frame), corrected).items():
                cells[frame, obj] = (present.get(obj), cell)
    return cells


def as_change(plan: ImportPlan, cells: ChangedCells) -> Change:
    """The step of undo that changes these cells of the plan's project; raises as `change` does."""
    project = plan.project
    present = {info.id for info in project.objects}
    new = tuple(info for info in plan.new if info.id not in present)
    classes = {info.id: info.class_name for info in plan.classed}
    kept = tuple(
        replace(info, class_name=info.class_name or classes.get(info.id, "")) for info in project.objects
    )  # who has got a class meanwhile keeps it
    is_listed_anew = bool(new) or kept != project.objects
    if not cells and not is_listed_anew:
        why = (
            "all of it is in the project already, locked or done"
            if plan.frames or plan.locked or plan.done
            else "there are no masks in it"
        )
        raise PCVOSError(f"Nothing to import from {plan.source}: {why}.")
    what = _count(len({frame for frame, _ in cells}), "frame") if cells else "objects"
    objects = (project.objects, (*kept, *new)) if is_listed_anew else None
    return Change(f"Import {what} from {plan.source.name}", cells, objects, Author.IMPORT)


def unanswered(questions: Iterable[Question]) -> PCVOSError:
    """The error that these questions were not answered; it names all of them."""
    texts, keys = [], []
    for question in questions:
        is_plain = question.key != NUMBERS  # whose answers say little without their labels
        answers = [answer if is_plain else f"{answer} = {label}" for answer, label in question.choices]
        shown = ", ".join(answers[:_NAMED]) + (f" and {len(answers) - _NAMED} more" if len(answers) > _NAMED else "")
        texts.append(f"{question.text} ({shown})")
        keys.append(f"'{question.key}=…'")
    return PCVOSError("The import needs answers: " + " ".join(texts), "unanswered", keys=", ".join(keys))


def _changed(
    known: Mapping[int, Cell], masks: Mapping[int, PackedMask], locked: set[int], corrected: bool
) -> dict[int, Cell]:
    """The cells of a frame that an import gives, or takes pixels from. What is locked keeps its pixels."""
    kept = {obj for obj, cell in known.items() if obj in locked or (cell.corrected and not corrected)}
    forbidden = [known[obj].mask for obj in locked & known.keys()]
    given = {obj: without(mask, forbidden) for obj, mask in masks.items() if obj not in kept}
    cells = {}
    for obj, mask in given.items():
        before = known.get(obj, Cell(mask))
        if obj not in known or (before.mask, before.corrected) != (mask, corrected):
            cells[obj] = replace(before, mask=mask, corrected=corrected, in_memory=corrected, confidence=None)
    for obj, cell in known.items():
        if obj not in masks and obj not in kept:
            left = without(cell.mask, given.values())
            if left is not cell.mask:
                cells[obj] = replace(cell, mask=left)
    return cells


def _by_id(found: Found, ids: Mapping[str, int | None], *, complete: bool) -> dict[int, dict[int, PackedMask]]:
    """The masks by frame, then id; found objects that are one in the project are joined."""
    masks: dict[int, dict[int, PackedMask]] = {}
    wanted = {id for id in ids.values() if id is not None}
    for frame in sorted(found.masks):
        here: dict[int, PackedMask] = {}
        for key, mask in found.masks[frame].items():
            id = ids[key]
            if id is not None:
                here[id] = _joined(here.pop(id), mask) if id in here else mask  # where the later one is
        if complete and wanted:
            size = next((mask.size for at in found.masks.values() for mask in at.values()), None)
            here |= {id: PackedMask.empty(size) for id in wanted - here.keys()} if size else {}
        masks[frame] = here
    return masks


def _joined(one: PackedMask, other: PackedMask) -> PackedMask:
    return PackedMask.pack(one.unpack() | other.unpack())


def _stacked(
    masks: Mapping[int, Mapping[int, PackedMask]], in_front: InFront, progress: Progress
) -> tuple[dict[int, dict[int, PackedMask]], tuple[int, ...]]:
    """The masks such that in a project, where the higher id is in front, they lie as in the files; and the frames on
    which they overlap."""
    if in_front is None:
        return {frame: dict(here) for frame, here in masks.items()}, ()
    stacked, overlapping = {}, []
    for frame, here in progress.over(masks.items()):
        order = here if in_front == "later" else sorted(here)
        stacked[frame], is_overlapping = without_hidden({id: here[id] for id in order})
        overlapping += [frame] if is_overlapping else []
    return stacked, tuple(overlapping)


def _check_answers(answers: Iterable[str], found: Found) -> None:
    keys = [object.key for object in found.objects]
    if unknown := next((key for key in answers if key not in keys and key not in READING), None):
        raise PCVOSError(
            f"Nothing is called {unknown} in the masks, so nothing can be answered: {', '.join(keys)} are."
        )


def _check(masks: Mapping[int, Mapping[int, PackedMask]], project: Project) -> None:
    size, count = tuple(project.footage.size), project.footage.frames
    for frame, here in masks.items():
        if not 0 <= frame < count or any(tuple(mask.size) != size for mask in here.values()):
            raise PCVOSError(f"The masks do not fit the footage of {project.path}: link the right footage first.")


def _compared(
    masks: Mapping[int, Mapping[int, PackedMask]], project: Project, locked: set[int], progress: Progress
) -> tuple[tuple[Key, ...], tuple[Key, ...], frozenset[bool]]:
    """Cells that are there and differ from what comes: predicted, corrected; and `ImportPlan.changing`."""
    predicted: list[Key] = []
    corrected: list[Key] = []
    changing: set[bool] = set()
    for frame, here in progress.over(sorted(masks.items())):
        present = project.cells(frame) if here else {}
        for obj, cell in present.items():
            if obj in here and cell.mask != here[obj]:
                (corrected if cell.corrected else predicted).append((frame, obj))
        held = locked | project.done_on(frame)
        changing |= {kind for kind in {True, False} - changing if _changed(present, here, held, kind)}
    return tuple(predicted), tuple(corrected), frozenset(changing)


class _Assignment:
    """The object of the project that each found one is.

    Attributes:
        ids: by key; None: it is left out. new: objects to be made. questions, notes.
    """

    def __init__(self, found: tuple[FoundObject, ...], known: tuple[ObjectInfo, ...], answers: Mapping[str, str]):
        self.ids: dict[str, int | None] = {}
        self.new: list[ObjectInfo] = []
        self.questions: list[Question] = []
        self.notes: list[str] = []
        self._known = {info.id: info for info in known}
        unmatched = [object for object in found if not self._settle(object, answers.get(object.key))]
        for object in unmatched:
            if object.key not in answers and self._is_unclear(object):
                self.questions.append(self._question(object))
        if not self.questions:
            for object in sorted(unmatched, key=lambda object: not object.is_id):  # those that cannot have another id
                self._make(object)

    def _settle(self, object: FoundObject, answer: str | None) -> bool:
        """Whether its id is known: by the answer, as it has one itself, or as its name or colour is in the project."""
        if answer == SKIP:
            self.ids[object.key] = None
        elif answer is not None and answer != NEW:
            if not answer.isdecimal() or int(answer) not in self._known:
                raise PCVOSError(f"{object.key} cannot be {answer}: answer with an object's id, {NEW} or {SKIP}.")
            self.ids[object.key] = int(answer)
        elif object.is_id and object.id in self._known and answer != NEW:
            self.ids[object.key] = object.id
        else:
            same = [info.id for info in self._known.values() if not object.is_id and is_taken_for(info, object)]
            if answer == NEW or (len(same) != 1 and object.id not in same):
                return False
            self.ids[object.key] = object.id if object.id in same else same[0]
        return True

    def _is_unclear(self, object: FoundObject) -> bool:
        """Whether it may be an object of the project under another name or colour."""
        if object.is_id or not self._known:
            return False
        return object.id in self._known or object.name is None

    def _question(self, object: FoundObject) -> Question:
        choices = [(str(info.id), f"{info.name} ({info.id})") for info in self._known.values()]
        choices += [(NEW, "a new object"), (SKIP, "none: leave it out")]
        what = f"the colour {object.key}" if object.name is None else f"{object.name}"
        return Question(object.key, f"Which object is {what}?", tuple(choices), NEW)

    def _make(self, object: FoundObject) -> None:
        taken = self._known.keys() | set(self.ids.values()) | {info.id for info in self.new}
        id = object.id if object.id is not None and 1 <= object.id <= MAX_OBJECTS and object.id not in taken else None
        if id is None:
            id = next((free for free in range(1, MAX_OBJECTS + 1) if free not in taken), None)
            if id is None:
                what = f"There would be more than {MAX_OBJECTS} objects"
                raise PCVOSError(f"{what}: leave some out.", "too many objects")
            if object.id is not None:
                self.notes.append(f"{object.name or object.key} becomes object {id}, as {object.id} cannot be used.")
        colour = object.colour or rgb(DISPLAY_PALETTE[id])
        self.new.append(ObjectInfo(id, object.name or f"Object {id}", colour, class_name=object.class_name))
        self.ids[object.key] = id


def _classed(
    found: Iterable[FoundObject], ids: Mapping[str, int | None], known: Mapping[int, ObjectInfo]
) -> tuple[ObjectInfo, ...]:
    """Objects of the project without a class, with the one that the files say; one that is called as it is says nothing
    more."""
    classed: dict[int, ObjectInfo] = {}
    for object in found:
        info = known.get(ids[object.key] or 0)
        if info is not None and not info.class_name and object.class_name not in ("", info.name):
            classed.setdefault(info.id, replace(info, class_name=object.class_name))
    return tuple(classed.values())


def _named(info: ObjectInfo, is_new: bool) -> str:
    """An object as a sentence names it: name (id, new, class)."""
    return f"{info.name} ({', '.join([str(info.id), *(['new'] if is_new else []), *filter(None, [info.class_name])])})"


def _frames(keys: Iterable[Key]) -> tuple[int, ...]:
    return tuple(sorted({frame for frame, _ in keys}))


def _frames_in_words(frames: tuple[int, ...]) -> str:
    """3 frames (4, 7 to 8)."""
    runs = []
    for _, run in groupby(enumerate(frames), lambda item: item[1] - item[0]):
        numbers = [frame for _, frame in run]
        runs.append(str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}")
    shown = ", ".join(runs[:5]) + (", …" if len(runs) > 5 else "")
    return _count(len(frames), "frame") + (f" ({shown})" if runs else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
