"""A pretend accelerator: tensors that say they are on `cuda:0`, and compute on the CPU.

Where there is no GPU, what would go wrong on one is found with it:

- tensors of the CPU and of the device mixed, or dtypes mixed in a convolution or a product, raise as they do there;
- float32 convolutions are rounded to TF32 while `torch.backends.cudnn.allow_tf32` is on;
- half types are summed up in float32, as tensor cores do it;
- `Log` counts launches of kernels, copies, and every time that the host waits for the device, by line of core/.

It does not simulate time, streams, or lack of memory; and no MPS, of which PyTorch has nothing elsewhere than on macOS.
"""

import contextlib
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

FREE_BYTES, TOTAL_BYTES = 80 * 2**30, 96 * 2**30
HALF = (torch.float16, torch.bfloat16)

# fmt: off
VIEWS = frozenset({
    "view", "t", "transpose", "permute", "expand", "slice", "select", "unsqueeze", "squeeze", "detach", "alias",
    "as_strided", "split", "split_with_sizes", "unfold", "_unsafe_view", "_reshape_alias", "unbind", "chunk",
    "narrow", "lift_fresh", "resolve_conj", "resolve_neg",
})
# fmt: on
"""Operations that launch nothing."""

LAUNCHES = {"constant_pad_nd": 2, "convolution": 2, "baddbmm": 2, "nonzero": 4, "_euclidean_dist": 8}
"""Kernels of operations that take more than one."""

# fmt: off
PRODUCTS = frozenset({
    "convolution", "mm", "bmm", "addmm", "baddbmm", "linear", "_embedding_bag_forward_only", "_embedding_bag",
})
# fmt: on
"""Operations that want one dtype."""

# fmt: off
SLOW = frozenset({
    "convolution", "mm", "bmm", "addmm", "baddbmm", "native_layer_norm", "_softmax", "gelu",
    "upsample_bilinear2d", "upsample_bicubic2d",
})
# fmt: on
"""Operations whose results are made up where only counts are wanted."""

SUMMED_IN_FLOAT32 = PRODUCTS | {"avg_pool2d", "upsample_bilinear2d", "upsample_bicubic2d", "max_pool2d_with_indices"}


@dataclass
class Log:
    """The work that the device was asked for since the last `reset`.

    Attributes:
        launches: kernels by operation. waits: by kind and line: times that the host stood still until the device was
            done. uploads, downloads: bytes by line.
    """

    launches: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    uploads: Counter[str] = field(default_factory=Counter)
    downloads: Counter[str] = field(default_factory=Counter)

    def reset(self) -> None:
        for counter in vars(self).values():
            counter.clear()


class PretendTensor(Tensor):
    """Says that it is on the device; `held` has the numbers."""

    held: Tensor

    @staticmethod
    def __new__(cls, real: Tensor, device: torch.device) -> "PretendTensor":
        layout = {"strides": real.stride(), "storage_offset": real.storage_offset(), "dtype": real.dtype}
        made = Tensor._make_wrapper_subclass(cls, real.size(), layout=real.layout, device=device, **layout)
        made.held = real
        return made

    def __init__(self, *_: object) -> None:
        """All is done in `__new__`."""

    def __repr__(self) -> str:
        return f"PretendTensor({tuple(self.shape)}, {self.dtype}, {self.device})"

    def tolist(self) -> list | float:
        _active().wait("tolist")
        return self.held.tolist()

    def numpy(self, *_: object, **__: object) -> object:
        raise TypeError(f"can't convert {self.device} device type tensor to numpy: {_where()}")

    def untyped_storage(self) -> object:
        return self.held.untyped_storage()

    @classmethod
    def __torch_dispatch__(cls, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None):
        return _active().run(function, args, kwargs or {})


class PretendDevice(TorchDispatchMode):
    """Sees every operation while it is entered.

    Args:
        values: False: numbers are made up where they take long to compute: for counting only.

    Attributes:
        error: raised by every launch while it is set.
    """

    error: Exception | None = None

    def __init__(self, values: bool = True):
        super().__init__()
        self.device, self.values, self.log = torch.device("cuda", 0), values, Log()
        self._pinned: set[int] = set()

    def __torch_dispatch__(self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None):
        return self.run(function, args, kwargs or {})

    def wait(self, kind: str) -> None:
        self.log.waits[f"{kind} {_where()}"] += 1

    def run(self, function: Callable, args: tuple, kwargs: dict) -> object:
        """One operation, whatever its tensors are on."""
        name = function.overloadpacket.__name__
        if name not in ("item", "is_nonzero", "lift_fresh") and _is_composite(function):
            with self:
                result = function.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        if name == "_to_copy":
            return self._copy_to(function, args[0], kwargs)
        if name == "copy_":
            return self._copy_into(args[0], args[1], *args[2:], **kwargs)
        tensors = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        ours = [t for t in tensors if isinstance(t, PretendTensor)]
        if name in ("_local_scalar_dense", "equal", "is_nonzero", "item"):
            if ours:
                self.wait(name)
            return function(*_real(args), **_real(kwargs))
        if kwargs.get("pin_memory"):
            return self._pin(function(*args, **kwargs | {"pin_memory": False}))
        if name == "_pin_memory":
            return self._pin(args[0].clone())
        if not ours and not self._is_ours(kwargs.get("device")):
            return function(*args, **kwargs)
        self._check_devices(name, tensors, ours)
        return self._compute(function, name, args, kwargs, tensors)

    def _compute(self, function: Callable, name: str, args: tuple, kwargs: dict, tensors: list[Tensor]) -> object:
        if self._is_ours(kwargs.get("device")):
            kwargs = {**kwargs, "device": torch.device("cpu")}
        if name not in VIEWS:
            if self.error is not None:
                raise self.error
            self.log.launches[name] += _launches(name, args)
        self._note_hidden_waits(name, args)
        real_args, real_kwargs = _real(args), _real(kwargs)
        dtypes = [t.dtype for t in tensors if t.is_floating_point()]
        half = next((d for d in dtypes if d in HALF), None)
        if half is not None and name in PRODUCTS and len(set(dtypes)) > 1:
            raise RuntimeError(f"expected one dtype in {name}, found {dtypes} at {_where()}")
        found = None if self.values else _made_up(function, name, real_args, real_kwargs)
        if found is None and name == "_softmax" and args[2]:
            found = function(real_args[0].float(), args[1], False)
        elif found is None and name == "convolution" and half is None and torch.backends.cudnn.allow_tf32:
            found = function(_tf32(real_args[0]), _tf32(real_args[1]), *real_args[2:])
        elif found is None and name in SUMMED_IN_FLOAT32 and half is not None:
            found = function(*_cast(real_args, HALF, torch.float32), **_cast(real_kwargs, HALF, torch.float32))
            found = _cast(found, (torch.float32,), half)
        elif found is None:
            found = function(*real_args, **real_kwargs)
        if (name.endswith("_") and not name.startswith("_")) or name == "_index_put_impl_":
            return args[0]  # in place
        return tree_map(self._ours, found)

    def _copy_to(self, function: Callable, source: Tensor, kwargs: dict) -> Tensor:
        """`Tensor.to`: from or to the device it is a transfer."""
        target, on = kwargs.get("device"), isinstance(source, PretendTensor)
        to = on if target is None else self._is_ours(target)
        asynchronous = kwargs.get("non_blocking", False)
        rest = {k: v for k, v in kwargs.items() if k not in ("device", "non_blocking", "pin_memory")}
        found = function(_real(source), **{"memory_format": torch.preserve_format} | rest)
        if on and not to:
            self._transfer("download", found, asynchronous=False)  # what it is copied to is not pinned
        elif to and not on:
            self._transfer("upload", found, asynchronous and self._is_pinned(source))
        elif to:
            self.log.launches["_to_copy"] += 1
        return self._ours(found) if to else found

    def _copy_into(self, target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
        to, on = isinstance(target, PretendTensor), isinstance(source, PretendTensor)
        if to != on:
            pinned = self._is_pinned(source if to else target)
            self._transfer("upload" if to else "download", source, non_blocking and pinned)
        elif to:
            self.log.launches["copy_"] += 1
        _real(target).copy_(_real(source))
        return target

    def _transfer(self, way: str, tensor: Tensor, asynchronous: bool) -> None:
        (self.log.uploads if way == "upload" else self.log.downloads)[_where()] += tensor.nbytes
        if not asynchronous:
            self.wait(way)

    def _note_hidden_waits(self, name: str, args: tuple) -> None:
        """Operations whose result has a size that only the device knows."""
        masks = (torch.bool, torch.uint8)
        index = [t for t in args[1] if t is not None] if name in ("index", "index_put_", "_index_put_impl_") else []
        by_mask = any(t.dtype in masks for t in index)
        if name == "nonzero" or (by_mask and (name == "index" or args[2].numel() > 1)):
            self.wait(name)

    def _check_devices(self, name: str, tensors: list[Tensor], ours: list[Tensor]) -> None:
        others = [t for t in tensors if not isinstance(t, PretendTensor)]
        if not ours or not others or (name not in ("cat", "stack") and all(t.dim() == 0 for t in others)):
            return
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):  # takes indices from the CPU
            self.wait("upload index")
            return
        found = [(str(t.device), tuple(t.shape)) for t in tensors]
        raise RuntimeError(f"Expected all tensors to be on the same device: {name} {found} at {_where()}")

    def _pin(self, tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        self._pinned.add(place)
        weakref.finalize(tensor, self._pinned.discard, place)
        return tensor

    def _is_pinned(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self._pinned

    def _is_ours(self, device: object) -> bool:
        return device is not None and torch.device(device).type == self.device.type

    def _ours(self, found: object) -> object:
        plain = isinstance(found, Tensor) and not isinstance(found, PretendTensor)
        return PretendTensor(found, self.device) if plain else found


class _NoInferenceMode:
    """Stands in for `torch.inference_mode`, in which no tensor can be wrapped: gradients are off, and that is all."""

    def __init__(self, mode: bool):
        self._mode = mode

    def __enter__(self) -> None:
        self._before = torch.is_grad_enabled()
        torch._C._set_grad_enabled(self._before and not self._mode)

    def __exit__(self, *_: object) -> None:
        torch._C._set_grad_enabled(self._before)


_ENTERED: list[PretendDevice] = []


@contextlib.contextmanager
def pretend(values: bool = True) -> Iterator[PretendDevice]:
    """A machine with one accelerator; see `PretendDevice`."""
    device = PretendDevice(values)
    stream = SimpleNamespace(synchronize=lambda: device.wait("synchronize"))
    properties = SimpleNamespace(name="Pretend", total_memory=TOTAL_BYTES, major=9, minor=0)
    fakes = {
        "torch.cuda._lazy_init": lambda: None,
        "torch.cuda.is_available": lambda: True,
        "torch.cuda.device_count": lambda: 1,
        "torch.cuda.current_device": lambda: 0,
        "torch.cuda.is_bf16_supported": lambda *_, **__: True,
        "torch.cuda.synchronize": lambda *_: device.wait("synchronize"),
        "torch.cuda.current_stream": lambda *_: stream,
        "torch.cuda.mem_get_info": lambda *_: (FREE_BYTES, TOTAL_BYTES),
        "torch.cuda.get_device_name": lambda *_: "Pretend",
        "torch.cuda.get_device_capability": lambda *_: (6, 1),
        "torch.cuda.get_arch_list": lambda: ["sm_75", "sm_90"],
        "torch.cuda.memory_reserved": lambda *_: TOTAL_BYTES - FREE_BYTES,
        "torch.cuda.get_device_properties": lambda *_: properties,
        "torch.cuda.empty_cache": lambda: None,
        "torch._C._InferenceMode": _NoInferenceMode,
    }
    torch._C._ensureCUDADeviceGuardSet()
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    with contextlib.ExitStack() as stack:
        for target, fake in fakes.items():
            stack.enter_context(mock.patch(target, fake))
        torch._C._set_only_lift_cpu_tensors(True)
        stack.callback(torch._C._set_only_lift_cpu_tensors, False)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, overwrite)
        _ENTERED.append(device)
        stack.callback(_ENTERED.pop)
        stack.enter_context(device)
        yield device


def is_entered() -> bool:
    """Whether there is such a device now."""
    return bool(_ENTERED)


def _active() -> PretendDevice:
    if not _ENTERED:
        raise RuntimeError("a tensor of the pretend device is used outside of `pretend`")
    return _ENTERED[-1]


def _where() -> str:
    """The innermost line of core/ under way."""
    frame = sys._getframe(1)
    while frame is not None:
        _, found, place = frame.f_code.co_filename.rpartition("/core/")
        if found:
            return f"{place}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def _is_composite(function: Callable) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(function.name(), "CompositeImplicitAutograd")


def _real(found: object) -> object:
    return tree_map(lambda x: x.held if isinstance(x, PretendTensor) else x, found)


def _cast(found: object, dtypes: tuple[torch.dtype, ...], to: torch.dtype) -> object:
    return tree_map(lambda x: x.to(to) if isinstance(x, Tensor) and x.dtype in dtypes else x, found)


def _tf32(x: Tensor) -> Tensor:
    """Rounded to 10 bits of mantissa, to nearest."""
    return ((x.clone().view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


def _launches(name: str, args: tuple) -> int:
    """Kernels that PyTorch launches on CUDA, by reading its source."""
    if name == "addmm" and args[0].dim() == 2:
        return 2
    if name == "roll":
        return max(1, len(args[2]))
    if name == "topk":
        columns = args[0].shape[-1]
        rows = args[0].numel() // columns
        by_sorting = (rows >= 800 and columns >= 800) or (rows >= 200 and columns >= 3000)
        return 13 if by_sorting or (rows >= 80 and columns >= 5000) or columns >= 20000 else 3
    return LAUNCHES.get(name, 1)


def _made_up(function: Callable, name: str, args: tuple, kwargs: dict) -> object:
    """A result of the right shape with made-up numbers, of operations that take long; None of others."""
    if name in SLOW:
        shape = tree_map(lambda x: x.to("meta") if isinstance(x, Tensor) else x, (args, kwargs))
        found = function(*shape[0], **shape[1])
        if name == "addmm" and found.numel() > 2**22:  # similarities, of which only the shape matters
            return torch.full((1, 1), 0.1, dtype=found.dtype).expand(found.shape)
        layout = torch.channels_last if name == "convolution" else torch.preserve_format
        return tree_map(lambda x: torch.empty_like(x, device="cpu", memory_format=layout).fill_(0.1), found)
    if name == "_embedding_bag_forward_only":
        bags = torch.full((args[2].numel(), args[0].shape[1]), 0.1, dtype=args[0].dtype)
        return bags, args[2], args[2], args[2]
    if name == "topk":
        values = args[0][..., : args[1]].clone()
        return values, torch.arange(args[1]).expand(values.shape).clone()
    if name == "argmax":
        return torch.zeros(args[0].shape[:-1], dtype=torch.int64)
    return None
