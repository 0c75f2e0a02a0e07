"""Says in one sentence what is wrong with the Python that is to make the virtual environment, if anything is.

Run by `make` before anything is installed, so it needs the standard library only, in a syntax that
Python 3.6 still reads, so that an old one can be told that it is old.
"""

import importlib.util
import sys

OLDEST = (3, 11)


def complaint(version, has_venv):
    """The sentence for a Python of `version` (major, minor), with or without a usable venv module; "" if it will do."""
    oldest = ".".join(map(str, OLDEST))
    if tuple(version) < OLDEST:
        return (
            f"PCVOS Studio needs Python {oldest} or newer, and {sys.executable} is {version[0]}.{version[1]}: "
            "install a newer one, or name it with `make PYTHON=/path/to/python3`."
        )
    if not has_venv:
        return (
            f"{sys.executable} cannot make virtual environments: install its venv module "
            "(Debian and Ubuntu: apt-get install python3-venv) and run make again."
        )
    return ""


def main():
    """Exit code 0 if this Python will do, 1 after saying why not."""
    # Debian takes ensurepip out of Python and puts it in python3-venv; without it `python -m venv` fails half-way.
    has_venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    sentence = complaint(sys.version_info[:2], has_venv)
    if sentence:
        sys.stderr.write(sentence + "\n")
    return 1 if sentence else 0


if __name__ == "__main__":
    sys.exit(main())
