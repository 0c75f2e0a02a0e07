"""The folder a propagation writes to: `<stem>.png`, `soft/<id>/<stem>.png` and `run.json`.

Until the run is done also `working-memory/<stem>.npz`, for `--resume`: what the run remembered of a frame. Without it
the label map would do, but on footage that is hard to follow masks without their soft edges lead elsewhere.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.commands.memory_file import read_remembered, write_remembered
from core.commands.run_record import NAME, RunRecord
from core.files import disk_error
from core.masks.label_map import read_label_map, write_grey, write_label_map
from core.propagation import ClipResult, Remembered

_WRITERS = 4  # threads: compressing a PNG takes longer than a frame on a fast GPU
_TEMPORARY = re.compile(r"\.(.+)-[a-z0-9_]{8}\.tmp\.(?:png|json|npz)")  # as core.files names them

T = TypeVar("T")


class ResultFolder:
    """Paths of the files of a run.

    Args:
        path: the folder; need not exist.
        stems: the footage's frames by name.
        frames: the range.
        objects: ids of the run.
        soft: whether there are soft masks too.
    """

    def __init__(self, path: Path, stems: Sequence[str], frames: range, objects: Sequence[int], soft: bool):
        self.path, self.frames = path, frames
        self._stems = {frame: stems[frame] for frame in frames}
        self._soft = {obj: path / "soft" / str(obj) for obj in objects} if soft else {}
        self._memory = path / "working-memory"

    @property
    def stems(self) -> list[str]:
        """Names of the range's frames, in their order."""
        return list(self._stems.values())

    def read_labels(self, frame: int) -> np.ndarray:
        """The label map written for a frame, uint8 (H, W); raises PCVOSError if it is damaged."""
        return read_label_map(self._file(self.path, frame)).labels

    def finished(self) -> "FramesOnDisk[np.ndarray]":
        """The label maps of the frames that all files are there of."""
        complete = set(self.frames)
        for folder in (self.path, *self._soft.values()):
            try:
                names = set(os.listdir(folder))
            except FileNotFoundError:
                names = set()
            complete = {frame for frame in complete if self._file(folder, frame).name in names}
        return FramesOnDisk(sorted(complete), self.read_labels)

    def remembered(self) -> "FramesOnDisk[Remembered | None]":
        """The memory of an unfinished run by frame; None where that is not there or cannot be read."""
        return FramesOnDisk(self.frames, lambda frame: read_remembered(self._memory_file(frame)))

    def prepare(self, earlier: RunRecord | None, begin_anew: bool) -> None:
        """Make the folders, and sweep up what a killed run left of unfinished files.

        Args:
            earlier: the run whose files are there.
            begin_anew: remove the files of that run, and those of the names this run will write; nothing else. What is
                in the folder is then of one run only, even if this one is cut short.
        """
        try:
            if begin_anew:
                self._remove_results(earlier)
            for folder in (self.path, *self._soft.values(), self._memory):
                folder.mkdir(parents=True, exist_ok=True)
                self._sweep(folder, earlier)
        except OSError as error:
            raise disk_error(error, self.path) from error

    def write_frame(
        self, frame: int, labels: np.ndarray, soft: Mapping[int, np.ndarray], remembered: Remembered | None = None
    ) -> None:
        """Write all files of a frame, the label map last; labels and soft masks are uint8 (H, W)."""
        if remembered is not None:
            write_remembered(self._memory_file(frame), remembered)
        for obj, probability in soft.items():
            write_grey(self._file(self._soft[obj], frame), probability)
        write_label_map(self._file(self.path, frame), labels)

    def forget_memory(self) -> None:
        """Remove what only a resumed run would read."""
        try:
            self._remove_memory(self._stems.values())
        except OSError as error:
            raise disk_error(error, self._memory) from error

    def _file(self, folder: Path, frame: int) -> Path:
        return folder / f"{self._stems[frame]}.png"

    def _memory_file(self, frame: int) -> Path:
        return self._memory / f"{self._stems[frame]}.npz"

    def _remove_memory(self, stems: Iterable[str]) -> None:
        if not self._memory.is_dir():
            return
        for stem in stems:
            if Path(stem).name == stem:
                (self._memory / f"{stem}.npz").unlink(missing_ok=True)
        with suppress(OSError):  # something else in it
            self._memory.rmdir()

    def _remove_results(self, earlier: RunRecord | None) -> None:
        stems = {*self._stems.values(), *(earlier.stems if earlier else ())}
        objects = earlier.masks.get("objects", ()) if earlier else ()
        soft = {*self._soft.values(), *(self.path / "soft" / str(int(obj)) for obj in objects)}
        for folder in (self.path, *soft):
            for stem in stems:
                if Path(stem).name == stem:  # the record is a file anyone can edit: never leave the folder
                    (folder / f"{stem}.png").unlink(missing_ok=True)
        self._remove_memory(stems)
        if earlier and earlier.overlay and Path(earlier.overlay).parent == self.path.absolute():
            Path(earlier.overlay).unlink(missing_ok=True)
        (self.path / NAME).unlink(missing_ok=True)
        for folder in (*soft, self.path / "soft"):
            with suppress(OSError):  # absent, or with something else in it
                folder.rmdir()

    def _sweep(self, folder: Path, earlier: RunRecord | None) -> None:
        stems = (*self._stems.values(), *(earlier.stems if earlier else ()))
        begun = {stem[:40] for stem in stems} | {Path(NAME).stem}
        for file in folder.iterdir():
            match = _TEMPORARY.fullmatch(file.name)
            if match and match[1] in begun:
                file.unlink(missing_ok=True)


class FramesOnDisk(Mapping[int, T]):
    """The frames' files to write; each is read when it is asked for."""

    def __init__(self, frames: Sequence[int], read: Callable[[int], T]):
        self._frames, self._read = dict.fromkeys(frames), read

    def __getitem__(self, frame: int) -> T:
        if frame not in self._frames:
            raise KeyError(frame)
        return self._read(frame)

    def __contains__(self, frame: object) -> bool:
        return frame in self._frames

    def __iter__(self) -> Iterator[int]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)


class ClipWriter(AbstractContextManager):
    """Writes clips on threads of its own while the next one is computed; one clip at most is waiting.

    The block ends when everything is written, also after an error.
    """

    def __init__(self, folder: ResultFolder):
        self._folder = folder
        self._pool = ThreadPoolExecutor(_WRITERS, thread_name_prefix="write")
        self._waiting: list[Future[None]] = []

    def write(self, clip: ClipResult) -> None:
        """Write a clip's frames; raises what went wrong with the clip before."""
        self._wait()
        for i, frame in enumerate(clip.frames):
            soft = {obj: masks[i] for obj, masks in (clip.soft or {}).items()}
            # With the last frame, and before its label map: a clip that looks finished has left what it remembered.
            remembered = clip.remembered if frame == clip.frames[-1] else None
            self._waiting.append(self._pool.submit(self._folder.write_frame, frame, clip.labels[i], soft, remembered))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._pool.shutdown()

    def _wait(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.result()
