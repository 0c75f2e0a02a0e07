"""Choices of options, as words."""

from enum import StrEnum


class Direction(StrEnum):
    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


class Layout(StrEnum):
    DAVIS = "davis"
    YTVOS = "ytvos"
    MOSE = "mose"


class MarkKind(StrEnum):
    CLICKS = "clicks"
    STROKES = "strokes"
    LONG_STROKES = "long-strokes"
    BOXES = "boxes"
    CORRECTIONS = "corrections"


class Precision(StrEnum):
    AUTO = "auto"
    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"


class Preset(StrEnum):
    SMALL = "small"
    PAPER = "paper"


class Stage(StrEnum):
    PHOTOS = "photos"
    VIDEO = "video"


class Unit(StrEnum):
    CLIP = "clip"
    FRAME = "frame"
