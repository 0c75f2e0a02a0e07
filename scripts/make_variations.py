"""Writes sequences mirrored and backwards as a data set in the layout of DAVIS, for `pcvos eval`.

python scripts/make_variations.py DATASET --output variations
pcvos eval variations

To a network that was not trained on a sequence, its mirror image is as hard as itself, and going backwards about as
hard; but whether it follows a passer-by in place of the object is decided anew. So the mean of all of them tells
weights apart more surely than the few sequences alone.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image


def vary(
    pictures: list[Image.Image], masks: list[Image.Image], mirrored: bool, backwards: bool
) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Pairs of picture and indexed mask; going backwards, from the last frame that has a mask."""
    pairs = list(zip(pictures, masks, strict=True))
    if backwards:
        pairs.reverse()
        while not np.asarray(pairs[0][1]).any():
            del pairs[0]
    for picture, mask in pairs:
        if mirrored:
            picture, mask = (image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in (picture, mask))
        yield picture, mask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="folder with JPEGImages/NAME and Annotations/NAME")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set, made anew")
    arguments = parser.parse_args()
    if arguments.output.exists():
        sys.exit(f"{arguments.output} is there already: name a folder that is not.")
    for folder in sorted((arguments.dataset / "Annotations").iterdir()):
        files = sorted(folder.glob("*.png"))
        if not any(np.asarray(Image.open(file)).any() for file in files):
            sys.exit(f"{folder} has no masks: name a folder with Annotations/NAME and JPEGImages/NAME.")
        masks = [Image.open(file) for file in files]
        pictures = [Image.open(arguments.dataset / "JPEGImages" / folder.name / f"{file.stem}.jpg") for file in files]
        for kind, mirrored, backwards in (("mirrored", True, False), ("back", False, True), ("both", True, True)):
            name = f"{kind}-{folder.name}"
            targets = [arguments.output / part / name for part in ("JPEGImages", "Annotations")]
            for target in targets:
                target.mkdir(parents=True)
            varied = list(vary(pictures, masks, mirrored, backwards))
            for i, (picture, mask) in enumerate(varied):
                picture.save(targets[0] / f"{i:05d}.jpg", quality=95)
                mask.save(targets[1] / f"{i:05d}.png")
            print(f"{name}: {len(varied)} frames")


if __name__ == "__main__":
    main()
