"""`pcvos adapt`: weights that learn from the corrections in projects."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from core.commands.opened_project import opened_project
from core.commands.result_places import check_writable
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.evaluation.tables import Table, number, table_lines
from core.progress import Progress
from core.studio.adaptation import AdaptationRequest, adapt, lesson


def adapt_to_projects(
    projects: Sequence[Path], request: AdaptationRequest, overwrite: bool, say: Say, note: Say, warn: Say
) -> None:
    """Write weights that have learned from the projects' corrections; what they gain is the last that is said.

    Raises:
        PCVOSError: a project, its footage, the weights or the output cannot be used; the weights do not gain.
        KeyboardInterrupt: with a sentence on how to go on.
    """
    output = request.output.absolute()
    if output.suffix != ".safetensors":
        raise PCVOSError(f"{output} is no name for weights: choose one that ends in .safetensors.")
    if output.is_dir() or (output.exists() and not overwrite):
        raise PCVOSError(f"{output} exists already: choose another name.", "exists")
    check_writable(output.parent)
    told = [0]

    def tell(done: int, total: int) -> None:
        tenth = 10 * done // total
        if tenth > told[0]:
            told[0] = tenth
            note(f"{10 * tenth} % done.")

    with ExitStack() as stack:
        opened = [stack.enter_context(opened_project(path, warn, to_write=False)) for path in projects]
        lessons = [lesson(project, media) for project, media in opened]
        for one in lessons:
            note(f"{one.name}: learned from {len(one.learned)} corrected frames, judged by {len(one.held_back)}.")
        try:
            adapted = adapt(lessons, replace(request, output=output), Progress(tell))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("Interrupted; the same command goes on from here.") from None
    rows = [(f.name, str(f.learned), str(f.held_back), number(f.before), number(f.after)) for f in adapted]
    title = "J&F on corrected frames that nothing was learned from"
    for line in table_lines(Table(title, ("project", "learned", "held back", "before", "after"), tuple(rows))):
        say(line)
    say(f"{output}: choose these weights in the window (Advanced), or with --weights.")
