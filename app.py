"""`python app.py [video | image folder | project.pcvos]`; with a subcommand it is the command `pcvos`."""

import sys

# Known here so that the window need not wait for the import of everything that the commands use.
COMMANDS = ("propagate", "train", "validate", "bench")


def main() -> int:
    """Hand a subcommand or an option to `core.cli`; the exit code is the process's."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if first in COMMANDS or first.startswith("-"):
        from core.cli import main as command

        return command() or 0
    print(
        "The window is not part of this version yet: carry masks through a video with "
        "`python app.py propagate INPUT --masks PATH --output DIR`; `python app.py propagate --help` says more.",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
