"""Files joined from recordings each with a clock of its own: their frames come out on one sensible clock."""

from pathlib import Path

import av
import numpy as np
import pytest
from footage_files import write_video

from core.media import open_media, open_provisionally

CODECS = {
    "h264.ts": {"options": {"x264-params": "bframes=3:keyint=12"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},  # of some timestamps only FFmpeg's guesses
}


def begun_at(part: Path, seconds: float) -> bytes:
    """The same recording, had it begun at another time of its clock."""
    path = part.with_stem(f"begun-at-{seconds}")
    keep = {"container_options": {"mpegts_copyts": "1"}} if path.suffix == ".ts" else {}
    with av.open(str(part)) as source, av.open(str(path), "w", **keep) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.size:
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                output.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("begins", [(100, 5), (5, 100, 30_000, 2), (95_442.5, 3000), (95_000, 90_000, 1, 1)], ids=str)
def test_parts_follow_one_another_whatever_their_clocks_say(tmp_path, name, begins):
    part = write_video(tmp_path / name, 30, **CODECS[name])
    path = tmp_path / f"joined{part.suffix}"
    path.write_bytes(b"".join(begun_at(part, seconds) for seconds in begins))
    assert open_provisionally(path).frames <= 4 * len(begins) * 30, "told before the clocks are known"
    with open_media(path, cache_bytes=0) as media, open_media(part) as plain:
        assert len(media) == len(begins) * 30 and media.warnings == [] and media.rate == 25
        np.testing.assert_allclose(np.diff([float(time) for time in media.timestamps]), 0.04, atol=1e-6)
        for frame in (len(media) - 1, 0, 29, 30, 44):
            np.testing.assert_array_equal(media.read(frame), plain.read(frame % 30))
        index = media.stored_index()
    with open_media(path, cache_bytes=0, index=index) as again, open_media(part) as plain:
        np.testing.assert_array_equal(again.read(40), plain.read(10))


def test_a_gap_in_a_slow_recording_is_no_joint(tmp_path):
    """A picture every eight seconds, and once after sixteen: times of one clock are kept."""
    times = [8000 * number + 8000 * (number > 6) for number in range(12)]
    path = write_video(tmp_path / "slow.ts", 12, times=times, options={"x264-params": "bframes=0"})
    with open_media(path) as media:
        begin = media.timestamps[0]
        assert [round((time - begin) * 1000) for time in media.timestamps] == times
