"""ProRes 4444 with alpha."""

from core.exchange.video_export import MatteVideo
from core.media.recipes import PRORES_4444


class ProRes(MatteVideo):
    name = "prores"
    label = "ProRes 4444 with alpha"
    writes = "A QuickTime file with straight alpha, as editing programs take it, and a .json that says how it was made."
    suffixes = (".mov",)
    recipe = PRORES_4444
    bytes_per_pixel = 1.3
