"""Fill: a click fills what is enclosed."""

import numpy as np

from core.masks.drawing import flood
from pcvos_gui.canvas.tools.tool import CanvasTool, Pointer
from pcvos_gui.session.messages import MessageAction

_MOST = 0.5  # share of the frame that is filled without asking


class FillTool(CanvasTool):
    """Gives a connected region of one label to the active object; inverted, takes a piece of the object away.

    A region of more than half of the frame is seldom meant, but for instance the background through a gap in an
    outline: it is asked about, and nothing is filled until the person says so.
    """

    @property
    def hint(self) -> str:
        return self.tr("Fill: click inside an outline to fill it. Right button or Alt removes the piece you click.")

    def press(self, pointer: Pointer) -> None:
        column, row = int(pointer.x // 1), int(pointer.y // 1)
        height, width = self.session.navigator.size
        if not (0 <= row < height and 0 <= column < width) or not self.session.may_edit():
            return
        region = flood(self.session.shown_labels, (row, column))
        if pointer.inverted:
            self._remove(region, (row, column))
        elif self.session.shown_labels[row, column] == self.session.active:
            return  # is the object's already
        elif np.count_nonzero(region) > _MOST * region.size:
            self._ask(region, (row, column))
        else:
            self._fill(region)

    def _remove(self, region: np.ndarray, at: tuple[int, int]) -> None:
        if self.session.shown_labels[at] == self.session.active and self.session.begin_edit():
            self.session.shown_labels[region] = 0
            self.session.commit_edit(self.tr("Fill"))
            self.session.count_mark()

    def _fill(self, region: np.ndarray) -> None:
        if not self.session.begin_edit():
            return
        protected = self.session.protected()
        self.session.shown_labels[region if protected is None else region & ~protected] = self.session.active
        self.session.commit_edit(self.tr("Fill"))
        self.session.count_mark()

    def _ask(self, region: np.ndarray, at: tuple[int, int]) -> None:
        session = self.session
        where = session.navigator.shown, session.active

        def fill() -> None:
            if (session.navigator.shown, session.active) == where and session.may_edit():
                self._fill(flood(session.shown_labels, at))

        share = np.count_nonzero(region) / region.size
        text = self.tr("This would fill {:.0%} of the frame: the region is not enclosed. Close its outline first.")
        session.messages.say(text.format(share), actions=(MessageAction(self.tr("Fill it"), fill),), key="fill")
