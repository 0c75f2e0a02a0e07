"""Which device is taken, why another one is not, and what its errors mean."""

import os
import warnings
from pathlib import Path

import pytest
import torch
from pretend_device import FREE_BYTES, TOTAL_BYTES, pretend

from core.network import devices, load_network
from core.network.devices import (
    DeviceError,
    choose_device,
    describe_devices,
    float32_exactly,
    is_dead,
    is_lack_of_memory,
    why_no_gpu,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
NO_KERNEL = RuntimeError("CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors ...")


@pytest.fixture
def nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that seems to have a GPU: there is nvidia-smi."""
    program = tmp_path / ("nvidia-smi.exe" if os.name == "nt" else "nvidia-smi")
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def no_nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that seems to have no GPU, as far as programs say so."""
    if Path("/proc/driver/nvidia/version").exists():
        pytest.skip("has an NVIDIA GPU")
    monkeypatch.setenv("PATH", "")


def test_a_gpu_that_works_is_taken():
    with pretend():
        assert choose_device("auto") == devices.Choice(CUDA)
        assert choose_device("cuda").device == choose_device("cuda:0").device == CUDA
        found, cpu = describe_devices()
    assert (found.name, found.free_bytes, found.total_bytes, found.problem) == ("cuda:0", FREE_BYTES, TOTAL_BYTES, None)
    assert cpu.name == "cpu" and cpu.free_bytes < cpu.total_bytes


def test_a_gpu_older_than_pytorch_is_passed_over_with_the_reason():
    with pretend() as device:
        device.error = NO_KERNEL
        choice = choose_device("auto")
        assert choice.device == CPU
        assert "sm_61" in choice.passed_over and "sm_75, sm_90" in choice.passed_over
        assert load_network(None, "auto").passed_over == choice.passed_over
        with pytest.raises(DeviceError, match=r"sm_61.*choose auto or cpu") as caught:
            choose_device("cuda")
        assert caught.value.code == "no device" and "\n" not in str(caught.value)
        assert describe_devices()[0].problem == choice.passed_over


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has MPS")
def test_an_mps_device_is_tried_too(no_nvidia: None, monkeypatch: pytest.MonkeyPatch):
    """Here it says that it is there, and is not."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    choice = choose_device("auto")
    assert choice.device == CPU and "MPS" in choice.passed_over


def test_of_several_gpus_the_one_with_most_free_memory_is_taken(monkeypatch: pytest.MonkeyPatch):
    with pretend():
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: ([5, 9, 7][device.index], 10))
        assert choose_device("cuda").device.index == 1
        assert [one.free_bytes for one in describe_devices()[:3]] == [5, 9, 7]
        with pytest.raises(DeviceError, match="cuda:0, cuda:1, cuda:2"):
            choose_device("cuda:3")


def test_a_pytorch_without_cuda_is_named(nvidia: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    choice = choose_device("auto")
    assert choice.device == CPU and "built without CUDA" in choice.passed_over
    with pytest.raises(DeviceError, match="built without CUDA"):
        choose_device("cuda")
    assert "built without CUDA" in describe_devices()[0].problem


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_gpus_that_are_hidden_are_named(nvidia: None, monkeypatch: pytest.MonkeyPatch, hidden: str):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert "CUDA_VISIBLE_DEVICES" in why_no_gpu()


def test_a_driver_that_is_too_old_is_named(nvidia: None, monkeypatch: pytest.MonkeyPatch):
    def is_available() -> bool:
        warnings.warn(
            "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).", stacklevel=2
        )
        return False

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", is_available)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "update the driver" in choose_device("auto").passed_over


def test_without_a_gpu_nothing_is_said(no_nvidia: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert why_no_gpu() is None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("Invalid buffer size: 12.5 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.07 GB, max allowed: 9.07 GB)."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    ],
    ids=str,
)
def test_lack_of_memory_is_seen_in_all_its_words(error: Exception):
    assert is_lack_of_memory(error) and not is_dead(error)


@pytest.mark.parametrize(
    "text", ["CUDA error: an illegal memory access was encountered", "CUDA error: device-side assert triggered"]
)
def test_a_dead_device_is_seen(text: str):
    assert is_dead(RuntimeError(text)) and not is_lack_of_memory(RuntimeError(text))


def test_float32_is_float32_only_inside():
    """As PyTorch has it, convolutions on CUDA round to 10 bits; the pretend device does too."""
    torch.manual_seed(0)
    x, weight = torch.randn(1, 8, 9, 9), torch.randn(8, 8, 3, 3)
    expected = torch.nn.functional.conv2d(x, weight)
    with pretend():
        x, weight = x.to(CUDA), weight.to(CUDA)
        rounded = torch.nn.functional.conv2d(x, weight).cpu()
        with float32_exactly(CUDA):
            exact = torch.nn.functional.conv2d(x, weight).cpu()
        assert torch.backends.cudnn.allow_tf32
    assert (rounded - expected).abs().max() > 1e-4
    assert torch.equal(exact, expected)
