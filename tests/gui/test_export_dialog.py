"""The export dialog in the real window: what it shows, and that what it says is what is written."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exchange_parts import choose, endless_export, export_as, open_marked, settled
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QComboBox, QInputDialog, QLineEdit, QListWidget, QSlider
from window_parts import COUNT, HEIGHT, WIDTH, Hands, truth

from core.exchange.importer import import_request
from core.exchange.options import Option
from core.exchange.plan import make_plan
from core.exchange.registry import EXPORTERS, recognise
from core.media import open_media
from core.studio.exports import Stored
from pcvos_gui.dialogs import exchange as exchange_module
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.dialogs.export_presets import ExportPresets, Preset
from pcvos_gui.dialogs.option_form import OptionForm
from pcvos_gui.widgets.time_left import TimeLeft


@pytest.mark.parametrize("format", ["png", "png-objects", "davis", "coco", "cvat"])
def test_what_is_exported_reads_back(hands: Hands, clip: Path, tmp_path: Path, format: str):
    open_marked(hands, clip)
    target = export_as(hands, format, tmp_path / "out")
    project, media = hands.session.document.project, hands.session.document.media
    reader = recognise(target)
    request = import_request(reader, target, media)
    plan = make_plan(reader.read(request), request, project)
    assert not plan.questions and not plan.replaced and not plan.replaced_corrected, "the same masks as in the project"
    assert set(plan.frames) >= {0, 3} and {info.id for info in plan.objects} == {1, 2}


def test_video_and_cut_out(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.runs.next.set_in_out(2, 5)
    with open_media(export_as(hands, "overlay", tmp_path / "over.mp4")) as video:
        assert len(video) == 4 and video.size == (HEIGHT, WIDTH)
    folder = export_as(hands, "rgba", tmp_path / "cut", edges="hard")
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert pictures == [f"{i:05d}.png" for i in range(2, 6)]
    alpha = np.array(Image.open(folder / "00003.png"))[..., 3]
    assert np.array_equal(alpha > 127, hands.labels(3) > 0)


def test_the_actions_open_it_with_what_was_chosen_last(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.act("export_overlay")
    dialog = hands.dialog(ExportDialog)
    assert dialog.formats.chosen == "overlay"
    dialog.reject()
    export_as(hands, "matte", tmp_path / "mattes", depth="16", feather=2.5)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    assert dialog.formats.chosen == "matte"
    assert dialog.options.values["depth"] == "16" and dialog.options.values["feather"] == 2.5
    assert dialog.target.text() == str(tmp_path / "mattes")
    dialog.formats.choose("png")
    assert dialog.target.text() == str(tmp_path / "clip masks"), "a target for each format"
    dialog.reject()


def test_every_format_has_a_preview_and_a_size(hands: Hands, clip: Path):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    rows = [dialog.formats.item(row) for row in range(dialog.formats.count())]
    names = [row.data(Qt.ItemDataRole.UserRole) for row in rows if row.flags() & Qt.ItemFlag.ItemIsSelectable]
    assert names == [known.name for known in EXPORTERS], "in the order of the registry, under their headings"
    for known in EXPORTERS:
        choose(hands, dialog, known.name)
        assert dialog.picture.view.has_picture and "About" in dialog.estimate.text(), known.name
        assert "free there" in dialog.estimate.text() and dialog.writes.text() == known.writes
    dialog.reject()


def test_the_preview_follows_frame_options_and_objects(hands: Hands, clip: Path):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "matte")
    seen = []
    dialog.look.pictured.connect(lambda pictured: seen.append((pictured.frame, pictured.picture[..., 0] > 127)))
    dialog.options.fields["edges"].setCurrentIndex(2)
    hands.bot.waitUntil(lambda: len(seen) == 1, timeout=20_000)
    assert seen[0][0] == hands.session.navigator.frame and np.array_equal(
        seen[0][1], hands.labels(hands.session.navigator.frame) > 0
    )
    dialog.picture.slider.setValue(0)
    hands.bot.waitUntil(lambda: len(seen) == 2, timeout=20_000)
    assert seen[1][0] == 0 and np.array_equal(seen[1][1], hands.labels(0) > 0)
    dialog.objects.list.item(1).setCheckState(Qt.CheckState.Unchecked)
    hands.bot.waitUntil(lambda: len(seen) == 3, timeout=20_000)
    assert np.array_equal(seen[2][1], hands.labels(0) == 1)
    assert dialog.objects.all.checkState() is Qt.CheckState.PartiallyChecked and dialog.wanted.objects == (1,)
    dialog.target.setText(dialog.target.text() + " 2")
    settled(hands, dialog)
    assert len(seen) == 3, "where it goes is no other picture"
    for name in ("prores", "matte"):
        dialog.formats.choose(name)
    settled(hands, dialog)  # there and back before anything was asked
    dialog.reject()


def test_the_preview_can_be_looked_at_closely(hands: Hands, clip: Path):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "rgba")
    dialog.resize(1000, 660)
    QApplication.processEvents()
    view = dialog.picture.view
    assert view.width() >= 480 and view.fits and dialog.picture.fit.isChecked()
    dialog.picture.actual.click()
    assert view.zoom == pytest.approx(1) and dialog.picture.actual.isChecked() and not dialog.picture.fit.isChecked()
    empty = view.grab().toImage().pixelColor(view.viewport().rect().center() - QPoint(WIDTH // 2 - 4, 0))
    assert empty.name() in ("#8c8c8c", "#b4b4b4"), "what is transparent is over a checkerboard"
    at = QPointF(view.viewport().rect().center())
    none = (Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
    wheel = QWheelEvent(at, view.viewport().mapToGlobal(at), QPoint(), QPoint(0, 120), *none)
    QApplication.sendEvent(view.viewport(), wheel)
    assert view.zoom > 1 and not dialog.picture.actual.isChecked()
    hands.bot.keyClick(view, Qt.Key.Key_Minus)
    assert view.zoom == pytest.approx(1)
    dialog.picture.fit.click()
    assert view.fits and view.zoom > 1
    dialog.reject()


def test_nothing_is_replaced_unasked(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    target = tmp_path / "out.json"
    target.write_text("mine")
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "coco", target)
    assert dialog.accept_button.text() == "Replace and export"
    assert "out.json is there already, and will be replaced" in dialog.trouble.text()
    hands.window.exchange.export(replace(dialog.wanted, overwrite=False))
    hands.bot.waitUntil(lambda: hands.told("out.json", "exists"), timeout=20_000)
    assert target.read_text() == "mine"
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=20_000)
    dialog.accept_button.click()
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=20_000)
    assert json.loads(target.read_text())["annotations"]


def test_troubles_are_one_sentence_and_nothing_can_be_pressed(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    (tmp_path / "file").touch()
    choose(hands, dialog, "png", tmp_path / "file", is_good=False)
    assert "is a file" in dialog.trouble.text() and not dialog.accept_button.isEnabled()
    choose(hands, dialog, "png", tmp_path / "out")
    dialog.objects.all.click()
    assert "No object is chosen" in dialog.trouble.text() and not dialog.accept_button.isEnabled()
    dialog.objects.all.click()
    settled(hands, dialog)
    assert dialog.accept_button.isEnabled() and dialog.wanted.objects is None
    dialog.target.clear()
    dialog.formats.choose("matte")
    dialog.target.clear()
    hands.bot.waitUntil(lambda: dialog.picture.view.has_picture and dialog.needed is not None, timeout=20_000)
    assert "Say where" in dialog.trouble.text() and not dialog.accept_button.isEnabled(), "the rest is shown anyway"
    monkeypatch.setattr("pcvos_gui.workers.export_look.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    choose(hands, dialog, "coco", tmp_path / "out.json", is_good=False)
    hands.bot.waitUntil(lambda: "only 10 bytes are free" in dialog.trouble.text(), timeout=20_000)
    assert not dialog.accept_button.isEnabled()
    dialog.reject()


def test_presets(hands: Hands, clip: Path, monkeypatch):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    assert not dialog.presets.delete.isEnabled() and not dialog.presets.names.isEnabled()
    dialog.formats.choose("matte")
    dialog.options.fields["grow"].setValue(3.5)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("wide", True))
    dialog.presets.save.click()
    assert dialog.presets.names.currentText() == "wide"
    dialog.options.fields["grow"].setValue(1)
    assert dialog.presets.names.currentIndex() == -1, "what is chosen is no longer the preset"
    dialog.reject()
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    dialog.formats.choose("prores")
    dialog.presets.names.setCurrentIndex(0)
    dialog.presets.names.activated.emit(0)
    assert dialog.formats.chosen == "matte" and dialog.options.values["grow"] == 3.5
    assert dialog.presets.names.currentText() == "wide"
    dialog.presets.delete.click()
    assert dialog.presets.names.count() == 0 and ExportPresets().names == []
    dialog.reject()


def test_presets_outlive_what_they_were_made_for(settings_of_its_own):
    presets = ExportPresets()
    presets.save("gone", Preset("betamax", {}))
    presets.save("odd", Preset("matte", {"depth": "12", "grow": 2.0, "sparkle": True}))
    assert presets.names == ["odd"] and presets.get("odd").options == {"grow": 2.0}
    QSettings().setValue("export/presets", "{broken")
    assert presets.names == [] and presets.last_format is None
    presets.save("new", Preset("png", {}))
    assert presets.names == ["new"]


def test_cancelling_leaves_nothing_and_says_so(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "rgba", tmp_path / "new" / "cut")
    monkeypatch.setattr(exchange_module, "run_export", endless_export)
    before = sorted(tmp_path.rglob("*"))
    dialog.accept_button.click()
    bar = hands.window.status.export
    hands.bot.waitUntil(lambda: bar.value() >= 1, timeout=20_000)
    assert hands.window.status.cancel.isVisible() and bar.maximum() == COUNT
    hands.bot.waitUntil(lambda: bool(re.search(r" · \d+\ss left$", bar.text())), timeout=20_000)
    assert bar.fontMetrics().horizontalAdvance(bar.text()) < bar.width(), "all of it can be read"
    hands.session.navigator.go_to(5)
    hands.wait_for_frame()
    hands.act("export")
    assert hands.told("An export is going on")
    hands.window.status.cancel.click()
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=20_000)
    assert hands.told("cancelled", "nothing of it is left") and not hands.window.status.export.isVisible()
    assert [path for path in sorted(tmp_path.rglob("*")) if "clip.pcvos" not in path.name] == [
        path for path in before if "clip.pcvos" not in path.name
    ]


def test_the_time_left_is_by_the_frames_so_far():
    now = [100.0]
    left = TimeLeft(lambda: now[0])
    assert left.after(0, 10) == -1, "nothing is known yet"
    now[0] += 60  # to open the footage, say
    assert left.after(1, 10) == -1
    for done, seconds, expected in ((2, 2, 16), (3, 2, 14), (5, 2, 7.5), (10, 5, 0)):
        now[0] += seconds
        assert left.after(done, 10) == pytest.approx(expected)


def test_closing_the_project_cancels(hands: Hands, clip: Path, tmp_path: Path, monkeypatch, answers):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "png", tmp_path / "out")
    monkeypatch.setattr(exchange_module, "run_export", endless_export)
    dialog.accept_button.click()
    hands.bot.waitUntil(lambda: hands.window.status.export.value() >= 1, timeout=20_000)
    answers[0].append("End it and close")
    hands.act("close")
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=20_000)
    assert not (tmp_path / "out").exists()


def test_everything_has_a_name_and_is_reached_by_the_keyboard(hands: Hands, clip: Path):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "matte")
    for kind in (QComboBox, QLineEdit, QListWidget, QSlider):
        for field in dialog.findChildren(kind):
            if field.isVisible() and field.parent().metaObject().className() not in ("QSpinBox", "QDoubleSpinBox"):
                assert field.accessibleName(), field
                assert field.focusPolicy() & Qt.FocusPolicy.TabFocus, field
    assert dialog.minimumSizeHint().width() <= 1000 and dialog.minimumSizeHint().height() <= 640
    dialog.picture.actual.setFocus()
    order = []
    for _ in range(13):
        hands.bot.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
        order.append(dialog.focusWidget())
    fields = list(dialog.options.fields.values())
    assert order == [*fields, dialog.objects.all, dialog.objects.list, dialog.target, dialog.browse, order[-1]]
    dialog.formats.setFocus()
    hands.bot.keyClick(dialog.formats, Qt.Key.Key_Down)
    assert dialog.formats.chosen == "rgba"
    hands.bot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_fields_are_made_from_options(qtbot):
    form = OptionForm()
    qtbot.addWidget(form)
    options = (
        Option("many", "Many", "int", 2, 0, 9, 3, "frames", lowest="none", help="How many."),
        Option("wide", "Wide", "float", 0.5, -1, 1, 0.25),
        Option("free", "Free", "float", 12345.5),
        Option("on", "On", "bool", True),
        Option("kind", "Kind", "choice", "b", choices=(("a", "First"), ("b", "Second"))),
    )
    form.show_options(options, {"many": 5})
    assert form.values == {"many": 5, "wide": 0.5, "free": 12345.5, "on": True, "kind": "b"}
    assert all(option.checked(form.values[option.name]) == form.values[option.name] for option in options)
    many = form.fields["many"]
    assert (many.maximum(), many.singleStep(), many.suffix(), many.toolTip()) == (9, 3, " frames", "How many.")
    assert (many.text(), many.cleanText()) == ("5 frames", "5")
    many.setValue(0)
    assert many.text() == "none" and form.values["many"] == 0
    with qtbot.waitSignal(form.changed):
        form.fields["wide"].stepUp()
    assert form.values["wide"] == 0.75
    with qtbot.waitSignal(form.changed):
        form.fields["on"].click()
    assert form.values["on"] is False
    form.show_options(options[:1], {})
    assert form.values == {"many": 2}


def test_the_mask_of_one_object_alone(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.act("export")
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog, "png", tmp_path / "out")
    dialog.objects.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    settled(hands, dialog)
    dialog.accept_button.click()
    hands.bot.waitUntil(lambda: not hands.window.exchange.is_exporting, timeout=20_000)
    written = np.array(Image.open(tmp_path / "out" / "00000.png"))
    assert set(np.unique(written)) == {0, 2} and not (written > 0)[truth(0)].any()


def test_looking_at_what_is_stored_leaves_the_right_to_write_to_the_next_window(hands: Hands, clip: Path):
    """An export that is about to begin while its clip is closed and opened again."""
    open_marked(hands, clip)
    stored = Stored.of(hands.session.document.project, hands.session.document.media)
    hands.act("close")
    with stored.opened() as (project, media):
        assert project.read_only and len(project.objects) == 2 and media.path == clip
        hands.open(clip)
        assert not hands.session.document.project.read_only
