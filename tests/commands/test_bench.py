"""`pcvos bench`: what it prints and writes; how fast a machine is that does other things as well says nothing."""

import json
from pathlib import Path

from pcvos_command import pcvos

TINY = ("bench", "--device", "cpu", "--height", "64", "--repeats", "1")


def test_the_table_by_length_is_printed_and_written(tmp_path: Path):
    done = pcvos(*TINY, "--by-length", "--interval", "2", "--objects", "2", "--json", str(tmp_path / "table.json"))
    assert done.code == 0, done.err
    printed = [line.split()[:3] for line in done.out.splitlines() if line.startswith(("small", "paper"))]
    assert printed == [["small", "2", "2"], ["paper", "2", "2"]]
    written = json.loads((tmp_path / "table.json").read_text())
    assert written["machine"] in done.out and written["settings"]["size"] == [64, 114]
    for row in written["rows"]:
        assert row["frames_per_second"] > 0 and row["end_to_end"] > 0, "the engine alone, and from a video to PNGs"
        assert row["launches"] is None and row["waits"] is None, "these are counted on a GPU"


def test_a_case_names_the_parts_and_how_many_times_the_published_way_each_is():
    done = pcvos(*TINY, "--case", "1,1")
    assert done.code == 0, done.err
    for part in ("key encoder", "matching", "refinement", "decoder", "value encoder", "whole"):
        assert f"\n{part} " in done.out
    times = next(line for line in done.out.splitlines() if line.startswith("times plain")).split()[2:]
    assert times[0] == "1.00" and len(times) == 5, "the transcription is what all others are compared with"
