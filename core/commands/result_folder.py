"""The folder a propagation writes to: `<stem>.png`, `soft/<id>/<stem>.png` and `run.json`."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np

from core.annotation.label_map import read_label_map, write_grey, write_label_map
from core.commands.run_record import NAME, RunRecord
from core.files import disk_error
from core.propagation import ClipResult

_WRITERS = 4  # threads: compressing a PNG takes longer than a frame on a fast GPU
_TEMPORARY = re.compile(r"\.(.+)-[a-z0-9_]{8}\.tmp\.(?:png|json)")  # as core.files names them


class ResultFolder:
    """Where the files of a run are.

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

    @property
    def stems(self) -> list[str]:
        """Names of the range's frames, in their order."""
        return list(self._stems.values())

    def read_labels(self, frame: int) -> np.ndarray:
        """The label map written for a frame, uint8 (H, W); raises PCVOSError if it is damaged."""
        return read_label_map(self._file(self.path, frame)).labels

    def finished(self) -> "FinishedFrames":
        """The frames that all files are there of."""
        complete = set(self.frames)
        for folder in (self.path, *self._soft.values()):
            try:
                names = set(os.listdir(folder))
            except FileNotFoundError:
                names = set()
            complete = {frame for frame in complete if self._file(folder, frame).name in names}
        return FinishedFrames(self, sorted(complete))

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
            for folder in (self.path, *self._soft.values()):
                folder.mkdir(parents=True, exist_ok=True)
                self._sweep(folder)
        except OSError as error:
            raise disk_error(error, self.path) from error

    def write_frame(self, frame: int, labels: np.ndarray, soft: Mapping[int, np.ndarray]) -> None:
        """Write all files of a frame; labels and soft masks are uint8 (H, W)."""
        for obj, probability in soft.items():
            write_grey(self._file(self._soft[obj], frame), probability)
        write_label_map(self._file(self.path, frame), labels)

    def _file(self, folder: Path, frame: int) -> Path:
        return folder / f"{self._stems[frame]}.png"

    def _remove_results(self, earlier: RunRecord | None) -> None:
        stems = {*self._stems.values(), *(earlier.stems if earlier else ())}
        objects = earlier.masks.get("objects", ()) if earlier else ()
        soft = {*self._soft.values(), *(self.path / "soft" / str(int(obj)) for obj in objects)}
        for folder in (self.path, *soft):
            for stem in stems:
                if Path(stem).name == stem:  # the record is a file anyone can edit: never leave the folder
                    (folder / f"{stem}.png").unlink(missing_ok=True)
        if earlier and earlier.overlay and Path(earlier.overlay).parent == self.path.absolute():
            Path(earlier.overlay).unlink(missing_ok=True)
        (self.path / NAME).unlink(missing_ok=True)
        for folder in (*soft, self.path / "soft"):
            with suppress(OSError):  # absent, or with something else in it
                folder.rmdir()

    def _sweep(self, folder: Path) -> None:
        begun = {stem[:40] for stem in self._stems.values()} | {Path(NAME).stem}
        for file in folder.iterdir():
            found = _TEMPORARY.fullmatch(file.name)
            if found and found[1] in begun:
                file.unlink(missing_ok=True)


class FinishedFrames(Mapping[int, np.ndarray]):
    """Label maps that are written, by frame; each is read when it is asked for."""

    def __init__(self, folder: ResultFolder, frames: Sequence[int]):
        self._folder = folder
        self._frames = dict.fromkeys(frames)

    def __getitem__(self, frame: int) -> np.ndarray:
        if frame not in self._frames:
            raise KeyError(frame)
        return self._folder.read_labels(frame)

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
            self._waiting.append(self._pool.submit(self._folder.write_frame, frame, clip.labels[i], soft))

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
