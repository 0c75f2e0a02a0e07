"""The clip that ships, and the mask that goes with it."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "resources" / "demo"

CLIP = _FOLDER / "big-buck-bunny.mp4"
MASK_FRAME = 40
MASK = _FOLDER / f"big-buck-bunny.{MASK_FRAME:05}.png"
