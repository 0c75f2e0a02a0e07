"""The window tells of damage that shows only when a frame is looked at."""

import numpy as np
from canvas_parts import CanvasRig

from core.progress import UNWATCHED
from pcvos_gui.session.watches import DamageWatch


def test_damage_is_told_when_its_frame_is_shown(qtbot, tmp_path):
    rig = CanvasRig(qtbot, tmp_path, np.zeros((4, 60, 80, 3), np.uint8))
    watch = DamageWatch(rig.session, rig.canvas)
    read = rig.session.document.media.read

    def read_damaged(index, progress=UNWATCHED):
        if index == 2:
            rig.session.document.media.warnings.append("Frame 2 is damaged.")
        return read(index, progress)

    rig.session.document.media.read = read_damaged
    for frame in (1, 2, 3):
        rig.session.navigator.go_to(frame)
        assert [message.text for message in rig.messages] == ["Frame 2 is damaged."] * (frame >= 2)
    assert rig.messages[0].level == "warning" and watch.parent() is rig.canvas
