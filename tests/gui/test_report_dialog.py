"""The report from the menu of the real window."""

from pathlib import Path

import numpy as np
import pytest
from window_parts import COUNT, Hands, truth

from core.masks.label_map import write_label_map
from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change
from pcvos_gui.dialogs.report_dialog import ReportDialog


@pytest.fixture
def drawn(hands: Hands, clip: Path) -> Hands:
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    cells = {
        (f, 1): (None, Cell(PackedMask.pack(truth(f)), confidence=0.3 if f == 9 else 0.9)) for f in range(1, COUNT)
    }
    hands.session.document.push_change(Change("drawn", cells, made_by=Author.RUN))
    return hands


def reference(folder: Path, hands: Hands) -> Path:
    folder.mkdir()
    for frame, stem in enumerate(hands.session.document.media.stems):
        write_label_map(folder / f"{stem}.png", truth(frame).astype(np.uint8))
    return folder


def test_it_is_written_beside_the_project_and_again_with_a_reference(drawn: Hands, tmp_path: Path):
    drawn.act("report")
    dialog = drawn.dialog(ReportDialog)
    page = dialog.page
    assert page.name == "clip-report.html" and dialog.accept_button.text() == "Write"
    dialog.accept_button.click()
    drawn.bot.waitUntil(lambda: drawn.told("Report written", page.name), timeout=30_000)
    assert "Ball, frame 9" in page.read_text() and page.with_name("clip-report-frames.csv").is_file()
    drawn.act("report")
    dialog = drawn.dialog(ReportDialog)
    assert dialog.accept_button.text() == "Replace and write" and "clip-report-objects.csv" in dialog.told.text()
    dialog.reference.setText(str(reference(tmp_path / "truth", drawn)))
    dialog.accept_button.click()
    drawn.bot.waitUntil(lambda: "<th>J&amp;F</th>" in page.read_text(), timeout=30_000)


def test_a_reference_that_does_not_fit_is_told_in_one_sentence(drawn: Hands, tmp_path: Path):
    folder = tmp_path / "truth"
    folder.mkdir()
    write_label_map(folder / f"{drawn.session.document.media.stems[0]}.png", np.ones((5, 5), np.uint8))
    drawn.act("report")
    dialog = drawn.dialog(ReportDialog)
    dialog.reference.setText(str(folder))
    page = dialog.page
    dialog.accept_button.click()
    drawn.bot.waitUntil(lambda: drawn.told(str(folder)), timeout=30_000)
    assert not page.exists()
