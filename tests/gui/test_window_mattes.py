"""Mattes on the canvas of the real window: they are what an export writes, and never of another moment."""

from pathlib import Path

import numpy as np
import pytest
from exchange_parts import choose, export_as
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication, QInputDialog
from window_parts import COUNT, HEIGHT, WIDTH, Hands, truth

from core.exchange.export_run import run_export
from core.exchange.exporter import export_request
from core.exchange.mattes import MATTE_OPTIONS, matte_settings
from core.exchange.options import resolve
from core.exchange.registry import exporter
from core.masks.packed_mask import PackedMask
from core.masks.soft_mask import STRIDE, SoftMask
from core.media import open_media
from core.project.model import Cell, Change
from core.studio.exports import Stored
from pcvos_gui.canvas.colour_tables import CHROMA_GREEN
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.session.view_state import Tool, ViewMode
from pcvos_gui.workers.mattes import Footage, MatteDone, MatteJob, MatteWorker

GREEN = (CHROMA_GREEN >> 16 & 255, CHROMA_GREEN >> 8 & 255, CHROMA_GREEN & 255)
ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE


def soft_of(mask: np.ndarray) -> SoftMask:
    """A soft mask as of a network that was given the frame at its own size."""
    cells = mask.reshape(ROWS, STRIDE, COLUMNS, STRIDE).mean((1, 3))
    return SoftMask.pack(np.round(cells * 255).astype(np.uint8), (0, 0, HEIGHT, WIDTH))


def still() -> np.ndarray:
    """bool (H, W): what the second object is, on all frames."""
    yy, xx = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(xx - 110, yy - 16) <= 10


@pytest.fixture
def marked(hands: Hands, clip: Path) -> Hands:
    """The ball and what stands still, as a run leaves them; frame 3 is shown, and a person corrected the ball there."""
    hands.open(clip)
    for name in ("Ball", "Still"):
        hands.session.add_object(name)
    cells = {}
    for frame in range(COUNT):
        for id, mask in ((1, truth(frame)), (2, still() & ~truth(frame))):
            cells[frame, id] = (None, Cell(PackedMask.pack(mask), confidence=0.9, soft=soft_of(mask)))
    hands.session.document.push_change(Change("Run", cells))
    hands.window.view_state.set_tool(Tool.PAN)
    hands.go_to(3)
    hands.session.set_active(1)
    hands.session.replace_mask(truth(3) | np.roll(truth(3), 5, axis=1), "Mask")
    return hands


def exported(hands: Hands, folder: Path, frame: int, objects=None, **options) -> np.ndarray:
    """uint8 (H, W, 4): the PNG with alpha of a frame, as an export writes it from what is on disk."""
    with Stored.of(hands.session.document.project, hands.session.document.media).opened() as (project, media):
        target = folder / f"export {len(list(folder.glob('export *')))}"
        known = exporter("rgba")
        request = export_request(
            known, project, media, target, first=frame, last=frame, objects=objects, options=options
        )
        run_export(known, request)
        with Image.open(target / f"{frame:05d}.png") as image:
            return np.array(image)


def asked_for(hands: Hands) -> list[MatteJob]:
    """The mattes that are asked for from now on."""
    asked: list[MatteJob] = []
    worker, submit = hands.window.mattes.worker, hands.window.mattes.worker.submit
    worker.submit = lambda job: asked.append(job) or submit(job)
    return asked


def look_at(hands: Hands, mode: ViewMode) -> np.ndarray:
    """Choose a view, and wait for the matte."""
    hands.window.view_state.set_mode(mode)
    return waited(hands)


def waited(hands: Hands) -> np.ndarray:
    mattes = hands.window.mattes
    hands.bot.waitUntil(lambda: mattes.alpha is not None and not mattes.is_waiting, timeout=20_000)
    return mattes.alpha


def seen(hands: Hands) -> np.ndarray:
    """uint8 (H, W, 3): the frame on the canvas, a pixel of the screen for each."""
    viewport = hands.view.viewport()
    QApplication.sendEvent(viewport, QEvent(QEvent.Type.Leave))
    image = viewport.grab().toImage().convertToFormat(viewport.grab().toImage().Format.Format_RGB888)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    corner: QPoint = hands.view.to_view(hands.window.canvas.frame_item.boundingRect().topLeft()).toPoint()
    rows = pixels[corner.y() : corner.y() + HEIGHT, 3 * corner.x() : 3 * (corner.x() + WIDTH)]
    return rows.reshape(HEIGHT, WIDTH, 3).copy()  # the picture's memory goes with it


def over(rgba: np.ndarray, backdrop) -> np.ndarray:
    alpha = rgba[..., 3:] / 255.0
    return rgba[..., :3] * alpha + np.asarray(backdrop, float) * (1 - alpha)


def is_soft(alpha: np.ndarray) -> bool:
    return np.count_nonzero((alpha > 0) & (alpha < 255)) > 40


@pytest.mark.parametrize(("mode", "backdrop"), [(ViewMode.MATTE, (0, 0, 0)), (ViewMode.GREEN, GREEN)])
def test_the_canvas_shows_what_an_export_writes(marked: Hands, tmp_path: Path, mode, backdrop):
    marked.window.canvas.zoom_to_actual()
    assert np.array_equal(look_at(marked, mode), exported(marked, tmp_path, 3)[..., 3])
    assert is_soft(marked.window.mattes.alpha)
    assert np.abs(seen(marked) - over(exported(marked, tmp_path, 3), backdrop)).max() <= 2


def test_on_a_checkerboard_edges_are_between_the_frame_and_the_squares(marked: Hands, tmp_path: Path):
    marked.window.canvas.zoom_to_actual()
    look_at(marked, ViewMode.CHECKERBOARD)
    rgba, shown = exported(marked, tmp_path, 3), seen(marked).astype(float)
    light, dark = (np.abs(shown - over(rgba, (grey,) * 3)).max(axis=2) for grey in (204, 153))
    assert np.minimum(light, dark).max() <= 2
    beside = rgba[..., 3] == 0
    assert (light[beside] <= 2).any() and (dark[beside] <= 2).any()


def test_the_hard_mask_is_there_at_once_and_other_views_stay_hard(marked: Hands):
    marked.window.canvas.zoom_to_actual()
    hard = over(np.dstack([marked.session.navigator.image, (marked.session.labels > 0) * np.uint8(255)]), (0, 0, 0))
    marked.window.view_state.set_mode(ViewMode.MATTE)
    assert marked.window.mattes.alpha is None and marked.window.mattes.is_waiting
    assert np.abs(seen(marked) - hard).max() <= 2
    waited(marked)
    assert np.abs(seen(marked) - hard).max() > 20
    marked.window.view_state.set_mode(ViewMode.MASK)
    assert marked.window.mattes.alpha is None
    colours = {tuple(colour) for colour in seen(marked).reshape(-1, 3).tolist()}
    masks = {colour for colour in colours if min(colour) < 200}  # but for the light lines at their edges
    assert masks == {(0, 0, 0), *(info.colour for info in marked.session.objects)}


@pytest.mark.parametrize(
    "options",
    [{"edges": "hard", "grow": 2.5}, {"edges": "network", "gamma": 2.0}, {"feather": 6.0, "smooth": 2}],
    ids=["hard and grown", "soft and bent", "feathered and calm"],
)
def test_settings_in_the_panel_change_what_is_seen_and_exported(marked: Hands, tmp_path: Path, options):
    before = look_at(marked, ViewMode.MATTE)
    panel = marked.window.edges_panel
    assert not panel.reset.isEnabled()
    for name, value in options.items():
        field = panel.form.fields[name]
        field.setCurrentIndex(field.findData(value)) if name == "edges" else field.setValue(value)
    assert marked.window.mattes.alpha is before, "nothing flashes while a number is turned"
    after = waited(marked)
    assert not np.array_equal(before, after)
    assert np.array_equal(after, exported(marked, tmp_path, 3, **options)[..., 3])
    panel.reset.click()
    assert np.array_equal(waited(marked), before) and not panel.reset.isEnabled()
    assert panel.form.values == dict(resolve(MATTE_OPTIONS, {}, "matte"))


def test_an_edit_and_its_undo_are_seen(marked: Hands, tmp_path: Path):
    before = look_at(marked, ViewMode.MATTE)
    shift = np.roll(truth(3), 20, axis=0)
    marked.session.replace_mask(shift, "Mask")
    assert marked.window.mattes.alpha is None and marked.window.canvas.labels_item.labels is marked.session.labels
    after = waited(marked)
    assert ((after > 127) == (shift | still())).mean() > 0.99
    assert np.array_equal(after, exported(marked, tmp_path, 3)[..., 3])
    marked.act("undo")
    assert marked.window.mattes.alpha is None
    assert np.array_equal(waited(marked), before)
    marked.act("redo")
    assert np.array_equal(waited(marked), after)


def test_frames_around_change_a_calm_matte(marked: Hands, tmp_path: Path):
    marked.window.edges.set_values({"smooth": 2, "feather": 8.0})
    before = look_at(marked, ViewMode.MATTE)
    cell = marked.session.document.project.cell(4, 1)
    soft = soft_of(np.roll(truth(4), 2, axis=0))
    marked.session.document.push_change(Change("Run", {(4, 1): (cell, Cell(cell.mask, soft=soft))}))
    marked.bot.waitUntil(lambda: marked.window.mattes.alpha is not before, timeout=20_000)
    after = waited(marked)
    assert not np.array_equal(after, before)
    assert np.array_equal(after, exported(marked, tmp_path, 3, smooth=2, feather=8.0)[..., 3])


def test_only_objects_that_are_seen_are_cut_out(marked: Hands, tmp_path: Path):
    both = look_at(marked, ViewMode.MATTE)
    marked.session.set_active(2)
    marked.act("toggle_visible")
    assert marked.window.mattes.alpha is None, "what is hidden is gone at once"
    alone = waited(marked)
    assert np.array_equal(alone, exported(marked, tmp_path, 3, objects=(1,))[..., 3])
    assert both[16, 110] == 255 and alone[16, 110] == 0
    marked.act("toggle_solo")
    assert np.array_equal(waited(marked), exported(marked, tmp_path, 3, objects=(2,))[..., 3])
    marked.act("toggle_solo")
    marked.session.set_active(1)
    marked.act("toggle_visible")
    assert marked.window.mattes.alpha is None and not marked.window.mattes.is_waiting, "nothing is seen"


def test_a_stroke_is_painted_on_the_hard_mask(marked: Hands):
    before = look_at(marked, ViewMode.MATTE)
    marked.window.view_state.set_tool(Tool.BRUSH)
    inside = (42.0, 48.0)
    marked.mouse(QEvent.Type.MouseButtonPress, inside, Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton)
    assert marked.session.is_editing and marked.window.mattes.alpha is None
    marked.mouse(QEvent.Type.MouseButtonRelease, inside, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton)
    assert np.array_equal(waited(marked), before), "also after a stroke that changed nothing"


def test_a_mask_that_scribbles_propose_is_seen_instead_of_the_matte(marked: Hands):
    look_at(marked, ViewMode.MATTE)
    canvas = marked.window.canvas
    marked.scribble((40, 40), (44, 56))
    assert canvas.tool.hides_active and canvas.matte_item.labels is None
    marked.bot.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert canvas.matte_item.labels is waited(marked)


def test_no_frame_ever_shows_another_ones_matte(marked: Hands, tmp_path: Path):
    expected = {frame: exported(marked, tmp_path, frame)[..., 3] for frame in range(COUNT)}
    mattes, session, shown = marked.window.mattes, marked.session, []
    asked = asked_for(marked)
    look_at(marked, ViewMode.MATTE)

    def check() -> None:
        if mattes.alpha is not None:
            shown.append(session.navigator.shown)
            assert np.array_equal(mattes.alpha, expected[session.navigator.shown])

    mattes.changed.connect(check)
    session.navigator.image_changed.connect(check)
    for frame in (9, 4, 10, 5, 3):
        marked.go_to(frame)
        marked.bot.waitUntil(lambda frame=frame: asked[-1].frame == frame or not mattes.is_waiting, timeout=20_000)
        marked.go_to(frame + 1)
    waited(marked)
    assert shown[-1] == 4
    marked.go_to(5)
    waited(marked)
    marked.go_to(4)
    assert np.array_equal(mattes.alpha, expected[4]), "one that is known is there at once"


def test_an_answer_that_comes_too_late_is_dropped(marked: Hands):
    mattes, asked = marked.window.mattes, asked_for(marked)
    look_at(marked, ViewMode.MATTE)
    marked.go_to(8)
    marked.bot.waitUntil(lambda: asked[-1].frame == 8, timeout=20_000)
    number = asked[-1].number
    marked.go_to(9)
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    mattes.worker.done.emit(MatteDone(number, 8, alpha))
    assert mattes.alpha is not alpha and mattes.is_waiting
    assert waited(marked)[48, 66] == 255


def test_while_it_plays_nothing_is_worked_out(marked: Hands):
    mattes, asked = marked.window.mattes, []
    look_at(marked, ViewMode.MATTE)
    mattes.worker.done.connect(asked.append)
    marked.act("play")
    assert mattes.alpha is None and not mattes.is_waiting
    marked.bot.waitUntil(lambda: marked.session.navigator.frame > COUNT // 2, timeout=20_000)
    assert not asked and marked.window.player.is_playing
    marked.act("play")
    waited(marked)
    assert len(asked) == 1


def test_edges_are_kept_in_the_project(marked: Hands, clip: Path):
    edges = marked.window.edges
    edges.set_values({"grow": -1.5, "smooth": 1})
    look_at(marked, ViewMode.GREEN)
    marked.act("close")
    assert marked.window.mattes.alpha is None
    marked.open(clip)
    assert edges.values | {"grow": -1.5, "smooth": 1} == edges.values
    assert marked.window.edges_panel.form.values == edges.values
    waited(marked)
    marked.session.keep(edges={"grow": "wide", "smooth": 2, "sparkle": 1})
    marked.act("close")
    marked.open(clip)
    assert edges.values == dict(resolve(MATTE_OPTIONS, {"smooth": 2}, "matte")), "what cannot be is the default"


def test_edges_are_steps_of_undo(marked: Hands, clip: Path):
    edges, stack, panel = marked.window.edges, marked.session.undo_stack, marked.window.edges_panel
    begun, default = stack.count(), edges.values
    grow, feather = panel.form.fields["grow"], panel.form.fields["feather"]
    for value in (1.0, 2.0, 2.5):
        grow.setValue(value)
    feather.setValue(4.0)
    panel.form.fields["edges"].setCurrentIndex(2)
    assert [stack.text(index) for index in range(begun, stack.count())] == [
        "Edges, grow 2.5",
        "Edges, feather 4",
        "Edges, hard",
    ], "turning a number is one step"
    marked.act("undo")
    marked.act("undo")
    assert edges.values == default | {"grow": 2.5} and panel.form.values == edges.values
    assert marked.told("Undone: Edges, feather 4")
    marked.act("redo")
    assert edges.values == default | {"grow": 2.5, "feather": 4.0}
    assert panel.form.fields["grow"] is grow, "the fields stay, and the keyboard with them"
    panel.reset.click()
    assert edges.are_default
    marked.act("undo")
    assert edges.values == default | {"grow": 2.5, "feather": 4.0}
    marked.act("close")
    marked.open(clip)
    assert edges.values == default | {"grow": 2.5, "feather": 4.0}, "what undo brings back is kept, too"


def test_edges_turned_back_are_no_step_and_others_are_not_joined(marked: Hands):
    edges, stack, panel = marked.window.edges, marked.session.undo_stack, marked.window.edges_panel
    begun = stack.count()
    grow = panel.form.fields["grow"]
    grow.setValue(3.0)
    grow.setValue(0.0)
    assert stack.count() == begun and edges.are_default
    grow.setValue(3.0)
    panel.reset.click()
    assert stack.count() == begun + 2, "a reset is a step, though only one number was another"
    marked.act("undo")
    assert edges.values["grow"] == 3.0
    marked.act("undo")
    grow.setValue(1.0)
    marked.session.replace_mask(np.roll(truth(3), 20, axis=0), "Mask")
    grow.setValue(2.0)
    assert stack.count() == begun + 3, "not across what was done meanwhile"
    marked.act("undo")
    assert edges.values["grow"] == 1.0 and marked.session.navigator.frame == 3


def test_undo_from_the_keyboard_while_a_number_has_it(marked: Hands):
    edges, panel = marked.window.edges, marked.window.edges_panel
    look_at(marked, ViewMode.MATTE)
    marked.window.toolbar.edges.click()
    grow = panel.form.fields["grow"]
    grow.setFocus()
    marked.bot.keyClick(grow, Qt.Key.Key_Up)
    marked.bot.keyClick(grow, Qt.Key.Key_Up)
    assert edges.values["grow"] == 1.0
    marked.bot.keyClick(grow, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert edges.are_default and grow.value() == 0.0 and grow.hasFocus()
    marked.bot.keyClick(grow, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert edges.values["grow"] == 1.0


def test_an_export_begins_with_what_is_seen(marked: Hands, tmp_path: Path, monkeypatch):
    export_as(marked, "rgba", tmp_path / "first", gamma=3.0)
    assert marked.window.edges.values["gamma"] == 3.0, "what was exported is seen"
    marked.window.edges.set_values({"gamma": 1.5, "feather": 4.0, "edges": "network"})
    alpha = look_at(marked, ViewMode.MATTE)
    folder = export_as(marked, "rgba", tmp_path / "second")
    with Image.open(folder / "00003.png") as image:
        assert np.array_equal(np.array(image)[..., 3], alpha)
    marked.act("export")
    dialog = marked.dialog(ExportDialog)
    for format in ("prores", "green-screen", "exr", "matte"):
        dialog.formats.choose(format)
        values = dialog.options.values
        assert values["gamma"] == 1.5 and values["feather"] == 4.0 and values["edges"] == "network", format
    choose(marked, dialog, "matte", tmp_path / "third", feather=9.0)
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("wide", True))
    dialog.presets.save.click()
    dialog.accept_button.click()
    marked.bot.waitUntil(lambda: not marked.window.exchange.is_exporting, timeout=30_000)
    assert marked.window.edges.values["feather"] == 4.0, "a preset's edges are its own"
    marked.act("export")
    assert marked.dialog(ExportDialog).options.values["feather"] == 4.0
    marked.dialog(ExportDialog).reject()


def test_edges_are_chosen_beside_the_view(marked: Hands):
    toolbar, window = marked.window.toolbar, marked.window
    assert not toolbar.edges.isVisible() and toolbar.opacity.isVisible()
    look_at(marked, ViewMode.CHECKERBOARD)
    assert toolbar.edges.isVisible() and not toolbar.opacity.isVisible()
    assert window.edges_panel.visibleRegion().isEmpty()
    toolbar.edges.click()
    assert not window.edges_panel.visibleRegion().isEmpty()
    assert all(field.focusPolicy() & Qt.FocusPolicy.TabFocus for field in window.edges_panel.form.fields.values())


def test_a_matte_that_cannot_be_is_told_and_the_next_one_is(marked: Hands):
    cell = marked.session.document.project.cell(6, 1)
    broken = PackedMask(cell.mask.size, cell.mask.box, b"no zlib")
    asked = asked_for(marked)
    marked.window.view_state.set_mode(ViewMode.MATTE)
    waited(marked)
    job = asked[-1]
    with marked.bot.waitSignal(marked.window.mattes.worker.done, timeout=20_000) as answer:
        marked.window.mattes.worker.submit(
            MatteJob(999, 3, {3: {1: Cell(broken)}}, job.pixels, job.settings, job.side, job.footage)
        )
    assert answer.args[0].alpha is None and answer.args[0].trouble
    marked.go_to(6)
    assert is_soft(waited(marked))


def test_frames_around_that_are_not_at_hand_are_read(marked: Hands, tmp_path: Path, qtbot):
    project, settings = marked.session.document.project, matte_settings(resolve(MATTE_OPTIONS, {"smooth": 3}, "matte"))
    cells = {frame: project.cells(frame) for frame in range(1, 8)}
    with open_media(marked.session.document.media.path) as media:
        pixels = {4: media.read(4)}
        footage = Footage(media.path, media.rate, media.stored_index())
    worker = MatteWorker()
    with qtbot.waitSignal(worker.done, timeout=20_000) as answer:
        worker.submit(MatteJob(1, 4, cells, pixels, settings, 0, footage))
    assert np.array_equal(answer.args[0].alpha, exported(marked, tmp_path, 4, smooth=3)[..., 3])
    worker.rest()
    assert worker.shutdown()
