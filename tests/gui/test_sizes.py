"""Everything is reached on small screens and at high scales, and sizes kept at one scale fit the other."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QApplication, QComboBox, QSlider, QTabBar, QWidget
from window_parts import COUNT, Hands, make_clip, truth

from core.masks.packed_mask import PackedMask
from core.project.model import Author, Cell, Change
from pcvos_gui.app.main_window import MainWindow
from pcvos_gui.dialogs.export_dialog import ExportDialog
from pcvos_gui.dialogs.import_dialog import ImportDialog

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform

SMALL = QSize(960, 600)
FRAME = QSize(2, 36)  # what a system puts around a window


def is_seen(widget: QWidget, window: QWidget) -> bool:
    """All of it."""
    inside = window.rect().contains(QRect(widget.mapTo(window, QPoint()), widget.size()))
    return inside and widget.visibleRegion().boundingRect() == widget.rect()


def is_reached(widget: QWidget, window: QWidget) -> bool:
    """Seen, if need be after something around it was scrolled."""
    above = widget.parentWidget()
    while above is not None and above is not window:
        if isinstance(above, QAbstractScrollArea) and hasattr(above, "ensureWidgetVisible"):
            above.ensureWidgetVisible(widget, 0, 0)
            QApplication.processEvents()
        above = above.parentWidget()
    return is_seen(widget, window)


def resize(hands: Hands, size: QSize) -> None:
    hands.window.resize(size)
    hands.bot.waitUntil(lambda: hands.window.size() == size, timeout=5000)
    QApplication.processEvents()  # docks are laid out


@pytest.mark.parametrize("count", [1, 60])
def test_everything_is_reached_at_960_by_600(hands: Hands, clip: Path, count: int):
    hands.open(clip)
    for _ in range(count):
        hands.session.add_object()
    resize(hands, SMALL - FRAME)
    window = hands.window
    assert window.centralWidget().minimumSizeHint().height() < 200, "the start page keeps nobody from a low window"
    for widget in (window.timeline.scrubber, window.timeline.frame_box, window.status, window.canvas.strip):
        assert is_seen(widget, window)
    for button in window.toolbar.findChildren(QAbstractButton):
        assert not button.isVisible() or is_seen(button, window), button.text()
    for dock in window.docks[1:-1]:
        dock.raise_()
        hands.bot.waitUntil(lambda dock=dock: not dock.widget().visibleRegion().isEmpty(), timeout=5000)
        for kind in (QAbstractButton, QComboBox, QSlider):
            for part in dock.widget().findChildren(kind):
                if part.isVisibleTo(window) and part.parentWidget() is not None and part.width() > 1:
                    hands.bot.waitUntil(lambda part=part: is_reached(part, window), timeout=5000)  # once laid out
    for part in window.objects_panel.findChildren(QAbstractButton):
        assert not part.isVisible() or is_seen(part, window)
    view = window.objects_panel.view
    row = view.visualRect(view.currentIndex())
    assert view.viewport().rect().contains(row, False), "the active object's row is seen, all of it"
    window.docks[1].raise_()
    hands.bot.waitUntil(lambda: view.viewport().height() >= min(count, 2) * row.height(), timeout=5000)


def test_what_is_chosen_most_is_seen_at_1280_by_720(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    resize(hands, QSize(1280, 720) - FRAME)
    window, panel = hands.window, hands.window.propagation_panel
    hands.bot.waitUntil(lambda: window.places.is_settled, timeout=5000)
    most = (*panel.directions.buttons(), panel.range, panel.interval.slider, panel.interval.spin, panel.interval.ticks)
    for part in (*most, panel.frames_label, panel.interval.cost, panel.run_button):
        hands.bot.waitUntil(lambda part=part: is_seen(part, window), timeout=5000)
    window.show_dock("review")
    window.show_dock("runs")
    window.show_dock("propagation")  # another panel leaves no more to the list
    for part in (*most, panel.frames_label, panel.interval.cost, panel.run_button):
        hands.bot.waitUntil(lambda part=part: is_seen(part, window), timeout=5000)


def test_the_picture_stays_as_large_when_the_first_object_is_marked(hands: Hands, clip: Path):
    hands.open(clip)
    resize(hands, QSize(1280, 720) - FRAME)
    hands.bot.waitUntil(lambda: hands.window.places.is_settled, timeout=5000)
    timeline, height = hands.window.timeline, hands.window.timeline.height()
    hands.session.add_object("Ball")
    hands.bot.waitUntil(lambda: timeline.rows.rows == [1], timeout=5000)
    QApplication.processEvents()
    assert timeline.height() == height


def test_the_list_of_the_review_alone_scrolls(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    drawn = {
        (f, 1): (None, Cell(PackedMask.pack(truth(f)), confidence=0.3 if f % 5 == 2 else 0.95)) for f in range(1, COUNT)
    }
    hands.session.document.push_change(Change("drawn", drawn, made_by=Author.RUN))
    resize(hands, QSize(1280, 720) - FRAME)
    hands.window.show_dock("review")
    panel = hands.window.review_panel
    hands.bot.waitUntil(lambda: panel.model.rowCount() == 3 and hands.window.places.is_settled, timeout=5000)
    hands.bot.waitUntil(lambda: is_seen(panel.view, hands.window), timeout=5000)


@pytest.mark.parametrize("kind", [ExportDialog, ImportDialog])
def test_dialogs_fit_too(hands: Hands, clip: Path, kind):
    hands.open(clip)
    for _ in range(20):
        hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.act("export" if kind is ExportDialog else "import_masks")
    dialog = hands.dialog(kind)
    names = [row.name for row in dialog_formats(dialog)]
    for name in names:
        if kind is ExportDialog:
            dialog.formats.choose(name)
        QApplication.processEvents()
        least = dialog.minimumSizeHint().expandedTo(dialog.minimumSize())
        room = SMALL - FRAME
        assert least.width() <= room.width() and least.height() <= room.height(), name
    dialog.resize(SMALL - FRAME)
    QApplication.processEvents()
    assert is_seen(dialog.accept_button, dialog)
    dialog.reject()


def dialog_formats(dialog) -> tuple:
    from core.exchange.registry import EXPORTERS, IMPORTERS

    return EXPORTERS if isinstance(dialog, ExportDialog) else IMPORTERS


@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
def test_the_window_is_no_larger_than_a_small_screen_at_any_scale(tmp_path: Path, scale: str):
    code = (
        "import sys; from pathlib import Path\n"
        "from PySide6.QtCore import QSettings, QStandardPaths\n"
        "from pcvos_gui.app.environment import drop_opencv_variables; drop_opencv_variables()\n"
        "for form in QSettings.Format.NativeFormat, QSettings.Format.IniFormat:\n"
        "    QSettings.setPath(form, QSettings.Scope.UserScope, sys.argv[2])\n"
        "QStandardPaths.setTestModeEnabled(True)\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from pcvos_gui.app import theme; theme.follow(app)\n"
        "from pcvos_gui.app.main_window import MainWindow\n"
        "window = MainWindow(); window.show()\n"
        "def tell():\n"
        "    window.resize(10, 10); app.processEvents()\n"
        "    print(window.width(), window.height(), window.devicePixelRatioF()); window.close(); app.quit()\n"
        "window.session.navigator.image_changed.connect(lambda: window.session.document.project and tell())\n"
        "window.open(Path(sys.argv[1])); app.exec()\n"
    )
    import os

    clip = make_clip(tmp_path / "clip.mp4", 3)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", code, str(clip), str(tmp_path / "settings")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    width, height, ratio = map(float, done.stdout.split())
    assert ratio == float(scale)
    assert width <= SMALL.width() - FRAME.width() and height <= SMALL.height() - FRAME.height()


def test_sizes_kept_on_a_small_screen_fit_a_large_one(qtbot, clip: Path):
    def opened(size: QSize) -> Hands:
        window = MainWindow()
        qtbot.addWidget(window)
        window.resize(size)
        with qtbot.waitExposed(window):
            window.show()
        hands = Hands(qtbot, window)
        hands.open(clip)
        return hands

    hands = opened(SMALL - FRAME)
    for _ in range(60):
        hands.session.add_object()
    resize(hands, SMALL - FRAME)
    hands.window.docks[1].widget().setMinimumWidth(0)
    hands.window.resizeDocks(hands.window.docks[:1], [200], Qt.Orientation.Horizontal)
    hands.window.close()
    assert QSettings().value("window/screen") == hands.window.screen().availableSize()
    QSettings().setValue("window/screen", SMALL)  # as if that had been the screen
    hands = opened(QSize(1400, 860))
    view = hands.window.objects_panel.view
    qtbot.waitUntil(lambda: view.viewport().height() // 32 >= 5, timeout=5000)  # the list takes the free room
    (bar,) = (
        bar
        for bar in hands.window.findChildren(QTabBar)
        if bar.isVisible() and bar.count() == len(hands.window.docks) - 2
    )
    assert bar.sizeHint().width() <= bar.parentWidget().docks[1].width(), "no name of a tab is cut"
    assert hands.window.propagation_panel.scroll_area.verticalScrollBar().maximum() < 200
    hands.window.close()


def test_the_list_takes_what_a_larger_window_has(hands: Hands, clip: Path):
    hands.open(clip)
    view, scroll = hands.window.objects_panel.view, hands.window.propagation_panel.scroll_area
    hands.session.add_object()
    resize(hands, QSize(1300, 620))
    low = view.height()
    resize(hands, QSize(1300, 1100))
    hands.bot.waitUntil(lambda: view.height() >= low + 200, timeout=5000)
    assert scroll.verticalScrollBar().maximum() == 0, "what is below has what it needs"
    hands.window.propagation_panel.fold.expand()
    hands.bot.waitUntil(lambda: scroll.verticalScrollBar().maximum() == 0, timeout=5000)
    hands.window.propagation_panel.fold.collapse()
    hands.bot.waitUntil(lambda: view.height() >= low + 200, timeout=5000)


def test_a_run_that_ends_in_doubt_gives_the_review_room_for_its_list(hands: Hands, clip: Path):
    hands.open(clip)
    resize(hands, QSize(1440, 900))
    window, panel = hands.window, hands.window.review_panel
    window.show_dock("review")
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.bot.waitUntil(lambda: window.places.is_settled, timeout=5000)
    hands.run()
    # of every frame, as how sure the network is differs a little from one machine to the next
    confidence = {3: 0.3, 9: 0.3}
    drawn = {
        (f, 1): (
            hands.session.document.project.cell(f, 1),
            Cell(PackedMask.pack(truth(f)), confidence=confidence.get(f, 0.95)),
        )
        for f in range(1, COUNT)
    }
    hands.session.document.push_change(Change("drawn", drawn, made_by=Author.RUN))
    hands.bot.waitUntil(lambda: panel.model.rowCount() == 2, timeout=5000)
    row = panel.view.sizeHintForRow(0)
    hands.bot.waitUntil(lambda: panel.view.visibleRegion().boundingRect().height() >= 2 * row, timeout=5000)


def test_the_list_grows_with_its_objects_until_the_person_divides_the_column(hands: Hands, clip: Path):
    hands.open(clip)
    resize(hands, QSize(1200, 760))
    window, view = hands.window, hands.window.objects_panel.view
    hands.session.add_object()
    few = view.height()
    for _ in range(8):
        hands.session.add_object()
    hands.bot.waitUntil(lambda: view.height() > few + 32, timeout=5000)
    hands.bot.waitUntil(lambda: window.places.is_settled, timeout=5000)
    upper, lower = window.docks[:2]
    high, border = lower.height(), QPoint(upper.geometry().center().x(), upper.geometry().bottom() + 2)
    QTest.mousePress(window, Qt.MouseButton.LeftButton, pos=border)
    QTest.mouseMove(window, border - QPoint(0, 60))
    hands.bot.waitUntil(lambda: lower.height() > high + 40, timeout=5000)
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=border - QPoint(0, 60))
    chosen = view.height()
    for _ in range(3):
        hands.session.add_object()
        QApplication.processEvents()
    assert view.height() < chosen + 16
