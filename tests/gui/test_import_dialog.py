"""The import dialog in the real window: it says what it will do, asks, does it in one step, or nothing."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from exchange_parts import corner, export_as, open_marked
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from window_parts import COUNT, HEIGHT, WIDTH, Hands, make_clip, truth

from core.project.project import Project
from pcvos_gui.dialogs.import_dialog import ImportDialog, open_import_dialog

ORANGE, BLUE = (255, 128, 0), (0, 90, 200)


def masks_of(folder: Path, *frames: int, value: int = 1) -> Path:
    """The disc, as a PNG for each frame."""
    folder.mkdir(exist_ok=True)
    for frame in frames:
        Image.fromarray(truth(frame).astype(np.uint8) * value).save(folder / f"{frame:05d}.png")
    return folder


def coloured(folder: Path, *frames: int) -> Path:
    """The disc in orange, a corner in blue."""
    folder.mkdir()
    for frame in frames:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[corner()] = BLUE
        picture[truth(frame)] = ORANGE
        Image.fromarray(picture).save(folder / f"{frame:05d}.png")
    return folder


def opened(hands: Hands, *paths: Path, is_good: bool = True) -> ImportDialog:
    """The dialog for these, when it knows what it will do or why not."""
    open_import_dialog(hands.window, paths)
    dialog = hands.dialog(ImportDialog)
    known(hands, dialog, is_good)
    return dialog


def known(hands: Hands, dialog: ImportDialog, is_good: bool = True) -> None:
    hands.bot.waitUntil(
        lambda: dialog.accept_button.isEnabled() if is_good else dialog.text.text() != "Reading…", timeout=20_000
    )


def bring_in(hands: Hands, dialog: ImportDialog) -> None:
    """Press the button, and wait until it is done."""
    with hands.bot.waitSignal(hands.window.exchange.imported, timeout=20_000):
        dialog.accept_button.click()


def all_cells(project: Project) -> dict:
    return dict(project.cells_in(0, COUNT - 1))


def drop(widget: QWidget, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at, buttons = widget.rect().center(), Qt.MouseButton.LeftButton
    modifiers, action = Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    entering = QDragEnterEvent(at, action, mime, buttons, modifiers)
    QApplication.sendEvent(widget, entering)
    assert entering.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(at.toPointF(), action, mime, buttons, modifiers))


def test_the_plan_is_told_done_and_undone(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    before, objects = all_cells(hands.session.document.project), hands.session.objects
    folder = masks_of(tmp_path / "masks", 3, 4, 5, value=7)
    dialog = opened(hands, folder)
    assert dialog.format.currentData() == "png" and dialog.corrected.isChecked()
    told = dialog.text.text()
    assert "3 frames (3 to 5) as corrections" in told and "Object 7 (7, new)" in told
    dialog.corrected.setChecked(False)
    assert "predictions" in dialog.text.text()
    dialog.corrected.setChecked(True)
    dialog.reject()
    assert all_cells(hands.session.document.project) == before and hands.session.objects == objects, "cancelled"
    steps = hands.session.undo_stack.count()
    dialog = opened(hands, folder)
    bring_in(hands, dialog)
    assert hands.session.undo_stack.count() == steps + 1 and hands.told("masks of 3 frames", "masks")
    assert np.array_equal(hands.labels(4) == 7, truth(4)) and 4 in hands.session.document.project.permanent_memory()
    assert hands.session.navigator.frame == 3
    hands.act("undo")
    assert all_cells(hands.session.document.project) == before and hands.session.objects == objects


def test_predictions_leave_corrections_alone(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    folder = masks_of(tmp_path / "masks", 0, 1)
    Image.fromarray(corner().astype(np.uint8)).save(folder / "00000.png")
    dialog = opened(hands, folder)
    assert "Replaces corrected masks on 1 frame (0)" in dialog.text.text()
    dialog.corrected.setChecked(False)
    assert "Leaves alone the corrected masks on 1 frame (0)" in dialog.text.text()
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(0) == 1, truth(0)) and np.array_equal(hands.labels(1) == 1, truth(1))
    assert not hands.session.document.project.cell(1, 1).corrected


def test_questions_are_answered_there(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    before = all_cells(hands.session.document.project)
    dialog = opened(hands, coloured(tmp_path / "colours", 6, 7))
    assert dialog.questions.keys() == {"#ff8000", "#005ac8"} and dialog.question_box.isVisible()
    assert all(box.currentData() == "new" for box in dialog.questions.values()), "as proposed"
    assert "Object 3 (3, new)" in dialog.text.text() and "Object 4 (4, new)" in dialog.text.text()
    for key, answer in (("#ff8000", "1"), ("#005ac8", "skip")):
        box = dialog.questions[key]
        box.setCurrentIndex(box.findData(answer))
        box.activated.emit(box.currentIndex())
    known(hands, dialog)
    assert dialog.text.text().count("Ball (1)") == 1 and "new" not in dialog.text.text()
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(6) == 1, truth(6)) and len(hands.session.objects) == 2
    hands.act("undo")
    assert all_cells(hands.session.document.project) == before


def test_locked_objects_are_left_out(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.session.set_active(1)
    hands.act("toggle_locked")
    folder = tmp_path / "masks"
    folder.mkdir()
    Image.fromarray((truth(3) * 2 + (corner() & ~truth(3)) * 1).astype(np.uint8)).save(folder / "00003.png")
    dialog = opened(hands, folder)
    assert "Locked and left out: Ball" in dialog.text.text()
    kept = hands.session.document.project.cell(3, 1)
    bring_in(hands, dialog)
    assert hands.session.document.project.cell(3, 1) == kept and hands.told("Locked", "Ball")
    assert not (hands.labels(3) == 2)[truth(3)].any()


@pytest.mark.parametrize("what", ["truncated PNG", "other JSON", "text", "missing", "wrong size"])
def test_broken_files_end_in_a_sentence(hands: Hands, clip: Path, tmp_path: Path, what: str):
    open_marked(hands, clip)
    path = tmp_path / ("bad.json" if what == "other JSON" else "00003.png")
    if what == "truncated PNG":
        Image.fromarray(np.random.default_rng(1).integers(0, 9, (HEIGHT, WIDTH), np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[:200])
    elif what == "other JSON":
        path.write_text(json.dumps({"hello": 1}))
    elif what == "text":
        path.write_text("no picture")
    elif what == "wrong size":
        Image.fromarray(np.ones((50, 50), np.uint8)).save(path)
    before = all_cells(hands.session.document.project)
    dialog = opened(hands, path, is_good=False)
    assert path.name in dialog.text.text() and len(dialog.text.text().splitlines()) == 1
    assert not dialog.accept_button.isEnabled()
    dialog.accept()
    assert dialog.isVisible() and all_cells(hands.session.document.project) == before
    dialog.choose(masks_of(tmp_path / "good", 2))
    known(hands, dialog)
    dialog.reject()


def test_a_png_without_a_number_is_of_the_frame_looked_at(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.go_to(9)
    path = tmp_path / "rabbit2.png"
    Image.fromarray(truth(9).astype(np.uint8)).save(path)
    dialog = opened(hands, path)
    assert dialog.options.values["frame"] == 9 and "1 frame (9)" in dialog.text.text()
    dialog.options.fields["frame"].setValue(8)
    hands.bot.waitUntil(lambda: "1 frame (8)" in dialog.text.text(), timeout=20_000)
    dialog.format.setCurrentIndex(dialog.format.findData("png"))
    dialog.format.activated.emit(dialog.format.currentIndex())
    known(hands, dialog)
    assert dialog.options.values["frame"] == 9, "the same format anew"
    Image.fromarray(truth(9).astype(np.uint8)).save(tmp_path / "00099.png")
    dialog.choose(tmp_path / "00099.png")
    hands.bot.waitUntil(lambda: "belongs to no frame" in dialog.text.text(), timeout=20_000)
    dialog.options.fields["frame"].setValue(9)
    known(hands, dialog)
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(9) == 1, truth(9))


def test_the_format_can_be_another_one(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    target = export_as(hands, "youtube-vis", tmp_path / "clip.json")
    hands.act("clear_here")
    dialog = opened(hands, target)
    assert dialog.format.currentData() == "youtube-vis" and dialog.reads.text()
    dialog.format.setCurrentIndex(dialog.format.findData("coco"))
    dialog.format.activated.emit(dialog.format.currentIndex())
    hands.bot.waitUntil(lambda: "clip.json" in dialog.text.text(), timeout=20_000)
    assert not dialog.accept_button.isEnabled()
    dialog.path.setText(str(masks_of(tmp_path / "masks", 1)))
    dialog.path.textEdited.emit(dialog.path.text())
    known(hands, dialog)
    assert dialog.format.currentData() == "png", "another path is recognised anew"
    dialog.reject()


def test_the_sequence_of_a_data_set_is_asked_for(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    for name, frame in (("cat", 1), ("dog", 2)):
        (tmp_path / "set" / "Annotations" / "480p").mkdir(parents=True, exist_ok=True)
        masks_of(tmp_path / "set" / "Annotations" / "480p" / name, frame)
    dialog = opened(hands, tmp_path / "set", is_good=False)
    hands.bot.waitUntil(lambda: "sequence" in dialog.questions, timeout=20_000)
    assert not dialog.accept_button.isEnabled() and "Answer the questions" in dialog.text.text()
    box = dialog.questions["sequence"]
    box.setCurrentIndex(box.findData("dog"))
    box.activated.emit(box.currentIndex())
    known(hands, dialog)
    assert "1 frame (2)" in dialog.text.text()
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(2) == 1, truth(2))


@pytest.mark.parametrize("is_one_by_one", [False, True])
def test_how_masks_are_numbered_is_asked_for_and_decides(hands: Hands, clip: Path, tmp_path: Path, is_one_by_one: bool):
    open_marked(hands, clip)
    folder = tmp_path / "masks"
    folder.mkdir()
    for number in (1, 2, 3):
        Image.fromarray(truth(number - 1).astype(np.uint8)).save(folder / f"frame_{number:04d}.png")
    dialog = opened(hands, *(sorted(folder.iterdir()) if is_one_by_one else [folder]), is_good=False)
    hands.bot.waitUntil(lambda: "numbers" in dialog.questions, timeout=20_000)
    box = dialog.questions["numbers"]
    assert box.currentIndex() == -1 and not dialog.accept_button.isEnabled()
    assert box.itemText(0) == "Counted from 0: frame_0001.png is frame 1"
    for answer, told in (("names", "3 frames (1 to 3)"), ("from-1", "3 frames (0 to 2)")):
        box = dialog.questions["numbers"]
        box.setCurrentIndex(box.findData(answer))
        box.activated.emit(box.currentIndex())
        hands.bot.waitUntil(lambda told=told: told in dialog.text.text(), timeout=20_000)
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(2) == 1, truth(2))


def test_a_mask_with_soft_edges_is_told(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    soft = cv2.GaussianBlur(truth(4).astype(np.uint8) * 255, (0, 0), 1)
    Image.fromarray(soft).save(tmp_path / "00004.png")
    dialog = opened(hands, tmp_path / "00004.png")
    assert "Mind: 00004.png: read with soft edges" in dialog.text.text()
    bring_in(hands, dialog)
    inside = hands.labels(4) == 1
    assert np.count_nonzero(inside & truth(4)) > 0.95 * np.count_nonzero(inside | truth(4))
    assert hands.told("soft edges")


def test_several_pngs_of_one_frame_are_refused(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    folder = masks_of(tmp_path / "masks", 5)
    Image.fromarray(truth(5).astype(np.uint8)).save(folder / "x.5.png")
    dialog = opened(hands, *sorted(folder.iterdir()), is_good=False)
    hands.bot.waitUntil(lambda: "are both masks of frame 5" in dialog.text.text(), timeout=20_000)
    assert not dialog.accept_button.isEnabled()


def test_dropping_a_zip(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    target = export_as(hands, "cvat", tmp_path / "clip.zip")
    before = {key: cell.mask for key, cell in all_cells(hands.session.document.project).items() if key[0] == 3}
    hands.go_to(3)
    hands.act("clear_here")
    drop(hands.view.viewport(), target)
    dialog = hands.dialog(ImportDialog)
    known(hands, dialog)
    assert dialog.format.currentData() == "cvat" and not dialog.footage.isVisible()
    bring_in(hands, dialog)
    assert {key: hands.session.document.project.cell(*key).mask for key in before} == before


def test_a_dropped_folder_can_be_footage_after_all(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    folder = masks_of(tmp_path / "frames", 0, 1)
    drop(hands.window, folder)
    dialog = hands.dialog(ImportDialog)
    assert dialog.footage.isVisible()
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        dialog.footage.click()
    assert hands.session.document.media.path == folder
    other = make_clip(tmp_path / "other.mp4", 2)
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        drop(hands.window, other)
    assert hands.session.document.media.path == other, "a video is opened as ever"


def test_several_pngs_at_once_and_drops_on_the_dialog(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    folder = masks_of(tmp_path / "masks", 5, 6, 7)
    hands.act("import_masks")
    dialog = hands.dialog(ImportDialog)
    assert "Choose a file" in dialog.text.text() and not dialog.accept_button.isEnabled()
    drop(dialog, folder / "00005.png", folder / "00007.png")
    known(hands, dialog)
    assert "2 frames (5, 7)" in dialog.text.text() and "1 more" in dialog.path.text()
    bring_in(hands, dialog)
    assert hands.told("2 frames", "from masks") and np.array_equal(hands.labels(7) == 1, truth(7))


def test_nothing_new_is_said_at_once(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    target = export_as(hands, "png", tmp_path / "out")
    for path in target.iterdir():
        if path.stem not in ("00000", "00003"):
            path.unlink()
    dialog = opened(hands, target, is_good=False)
    hands.bot.waitUntil(lambda: "Nothing would change" in dialog.text.text(), timeout=20_000)
    assert not dialog.accept_button.isEnabled() and "Masks for" not in dialog.text.text()
    hands.session.document.clear(3, 3, corrections=True)
    known(hands, dialog)
    assert "Masks for 2 frames (0, 3)" in dialog.text.text(), "something is new now"
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(3) == 1, truth(3))


def test_only_an_object_without_a_mask_and_who_is_in_front(hands: Hands, clip: Path, tmp_path: Path):
    open_marked(hands, clip)
    hands.session.add_object("Nobody")
    target = export_as(hands, "coco", tmp_path / "masks.json")
    hands.session.delete_object(3)
    dialog = opened(hands, target)
    assert "Nobody (3, new)" in dialog.text.text() and "overlap" not in dialog.text.text()
    bring_in(hands, dialog)
    assert hands.session.object(3).name == "Nobody" and hands.told("Imported", "new objects")
    content = json.loads(target.read_text())
    for annotation in content["annotations"]:  # both in the place of the first, which comes last in the file
        annotation["segmentation"] = content["annotations"][0]["segmentation"]
    content["annotations"].reverse()
    target.write_text(json.dumps(content))
    dialog = opened(hands, target)
    assert "Masks overlap on 2 frames (0, 3): the later one in the file is in front." in dialog.text.text()
    bring_in(hands, dialog)
    assert np.array_equal(hands.labels(3) == 1, truth(0)) and not (hands.labels(3) == 2).any()


def test_a_read_only_project_is_told_at_once(hands: Hands, clip: Path, tmp_path: Path, qtbot):
    from pcvos_gui.app.main_window import MainWindow

    open_marked(hands, clip)
    second = MainWindow()
    qtbot.addWidget(second)
    other = Hands(qtbot, second)
    other.open(clip)
    drop(second, masks_of(tmp_path / "masks", 1) / "00001.png")
    assert not second.findChildren(ImportDialog) and other.told("read-only", "imported")
    second.close()


def test_files_are_chosen_with_the_mouse_or_the_keyboard(hands: Hands, clip: Path, tmp_path: Path, monkeypatch):
    open_marked(hands, clip)
    folder = masks_of(tmp_path / "masks", 1)
    hands.act("import_masks")
    dialog = hands.dialog(ImportDialog)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(folder / "00001.png"), ""))
    hands.bot.keyClick(dialog.from_file, Qt.Key.Key_Space)
    known(hands, dialog)
    assert dialog.path.text() == str(folder / "00001.png")
    assert dialog.path.accessibleName() and dialog.format.accessibleName() and dialog.text.accessibleName()
    assert dialog.rect().contains(QPoint(1, 1)) and dialog.minimumSizeHint().height() <= 640
    with hands.bot.waitSignals([dialog.accepted, hands.window.exchange.imported], timeout=20_000):
        hands.bot.keyClick(dialog, Qt.Key.Key_Return)
    assert np.array_equal(hands.labels(1) == 1, truth(1))
