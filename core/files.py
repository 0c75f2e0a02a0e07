"""Writing files so that a crash, a kill or a full disk never leaves half of one."""

import codecs
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import PCVOSError, ResourceError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with the same suffix; renamed to `path` when the block ends without an error.

    Args:
        path: the file to make; its folder must exist. An existing file is replaced as a whole.

    Raises:
        ResourceError: the disk is full. PCVOSError: the place cannot be written. Nothing is left behind either way.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=f".tmp{path.suffix}", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise disk_error(error, path) from error
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_UMASK)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise disk_error(error, path) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def atomic_write(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` as a whole or not at all; raises as `atomic_path` does."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def decoded(data: bytes) -> str:
    """The text of a file that may begin with a byte-order mark, as Windows writes it: of UTF-8 or UTF-16; else UTF-8.

    Raises:
        UnicodeDecodeError: it is no such text.
    """
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig")


def disk_error(error: OSError, path: Path) -> PCVOSError:
    """The sentence for an OSError met while writing `path`."""
    if error.errno in _NO_SPACE:
        return ResourceError(f"The disk is full: {path} could not be written. Free some space and run again.")
    if error.errno == errno.ENAMETOOLONG:
        return PCVOSError(f"{path} cannot be written: its name is too long. Choose a shorter one.")
    if error.errno == errno.ENOENT:
        return PCVOSError(f"{path} cannot be written: its folder is not there. Make it, or choose another place.")
    return PCVOSError(f"{path} cannot be written: {error.strerror or error}. Choose another place.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()  # once: it cannot be asked for without setting it, which two threads at a time would get wrong
