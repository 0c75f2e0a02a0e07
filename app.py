"""`python app.py [video | image folder | project.pcvos]` opens the window; with a subcommand it is the command `pcvos`.

`python app.py demo` opens the demo clip with its mask; where there is no display it runs the command on it instead.
"""

import sys
from pathlib import Path

# Known here so that the window need not wait for the import of everything that the commands use.
COMMANDS = (
    *("new", "mark", "propagate", "export", "import", "report", "recover", "info", "formats"),
    *("eval", "train", "train-marking", "adapt", "validate", "bench"),
)

NO_DISPLAY = "There is no display to show a window on (neither DISPLAY nor WAYLAND_DISPLAY is set)"


def main() -> int:
    """Hand over to the window or to `core.cli`; the exit code is the process's."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if first in COMMANDS or first.startswith("-"):
        return _command()
    from pcvos_gui.app.environment import has_display

    if not has_display():
        if first == "demo":
            return _demo_without_window()
        print(f"{NO_DISPLAY}: `python app.py propagate --help` says how to work without one.", file=sys.stderr)
        return 2
    from pcvos_gui.app.application import run

    return run(demo=True) if first == "demo" else run(first)


def _command() -> int:
    from core.cli import main as command

    return command() or 0


def _demo_without_window() -> int:
    from core.demo import CLIP, MASK

    output = Path("demo-output")
    output.mkdir(exist_ok=True)
    print(f"{NO_DISPLAY}: running the command on the demo clip instead.", flush=True)
    where = ["--output", str(output / "masks"), "--overlay", str(output / "overlay.mp4"), "--overwrite"]
    sys.argv[1:] = ["propagate", str(CLIP), "--masks", str(MASK), "--direction", "both", *where]
    return _command()


if __name__ == "__main__":
    sys.exit(main())
