"""The start page and the list of recent files."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QToolButton,
)
from window_parts import HEIGHT, WIDTH, Hands, centre, make_clip, picture, truth

from core.demo import CLIP
from pcvos_gui.app.recent import RecentFiles


def test_thumbnails_have_the_colours_that_were_chosen(hands: Hands, clip: Path):
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(np.ones((HEIGHT, WIDTH), bool), "Mask")
    obj = hands.session.objects[0]

    def corner() -> np.ndarray:
        hands.act("close")
        image = hands.window.start_page.list.item(0).icon().pixmap(192, 108).toImage()
        hands.open(clip)
        return np.array(image.pixelColor(8, 8).getRgb()[:3], int)

    hands.session.change_object(replace(obj, colour=(0, 0, 255)))
    blue = corner()
    hands.session.change_object(replace(obj, colour=(255, 0, 0)))
    red = corner()
    hands.session.change_object(replace(obj, visible=False))
    hidden = corner()
    assert blue[2] > blue[0] + 60 and red[0] > red[2] + 60
    assert max(hidden) < 110, "what is hidden is not in the picture"


def test_thumbnails_have_the_shape_of_the_footage(hands: Hands, clip: Path, monkeypatch):
    kept: list[QImage] = []
    monkeypatch.setattr(RecentFiles, "set_thumbnail", lambda files, path, image: kept.append(image))
    hands.open(clip)
    hands.session.document.media.sample_aspect_ratio = Fraction(3, 2)
    hands.act("close")
    assert kept[-1].width() / kept[-1].height() == pytest.approx(1.5 * WIDTH / HEIGHT, rel=0.05)


def test_recent_files_with_thumbnails(hands: Hands, clip: Path, tmp_path: Path):
    other = make_clip(tmp_path / "other.mp4", 2)
    hands.open(other)
    hands.act("close")
    hands.open(clip)
    hands.session.add_object()
    hands.session.replace_mask(truth(0), "Mask")
    hands.act("close")
    page = hands.window.start_page
    names = lambda: [page.list.item(i).text() for i in range(page.list.count())]  # noqa: E731
    assert names() == ["clip.mp4", "other.mp4"] and page.list.isVisible()
    image = page.list.item(0).icon().pixmap(192, 108).toImage()
    x, y = (round(v * 192 / WIDTH) for v in (centre(0)[0], centre(0)[1] - HEIGHT / 2 + 36))
    marked, plain = image.pixelColor(x, y), page.list.item(1).icon().pixmap(192, 108).toImage().pixelColor(x, y)
    assert marked != plain, "the mask is in the picture"
    assert abs(plain.red() - int(picture(0)[48, 30, 0])) < 60, "which is of the footage"
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        at = page.list.visualItemRect(page.list.item(0)).center()
        hands.bot.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert hands.session.document.media.path == clip
    other.unlink()
    hands.act("close")
    assert names() == ["clip.mp4"], "what is gone is left out"


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space])
def test_a_start_button_is_pressed_by_the_keyboard(hands: Hands, key: Qt.Key):
    action = hands.window.actions_by_name["open_demo"]
    (button,) = [b for b in hands.window.start_page.findChildren(QToolButton) if b.defaultAction() is action]
    with hands.bot.waitSignal(hands.session.opened, timeout=20_000):
        hands.bot.keyClick(button, key)
    assert hands.session.document.media.path == CLIP


def test_the_list_of_recent_files(tmp_path: Path, qapp):
    recent = RecentFiles()
    paths = [tmp_path / f"{i}.mp4" for i in range(14)]
    for path in paths:
        path.touch()
        recent.add(path)
    recent.add(paths[5])
    shown = [file.path.name for file in recent.files()]
    assert shown[0] == "5.mp4" and len(shown) == 12 and len(set(shown)) == 12
    assert [file.path for file in RecentFiles().files()] == [file.path for file in recent.files()], "kept"
    recent.remove(paths[5])
    assert "5.mp4" not in [file.path.name for file in recent.files()]
    for size in ((1, 1), (20_000, 1), (1, 3000)):
        recent.set_thumbnail(paths[13], QImage(*size, QImage.Format.Format_RGB888))
        assert QImage(str(recent.files()[0].thumbnail)).size().toTuple() == (320, 180)


def test_where_nothing_was_opened_lately_the_buttons_stand_in_the_middle(hands: Hands, clip: Path):
    page = hands.window.start_page

    def middle() -> float:
        buttons = page.findChildren(QToolButton)
        left, right = (button.mapTo(page, button.rect().topLeft()).x() for button in (buttons[0], buttons[-1]))
        return (left + right + buttons[-1].width()) / 2

    hands.bot.waitUntil(lambda: abs(middle() - page.width() / 2) < 30)
    page.show_busy("a name that is long enough to need more room than three buttons take, and is not cut off.mp4")
    hands.bot.waitUntil(lambda: page.subtitle.width() >= page.subtitle.sizeHint().width())
    hands.open(clip)
    hands.act("close")
    hands.bot.waitUntil(lambda: page.list.isVisible() and middle() < page.width() / 2 - 30)
