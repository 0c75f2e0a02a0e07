"""The file that says how an export was made, and how its alpha is to be read."""

import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from core.exchange.exporter import Exporter, ExportRequest

NAME = "export.json"
"""Its name in a folder; beside a file it is called as that, and .json."""


def describe(exporter: Exporter, request: ExportRequest, **more: Any) -> bytes:
    """The sidecar's JSON.

    Args:
        more: what the format has to say, e.g. `alpha="straight"`.
    """
    try:
        studio = version("pcvos-studio")
    except PackageNotFoundError:
        studio = "unknown"
    frames = request.frames
    content = {
        "program": f"PCVOS Studio {studio}",
        "format": exporter.name,
        **more,
        "footage": str(request.media.path),
        "frames": {"first": frames[0], "last": frames[-1], "names": [request.stem(frame) for frame in frames]},
        "rate": str(request.media.rate),
        "size": {"width": request.size[1], "height": request.size[0]},
        "objects": [
            {"id": info.id, "name": info.name, "class": info.class_name, "colour": list(info.colour)}
            for info in request.objects
        ],
        "options": dict(request.options),
    }
    if request.media.is_video:
        del content["frames"]["names"]  # their numbers
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
