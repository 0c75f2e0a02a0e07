"""Footage in and out, frame-accurately. Importing this needs no PyAV; opening or writing a video does."""

from core.media.ahead import read_ahead
from core.media.kinds import open_media
from core.media.provisional import ProvisionalFootage, open_provisionally
from core.media.source import FrameSource
from core.media.writer import VideoWriter

__all__ = [
    "FrameSource",
    "ProvisionalFootage",
    "VideoWriter",
    "open_media",
    "open_provisionally",
    "read_ahead",
]
