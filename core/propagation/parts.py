"""Parts that runs are made with."""

from dataclasses import dataclass

from core.media.source import FrameSource
from core.propagation.clip_inference import ClipInference
from core.propagation.composer import Composer
from core.propagation.frame_encoder import FrameEncoder
from core.propagation.geometry import Geometry
from core.propagation.memory import PermanentMemory
from core.propagation.settings import PropagationSettings


@dataclass(frozen=True)
class Parts:
    """The footage, permanent memory, and who encodes, predicts and draws."""

    settings: PropagationSettings
    media: FrameSource
    memory: PermanentMemory
    engine: ClipInference
    geometry: Geometry
    composer: Composer
    encoder: FrameEncoder
