"""The options of commands that the table of settings makes.

Imports no PyTorch, so that `--help` need not wait.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from core.commands.terminal import parse_resolution, shown_errors
from core.errors import PCVOSError
from core.propagation.settings import Setting, settings_table
from core.studio.run_settings import CUSTOM, QUALITIES, RunSettings

_DEFAULTS = {one.name: one.default for one in fields(RunSettings)}
_TABLE = settings_table(RunSettings)


def setting_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of these settings, where its parameter `settings` stands.

    The command is called with `settings`, a `RunSettings`; what cannot be is said as its errors are.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command)

        @functools.wraps(command)
        def with_options(**given: Any) -> None:
            with shown_errors():
                settings = RunSettings(**setting_values({name: given.pop(name) for name in names}))
            command(**given, settings=settings)

        options = [_option(name) for name in names]
        parameters: list[inspect.Parameter] = []
        for parameter in own.parameters.values():
            parameters += options if parameter.name == "settings" else [parameter]
        kind = inspect.Parameter.KEYWORD_ONLY
        with_options.__signature__ = own.replace(parameters=[p.replace(kind=kind) for p in parameters])  # type: ignore[attr-defined]
        with_options.__annotations__ = {p.name: p.annotation for p in parameters}
        del with_options.__wrapped__  # whose parameters are not these
        return with_options

    return decorate


def setting_values(given: dict[str, Any]) -> dict[str, Any]:
    """The values of options as `RunSettings` has them, by name; what is no setting is left out.

    Raises:
        PCVOSError: a resolution that is none, or another one than the quality has.
    """
    values = {name: value for name, value in given.items() if name in _TABLE}
    if "resolution" in values:
        values["resolution"] = parse_resolution(values["resolution"])
        _check_quality(values.get("quality", CUSTOM), values["resolution"])
    if "weights" in values:
        values["weights"] = "" if values["weights"] is None else str(values["weights"])
    return values


def _check_quality(quality: str, resolution: int | None) -> None:
    """Refuse a quality beside a resolution that is another one and not just the default."""
    fixed = QUALITIES.get(quality)
    if fixed is not None and resolution not in (fixed, _DEFAULTS["resolution"]):
        asked = "native" if resolution is None else resolution
        raise PCVOSError(
            f"--quality {quality} is --resolution {fixed}, but {asked} is asked for as well: give one of the two."
        )


def _option(name: str) -> inspect.Parameter:
    row, default = _TABLE[name], _DEFAULTS[name]
    kind, default = _kind(name, row, default)
    option = typer.Option(*_flags(name, default), help=f"{row.help}.", metavar=row.metavar or None)
    annotation = Annotated[kind, option]  # type: ignore[valid-type]  # a type that is only known now
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _kind(name: str, row: Setting, default: Any) -> tuple[Any, Any]:
    """Type and default of an option."""
    if name == "resolution":
        return str, str(default)
    if name == "weights":
        return Path | None, None
    if row.choices:
        return Literal[row.choices], default
    return type(default), default


def _flags(name: str, default: Any) -> list[str]:
    if not isinstance(default, bool):
        return []
    dashed = name.replace("_", "-")
    return [f"--{dashed}/--no-{dashed}" if default else f"--{dashed}"]
