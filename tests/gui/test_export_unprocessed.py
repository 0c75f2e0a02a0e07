"""The export dialog asks what is to become of frames that no run has reached."""

from pathlib import Path

from exchange_parts import choose, open_marked, settled
from PySide6.QtCore import Qt
from window_parts import COUNT, Hands

from pcvos_gui.dialogs.export_dialog import ExportDialog

UNPROCESSED = "unprocessed"


def opened(hands: Hands, format: str, target: Path, is_good: bool = False, **options) -> ExportDialog:
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, format, target, is_good, **options)
    return dialog


def is_asked(dialog: ExportDialog) -> bool:
    return dialog.options.fields[UNPROCESSED].isVisible()


def pick(dialog: ExportDialog, value: str) -> None:
    field = dialog.options.fields[UNPROCESSED]
    field.setCurrentIndex(field.findData(value))


def test_it_is_asked_said_and_done(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)  # both objects on frames 0 and 3
    dialog = opened(hands, "png", tmp_path / "out", unprocessed="stop")
    assert (
        f"Never processed, of {COUNT} frames: Ball (1) on {COUNT - 2}, Box (2) on {COUNT - 2}." in dialog.trouble.text()
    )
    assert dialog.objects.list.item(0).text() == f"1  Ball: {COUNT - 2} unknown"
    assert is_asked(dialog) and not dialog.accept_button.isEnabled()
    assert dialog.options.fields[UNPROCESSED].currentText() == "Choose…"
    pick(dialog, "skip")
    settled(hands, dialog)
    assert f"Left out: {COUNT - 2} of {COUNT} frames." in dialog.note.text() and is_asked(dialog)
    steps = []
    hands.window.exchange.progress.connect(lambda _, done, total, __: steps.append((done, total)))
    dialog.accept_button.click()
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=30_000)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["00000.png", "00003.png"]
    assert (2, 2) in steps and hands.told("Written: 2 of the frames 0 to 3")
    dialog = opened(hands, "png", tmp_path / "again", unprocessed="stop")
    assert is_asked(dialog) and not dialog.accept_button.isEnabled(), "each export is asked about anew"
    dialog.formats.choose("coco")
    pick(dialog, "empty")
    settled(hands, dialog)
    dialog.formats.choose("overlay")
    settled(hands, dialog)
    assert dialog.wanted.options[UNPROCESSED] == "empty", "but not once for each format"
    dialog.reject()


def test_it_is_not_asked_where_all_is_known(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.runs.next.set_in_out(3, 3)
    dialog = opened(hands, "png", tmp_path / "out", is_good=True, unprocessed="stop")
    assert not is_asked(dialog) and not dialog.note.text().count("Never processed")
    assert dialog.objects.list.item(0).text() == "1  Ball"
    dialog.frames.everything.setChecked(True)
    hands.bot.waitUntil(lambda: is_asked(dialog), timeout=20_000)
    dialog.frames.part.setChecked(True)
    settled(hands, dialog)
    assert not is_asked(dialog)
    dialog.reject()


def test_what_cannot_be_can_be_changed(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    dialog = opened(hands, "overlay", tmp_path / "a.mp4", unprocessed="skip")
    assert "Frame 1 was never processed and lies between others" in dialog.trouble.text()
    assert is_asked(dialog) and not dialog.accept_button.isEnabled()
    pick(dialog, "empty")
    settled(hands, dialog)
    dialog.objects.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    settled(hands, dialog)
    assert "Ball" not in dialog.note.text() and "Box (2)" in dialog.note.text()
    dialog.reject()
