"""Video with alpha that loses nothing: QuickTime Animation, and FFV1."""

from core.exchange.video_export import MatteVideo
from core.media.recipes import ANIMATION, FFV1


class QuickTimeAnimation(MatteVideo):
    name = "animation"
    label = "QuickTime Animation with alpha"
    writes = "A large QuickTime file with colours and straight alpha exactly as they are, and a .json that says how."
    suffixes = (".mov",)
    recipe = ANIMATION
    bytes_per_pixel = 4.0


class FFV1Alpha(MatteVideo):
    name = "ffv1"
    label = "FFV1 with alpha (Matroska)"
    writes = (
        "A Matroska file with colours and straight alpha exactly as they are, compressed, and a .json that says how."
    )
    suffixes = (".mkv",)
    recipe = FFV1
    bytes_per_pixel = 1.6
