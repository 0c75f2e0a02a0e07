"""The canvas: joins the session, how it is looked at, and the tools."""

from PySide6.QtCore import QCoreApplication, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QVBoxLayout, QWidget

from core.studio.jobs import Estimated
from pcvos_gui.canvas.brush_size import brush_text
from pcvos_gui.canvas.colour_tables import NO_LOOK, look_of, matte_look_of
from pcvos_gui.canvas.items import FrameItem, LabelsItem, MatteItem
from pcvos_gui.canvas.matte_preview import MattePreview
from pcvos_gui.canvas.strip import Strip
from pcvos_gui.canvas.tools.brush import BrushTool
from pcvos_gui.canvas.tools.fill import FillTool
from pcvos_gui.canvas.tools.mark import MarkTool, RequestEstimate
from pcvos_gui.canvas.tools.pan import PanTool
from pcvos_gui.canvas.tools.polygon import PolygonTool
from pcvos_gui.canvas.tools.tool import CanvasTool
from pcvos_gui.canvas.tools.why import WhyTool
from pcvos_gui.canvas.view import CanvasView
from pcvos_gui.session.session import Leaving, Session
from pcvos_gui.session.view_state import Tool, ViewMode, ViewState
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.workers.marking import MarkingWorker

_BRUSH_STEP = 1.15


def stepped_brush(diameter: float, steps: float) -> float:
    """The brush one or more steps larger (positive) or smaller; small brushes change by whole pixels."""
    stepped = diameter * _BRUSH_STEP**steps
    if abs(stepped - diameter) < 1 and steps == int(steps):
        return diameter + steps
    return stepped


class Canvas(QWidget):
    """The picture with its masks, and what is done on it.

    Attributes:
        view: zoom and pan. tools: all of them. tool: the one in hand. why_tool: the one that points at pixels.
        frame_item, labels_item, matte_item: what is shown; of the last two only one is seen.
        strip: below the picture, with what to do next.
    """

    hint_changed = Signal(str)
    zoom_changed = Signal(float)  # percent
    space_tapped = Signal()  # not held, which pans

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        assist: MarkingWorker,
        request_estimate: RequestEstimate | None = None,
        mattes: MattePreview | None = None,
        parent: QWidget | None = None,
    ):
        """
        Args:
            request_estimate: asks for the network's estimate of a frame, to be given to `set_estimate` when it is
                there; None: there is no network.
            mattes: of the shown frame, for the views that cut out; None: these show hard masks.
        """
        super().__init__(parent)
        # A stroke follows every movement of the hand, not only where it was when there was time to look.
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents, False)
        self.session, self.view_state, self._mattes = session, view_state, mattes
        self._scene = QGraphicsScene(self, itemIndexMethod=QGraphicsScene.ItemIndexMethod.NoIndex)
        self.frame_item, self.labels_item, self.matte_item = FrameItem(), LabelsItem(), MatteItem()
        self.view = CanvasView(self._scene, self)
        layout = laid_out(QVBoxLayout(self), 0, 0)
        layout.addWidget(self.view, 1)
        self.strip = Strip(self)
        layout.addWidget(self.strip)
        self.setFocusProxy(self.view)
        self.fit, self.zoom_to_actual = self.view.fit, self.view.zoom_to_actual
        self.zoom_in, self.zoom_out = self.view.zoom_in, self.view.zoom_out

        self.offer_bar, self.waiting_bar = self.strip.offer_bar, self.strip.waiting_bar
        self.why_tool = WhyTool(session, view_state, self)
        self._mark = MarkTool(session, view_state, assist, request_estimate, self)
        self.tools: dict[Tool, CanvasTool] = {
            Tool.MARK: self._mark,
            Tool.BRUSH: BrushTool(session, view_state, erases=False, parent=self),
            Tool.ERASER: BrushTool(session, view_state, erases=True, parent=self),
            Tool.POLYGON: PolygonTool(session, view_state, self),
            Tool.FILL: FillTool(session, view_state, self),
            Tool.PAN: PanTool(session, view_state, self),
            Tool.WHY: self.why_tool,
        }
        self.tool = self.tools[view_state.tool]
        self._tool_items: list[QGraphicsItem] = [item for tool in self.tools.values() for item in tool.items]
        for item in (self.frame_item, self.labels_item, self.matte_item, *self._tool_items):
            self._scene.addItem(item)
        self._connect()
        self._take_up(self.tool)
        self._show_look()

    def _connect(self) -> None:
        session, view_state = self.session, self.view_state
        session.opened.connect(self._on_opened)
        session.settling.connect(self._on_settling)
        session.closed.connect(self._on_closed)
        session.navigator.image_changed.connect(self._on_image)
        session.labels_changed.connect(self._on_labels)
        session.objects_changed.connect(self._show_look)
        session.active_changed.connect(self._show_look)
        view_state.changed.connect(self._show_look)
        if self._mattes is not None:
            self._mattes.changed.connect(self._show_look)
        view_state.tool_changed.connect(self._on_tool)
        view_state.brush_changed.connect(self._on_brush)
        self.view.zoom_changed.connect(self.zoom_changed)
        self.view.space_tapped.connect(self.space_tapped)
        self.view.brush_stepped.connect(lambda steps: view_state.set_brush(stepped_brush(view_state.brush, steps)))
        for tool in self.tools.values():
            tool.changed.connect(self._on_tool_state)
        self.hint_changed.connect(self.strip.show_words)
        self.offer_bar.accepted.connect(lambda: self._offering.accept())
        self.offer_bar.dropped.connect(lambda: self._offering.drop())
        self.offer_bar.taken_back.connect(lambda: self._offering.back())
        self.waiting_bar.shown.connect(self._go_to_waiting)
        self.waiting_bar.accepted.connect(self._accept_waiting)
        self.waiting_bar.dropped.connect(self._mark.drop_waiting)
        session.navigator.frame_changed.connect(self._show_offer)

    def show_own_masks(self, are_shown: bool) -> None:
        """Show the masks that are there, and what a click would make of them; or neither, where others are seen."""
        self.labels_item.setVisible(are_shown)
        self.matte_item.setVisible(are_shown)
        self._mark.show_previews(are_shown)

    # for actions

    @property
    def hint(self) -> str:
        """The next step."""
        if not self.session.is_open:
            return ""
        if self.view_state.mode is ViewMode.ORIGINAL and not self.tool.pans:
            return self.tr("Masks are hidden in this view.") + " " + self.tool.hint
        return self.tool.hint

    def accept(self) -> None:
        """Enter: accept what is proposed, close the polygon."""
        self.tool.accept()

    def drop(self) -> None:
        """Esc: forget what is unfinished."""
        self.tool.drop()

    def finish_tool(self) -> None:
        """Something else comes, e.g. a run: a stroke in the making ends here, and a proposed mask is accepted."""
        self.view.forget_press()
        self.tool.settle()

    def _on_settling(self, leaving: Leaving) -> None:
        if leaving is Leaving.FRAME:
            self.view.forget_press()
            self.tool.hold()
            return
        self.finish_tool()
        if leaving in (Leaving.FOR_RUN, Leaving.FOOTAGE):
            self._mark.accept_waiting(also_without_mask=leaving is Leaving.FOR_RUN)

    def undo_step(self) -> bool:
        """Take back the last step of what is unfinished (a stroke, a corner); False: there is nothing, so that it is
        the undo history's turn."""
        if not self.tool.is_busy:
            return False
        self.tool.back()
        return True

    def set_estimate(self, estimated: Estimated) -> None:
        """Take the network's estimate of a frame that was asked for."""
        self._mark.set_estimate(estimated)

    # what happens

    def _on_opened(self) -> None:
        height, width = self.session.navigator.size
        self.view.set_size(QSize(width, height), self.session.navigator.sample_aspect_ratio)
        self.view.fit()
        self.hint_changed.emit(self.hint)

    def _on_closed(self) -> None:
        self.frame_item.set_image(None)
        self.labels_item.set_labels(None)
        self.view.set_size(QSize())
        self.view.show_cursor()
        self.view.expect_no_click()
        self.hint_changed.emit("")

    def _on_image(self) -> None:
        height, width = self.session.navigator.shown_image.shape[:2]
        # Also of the first frame, which is seen before all is open.
        self.view.set_size(QSize(width, height), self.session.navigator.sample_aspect_ratio)
        self.frame_item.set_image(self.session.navigator.image)
        self.labels_item.set_labels(self.session.labels)

    def _on_labels(self, rect: QRect) -> None:
        if self.session.labels is self.labels_item.labels:
            self.labels_item.refresh(rect)
        else:
            self.labels_item.set_labels(self.session.labels)

    def _on_tool(self, tool: Tool) -> None:
        self.finish_tool()
        self.tool.leave()
        self._take_up(self.tools[tool])

    def _take_up(self, tool: CanvasTool) -> None:
        self.tool.is_in_hand = False
        self.tool = self.view.tool = tool
        tool.is_in_hand = True
        tool.take_up()
        self._show_brush()
        self._on_tool_state()

    def _on_tool_state(self) -> None:
        self._show_look()
        self.view.show_cursor()
        self._show_offer()
        self.hint_changed.emit(self.hint)

    def _show_offer(self) -> None:
        """Buttons for what is unfinished here, and for what waits elsewhere."""
        self.offer_bar.show_offer(self._offering.offer)
        waiting = self._mark.waiting
        names = [info.name for info in self.session.objects if info.id in {obj for _, obj in waiting}]
        self.waiting_bar.show_frames(sorted({frame for frame, _ in waiting}), names[0] if len(names) == 1 else "")

    @property
    def _offering(self) -> CanvasTool:
        """The tool whose unfinished work has the buttons: the one in hand first."""
        return next((tool for tool in (self.tool, *self.tools.values()) if tool.offer), self.tool)

    def _accept_waiting(self) -> None:
        """Also show one that has no mask yet: it is made there."""
        self._mark.accept_waiting()
        self._go_to_waiting()

    def _go_to_waiting(self) -> None:
        """To the nearest scribble that waits, ready to go on with it."""
        waiting = self._mark.waiting
        if waiting:
            here, active = self.session.navigator.frame, self.session.active
            frame, id = min(waiting, key=lambda subject: (subject[1] != active, abs(subject[0] - here)))
            self.view_state.set_tool(Tool.MARK)
            self.session.navigator.go_to(frame)
            self.session.set_active(id)

    def _on_brush(self, diameter: float) -> None:
        self._show_brush()
        if self.tool.has_brush:
            self.view.show_brush_size(self.tr("{} px").format(brush_text(diameter)))

    def _show_brush(self) -> None:
        self.view.set_brush(self.view_state.brush if self.tool.has_brush else 0.0)

    def _show_look(self) -> None:
        session, state = self.session, self.view_state
        hidden = session.active if self.tool.hides_active else 0
        colours = {o.id: o.colour for o in session.objects if session.is_drawn(o) and o.id != hidden}
        mode = ViewMode.ORIGINAL if state.peeking else state.mode
        if mode.hides_footage and self.tool.is_busy:
            mode = ViewMode.OVERLAY  # what is to be marked has to be seen
        look = look_of(mode, colours, state.opacity)
        matte = self._mattes.alpha if self._mattes and mode.cuts_out and not self.tool.hides_active else None
        if matte is not self.matte_item.labels:
            self.matte_item.set_labels(matte)
        self.matte_item.set_look(NO_LOOK if matte is None else matte_look_of(mode))
        self.labels_item.set_look(look if matte is None else NO_LOOK)
        self.frame_item.setVisible(look.shows_frame)
        for item in self._tool_items:
            item.setVisible(not state.peeking)
        active = session.object(session.active)
        if active is not None:
            self._mark.show_colour(active.colour)
