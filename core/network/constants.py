"""Tensors that depend on sizes alone, made once a device: making one there stops the host until it has arrived."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor


def made_once(most: int) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Keep the last `most` tensors that a function of sizes and a device gave. Nobody may write into them."""

    def decorate(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @functools.lru_cache(maxsize=most)
        @functools.wraps(make)
        def made(*sizes: object) -> Tensor:
            with torch.inference_mode(False):  # so that training can use them too
                return make(*sizes)

        return made

    return decorate
