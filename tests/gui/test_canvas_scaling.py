"""Strokes land where the pointer's ring is, at every scale of the screen and every zoom."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from canvas_parts import CanvasRig
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage

from pcvos_gui.session.view_state import Tool, ViewMode

HEIGHT, WIDTH = 120, 160


@pytest.fixture(params=["1", "64/45", "1/2"], ids=lambda aspect: f"pixels of {aspect.replace('/', ' to ')}")
def rig(request, qtbot, tmp_path) -> CanvasRig:
    frames = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    rig = CanvasRig(qtbot, tmp_path, frames, size=(500, 400), aspect=Fraction(request.param))
    rig.view_state.set_mode(ViewMode.MASK)
    return rig


def pixels(image: QImage) -> np.ndarray:
    """float (h, w, 3), the screen's own pixels."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return flat[:, : image.width(), :3].astype(float)


def coloured(image: QImage) -> np.ndarray:
    """bool (h, w): where an object is; all else is grey."""
    return np.ptp(pixels(image), axis=2) > 60


def bounds(mask: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize("zoom", [0.75, 1.0, 2.3, 4.0])
@pytest.mark.parametrize("brush", [9, 40])
def test_the_ring_goes_around_what_a_dab_paints(rig, zoom, brush):
    rig.take(Tool.BRUSH, brush)
    rig.view.zoom_at(rig.at(80, 60).toPointF(), zoom / rig.view.zoom)
    rig.move(80, 60)
    if rig.view.cursor_ring.diameter < 4:
        pytest.skip("so small that there is a crosshair instead")
    rig.view.cursor_ring.text = ""  # the size, which is told for a moment after it has changed
    ring = rig.viewport.grab().toImage()
    bare = rig.picture()
    line = np.abs(pixels(ring) - pixels(bare)).max(2) > 40
    rig.click(80, 60)
    ratio = bare.devicePixelRatio()
    left, top, right, bottom = bounds(rig.session.labels)  # not the picture: lines along edges are drawn outside, too
    corners = rig.view.to_view(QPointF(left, top)), rig.view.to_view(QPointF(right, bottom))
    painted = np.array([value for corner in corners for value in (corner.x(), corner.y())]) * ratio
    assert ratio == float(os.environ.get("QT_SCALE_FACTOR", "1"))
    width = 3.4 * ratio / 2  # of the line, beyond its middle
    off = bounds(line) + np.array([width, width, -width, -width]) - painted
    longer = max(
        float(rig.session.document.media.sample_aspect_ratio), 1 / float(rig.session.document.media.sample_aspect_ratio)
    )
    assert np.abs(off).max() <= 2 + zoom * longer, "to a pixel of the screen and one of the frame"
    assert abs(off.mean()) <= ratio, "none too large, none aside: to a point, in which the pointer moves"


def test_the_frame_is_shown_in_its_true_shape(rig):
    aspect = float(rig.session.document.media.sample_aspect_ratio)
    rig.give_mask(np.ones((HEIGHT, WIDTH), bool))
    rig.view.fit()
    left, top, right, bottom = bounds(coloured(rig.picture())) / rig.picture().devicePixelRatio()
    assert (right - left) / (bottom - top) == pytest.approx(aspect * WIDTH / HEIGHT, rel=0.02)
    room = rig.viewport.size()
    assert max((right - left) / (room.width() - 24), (bottom - top) / (room.height() - 24)) == pytest.approx(
        1, abs=0.02
    )
    rig.view.zoom_to_actual()
    assert rig.view.zoom == pytest.approx(1)
    one, other = rig.view.to_view(QPointF(0, 0)), rig.view.to_view(QPointF(10, 10))
    shown = (other.x() - one.x()) / (other.y() - one.y())
    assert shown == pytest.approx(aspect) and min(other.x() - one.x(), other.y() - one.y()) > 0


def test_outlines_are_as_wide_along_both_sides(rig):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:90, 40:120] = True
    rig.give_mask(mask)
    rig.view_state.set_mode(ViewMode.OUTLINE)
    rig.view.zoom_at(rig.at(80, 60).toPointF(), 3 / rig.view.zoom)
    rig.view.centerOn(QPointF(60, 50))
    picture = coloured(rig.picture())
    at = rig.view.to_view(QPointF(60, 50)) * rig.picture().devicePixelRatio()
    corner = rig.view.to_view(QPointF(40, 30)) * rig.picture().devicePixelRatio()
    across = picture[int(at.y()), max(0, int(corner.x()) - 6) : int(corner.x()) + 12].sum()
    down = picture[max(0, int(corner.y()) - 6) : int(corner.y()) + 12, int(at.x())].sum()
    assert across == down == max(1, round(2 * rig.picture().devicePixelRatio()))


@pytest.mark.parametrize("point", [(0.5, 0.5), (20.5, 30.5), (159.5, 119.5), (77.25, 90.75)])
def test_strokes_land_on_the_pixel_under_the_pointer(rig, point):
    rig.take(Tool.BRUSH, 1)
    rig.view.zoom_at(rig.at(80, 60).toPointF(), 8 / rig.view.zoom)
    rig.view.centerOn(QPointF(*point))
    rig.click(*point)
    rows, columns = np.nonzero(rig.session.labels)
    assert (int(columns[0]), int(rows[0])) == (int(point[0]), int(point[1])) and len(rows) == 1
    picture = pixels(rig.picture())
    at = rig.view.to_view(QPointF(int(point[0]) + 0.5, int(point[1]) + 0.5)) * rig.picture().devicePixelRatio()
    assert picture[int(at.y()), int(at.x())].max() > 150, "and are seen there"


@pytest.mark.skipif("QT_SCALE_FACTOR" in os.environ, reason="is what runs the others at a scale")
@pytest.mark.parametrize("scale", ["1.5", "2"])
@pytest.mark.long
def test_so_it_is_on_a_screen_of_more_pixels(scale):
    environment = {**os.environ, "QT_SCALE_FACTOR": scale}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout
