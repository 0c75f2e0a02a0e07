"""Footage in and out, frame-accurately. Importing this needs no PyAV; opening or writing a video does."""

from core.media.ahead import read_ahead
from core.media.opening import open_media
from core.media.source import FrameSource
from core.media.writer import VideoWriter

__all__ = ["FrameSource", "VideoWriter", "open_media", "read_ahead"]
