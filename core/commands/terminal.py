"""The command's output and errors: results on stdout, all else on stderr, a line each."""

import errno
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version

import typer
from typer.core import TyperGroup

from core.commands.hints import hint
from core.errors import PCVOSError

Say = Callable[[str], None]
"""Takes a sentence for the person: a result, a note or a warning."""

INTERRUPTED = 130  # exit code, as shells have it: 128 + SIGINT


_options: ContextVar[frozenset[str]] = ContextVar("options", default=frozenset())


def remember_options(context: typer.Context) -> None:
    """Note which options the subcommand has that is about to run: hints name no others."""
    group = context.command
    assert isinstance(group, TyperGroup) and context.invoked_subcommand is not None
    command = group.commands[context.invoked_subcommand]
    _options.set(frozenset(flag for one in command.params for flag in (*one.opts, *one.secondary_opts)))


@contextmanager
def shown_errors() -> Iterator[None]:
    """Print the sentence of an error on stderr. Ends the process with the error's exit code."""
    try:
        yield
    except PCVOSError as error:
        typer.echo(_one_line(f"Error: {error} {hint(error, _options.get())}".rstrip()), err=True)
        raise typer.Exit(error.exit_code) from error
    except OSError as error:  # a path that the system does not take, wherever it is looked at first
        if error.filename is None:
            raise
        what = (
            "has a name that is too long" if error.errno == errno.ENAMETOOLONG else f"cannot be used: {error.strerror}"
        )
        typer.echo(_one_line(f"Error: {os.fsdecode(error.filename)} {what}; give another path."), err=True)
        raise typer.Exit(PCVOSError.exit_code) from error
    except KeyboardInterrupt as interrupt:
        typer.echo(_one_line(str(interrupt) or "Interrupted."), err=True)
        raise typer.Exit(INTERRUPTED) from interrupt


def say(text: str) -> None:
    """A result, on stdout."""
    typer.echo(_one_line(text))


def note(text: str) -> None:
    """A remark on how the input was understood, on stderr."""
    typer.echo(_one_line(f"Note: {text}"), err=True)


def warn(text: str) -> None:
    """Print what is wrong with the input, or was changed of it, on stderr."""
    typer.echo(_one_line(f"Warning: {text}"), err=True)


def _one_line(text: str) -> str:
    """`text` on one line, and printable: names of files can hold line breaks, and bytes that are no UTF-8."""
    return " ".join(text.splitlines()).encode("utf-8", "backslashreplace").decode()


def parse_resolution(text: str) -> int | None:
    """Pixels; None for the footage's own."""
    if text == "native":
        return None
    if not text.isdecimal():
        raise PCVOSError(f"--resolution {text} is no size: give a number of pixels, or native.")
    return int(text)


def check_packages() -> None:
    """Make sure that torchvision was built for the installed torch. Imports torchvision (1 to 2 seconds, once).

    A build for another torch, or for CUDA beside a CPU-only torch, satisfies pip. Its operators then fail to load:
    depending on its version the import raises, or it succeeds and every use of an operator raises.

    Raises:
        PCVOSError: they do not match; the sentence names both versions and the command that mends it.
    """
    import torch

    try:
        importlib.import_module("torchvision")
        loaded = hasattr(torch.ops.torchvision, "nms")
    except (ImportError, RuntimeError, OSError):
        loaded = False
    if not loaded:
        raise PCVOSError(
            f"torchvision {_version('torchvision')} does not match torch {_version('torch')}: install a pair that does "
            "with `python -m pip install --upgrade --force-reinstall torch torchvision`."
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
