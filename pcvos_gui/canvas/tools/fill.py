"""Fill: a click fills what is enclosed."""

from core.annotation.editing import flood
from pcvos_gui.canvas.tools.tool import CanvasTool, Pointer


class FillTool(CanvasTool):
    """Gives a connected region of one label to the active object; inverted, takes a piece of the object away."""

    @property
    def hint(self) -> str:
        return self.tr("Fill: click inside an outline to fill it. Right button or Alt removes the piece you click.")

    def press(self, pointer: Pointer) -> None:
        column, row = int(pointer.x // 1), int(pointer.y // 1)
        height, width = self.session.size
        if not (0 <= row < height and 0 <= column < width) or not self.session.begin_edit():
            return
        labels, active = self.session.labels, self.session.active
        region = flood(labels, (row, column))
        if pointer.inverted:
            if labels[row, column] == active:
                labels[region] = 0
        else:
            protected = self.session.protected()
            labels[region if protected is None else region & ~protected] = active
        self.session.commit_edit(self.tr("Fill"))
