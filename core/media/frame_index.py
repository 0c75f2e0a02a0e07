"""The frames of a video, as scanning the file found them; and how that is stored.

Scanning a film of hours takes a while, so its outcome can be kept: a stored index carries the identity of the file, and
is believed only for that very file. It holds no path, so it stays good when the file is moved.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from core.media.clock import ClockPart
from core.media.stream import KeyPacket

_MAGIC = b"PCVOS frames 4\n"  # the number is the version of the format, and of what the scan takes for a frame
_DIGEST = hashlib.sha256().digest_size
_NO_DTS = np.iinfo(np.int64).min
_SAMPLE = 2**20  # bytes at either end of a file that stand for all of it


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The frames of a video.

    Attributes:
        ticks: int64 (N,), presentation times, ascending, in units of `time_base`; without timestamps 0 to N - 1.
        time_base: seconds per tick.
        key: int32 (N,), for each frame the number of the key packet to decode from.
        keys: the key packets, in the order of the file; empty if frames can only be counted from the start.
        rate: frames per second on average: what the file tells if its timestamps bear it out, else what they amount to.
        reorder: how many frames, at most, are decoded before one and shown after it.
        parts: of a file that is joined from several; None: it is not.
        truncated: whether the file promises more than these.
        damaged: whether errors were met, or frames are missing.
    """

    ticks: np.ndarray
    time_base: Fraction
    key: np.ndarray
    keys: tuple[KeyPacket, ...]
    rate: Fraction
    truncated: bool
    damaged: bool
    reorder: int = 0
    parts: tuple[ClockPart, ...] | None = None

    def __len__(self) -> int:
        return len(self.ticks)

    def find(self, pts: int | None) -> int | None:
        """The frame of this timestamp, if there is one."""
        if pts is None:
            return None
        index = int(np.searchsorted(self.ticks, pts))
        return index if index < len(self.ticks) and self.ticks[index] == pts else None

    def to_bytes(self) -> bytes:
        """All of it, compactly; `from_bytes` reads it."""
        plain = {
            "time_base": self.time_base.as_integer_ratio(),
            "rate": self.rate.as_integer_ratio(),
            "truncated": self.truncated,
            "damaged": self.damaged,
            "reorder": self.reorder,
            "parts": self.parts and [(part.pos, str(part.shift), part.end and str(part.end)) for part in self.parts],
        }
        body = io.BytesIO()
        np.savez_compressed(
            body,
            allow_pickle=False,
            gaps=np.diff(self.ticks, prepend=0),  # mostly one number, over and over
            key_gaps=np.diff(self.key, prepend=np.int32(0)),
            key_pts=np.array([key.pts for key in self.keys], np.int64),
            key_dts=np.array([_NO_DTS if key.dts is None else key.dts for key in self.keys], np.int64),
            key_discard=np.array([key.discard for key in self.keys], bool),
            key_pos=np.array([-1 if key.pos is None else key.pos for key in self.keys], np.int64),
            plain=np.frombuffer(json.dumps(plain).encode(), np.uint8),
        )
        content = body.getvalue()
        return _MAGIC + hashlib.sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> "FrameIndex":
        """Read what `to_bytes` gave.

        Raises:
            ValueError: the bytes are damaged, or of another version.
        """
        digest, content = data[len(_MAGIC) : len(_MAGIC) + _DIGEST], data[len(_MAGIC) + _DIGEST :]
        if not data.startswith(_MAGIC) or hashlib.sha256(content).digest() != digest:
            raise ValueError("These bytes are no frame index of this version, or they are damaged.")
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return cls._from_arrays(dict(arrays))
        except (KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError("These bytes hold no whole frame index.") from error

    @classmethod
    def _from_arrays(cls, arrays: dict[str, np.ndarray]) -> "FrameIndex":
        plain = json.loads(arrays["plain"].tobytes())
        rows = zip(*(arrays[f"key_{name}"].tolist() for name in ("pts", "dts", "discard", "pos")), strict=True)
        return cls(
            ticks=np.cumsum(arrays["gaps"], dtype=np.int64),
            time_base=Fraction(*plain["time_base"]),
            key=np.cumsum(arrays["key_gaps"], dtype=np.int32),
            keys=tuple(
                KeyPacket(pts, None if dts == _NO_DTS else dts, discard, None if pos < 0 else pos)
                for pts, dts, discard, pos in rows
            ),
            rate=Fraction(*plain["rate"]),
            truncated=plain["truncated"],
            damaged=plain["damaged"],
            reorder=plain["reorder"],
            parts=plain["parts"]
            and tuple(ClockPart(pos, Fraction(shift), end and Fraction(end)) for pos, shift, end in plain["parts"]),
        )


def file_identity(path: Path) -> bytes:
    """The fingerprint of this state of a file, and of this decoder: size, time of change, both ends. 32 bytes."""
    status = path.stat()
    digest = hashlib.sha256(repr((status.st_size, status.st_mtime_ns, av.__version__)).encode())
    with path.open("rb") as file:
        digest.update(file.read(_SAMPLE))
        file.seek(max(0, status.st_size - _SAMPLE))
        digest.update(file.read())
    return digest.digest()


def load_index(stored: bytes, identity: bytes) -> FrameIndex | None:
    """The index in `stored`, as `store_index` made it; None if it is of another file, or unusable."""
    if not stored.startswith(identity):
        return None
    try:
        return FrameIndex.from_bytes(stored[len(identity) :])
    except ValueError:
        return None


def store_index(index: FrameIndex, identity: bytes) -> bytes:
    """The index together with the `file_identity` of its file."""
    return identity + index.to_bytes()
