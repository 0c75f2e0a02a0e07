"""The line of messages over the picture."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QLabel,
    QToolButton,
    QWidget,
)
from superqt import QElidingLabel

from pcvos_gui.session.messages import Message, MessageAction
from pcvos_gui.widgets import message_bar
from pcvos_gui.widgets.message_bar import MessageBar


@pytest.fixture
def bar(qtbot):
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(600, 300)
    bar = MessageBar(host)
    with qtbot.waitExposed(host):
        host.show()
    yield bar


@pytest.mark.parametrize("actions", [(), (MessageAction("Do it", lambda: None),)], ids=["alone", "with a button"])
def test_letters_are_seen_whole(qtbot, bar, actions):
    bar.show_message(Message("Quickly jumping gypsies", actions=actions))
    text = bar.findChild(QElidingLabel)
    qtbot.waitUntil(lambda: text.height() > 0)
    assert text.contentsRect().height() >= text.fontMetrics().height()


def test_messages_give_way_by_key_and_by_weight(bar):
    bar.show_message(Message("slow", "warning", key="frame"))
    bar.show_message(Message("broken", "error"))
    bar.show_message(Message("slower", "warning", key="frame"))
    assert [m.text for m in bar.messages] == ["broken", "slower"], "the same key: the newest only"
    for number in range(message_bar.MOST):
        bar.show_message(Message(f"broken {number}", "error"))
    assert [m.text for m in bar.messages] == [f"broken {i}" for i in range(message_bar.MOST)]
    bar.show_message(Message("done"))
    assert bar.shown.text == "done" and len(bar.messages) == message_bar.MOST
    bar.clear()
    assert bar.messages == [] and not bar.isVisible()


def test_the_same_message_is_not_shown_twice(bar):
    for _ in range(3):
        bar.show_message(Message("broken", "error", (MessageAction("Again", lambda: None),), holds=lambda: True))
    assert len(bar.messages) == 1


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_no_more_than_one_line_is_covered_and_all_can_be_read(qtbot, bar):
    one_line = bar.fontMetrics().height()
    long = "A sentence that takes more than one line where there is so little room for it. " * 4
    for text in ("One.", long, "Three.\nIn two lines."):
        bar.show_message(Message(text, "warning", (MessageAction("Do it", lambda: None),)))
        assert bar.height() <= 2.5 * one_line, "one line, and the room around it"
    seen = []
    for _ in bar.messages:
        seen.append(bar.shown.text)
        qtbot.mouseClick(bar.others, Qt.MouseButton.LeftButton)
        assert bar.height() <= 2.5 * one_line
    assert sorted(seen) == sorted(m.text for m in bar.messages) and bar.others.text().startswith("3 of 3")
    while bar.shown.text != long:
        qtbot.mouseClick(bar.others, Qt.MouseButton.LeftButton)
    rest = next(b for b in bar.findChildren(QToolButton) if b.text() == "Read all" and b.isVisible())
    qtbot.mouseClick(rest, Qt.MouseButton.LeftButton)
    whole = bar.findChild(QLabel, "whole message")
    assert whole.isVisible() and whole.text() == long and whole.height() >= whole.heightForWidth(whole.width())
    whole.window().close()


def test_a_message_goes_as_soon_as_it_no_longer_holds(bar):
    locked = True
    one, other = object(), object()
    bar.show_message(Message("locked", "warning", holds=lambda: locked), one)
    bar.show_message(Message("trouble", "error", lasting=True), one)
    bar.show_message(Message("of the project", "error"), one)
    bar.review()
    assert len(bar.messages) == 3
    locked = False
    bar.review()
    assert [m.text for m in bar.messages] == ["trouble", "of the project"]
    bar.show_message(Message("of the next one", "error"), other)
    bar.turn_to(other)
    assert [m.text for m in bar.messages] == ["trouble", "of the next one"]
    bar.turn_to(None)
    assert bar.shown.text == "trouble" and bar.isVisible()


def test_infos_go_by_themselves_and_buttons_do_something(qtbot, bar, monkeypatch):
    monkeypatch.setattr(message_bar, "INFO_SECONDS", 0.05)
    done = []
    bar.show_message(Message("gone in a moment"))
    bar.show_message(Message("stays too", "error"))
    bar.show_message(Message("stays", "warning", (MessageAction("Do it", lambda: done.append(1)),)))
    qtbot.waitUntil(lambda: len(bar.messages) == 2, timeout=5000)
    qtbot.mouseClick(next(b for b in bar.buttons if b.text() == "Do it"), Qt.MouseButton.LeftButton)
    assert done == [1] and bar.shown.text == "stays too"
    qtbot.mouseClick(bar.close_button, Qt.MouseButton.LeftButton)
    assert bar.messages == []
