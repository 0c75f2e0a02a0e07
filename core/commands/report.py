"""`pcvos report`: a project's figures, worst frames and history on one page, and as CSV."""

from pathlib import Path

from core.commands.frame_progress import FrameProgress
from core.commands.opened_project import opened_project
from core.commands.terminal import Say
from core.studio.comparison import noted_reference, read_reference
from core.studio.report import write_report


def report(
    project: Path, output: Path, reference: Path | None, overwrite: bool, say: Say, note: Say, warn: Say
) -> None:
    """Write the report on a project; raises PCVOSError. The project is only read.

    Args:
        reference: a folder of masks; None: the one that the project was compared with in the window, if it was.
    """
    with opened_project(project, warn, to_write=False) as (opened, media):
        if reference is None and (noted := noted_reference(opened)) is not None:
            if noted.is_dir():
                reference = noted
                note(f"Compared with {noted}, which the project is compared with in the window.")
            else:
                warn(f"The reference {noted} is gone: name the folder with --reference.")
        compared = None if reference is None else read_reference(reference, media)
        with FrameProgress("Report", 0 if compared is None else len(compared.truth.frames)) as progress:
            files = write_report(opened, media, output, compared, overwrite, progress)
        for sentence in media.warnings:
            warn(sentence)
    note(f"{files.cells.name} and {files.objects.name} are beside it.")
    say(str(files.page))
