"""Whether the installed packages fit together."""

import importlib
from importlib.metadata import PackageNotFoundError, version

import torch

from core.errors import PCVOSError


def check_torchvision() -> None:
    """Make sure that torchvision was built for the installed torch. Imports torchvision (1 to 2 seconds, once).

    A build for another torch, or for CUDA beside a CPU-only torch, satisfies pip. Its operators then fail to load:
    depending on its version the import raises, or it succeeds and every use of an operator raises.

    Raises:
        PCVOSError: they do not match; the sentence names both versions and the command that mends it.
    """
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
