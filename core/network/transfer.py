"""Arrays on their way to a device and back, without stopping the host more often than needed.

Through page-locked ("pinned") memory a copy to or from CUDA runs beside what the host does next.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def upload(arrays: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """Arrays of one shape and dtype as one tensor (D, ...) on `device`; a CPU is given a single array itself."""
    if device.type == "cuda":
        dtype = torch.from_numpy(arrays[0][:0]).dtype
        staged = torch.empty((len(arrays), *arrays[0].shape), dtype=dtype, pin_memory=True)
        for place, array in zip(staged.numpy(), arrays, strict=True):
            np.copyto(place, array)
        return staged.to(device, non_blocking=True)
    whole = arrays[0][None] if len(arrays) == 1 else np.stack(arrays)
    return torch.from_numpy(whole).to(device)


def download(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Tensors of one device as arrays: the host waits once for all of them. A CPU's share their memory."""
    if not tensors or tensors[0].device.type != "cuda":
        return [tensor.cpu().numpy() for tensor in tensors]
    staged = [torch.empty(t.shape, dtype=t.dtype, pin_memory=True) for t in tensors]
    for place, tensor in zip(staged, tensors, strict=True):
        place.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensors[0].device).synchronize()
    return [place.numpy().copy() for place in staged]  # pinned memory is scarce
