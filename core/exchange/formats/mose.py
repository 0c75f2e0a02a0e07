"""A folder as MOSE has it: like YouTube-VOS's, but for the name of the file that lists the objects."""

from core.exchange.formats.youtube_vos import YouTubeVOS


class Mose(YouTubeVOS):
    name = "mose"
    label = "MOSE folder"
    writes = "JPEGImages/ID, Annotations/ID, and meta_train.json with the name of each object and its frames."
    meta = "meta_train.json"
