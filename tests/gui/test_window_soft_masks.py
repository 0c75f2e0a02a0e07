"""Soft masks that a run in the window leaves, and the mattes that an export makes of them."""

from pathlib import Path

import numpy as np
from PIL import Image
from window_parts import COUNT, Hands, truth

from core.exchange.export_run import run_export
from core.exchange.exporter import export_request
from core.exchange.registry import exporter
from core.media import open_media
from core.project.project import Project
from core.studio.run_settings import Range


def test_a_runs_probabilities_become_soft_mattes_also_where_a_person_corrected(
    hands: Hands, clip: Path, tmp_path: Path
):
    hands.open(clip)
    hands.session.add_object("Ball")
    hands.session.replace_mask(truth(0), "Mask")
    hands.run(interval=7, direction="forward", range=Range.TO_END)
    project = hands.session.document.project
    assert project.cell(0, 1).soft is None, "nobody predicted it"
    soft = [project.cell(frame, 1).soft for frame in range(1, COUNT)]
    assert None not in soft
    seen = soft[2].enlarged(truth(3).shape) > 0.5
    assert ((seen == (hands.labels(3) == 1)).mean()) > 0.97
    hands.go_to(3)
    hands.session.replace_mask(truth(3), "Mask")
    assert project.cell(3, 1).corrected and project.cell(3, 1).soft == soft[2]
    with Project.open(project.path) as stored, open_media(clip, index=stored.index_cache()) as media:
        request = export_request(exporter("matte"), stored, media, tmp_path / "mattes", first=0, last=4)
        run_export(exporter("matte"), request)
    for frame in range(5):
        with Image.open(tmp_path / f"mattes/001/0000{frame}.png") as image:
            alpha = np.array(image)
        assert ((alpha > 0) & (alpha < 255)).sum() > 15, "its edge is soft, corrected or not"
        assert ((alpha > 127) == (hands.labels(frame) == 1)).mean() > 0.97
