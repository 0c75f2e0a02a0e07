"""Tensors that depend on sizes alone, made once a device: making one there stops the host until it has arrived."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import torch

P = ParamSpec("P")
T = TypeVar("T")


def made_once(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep the last `most` tensors that a function of sizes and a device gave. Nobody may write into them."""

    def decorate(make: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(make)
        def made(*sizes: P.args, **more: P.kwargs) -> T:
            with torch.inference_mode(False):  # so that training can use them too
                return make(*sizes, **more)

        return cast(Callable[P, T], functools.lru_cache(maxsize=most)(made))  # whose own type forgets the arguments

    return decorate
