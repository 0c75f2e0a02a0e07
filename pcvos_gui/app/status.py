"""The line at the foot of the window: where one is, what is computed, and whether it is saved."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from core.studio.done import done_share
from pcvos_gui.app.icons import icon
from pcvos_gui.dialogs.exchange import Exchange
from pcvos_gui.panels.costs import duration
from pcvos_gui.session.runs import RunController
from pcvos_gui.session.session import Session
from pcvos_gui.timeline.columns import timecode
from pcvos_gui.widgets.steady_label import SteadyLabel

_TOLD = 20  # objects that a tooltip names


class StatusLine(QStatusBar):
    """Watches session and runs; says nothing of its own."""

    def __init__(self, session: Session, runs: RunController, exchange: Exchange, parent: QWidget | None = None):
        super().__init__(parent)
        self._session, self._runs = session, runs
        self.place = SteadyLabel(self)
        self.object, self.done, self.engine, self.saved = (QLabel(self) for _ in range(4))
        self.export = QProgressBar(self)
        longest = self.tr("Export 100 %") + self.tr(" · {} left").format(duration(35_999))
        self.export.setFixedWidth(self.export.fontMetrics().horizontalAdvance(longest) + 16)
        self.export.setTextVisible(True)
        self.cancel = QToolButton(self, autoRaise=True)
        self.cancel.setIcon(icon("close"))
        self.cancel.setToolTip(self.tr("Cancel the export"))
        self.cancel.setAccessibleName(self.cancel.toolTip())
        self.cancel.clicked.connect(exchange.cancel)
        self.place.setIndent(6)
        self.saved.setContentsMargins(0, 0, 6, 0)
        for widget in (self.place, self.object):
            self.addWidget(widget)
        for part in (self.export, self.cancel, self.done, self.engine, self.saved):
            self.addPermanentWidget(part)
        self._show_export("", 0, 0, -1.0)
        exchange.progress.connect(self._show_export)
        session.opened.connect(self._keep_room)
        for signal in (
            session.navigator.frame_changed,
            session.opened,
            session.closed,
            session.objects_changed,
            session.active_changed,
            session.states_changed,
            session.saving_changed,
            runs.state_changed,
            runs.progressed,
            runs.memory_changed,
        ):
            signal.connect(self.refresh)
        self.messageChanged.connect(lambda _: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        session = self._session
        is_open = session.is_open
        self.done.setVisible(is_open and bool(session.document.project.done))
        for widget in (self.engine, self.saved):
            widget.setVisible(is_open)
        for widget in (self.place, self.object):
            widget.setVisible(is_open and not self.currentMessage())  # what the pointer is over is told in their place
        if not is_open:
            return
        self.place.setText(self._place_text(session.navigator.frame))
        active = session.object(session.active)
        self.object.setText("· " + (active.name if active else self.tr("no object")))
        self._show_done()
        engine = self._engine_text()
        self.engine.setText(f"{engine} ·" if engine else "")
        self.engine.setToolTip(self._memory_text())
        self.saved.setText(self._saved_text())
        self.saved.setToolTip(str(session.document.project.path))

    def _keep_room(self) -> None:
        self.place.keep_room_for(self._place_text(self._session.navigator.frame_count - 1))

    def _place_text(self, frame: int) -> str:
        times, last = self._session.document.media.timestamps, self._session.navigator.frame_count - 1
        at = float(times[max(0, frame)] - times[0])
        return self.tr("frame {} / {} · {}").format(frame, last, timecode(at))

    def _show_done(self) -> None:
        """Frames done: of the active object, and of all; nothing, where nobody has declared anything done."""
        session, project = self._session, self._session.document.project
        if not project.done:
            return
        shares = {info: done_share(project, (info.id,)) for info in session.objects}
        parts = [self.tr("done: {} %").format(done_share(project).percent)]
        if (active := session.object(session.active)) is not None and len(shares) > 1:
            parts.append(self.tr("this object {} %").format(shares[active].percent))
        self.done.setText(", ".join(parts) + " ·")
        told = self.tr("{}: {} of {} frames done")
        words = [told.format(info.name, share.done, share.total) for info, share in shares.items()]
        more = [self.tr("…")] if len(words) > _TOLD else []
        self.done.setToolTip("\n".join([*words[:_TOLD], *more]))

    def _engine_text(self) -> str:
        runs = self._runs
        parts = [runs.device] if runs.device else []
        if runs.is_stopping and not runs.is_busy:
            parts.append(self.tr("stopping…"))
        speed = runs.progress.frames_per_second
        if runs.is_busy and speed:
            parts.append(self.tr("{:.1f} fps").format(speed))
        return " · ".join(parts)

    def _memory_text(self) -> str:
        """Words of the trade, for those who ask."""
        weights = Path(self._runs.next.settings.weights).name or self.tr("shipped")
        parts = [self.tr("Where the network computes; weights: {}").format(weights)]
        memory = self._runs.memory
        if memory is not None:
            text = self.tr("Frames in permanent memory: {}. In working memory: {}.")
            parts.append(text.format(len(memory.permanent), len(memory.working)))
        return "\n".join(parts)

    def _saved_text(self) -> str:
        project = self._session.document.project
        if project.read_only:
            return self.tr("read-only")
        if project.unsaved:
            if project.unsaved == 1:
                return self.tr("NOT SAVED: 1 change")
            return self.tr("NOT SAVED: {} changes").format(project.unsaved)
        if project.is_saving:
            return self.tr("saving…")
        return self.tr("saved") if project.exists else self.tr("nothing to save")

    def _show_export(self, what: str, done: int, total: int, seconds: float) -> None:
        self.export.setVisible(total > 0)
        self.cancel.setVisible(total > 0)
        if total:
            left = self.tr(" · {} left").format(duration(seconds)) if seconds >= 0 else ""
            self.export.setMaximum(total)
            self.export.setValue(done)
            self.export.setFormat(self.tr("Export %p %") + left)
            self.export.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self.export.setToolTip(self.tr("{}: {} of {} frames").format(what, done, total))
