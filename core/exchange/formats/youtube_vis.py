"""YouTube-VIS JSON: one video, and an annotation for each object with a mask, or null, for every frame."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from core.exchange.categories import Category, categories_of, head, know_listed, read_categories
from core.exchange.collector import Gathering
from core.exchange.exporter import Exporter, ExportRequest, from_samples
from core.exchange.footage_fit import FrameNames
from core.exchange.formats.coco import COMPRESSED, bounding_box, frames_of, has_keys, image_name, read_mask
from core.exchange.importer import COMPLETE, SEQUENCE, Found, Importer, ImportRequest, Question, sequence_name
from core.exchange.json_fields import Node
from core.exchange.rle import coco_masks, encode
from core.exchange.unprocessed import UNPROCESSED


class YouTubeVIS(Exporter):
    name = "youtube-vis"
    label = "YouTube-VIS JSON"
    writes = "One JSON file: a video, and for each object its masks (RLE), areas and boxes, null where it is not."
    target = "file"
    suffixes = (".json",)
    options = (COMPRESSED, UNPROCESSED)
    group = "data sets"

    def check(self, request: ExportRequest) -> None:
        coco_masks()

    def estimate(self, request: ExportRequest) -> int:
        compressed = bool(request.options["compressed"])

        def size(frame: int) -> int:
            masks = request.masks(frame)
            here = sum(len(json.dumps(encode(mask, compressed=compressed))) + 40 for mask in masks.values())
            return here + 18 * (len(request.ids) - len(masks)) + 30

        return from_samples(request.frames, size)

    def write(self, request: ExportRequest, place: Path) -> Iterator[int]:
        compressed = bool(request.options["compressed"])
        # By id, as what comes later is in front for who reads it: RLE, area and box of each frame, or None.
        tracks: dict[int, list[Any]] = {obj: [] for obj in sorted(request.ids)}
        for done, frame in enumerate(request.frames, start=1):
            masks = request.masks(frame)
            for obj, track in tracks.items():
                mask = masks.get(obj)
                track.append(
                    mask
                    and (
                        encode(mask, compressed=compressed),
                        int(np.count_nonzero(mask.inside())),
                        bounding_box(mask),
                    )
                )
            yield done
        category = categories_of(request).of
        content = {
            **head(request),
            "videos": [_video(request)],
            "annotations": [_annotation(request, obj, category[obj], track) for obj, track in tracks.items()],
        }
        with place.open("w", encoding="utf-8") as file:
            json.dump(content, file)


class YouTubeVISFile(Importer):
    name = "youtube-vis"
    label = "YouTube-VIS JSON"
    reads = "The objects of the video whose frames are called like the footage's, with RLE or polygons."
    is_folder = False
    suffixes = (".json",)
    options = (COMPLETE,)

    def recognises(self, path: Path) -> bool:
        return has_keys(path, '"videos"', '"annotations"', '"segmentations"')

    def read(self, request: ImportRequest) -> Found:
        root = Node.load(request.path)
        categories = read_categories(root)
        video = _chosen(root.at("videos", list).items(dict), root, request)
        if isinstance(video, Question):
            return Found({}, (), (video,))
        gathering, files = Gathering(), video.at("file_names", list).items(str)
        names = FrameNames(request, [file.value for file in files], strangers=True)
        if names.question:
            return Found({}, (), (names.question,))
        frames, size = frames_of(files, names, gathering), (video.at("height", int).value, video.at("width", int).value)
        annotations = root.at("annotations", list).items(dict)
        numbers = [(annotation.value.get("id"), annotation.value.get("category_id")) for annotation in annotations]
        know_listed(gathering, root, categories, numbers)
        for annotation in request.progress.over(annotations):
            if annotation.at("video_id", int).value == video.at("id", int).value:
                _gather(annotation, frames, size, categories, request, gathering)
        return gathering.found(in_front="later")


def _video(request: ExportRequest) -> dict[str, Any]:
    height, width = request.size
    name = sequence_name(request.media)
    files = [f"{name}/{image_name(request, frame)}" for frame in request.frames]
    return {"id": 1, "width": width, "height": height, "length": len(files), "file_names": files}


def _annotation(request: ExportRequest, obj: int, category: int, track: list[Any]) -> dict[str, Any]:
    height, width = request.size
    masks, areas, boxes = (list(column) for column in zip(*(entry or (None,) * 3 for entry in track), strict=True))
    about = {"id": obj, "video_id": 1, "category_id": category, "iscrowd": 0, "width": width, "height": height}
    return about | {"length": len(track), "segmentations": masks, "areas": areas, "bboxes": boxes}


def _chosen(videos: list[Node], root: Node, request: ImportRequest) -> Node | Question:
    """The footage's video: by the answer, by the name of its folder, or the only one."""
    named = {}
    for video in videos:
        files = video.at("file_names", list).items(str)
        folder = PurePosixPath(files[0].value).parent.name if files else ""
        named[folder or str(video.at("id", int).value)] = video
    if not videos:
        raise root.at("videos").wrong("is empty")
    answer = request.answers.get(SEQUENCE, request.sequence)
    if answer in named:
        return named[answer]
    if len(videos) == 1:
        return videos[0]
    text = f"Which video in {request.path} is {request.media.path.name}?"
    return Question(SEQUENCE, text, tuple((name, name) for name in named))


def _gather(
    annotation: Node,
    frames: list[int | None],
    size: tuple[int, int],
    categories: dict[int, Category],
    request: ImportRequest,
    gathering: Gathering,
) -> None:
    number, category = annotation.at("id", int).value, annotation.at("category_id", int)
    if category.value not in categories:
        raise category.wrong(f"is {category.value}, but there is no such category")
    segmentations = annotation.at("segmentations", list)
    if len(segmentations.value) != len(frames):
        raise segmentations.wrong(f"has {len(segmentations.value)} entries, but its video has {len(frames)} frames")
    name = categories[category.value].name
    gathering.know(number, number, name, categories[category.value].colour, class_name=name)
    for frame, segmentation in zip(frames, segmentations.items(), strict=True):
        if frame is not None and segmentation.value is not None:
            mask = read_mask(segmentation, size, request)
            if mask is None:
                gathering.leave_out(segmentation)
            else:
                gathering.add(frame, number, mask)
