"""The environment before Qt starts."""

import os
import sys

_SET_BY_OPENCV = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")


def drop_opencv_variables() -> None:
    """Take back what importing cv2 puts into the environment.

    opencv-python points Qt at plugins and fonts of its own, and PySide6 does not start with them. They must be gone
    before the QApplication is made; importing cv2 later sets them no more.
    """
    import cv2  # noqa: F401

    for name in _SET_BY_OPENCV:
        os.environ.pop(name, None)


def has_display() -> bool:
    """Whether a window can be shown; only Linux and its like can be without."""
    if sys.platform in ("win32", "darwin") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
