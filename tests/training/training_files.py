"""Training data in little: photos with masks and short sequences, in tars."""

import io
import tarfile
from pathlib import Path

import cv2
import numpy as np


def encode(image: np.ndarray, suffix: str) -> bytes:
    """RGB or grey pixels as a file."""
    pixels = image[..., ::-1] if image.ndim == 3 else image
    return cv2.imencode(suffix, pixels)[1].tobytes()


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def texture(seed: int, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3), smooth enough for JPEG."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


def disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    yy, xx = np.mgrid[: size[0], : size[1]]
    return np.hypot(yy - centre[0], xx - centre[1]) < radius


def photo(seed: int, size: tuple[int, int] = (120, 160)) -> tuple[np.ndarray, np.ndarray]:
    """A photo with the objects 1 and 4 and a rim that is to be ignored."""
    labels = np.zeros(size, np.uint8)
    labels[disc(size, (60, 50), 30)] = 255
    labels[disc(size, (60, 50), 28)] = 1
    labels[disc(size, (70, 115), 25)] = 4
    image = texture(seed, size)
    image[labels == 1] = 255 - image[labels == 1]
    return image, labels


def sequence(name: str, seed: int, count: int, value: int = 1) -> dict[str, bytes]:
    """Files of a sequence: a disc that moves; on its last frame there is none."""
    files = {}
    for i in range(count):
        image, mask = texture(seed, (96, 128)), disc((96, 128), (48, 30 + 6 * i), 20)
        image[mask] = 255 - image[mask]
        mask &= i < count - 1
        files[f"JPEGImages/{name}/{i:05d}.jpg"] = encode(image, ".jpg")
        files[f"Annotations/{name}/{i:05d}.png"] = encode(mask.astype(np.uint8) * value, ".png")
    return files


def sparse_sequence(name: str, seed: int, count: int, every: int) -> dict[str, bytes]:
    """Files of a sequence of two discs, 3 and 7, that part; a mask on every so many frames alone."""
    files = {}
    for i in range(count):
        image, labels = texture(seed, (96, 128)), np.zeros((96, 128), np.uint8)
        for value, column in ((3, 60 - 3 * i), (7, 75 + 3 * i)):
            mask = disc((96, 128), (48, column), 16)
            labels[mask], image[mask] = value, (30 * value, 20, 250 - 30 * value)
        files[f"JPEGImages/{name}/{i:05d}.jpg"] = encode(image, ".jpg")
        if i % every == 0:
            files[f"Annotations/{name}/{i:05d}.png"] = encode(labels, ".png")
    return files


def photos(group: str, count: int) -> dict[str, bytes]:
    files = {}
    for i in range(count):
        image, labels = photo(i)
        files[f"{group}/{i}.jpg"] = encode(image, ".jpg")
        files[f"{group}/{i}.png"] = encode(labels, ".png")
    return files
