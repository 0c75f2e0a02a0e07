"""`pcvos info`: what footage, a project or a weights file holds, as text or as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from core.commands.projects import SUFFIX
from core.commands.terminal import Say
from core.errors import PCVOSError
from core.media import FrameSource, open_media
from core.media.tags import read_tags
from core.project.model import ObjectInfo
from core.project.project import Project
from core.project.tracks import CORRECTED, IN_MEMORY
from core.studio import interrupted
from core.studio.done import done_frames

Facts = dict[str, Any]

_WEIGHTS = (".safetensors", ".pth", ".pt")
_SQLITE = b"SQLite format 3\0"


def describe(path: Path, as_json: bool, say: Say, warn: Say) -> None:
    """Say what `path` holds; raises PCVOSError if it is neither footage, a project nor weights."""
    facts, warnings = read_facts(path)
    for sentence in warnings:
        warn(sentence)
    if as_json:
        say(json.dumps(facts, indent=2))
    else:
        for line in _lines(facts):
            say(line)


def describe_machine(as_json: bool, say: Say) -> None:
    """Say which devices this machine has, with their free memory, and why one cannot be used."""
    from core.network.devices import describe_devices

    devices = describe_devices()
    if as_json:
        say(json.dumps([asdict(device) for device in devices], indent=2))
        return
    for device in devices:
        parts = [device.title] if device.title != device.name else []
        if device.free_bytes is not None and device.total_bytes is not None:
            parts.append(f"{device.free_bytes / 2**30:.1f} of {device.total_bytes / 2**30:.1f} GiB free")
        parts.append(f"cannot be used: {device.problem}" if device.problem else "can be used")
        say(f"{device.name}: {', '.join(parts)}")


def read_facts(path: Path) -> tuple[Facts, list[str]]:
    """The content of `path`, JSON-able, and what is wrong with it; raises as `describe` does."""
    suffix = path.suffix.lower()
    if (suffix == SUFFIX and not path.is_dir()) or _begins_like_a_project(path):
        return _of_project(path)
    if suffix in _WEIGHTS and not path.is_dir():
        return _of_weights(path), []
    with open_media(path) as media:
        return {"kind": "footage", **_of_media(media)}, list(media.warnings)


def _begins_like_a_project(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:  # a folder, or what opening it as footage tells better
        return False


def _of_media(media: FrameSource) -> Facts:
    facts = {"path": str(media.path.absolute()), **_shape(media.size, len(media), media.rate)}
    if not media.is_video:
        return facts | {"is_video": False}
    tags = read_tags(media.path)
    facts["is_video"] = True
    return facts if tags is None else facts | asdict(tags) | {"pixel_aspect": str(tags.pixel_aspect)}


def _shape(size: tuple[int, int], frames: int, rate: Fraction) -> Facts:
    height, width = size
    seconds = round(float(frames / rate), 3) if rate else None
    fps = round(float(rate), 3)
    return {"width": width, "height": height, "frames": frames, "rate": str(rate), "fps": fps, "seconds": seconds}


def _of_weights(path: Path) -> Facts:
    from core.network.checkpoint import read_weights

    config, state = read_weights(path)
    parameters = sum(tensor.numel() for tensor in state.values() if tensor.is_floating_point())
    facts = {"kind": "weights", "path": str(path.absolute()), "network": config.name, "refinement": config.refinement}
    return facts | {"parameters": parameters, "bytes": path.stat().st_size}


def _of_project(path: Path) -> tuple[Facts, list[str]]:
    with Project.open(path, to_write=False) as project:
        reference, found = project.footage, project.find_footage()
        facts = {
            "kind": "project",
            "path": str(project.path),
            **_shape(reference.size, reference.frames, reference.rate),
        }
        footage: Facts = {"path": str(found or reference.path), "found": found is not None}
        warnings = []
        if found is None:
            warnings.append(f"The footage is not where it was: {reference.path}.")
        else:
            try:
                with open_media(found, folder_rate=reference.rate, index=project.index_cache()) as media:
                    footage |= _of_media(media)
                    warnings += media.warnings
            except PCVOSError as error:
                warnings.append(str(error))
        facts["footage"] = footage
        facts["objects"] = [_of_object(project, info) for info in project.objects]
        facts["runs"] = len(project.runs())
        left = interrupted.find(project)
        facts["interrupted_run"] = (
            None if left is None else {"start": left.run.start, "end": left.run.end, "last": left.last}
        )
        return facts, [*project.warnings, *warnings]


def _of_object(project: Project, info: ObjectInfo) -> Facts:
    frames = project.frames_of(info.id)
    never = np.setdiff1d(np.arange(project.footage.frames), frames)
    return {
        **asdict(info),
        "known": _frames(frames),
        "corrected": _frames(project.frames_of(info.id, CORRECTED)),
        "in_memory": _frames(project.frames_of(info.id, IN_MEMORY)),
        "unprocessed": _frames(never),
        "done": _frames(np.flatnonzero(done_frames(project, info.id))),
    }


def _frames(frames: np.ndarray) -> Facts:
    """Their number, and the first and last of each stretch."""
    stretches = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(frames) else []
    return {"count": len(frames), "ranges": [[int(some[0]), int(some[-1])] for some in stretches]}


# as text


def _lines(facts: Facts) -> Iterator[str]:
    yield f"{facts['kind'].capitalize()} {facts['path']}"
    if facts["kind"] == "weights":
        yield f"  network: {facts['network']}, {facts['parameters'] / 1e6:.1f} M parameters"
        yield f"  refinement: {'yes' if facts['refinement'] else 'no'}"
        yield f"  file: {facts['bytes'] / 2**20:.1f} MiB"
        return
    yield f"  size: {facts['width']} x {facts['height']}"
    yield f"  frames: {facts['frames']} (0 to {facts['frames'] - 1})"
    yield f"  rate: {_rate(facts)}, {facts['seconds']:g} s"
    yield from _colour_lines(facts if facts["kind"] == "footage" else facts["footage"])
    if facts["kind"] == "project":
        yield from _project_lines(facts)


def _rate(facts: dict[str, Any]) -> str:
    """Frames a second; of very slow footage seconds a frame."""
    if facts["fps"] >= 1:
        return f"{facts['rate']} frames a second ({facts['fps']:g})"
    return f"a frame every {float(1 / Fraction(facts['rate'])):g} s"


def _colour_lines(footage: Facts) -> Iterator[str]:
    if "codec" not in footage:
        return
    said = [footage[name] for name in ("primaries", "transfer", "matrix", "range")]
    colour = ", ".join(
        f"{name} {value or 'not said'}"
        for name, value in zip(("primaries", "transfer", "matrix", "range"), said, strict=True)
    )
    yield f"  colour: {colour if any(said) else 'the file does not say'}"
    bits = f", {footage['bits']} bits" if footage["bits"] else ""
    yield f"  video: {footage['codec']}, {footage['pixel_format']}{bits}, pixel aspect {footage['pixel_aspect']}"
    yield f"  sound: {', '.join(footage['sound']) or 'none'}"


def _project_lines(facts: Facts) -> Iterator[str]:
    footage = facts["footage"]
    yield f"  footage: {footage['path']}{'' if footage['found'] else ' (not there)'}"
    left = facts["interrupted_run"]
    was = "" if left is None else f", one of them interrupted (frames {left['start']} to {left['end']})"
    yield f"  runs: {facts['runs']}{was}"
    yield f"  objects: {len(facts['objects']) or 'none'}"
    for info in facts["objects"]:
        state = "".join([", hidden" * (not info["visible"]), ", locked" * info["locked"]])
        yield f"    {info['id']}: {info['name']}{state}"
        yield f"      corrected: {_words(info['corrected'])}"
        yield f"      unprocessed: {_words(info['unprocessed'])}"
        if info["done"]["count"]:
            yield f"      done: {_words(info['done'])}"


def _words(frames: Facts) -> str:
    shown = ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in frames["ranges"][:8])
    more = ", …" if len(frames["ranges"]) > 8 else ""
    count = "1 frame" if frames["count"] == 1 else f"{frames['count']} frames"
    return f"{count} ({shown}{more})" if frames["count"] else "none"
