"""Marks that masks were accepted from: they stay in the project, and can be taken up again while the mask is there.

A mask that something else has made since (a brush, a run, undo) has no marks; undo brings back one that has.
"""

from core.masks.packed_mask import PackedMask
from core.project.content import AcceptedMarks, MarkStroke
from core.project.model import Key
from core.project.project import Project

Strokes = tuple[MarkStroke, ...]


def marks_of(project: Project, key: Key) -> AcceptedMarks | None:
    """The marks of the mask that an object has on a frame; None: it was not accepted from marks."""
    own = (one for one in project.content.accepted_marks if one.key == key)
    return next((one for one in own if _has_its_mask(project, one)), None)


def taken_up(project: Project, strokes: Strokes) -> AcceptedMarks | None:
    """The marks of the present mask, if these strokes begin with the same one, and so stand in their place; None: they
    correct the mask."""
    present = marks_of(project, (strokes[0].frame, strokes[0].object)) if strokes else None
    return present if present is not None and present.strokes[0] == strokes[0] else None


def accepted(project: Project, strokes: Strokes, mask: PackedMask) -> AcceptedMarks:
    """The marks of a mask that an object is about to get from strokes (at least one): those that correct a mask with
    marks come after these."""
    key = strokes[0].frame, strokes[0].object
    earlier_marks = marks_of(project, key)
    if earlier_marks is None:
        cell = project.cell(*key)
        return AcceptedMarks(strokes, mask.checksum, None if cell is None or cell.mask.is_empty else cell.mask)
    earlier = () if taken_up(project, strokes) else earlier_marks.strokes
    return AcceptedMarks((*earlier, *strokes), mask.checksum, earlier_marks.before)


def with_marks(project: Project, new: AcceptedMarks) -> tuple[AcceptedMarks, ...]:
    """All accepted marks of a project and `new`, if its mask was taken."""
    marks = project.content.accepted_marks
    if not _has_its_mask(project, new):
        return marks
    return (*(one for one in marks if (one.key, one.mask) != (new.key, new.mask)), new)


def of_use(project: Project) -> tuple[AcceptedMarks, ...]:
    """The accepted marks whose masks are there; where undo begins anew, the others never come back."""
    return tuple(one for one in project.content.accepted_marks if _has_its_mask(project, one))


def _has_its_mask(project: Project, marks: AcceptedMarks) -> bool:
    cell = project.cell(*marks.key)
    return cell is not None and cell.mask.checksum == marks.mask
