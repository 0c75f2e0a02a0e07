"""A project with two objects in the real window, and hands that export."""

import time
from pathlib import Path

import numpy as np
from window_parts import HEIGHT, WIDTH, Hands, truth

from core.exchange.export_run import run_export
from core.exchange.exporter import Exporter, ExportRequest
from core.progress import Progress
from pcvos_gui.dialogs.export_dialog import ExportDialog


def corner() -> np.ndarray:
    """bool (H, W): what the second object is."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:90, 90:120] = True
    return mask


def open_marked(hands: Hands, clip: Path) -> None:
    """Object 1 is the disc on frames 0 and 3, object 2 a rectangle on the same."""
    hands.open(clip)
    for name in ("Ball", "Box"):
        hands.session.add_object(name)
    for frame in (0, 3):
        hands.go_to(frame)
        for id, mask in ((1, truth(frame)), (2, corner())):
            hands.session.set_active(id)
            hands.session.replace_mask(mask, "Mask")


def settled(hands: Hands, dialog: ExportDialog, is_good: bool = True) -> None:
    """Wait until all that was to be found out is; `is_good`: it can be exported."""

    def is_known() -> bool:
        if dialog.check is None or not is_good:
            return dialog.check is not None and bool(dialog.trouble.text())
        return dialog.picture.view.has_picture and dialog.needed is not None and dialog.accept_button.isEnabled()

    hands.bot.waitUntil(is_known, timeout=30_000)


def choose(
    hands: Hands, dialog: ExportDialog, format: str, target: Path | None = None, is_good: bool = True, **options
) -> None:
    """A format, a target and options, and wait until the dialog knows what it will be. Where nobody has been, the
    objects are absent, unless the option `unprocessed` says otherwise."""
    dialog.formats.choose(format)
    options = {"unprocessed": "empty"} | options
    if target is not None:
        dialog.target.setText(str(target))
    for name, value in options.items():
        field = dialog.options.fields[name]
        if hasattr(field, "setCurrentIndex"):
            field.setCurrentIndex(field.findData(value))
        else:
            field.setValue(value)
    settled(hands, dialog, is_good)


def export_as(hands: Hands, format: str, target: Path, **options) -> Path:
    """Export through the dialog; where to."""
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, format, target, **options)
    wanted = dialog.wanted
    dialog.accept_button.click()
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=30_000)
    assert hands.told("Written", str(wanted.target)), hands.texts
    return wanted.target


def endless_export(exporter: Exporter, request: ExportRequest, overwrite: bool, progress: Progress) -> None:
    """`run_export`, which stands still after three frames until it is cancelled."""

    def stand_still(done: int, total: int) -> None:
        progress.say(done, total)
        while done >= 3:
            time.sleep(0.001)  # the window's thread wants to go on
            progress.raise_if_cancelled()

    run_export(exporter, request, overwrite=overwrite, progress=Progress(stand_still))
