"""`pcvos bench`: print how fast this machine propagates, and how much faster than the published way."""

import typer

from core.benchmark.bench import bench, machine, report
from core.network.devices import find_device


def run_bench(device: str, height: int, cases: list[tuple[int, int]], repeats: int, precision: str) -> None:
    """Bench each case, (objects, memory frames), at 16:9 with `height` rows."""
    place = find_device(device)
    size = (height, 2 * round(height * 8 / 9))
    typer.echo(f"{machine(place)}; {size[1]} x {size[0]}, clips of 5 frames, medians of {repeats} turns")
    typer.echo("MiB for a clip: at its peak, beyond the network and its memory of earlier frames")
    for case in cases:
        typer.echo(f"\n{case[0]} object(s), {case[1]} frames in memory")
        for line in report(bench(place, size, case, repeats, precision)):
            typer.echo(line)
