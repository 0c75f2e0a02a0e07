"""Video files as fixtures."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from footage_files import write_video


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """`write_video` into a fresh folder; the first argument is the file's name. Skips where the encoder is missing."""

    def make(name: str = "clip.mp4", **settings) -> Path:
        codec = settings.get("codec", "libx264")
        if codec not in av.codecs_available:
            pytest.skip(f"this PyAV has no {codec}")
        return write_video(tmp_path / name, **settings)

    return make
