"""The objects: which one tools work on, what each is called, and which can be seen and changed."""

from dataclasses import replace

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.project.model import MAX_OBJECTS, ObjectInfo
from pcvos_gui.app.icons import icon
from pcvos_gui.panels.class_field import ClassField
from pcvos_gui.panels.object_model import Column, ObjectModel
from pcvos_gui.panels.object_view import ROW, ObjectView
from pcvos_gui.session.session import Session
from pcvos_gui.widgets.layouts import laid_out
from pcvos_gui.widgets.panel_button import panel_button

_FEW = 3  # rows that come before the field of the class, where there is not room for both
_MANY = 10  # objects; of more, some can be found by what is typed


class ObjectsPanel(QWidget):
    """A row an object, with its switches, and buttons to add, merge and delete."""

    def __init__(self, session: Session, parent: QWidget | None = None):
        super().__init__(parent)
        self._session = session
        self.colour_dialog: QColorDialog | None = None
        self._recoloured = 0
        self._is_syncing = False
        self.model = ObjectModel(session, self)
        self.view = ObjectView(self.model)
        self._stack = QStackedWidget()
        self.empty = QLabel(wordWrap=True, alignment=Qt.AlignmentFlag.AlignCenter, margin=8)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)
        self._column = laid_out(QVBoxLayout(self), 8, 8)
        self._column.addWidget(self._make_filter())
        self._column.addWidget(self._stack, 1)
        self.class_field = ClassField(session)
        self._column.addWidget(self.class_field)
        self._column.addLayout(self._make_buttons())
        self._connect()
        self._sync()

    def _make_filter(self) -> QLineEdit:
        """Finds objects by name, class or number, once there are many."""
        self.filter = QLineEdit(placeholderText=self.tr("Find an object"), clearButtonEnabled=True)
        self.filter.setAccessibleName(self.filter.placeholderText())
        self.filter.setToolTip(self.tr("Show only objects with this in their name, class or number"))
        self.filter.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.filter.textChanged.connect(self._show_matching)
        self.filter.returnPressed.connect(self._choose_first)
        return self.filter

    def _make_buttons(self) -> QHBoxLayout:
        self.add_button = self._button("plus", self.tr("Add"), self.tr("Add an object; it becomes the active one"))
        self.add_button.clicked.connect(lambda: self._session.add_object())
        self.merge_button = self._button(
            "call-merge", self.tr("Merge into"), self.tr("Give the active object's masks to another one")
        )
        self.merge_menu = QMenu(self)
        self.merge_menu.aboutToShow.connect(lambda: self._fill_merge(self.merge_menu, self._session.active))
        self.merge_button.setMenu(self.merge_menu)
        self.delete_button = self._button(
            "trash-can-outline", "", self.tr("Delete the active object, with its masks on all frames")
        )
        self.delete_button.setAccessibleName(self.tr("Delete"))
        self.delete_button.setFixedWidth(40)
        self.delete_button.clicked.connect(lambda: self._session.delete_object(self._session.active))
        row = laid_out(QHBoxLayout(), spacing=8)
        row.addWidget(self.add_button)
        row.addWidget(self.merge_button)
        row.addStretch(1)
        row.addWidget(self.delete_button)
        return row

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = panel_button(QPushButton(icon(name), text))
        button.setToolTip(tip)
        return button

    def _connect(self) -> None:
        session, view = self._session, self.view
        for signal in (session.opened, session.closed, session.objects_changed, session.active_changed):
            signal.connect(self._sync)
        view.selectionModel().currentRowChanged.connect(self._on_row)
        view.switched.connect(self._switch)
        view.number_typed.connect(self.choose)
        view.none_wanted.connect(lambda: self.choose(0))
        view.delete_wanted.connect(self.delete_button.click)
        view.customContextMenuRequested.connect(self._show_menu)

    # from the session to the widgets

    def _sync(self) -> None:
        session = self._session
        is_open = session.is_open
        can_change = session.is_writable
        self.empty.setText(
            self.tr("Click something on the frame: the first object makes itself, or add one here.")
            if is_open
            else self.tr("Opening…")
        )
        self._stack.setCurrentIndex(bool(session.objects))
        height = QSizePolicy.Policy.Ignored if session.objects else QSizePolicy.Policy.Preferred
        self.empty.setSizePolicy(QSizePolicy.Policy.Preferred, height)  # a stack is as high as the highest of its pages
        self._make_room()
        self.add_button.setEnabled(can_change and len(session.objects) < MAX_OBJECTS)
        self.delete_button.setEnabled(can_change and session.active > 0)
        self.merge_button.setEnabled(can_change and len(session.objects) > 1)
        row, here = self.model.row(session.active), self.view.currentIndex()
        if row != here.row():
            self._is_syncing = True
            self.view.setCurrentIndex(self.model.index(row, max(here.column(), 0) or Column.NAME))
            self._is_syncing = False
        is_long = len(session.objects) > _MANY
        if not is_long:
            self.filter.clear()
        self.filter.setVisible(is_long)
        self._show_matching()

    def _show_matching(self) -> None:
        """Rows that have the filter's text; the active object's always."""
        text, active = self.filter.text().strip().casefold(), self._session.active
        for row, obj in enumerate(self._session.objects):
            words = (obj.name.casefold(), obj.class_name.casefold(), str(obj.id))
            self.view.setRowHidden(row, obj.id != active and not any(text in word for word in words))

    def _choose_first(self) -> None:
        """Choose the first of those that have the filter's text."""
        text = self.filter.text().strip().casefold()
        ids = (
            obj.id
            for obj in self._session.objects
            if text in obj.name.casefold() or text in obj.class_name.casefold() or text == str(obj.id)
        )
        id = next(ids, 0)
        self.filter.clear()
        self.filter.clearFocus()
        if id:
            self._session.set_active(id)

    def minimumSizeHint(self) -> QSize:
        """Without the field of the class, which is there where there is room for it."""
        hint = super().minimumSizeHint()
        return hint if self.class_field.isHidden() else hint - QSize(0, self._field_height())

    @property
    def optional_height(self) -> int:
        """Pixels of what is seen here and can be spared: the field of the class, which a menu has as well."""
        return 0 if self.class_field.isHidden() else self._field_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        rows = min(len(self._session.objects), _FEW) * ROW
        more = max(0, rows - self.view.minimumHeight()) + self._field_height()
        has_room = self.height() >= self.minimumSizeHint().height() + more
        self.class_field.setVisible(bool(self._session.objects) and has_room)

    def _field_height(self) -> int:
        return self.class_field.sizeHint().height() + self._column.spacing()

    def _on_row(self, current: QModelIndex, _: QModelIndex) -> None:
        chosen = self.model.object(current.row())
        if chosen is not None and not self._is_syncing:
            self._session.set_active(chosen.id)

    # from the person to the session

    def choose(self, id: int) -> None:
        """Make the object with this id the active one, if there is one; 0: none."""
        self._session.set_active(id)

    def _switch(self, index: QModelIndex) -> None:
        obj = self.model.object(index.row())
        if obj is None:
            return
        session = self._session
        match Column(index.column()):
            case Column.SOLO:
                session.set_solo(obj.id)
            case _ if not session.is_writable:
                pass
            case Column.COLOUR:
                self.recolour(obj.id)
            case Column.VISIBLE:
                session.change_object(replace(obj, visible=not obj.visible))
            case Column.LOCKED:
                session.change_object(replace(obj, locked=not obj.locked))

    def rename(self, id: int) -> None:
        """Let the person type a new name into the list."""
        row = self.model.row(id)
        if row >= 0:
            self.view.scrollTo(self.model.index(row, Column.NAME))
            self.view.edit(self.model.index(row, Column.NAME))

    def classify(self, id: int) -> None:
        """Let the person type what the object is."""
        self.choose(id)
        if self.class_field.isHidden():
            self.class_field.ask()
        else:
            self.class_field.edit()

    def recolour(self, id: int) -> None:
        """Ask for a new colour. A run goes on meanwhile, but keys are the dialog's alone."""
        obj = self._session.object(id)
        if obj is None:
            return
        if self.colour_dialog is None:
            self.colour_dialog = QColorDialog(self)
            self.colour_dialog.colorSelected.connect(self._on_colour)
            self._session.closing.connect(self.colour_dialog.reject)
        self._recoloured = id
        self.colour_dialog.setWindowTitle(self.tr("Colour of {}").format(obj.name))
        self.colour_dialog.setCurrentColor(QColor(*obj.colour))
        self.colour_dialog.open()

    def _on_colour(self, colour: QColor) -> None:
        obj = self._session.object(self._recoloured)
        if obj is not None:
            self._session.change_object(replace(obj, colour=(colour.red(), colour.green(), colour.blue())))

    # menus

    def _show_menu(self, point: QPoint) -> None:
        obj = self.model.object(self.view.indexAt(point).row())
        if obj is not None:
            menu = self.make_menu(obj)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.view.viewport().mapToGlobal(point))

    def make_menu(self, obj: ObjectInfo) -> QMenu:
        """Everything that can be done with an object."""
        session, model = self._session, self.model
        row = model.row(obj.id)
        can_change = session.is_writable
        menu = QMenu(self)

        def add(name: str, text: str, act, enabled: bool = can_change) -> None:
            menu.addAction(icon(name), text, act).setEnabled(enabled)

        def switch(column: Column) -> None:
            self._switch(model.index(row, column))

        add("pencil-outline", self.tr("Rename"), lambda: self.rename(obj.id))
        add("tag-outline", self.tr("Set class"), lambda: self.classify(obj.id))
        add("palette-outline", self.tr("Change colour…"), lambda: switch(Column.COLOUR))
        menu.addSeparator()
        is_solo = session.solo == obj.id
        show, hide = self.tr("Show"), self.tr("Hide")
        add("eye-off-outline" if obj.visible else "eye-outline", hide if obj.visible else show,
            lambda: switch(Column.VISIBLE))  # fmt: skip
        lock, unlock = self.tr("Lock"), self.tr("Unlock")
        add("lock-open-variant-outline" if obj.locked else "lock", unlock if obj.locked else lock,
            lambda: switch(Column.LOCKED))  # fmt: skip
        end, document = session.navigator.frame_count - 1, session.document
        add("check-decagram-outline", self.tr("Done on all frames"), lambda: document.set_done(obj.id, 0, end, True))
        is_some = can_change and any(stretch.object == obj.id for stretch in document.project.done)
        add("pencil-lock-outline", self.tr("Open again"), lambda: document.set_done(obj.id, 0, end, False), is_some)
        add("target", self.tr("Show all objects") if is_solo else self.tr("Show this one alone"),
            lambda: switch(Column.SOLO), True)  # fmt: skip
        menu.addSeparator()
        merge = menu.addMenu(icon("call-merge"), self.tr("Merge into"))
        merge.setEnabled(can_change and len(session.objects) > 1)
        merge.aboutToShow.connect(lambda: self._fill_merge(merge, obj.id))
        add("trash-can-outline", self.tr("Delete"), lambda: session.delete_object(obj.id))
        return menu

    def _fill_merge(self, menu: QMenu, id: int) -> None:
        menu.clear()
        for other in self._session.objects:
            if other.id != id:
                action = menu.addAction(f"{other.id}  {other.name}")
                action.triggered.connect(lambda _=False, into=other.id: self._session.merge_objects(id, into))
