"""Finds the system libraries that Qt and OpenCV load and a bare Linux lacks; names them, installs them where it may.

Run by `make` before the Python packages are installed: standard library only. A wheel cannot bring these along, and
without them the window ends in "could not load the Qt platform plugin" and the command in an ImportError.

The lists are what the wheels of PySide6 (Qt 6: libQt6Gui, libQt6DBus and the xcb platform plugin) and of
opencv-python (5.0) ask the loader for, less what every Linux has.
"""

import ctypes
import os
import shutil
import subprocess
import sys

# Shared library -> the Debian and Ubuntu package that holds it.
OPENCV = {
    "libGL.so.1": "libgl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
}
QT = {
    "libEGL.so.1": "libegl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}


def missing_libraries(libraries: dict[str, str]) -> list[str]:
    """The names in `libraries` that the loader cannot load, in their order."""
    absent = []
    for name in libraries:
        try:
            ctypes.CDLL(name)
        except OSError:
            absent.append(name)
    return absent


def packages_of(names: list[str]) -> list[str]:
    """The Debian packages that hold the libraries `names`: sorted, each once."""
    known = OPENCV | QT
    return sorted({known[name] for name in names})


def may_install() -> bool:
    """True for root on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install Debian packages without a question; failure shows in what is still missing afterwards."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"]
    subprocess.run([*apt, "update"], env=environment, stdin=subprocess.DEVNULL, check=False)
    subprocess.run(
        [*apt, "install", "-y", "--no-install-recommends", *packages],
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def main() -> int:
    """Exit code 1 if a library is still missing that the command itself needs; without the others it works."""
    if not sys.platform.startswith("linux"):
        return 0
    absent = missing_libraries(OPENCV | QT)
    if absent and may_install():
        packages = packages_of(absent)
        _say(f"System libraries are missing; installing {' '.join(packages)}.")
        install(packages)
        absent = missing_libraries(OPENCV | QT)
    if not absent:
        return 0
    for_command = any(name in OPENCV for name in absent)
    _say(
        f"Missing system libraries: {', '.join(absent)}. "
        f"{'PCVOS Studio' if for_command else 'The window'} does not start without them. On Debian and Ubuntu run:\n"
        f"    sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(packages_of(absent))}"
    )
    return 1 if for_command else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
