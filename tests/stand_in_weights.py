"""Deterministic stand-in weights and footage: facts of the reference, not of this project.

This is the recipe (number 1) by which the weights, inputs and clips of the parity reference were made; the published
network's outputs on them are in `data/parity.npz`. Changing a constant makes all of them worthless. Every number
comes from numpy's frozen legacy generator (MT19937, random_sample), with no transcendental function on the way, so
that the same bits come out on every platform.
"""

import hashlib
import math
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

KEYS = Path(__file__).parent / "data" / "state_dict_keys.tsv"
"""Every key, shape and dtype of the published checkpoint."""

# (pattern, gain): gain multiplies 1/sqrt(fan_in); first match wins
GAINS = [
    (r"^key_proj\.", 1.5),
    (r"^key_comp\.", 0.35),
    (r"^input_proj\.", 1.0),
    (r"attn\.qk\.", 2.4),
    (r"attn\.(v|proj)\.", 1.3),
    (r"mlp\.fc[12]\.", 1.2),
    (r"ChannelGate\.mlp\.", 1.2),
    (r"SpatialGate\.", 1.0),
    (r"^decoder\.pred\.", 4.0),
    (r"^(key|value)_encoder\.conv1\.", 0.9),
    (r"skip_conv", 0.6),
    (r"downsample", 1.0),
    (r"^decoder\.", 1.2),
    (r"fuser\.", 1.2),
    (r".", math.sqrt(2.0)),
]
# last batch norm of each residual block: a small gain keeps the residual stream bounded
LAST_BN = re.compile(r"^(key_encoder\..*\.bn3|value_encoder\..*\.bn2)\.weight$")


def unit(name: str, shape: Iterable[int]) -> np.ndarray:
    """Uniform noise of zero mean and unit variance, seeded by the name."""
    shape = tuple(shape)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    u = np.random.RandomState(seed).random_sample(int(np.prod(shape, dtype=np.int64)))
    return ((u - 0.5) * math.sqrt(12.0)).reshape(shape)


def relative_position_index(wd: int = 2, wh: int = 7, ww: int = 7) -> np.ndarray:
    """The published buffer of that name."""
    d, h, w = np.meshgrid(np.arange(wd), np.arange(wh), np.arange(ww), indexing="ij")
    c = np.stack([d, h, w]).reshape(3, -1)
    r = c[:, :, None] - c[:, None, :] + np.array([wd - 1, wh - 1, ww - 1])[:, None, None]
    return (r[0] * (2 * wh - 1) + r[1]) * (2 * ww - 1) + r[2]


def weight(key: str, shape: Iterable[int]) -> np.ndarray:
    """One entry of a state dict."""
    shape = tuple(shape)
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if key.endswith("relative_position_index"):
        return relative_position_index()
    x = unit(key, shape)
    if key.endswith("running_var"):
        x = 1.0 + 0.25 * x  # in (0.56, 1.44)
    elif key.endswith("running_mean"):
        x = 0.1 * x
    elif key.endswith("relative_position_bias_table"):
        x = 0.7 * x
    elif key.endswith("bias"):
        x = 0.1 * x
    elif len(shape) == 1:  # norm weights
        x = (1.0 + 0.2 * x) * (0.25 if LAST_BN.match(key) else 1.0)
    else:
        gain = next(g for p, g in GAINS if re.search(p, key))
        x = x * (gain / math.sqrt(np.prod(shape[1:])))
        if key == "value_encoder.conv1.weight":  # make the two mask planes matter
            x[:, 3:] *= 20.0
    return x.astype(np.float32)


def read_keys(path: Path = KEYS) -> list[tuple[str, tuple[int, ...], str]]:
    """Key, shape and dtype of every entry."""
    rows = []
    for line in path.read_text().splitlines()[1:]:
        key, shape, dtype = line.split("\t")
        rows.append((key, tuple(int(v) for v in shape.split(",") if v), dtype))
    return rows


def video(name: str, t: int, h: int, w: int, n_obj: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (t, h, w, 3) frames and (t, h, w) labels: textured boxes and discs that move."""
    bg = np.clip(120 + 40 * unit(name + "/bg", (h // 8 + 2, w // 8 + 2, 3)), 0, 255)
    bg = np.repeat(np.repeat(bg, 8, 0), 8, 1)[:h, :w]
    grain = 14 * unit(name + "/grain", (h, w, 3))
    yy, xx = np.mgrid[0:h, 0:w]
    frames = np.empty((t, h, w, 3), np.uint8)
    labels = np.zeros((t, h, w), np.uint8)
    par = unit(name + "/obj", (n_obj, 8))
    for f in range(t):
        img = bg + grain
        for o in range(n_obj):
            cy = h * (0.5 + 0.18 * par[o, 0]) + f * 1.5 * par[o, 2]
            cx = w * ((o + 0.7) / (n_obj + 0.4)) + f * 2.5 * par[o, 3]
            r = h * (0.22 + 0.04 * par[o, 4])
            dy, dx = np.abs(yy - cy), np.abs(xx - cx)
            m = (dy * dy + dx * dx < r * r) if o % 2 == 0 else np.maximum(dy, dx) < 0.85 * r
            col = 128 + 70 * par[o, 5:8]
            tex = 30.0 * (((yy - int(cy)) // 5 + (xx - int(cx)) // 5) % 2)
            img = np.where(m[..., None], col + tex[..., None] + 0.5 * grain, img)
            labels[f][m] = o + 1
        frames[f] = np.clip(img, 0, 255).astype(np.uint8)
    return frames, labels
