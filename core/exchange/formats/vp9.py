"""VP9 with alpha, for the web."""

from core.exchange.video_export import MatteVideo
from core.media.recipes import VP9


class VP9Alpha(MatteVideo):
    name = "vp9"
    label = "VP9 with alpha (WebM)"
    writes = (
        "A small WebM file with straight alpha, as browsers play it, and a .json that says how it was made. The alpha "
        "is exact, the colours are not."
    )
    suffixes = (".webm",)
    recipe = VP9
    bytes_per_pixel = 0.2
