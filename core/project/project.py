"""A project as the window works with it: what it holds, how it changes, and that nothing of it is lost.

Everything but the masks is in memory; masks are read from the file when asked for. A change is in the file when `apply`
returns. If it cannot be written, it waits in memory, where reading finds it, and goes along with the next attempt.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from core.errors import PCVOSError
from core.files import disk_error
from core.masks.packed_mask import PackedMask
from core.project.checks import check_change, check_done, check_run
from core.project.content import Content, View
from core.project.database import WriteLock, is_small
from core.project.kept_runs import KeptRuns
from core.project.model import Cell, Change, DoneStretch, FootageReference, Key, ObjectInfo, RunInfo
from core.project.places import make_file
from core.project.saving import Batch, KeptUndo, Saver
from core.project.schema import find_again, relative_path
from core.project.store import Store, examine
from core.project.tracks import IN_MEMORY, Tracks

_FRAMES_AT_ONCE = 128
_INDEX_CACHE = "frame index"


class Project:
    """Use `new` or `open`, from one thread at a time.

    Attributes:
        path: the file, or where it goes once there is something to write.
        footage: what it is about. read_only: whether it can only be looked at.
        warnings: sentences for the person. Reading can add to them.
        kept_runs: masks of runs, beside those that count.
    """

    def __init__(self, path: Path, footage: FootageReference):
        self.path = path
        self.footage = footage
        self.read_only = False
        self.warnings: list[str] = []
        self._objects: tuple[ObjectInfo, ...] = ()
        self._done: tuple[DoneStretch, ...] = ()
        self._tracks = Tracks(footage.frames)
        self._content = Content()
        self._runs: dict[int, RunInfo] = {}
        self._relative = relative_path(footage.path, path)
        self._subscribers: list[Callable[[Change], None]] = []
        self._store: Store | None = None
        self._lock: WriteLock | None = None
        self._saver = Saver(self._file)
        self._closed = False
        self._kept = KeptUndo()
        self.kept_runs = KeptRuns(footage.size, self._state, self._check_writable)

    # its life

    @classmethod
    def new(cls, footage: FootageReference, path: Path) -> Self:
        """A project without a file: the first change makes it. Its `content` waits until then."""
        return cls(Path(path).absolute(), footage)

    @classmethod
    def open(cls, path: Path, *, to_write: bool = True) -> Self:
        """Open a file, for writing if possible.

        Args:
            to_write: False: only to look at it, without keeping anybody else from writing.

        Raises:
            DamagedProject: offer to recover it. PCVOSError: it is no project, or a newer one, or cannot be read.
        """
        path = Path(os.path.realpath(path))
        examine(path)
        lock = WriteLock(path) if to_write else None
        read_only = lock is None or lock.refusal is not None
        store = None
        try:
            store = Store.open(path, read_only=read_only)
            project = cls(path, store.footage()[0])
            project._store, project._lock = store, lock
            project.read_only = read_only
            project._load(store)
        except BaseException:
            if store is not None:
                store.close()
            if lock is not None:
                lock.release()
            raise
        return project

    def _load(self, store: Store) -> None:
        self.footage, self._relative = store.footage()
        self._objects = store.objects()
        self._done = store.done()
        self._content = store.content()
        self._runs = store.runs()
        self._kept = KeptUndo(None if self.read_only else store.earlier_cells(self.footage.size))
        self._saver.batch.forget_earlier = not self._kept  # what is there all the same is damaged
        self._load_tracks()
        if self.refusal is not None:
            self.warnings.append(self.refusal)
        if is_small(self.path):
            for _ in self.cells_in(0, self.footage.frames - 1):
                pass  # reading finds and reports what is damaged
        if self._lock is not None and not self._lock.by_other:
            self._end_runs()

    def _load_tracks(self) -> None:
        self._tracks = Tracks(self.footage.frames)
        if self._store is not None:
            frames, objects, flags, confidence = self._store.flags()
            self._tracks.set(frames, objects, flags, confidence)
            if outside := len(np.unique(frames[frames >= self.footage.frames])):
                self.warnings.append(
                    f"Masks of {outside} frames lie after the end of the footage: they are kept, but not shown."
                )
        self._tracks.update(dict(self._saver.batch.all_cells()))

    def _end_runs(self) -> None:
        """A run that is "running" when a project is opened was ended together with its process."""
        ended = {id: replace(run, state="stopped") for id, run in self._runs.items() if run.state == "running"}
        self._runs |= ended
        if ended and not self.read_only:
            self._saver.batch.runs |= ended
            self._save()

    def refresh(self) -> None:
        """Read again what another window has written; of use where the project is `read_only`."""
        if self.read_only and self._store is not None:
            self.warnings.clear()
            self._load(self._store)

    def close(self, *, discard: bool = False) -> None:
        """Save what waits, bring all of it onto the disk, and let go of the file.

        Args:
            discard: give up what cannot be saved.

        Raises:
            PCVOSError: something cannot be saved; the project stays open.
        """
        self.finish_saving()
        if self.unsaved and not self.retry_save() and not discard:
            raise PCVOSError(f"{self.unsaved} changes are not saved yet. {self.save_error}")
        self._closed = True
        store, self._store = self._store, None
        lock, self._lock = self._lock, None
        try:
            if store is not None:
                store.close()
        finally:
            if lock is not None:
                lock.release()

    def snapshot(self) -> Self:
        """A copy as it is now, a project of its own that can only be read, for another thread; to be closed there.

        Masks are read from the file when they are asked for: those that change meanwhile can be new in it.
        """
        copy = type(self)(self.path, self.footage)
        copy.read_only = True
        copy._runs = dict(self._runs)
        copy._objects, copy._tracks, copy._saver.batch = self._objects, self._tracks.copy(), self._saver.batch.copy()
        copy._done, copy._content = self._done, self._content
        if self._store is not None:
            copy._store = Store.open(self.path, read_only=True)
        return copy

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def exists(self) -> bool:
        """Whether its file was made."""
        return self._store is not None

    @property
    def refusal(self) -> str | None:
        """Why it is `read_only`, as a sentence (it is among the `warnings` too); None: it can be written."""
        return None if self._lock is None else self._lock.refusal

    # what it holds

    @property
    def objects(self) -> tuple[ObjectInfo, ...]:
        """All objects, in the order of the list."""
        return self._objects

    def object(self, id: int) -> ObjectInfo:
        """The object of this id; KeyError if there is none."""
        return {info.id: info for info in self._objects}[id]

    @property
    def done(self) -> tuple[DoneStretch, ...]:
        """Stretches that a person has declared done, in order; no two of one object touch (`core.studio.done`)."""
        return self._done

    def done_on(self, frame: int) -> set[int]:
        """Ids of the objects that are done on a frame."""
        return {stretch.object for stretch in self._done if stretch.holds((frame, stretch.object))}

    def cell(self, frame: int, obj: int) -> Cell | None:
        """The cell of an object on a frame."""
        return next((cell for _, cell in self._read([(frame, obj)])), None)

    def cells(self, frame: int) -> dict[int, Cell]:
        """The cells of a frame, by object."""
        return {obj: cell for (_, obj), cell in self.cells_in(frame, frame)}

    def cells_in(self, first: int, last: int, objects: Iterable[int] | None = None) -> Iterator[tuple[Key, Cell]]:
        """The cells of the frames `first` to `last` (inclusive), by frame, then object; None: of all objects."""
        wanted = None if objects is None else tuple(objects)
        first, last = max(first, 0), min(last, self.footage.frames - 1)
        for begin in range(first, last + 1, _FRAMES_AT_ONCE):
            yield from self._read(self._tracks.keys(begin, min(begin + _FRAMES_AT_ONCE - 1, last), wanted))

    def cells_of(self, obj: int) -> Iterator[tuple[Key, Cell]]:
        """All that is known of an object, by frame."""
        return self.cells_in(0, self.footage.frames - 1, (obj,))

    def labels(self, frame: int) -> np.ndarray:
        """The label map of a frame, uint8 (H, W), the caller's own. Where cells overlap, a corrected one is above."""
        labels = np.zeros(self.footage.size, np.uint8)
        ids = {info.id for info in self._objects}
        cells = self._read(self._tracks.keys(frame, frame), soft=False)
        for (_, obj), cell in sorted(cells, key=lambda item: item[1].corrected):
            if obj in ids:
                cell.mask.draw(labels, obj)
        return labels

    def unprocessed(self, first: int, last: int, objects: Iterable[int] | None = None) -> dict[int, np.ndarray]:
        """By object (None: all) the frames `first` to `last` (inclusive) that no run has reached and nobody has
        annotated, int64 (n,), ascending: nothing is known of it there, not even that it is absent."""
        ids = [info.id for info in self._objects] if objects is None else list(objects)
        first, last = max(first, 0), min(last, self.footage.frames - 1)
        return {obj: self._tracks.unknown(first, last, obj) for obj in ids}

    def permanent_memory(self) -> dict[int, dict[int, PackedMask]]:
        """The masks of permanent memory, by frame, then object."""
        memory: dict[int, dict[int, PackedMask]] = {}
        for (frame, obj), cell in self._read(self._tracks.keys(0, self.footage.frames - 1, flag=IN_MEMORY), soft=False):
            memory.setdefault(frame, {})[obj] = cell.mask
        return memory

    def keys_in_memory(self) -> list[Key]:
        """(frame, object) of all that is in permanent memory, without its masks."""
        return list(self._tracks.keys(0, self.footage.frames - 1, flag=IN_MEMORY))

    def _read(self, keys: list[Key], *, soft: bool = True) -> Iterator[tuple[Key, Cell]]:
        """Cells of these keys, as far as there are any, in this order; without soft masks if these are not wanted."""
        self._check_open()
        keys = [key for key in keys if self._tracks.has(key)]
        stored: dict[Key, Cell | None] = {}
        if self._store is not None:
            wanted = [key for key in keys if not self._saver.batch.has(key)]
            stored = self._store.cells(wanted, self.footage.size, soft=soft)
        for key in keys:
            cell = self._saver.batch.cell(key) if self._saver.batch.has(key) else stored.get(key)
            if cell is not None:
                yield key, cell
            elif key in stored:
                self._report_damage(key)

    def _report_damage(self, key: Key) -> None:
        self._tracks.update({key: None})
        name = next((info.name for info in self._objects if info.id == key[1]), f"object {key[1]}")
        self.warnings.append(f"The mask of {name} on frame {key[0]} is damaged and left out: mark it again.")

    # the timeline

    @property
    def states(self) -> np.ndarray:
        """uint8 (frames,), read-only: bits CORRECTED, IN_MEMORY, PREDICTED (`core.project.tracks`) of any object."""
        return _locked(self._tracks.states)

    @property
    def confidence(self) -> np.ndarray:
        """float32 (frames,), read-only: the lowest confidence of an object there; NaN: none is known."""
        return _locked(self._tracks.confidence)

    def frames_of(self, obj: int, flag: int = 0xFF) -> np.ndarray:
        """Frames on which something is known of an object (its mask, or that it is absent), int64 (n,), ascending; only
        those with one of the bits `flag` of `states`. On all others neither a person nor a run has ever looked for it.
        """
        return self._tracks.frames(obj, flag)

    def flags_of(self, obj: int) -> np.ndarray:
        """uint8 (frames,), read-only: the bits of an object's cells, ABSENT among them; 0: nothing is known there."""
        return _locked(self._tracks.flags(obj))

    def confidence_of(self, obj: int) -> np.ndarray:
        """float32 (frames,), read-only: an object's confidence on each frame; NaN: none is known."""
        return _locked(self._tracks.confidence_of(obj))

    def next_corrected(self, frame: int, step: int) -> int | None:
        """The nearest corrected frame after (`step` 1) or before (-1) `frame`, itself not counted."""
        return self._tracks.next_corrected(frame, step)

    # changes

    def apply(self, change: Change, *, in_steps: bool = False, keep_undo: bool = False) -> None:
        """Make a change, write it, and tell the subscribers. If it cannot be written, `save_error` says so.

        Args:
            keep_undo: the file keeps the undo of its cells, and of such changes just before, until another change.
            in_steps: it is large, and written by calls of `save_more`: all of it in one transaction, as ever. Reading
                finds it already; whatever is to be written next finishes that first.

        Raises:
            PCVOSError: the project is read-only, or the change a run's to what is corrected or locked (`check_run`), or
                to what is done (`check_done`).
            ValueError: a frame, an object or a mask that cannot be.
        """
        self._check_writable()
        self.check(change)
        if keep_undo:
            self._kept.keep(change, self._saver.batch)
        else:
            self._kept.forget(self._saver.batch)
        self._saver.batch.add(change)
        self._tracks.update({key: after for key, (_, after) in change.cells.items()})
        if change.objects is not None:
            self._objects = change.objects[1]
        if change.done is not None:
            self._done = change.done[1]
        if change.cells or change.objects is not None or change.done is not None:
            if in_steps:
                self._saver.begin()
            else:
                self._save(make=True)
        for subscriber in tuple(self._subscribers):
            subscriber(change)

    def check(self, change: Change) -> None:
        """Raise as `apply` does for a change that cannot be made."""
        check_change(change, self.footage)
        check_run(change, self._tracks, self._objects)
        check_done(change, self._done, self._objects)

    def kept_undo(self) -> Change | None:
        """The changes with `keep_undo` since the last other one, as one."""
        return self._kept.change(dict(self._read(self._kept.keys))) if self._kept else None

    def _check_writable(self) -> None:
        """Nothing else is being written afterwards."""
        self._check_open()
        self.finish_saving()
        if self.read_only:
            raise PCVOSError(self.refusal or f"{self.path} was opened only to be read: open it to write.")

    def _state(self) -> tuple[Store | None, Batch]:
        self._check_open()
        return self._store, self._saver.batch

    def _check_open(self) -> None:
        if self._closed:
            raise PCVOSError(f"{self.path} is closed: open it again.")

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Have every change told, after it was made; gives what ends that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    # content, runs, caches

    @property
    def content(self) -> Content:
        """Everything it holds besides objects, cells and runs."""
        return self._content

    @property
    def view(self) -> View:
        """The view as a person left it."""
        return self._content.view

    def keep(self, **content: Any) -> None:
        """Store other values for fields of `content`; a project without a file gets none by it."""
        self._check_writable()
        self._content = replace(self._content, **content)
        self._saver.batch.content |= content
        self._save()

    def remember(self, **view: Any) -> None:
        """Store other values for fields of `view`, as `keep` does."""
        self.keep(view=replace(self.view, **view))

    def start_run(self, run: RunInfo) -> int:
        """Note a run; its id."""
        self._check_writable()
        id = max(self._runs, default=0) + 1
        self.update_run(id, run)
        return id

    def update_run(self, id: int, run: RunInfo) -> None:
        """Note what became of a run."""
        self._check_writable()
        self._runs[id] = self._saver.batch.runs[id] = run
        self._save(make=True)

    def runs(self) -> list[tuple[int, RunInfo]]:
        """All runs with their ids, oldest first."""
        return sorted(self._runs.items())

    def index_cache(self) -> bytes | None:
        """The footage's frame index as it was stored."""
        if _INDEX_CACHE in self._saver.batch.caches:
            return self._saver.batch.caches[_INDEX_CACHE]
        return None if self._store is None else self._store.cache(_INDEX_CACHE)

    def set_index_cache(self, data: bytes) -> None:
        """Store the footage's frame index; a project without a file gets none by it."""
        self._check_writable()
        self._saver.batch.caches[_INDEX_CACHE] = bytes(data)
        self._save()

    # footage

    def find_footage(self) -> Path | None:
        """Path of the footage: as it was or, if that is gone, where it was seen from the project's folder."""
        return find_again(self.footage.path, self.path, self._relative)

    def relink(self, footage: FootageReference) -> None:
        """The footage is there now, or is known better; its size must be the same (else PCVOSError).

        A read-only project remembers it until it is closed.
        """
        if tuple(footage.size) != tuple(self.footage.size):
            raise PCVOSError(self.footage.difference(footage) or f"{footage.path} has another size.")
        self.footage = footage
        self._relative = relative_path(footage.path, self.path)
        if footage.frames != len(self._tracks.states):
            self._load_tracks()
        if not self.read_only:
            self._check_writable()
            self._saver.batch.footage = footage
            self._save()

    # saving

    @property
    def unsaved(self) -> int:
        """Number of changes that wait because they could not be written."""
        return self._saver.unsaved

    @property
    def save_error(self) -> str | None:
        """Why they could not, as a sentence."""
        return self._saver.error

    @property
    def is_saving(self) -> bool:
        """Whether a change is being written by `save_more`."""
        return self._saver.is_under_way

    def save_more(self) -> None:
        """Write some more of a change that is applied in steps."""
        self._saver.write_more()

    def finish_saving(self) -> None:
        """Write all that is left of it."""
        self._saver.finish()

    def ensure_file(self) -> None:
        """Make its file, also if there is nothing in it yet; if it cannot be made, `save_error` says so."""
        self._check_writable()
        self._save(make=True)

    def retry_save(self) -> bool:
        """Try to write what waits; whether all is saved."""
        return self._saver.retry()

    def _save(self, *, make: bool = False) -> None:
        if self._store is not None or make or self.unsaved:
            self._saver.save()

    def _file(self) -> Store:
        """The file, made where there is none yet; raises PCVOSError."""
        if self._store is None:
            try:
                self._store, self._lock = make_file(self.path, self.footage)
            except OSError as error:
                raise disk_error(error, self.path) from error
            if self._store.path != self.path:
                self.warnings.append(f"{self.path} is taken or cannot be written: the project is {self._store.path}.")
                self.path = self._store.path
        return self._store


def _locked(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
