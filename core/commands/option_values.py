"""Values of options that are one of a few words."""

from enum import StrEnum


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
