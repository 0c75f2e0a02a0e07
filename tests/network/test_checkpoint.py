"""Weights files: those of the project, published PCVOS and STCN checkpoints, and everything that is neither."""

import hashlib
import json
import pickle
import random
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from stand_in_weights import read_keys

from core.errors import PCVOSError, ResourceError
from core.network import PAPER, PCVOS, SMALL, load_network, save_network
from core.network.checkpoint import load_state, read_weights
from core.network.devices import find_device

REFINEMENT_ONLY = ("input_proj.", "refine_transformer.")


@pytest.fixture(scope="module")
def small() -> PCVOS:
    torch.manual_seed(5)
    return PCVOS(SMALL).eval()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the published checkpoint's keys, shapes and types, made from the list of them and from nothing else."""
    types = {"float32": torch.float32, "int64": torch.int64}
    state = {key: torch.zeros(shape, dtype=types[dtype]) for key, shape, dtype in read_keys()}
    for key, value in state.items():
        if key.endswith("running_var"):
            value.fill_(1)
        if key == "key_proj.key_proj.bias":
            value.copy_(torch.arange(64))
    path = tmp_path_factory.mktemp("published") / "pcvos.pth"
    torch.save(state, path)
    return path


def one_sentence(error: PCVOSError) -> str:
    """The message, checked to be one sentence."""
    text = str(error)
    assert text.endswith(".") and "\n" not in text and not re.search(r"[.!?] [A-Z]", text), text
    return text


def refused(path: Path) -> str:
    """The sentence by which a weights file is refused."""
    with pytest.raises(PCVOSError) as caught:
        load_network(path, "cpu")
    assert caught.value.exit_code == 2
    assert str(path) in one_sentence(caught.value)
    return str(caught.value)


# what fits


def test_published_checkpoint_loads_strictly(published: Path):
    network = load_network(published, "cpu")
    assert network.config == PAPER
    assert network.key_proj.key_proj.bias.tolist() == list(range(64))
    assert not network.training
    assert network.weights_fingerprint == hashlib.sha256(published.read_bytes()).hexdigest()


def test_stcn_checkpoint_loads_with_refinement_off(published: Path, tmp_path: Path):
    state = torch.load(published, weights_only=True)
    path = tmp_path / "stcn.pth"
    torch.save({k: v for k, v in state.items() if not k.startswith(REFINEMENT_ONLY)}, path)
    network = load_network(path, "cpu")
    assert not network.config.refinement
    readout = torch.randn(1, 512, 2, 3, 4)
    assert network.encode_key(torch.zeros(1, 3, 32, 32)).local is None
    assert network.refine(None, readout) is readout


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_one_differing_key_is_an_error_that_names_it(published: Path, tmp_path: Path, change: str):
    state = torch.load(published, weights_only=True)
    key = "decoder.pred.weight"
    if change == "missing":
        del state[key]
    elif change == "unknown":
        key = "decoder.further.weight"
        state[key] = torch.zeros(1)
    else:
        state[key] = torch.zeros(2, 256, 3, 3)
    path = tmp_path / "odd.pth"
    torch.save(state, path)
    assert key in refused(path)


def test_small_network_comes_back_as_it_was_saved(small: PCVOS, tmp_path: Path):
    path = tmp_path / "small.safetensors"
    save_network(path, small)
    assert path.stat().st_size <= 20 * 2**20
    config, state = read_weights(path)
    kept = {k: v.half().float() if v.is_floating_point() else v for k, v in small.state_dict().items()}
    assert config == SMALL and state.keys() == kept.keys()
    assert all(torch.equal(value, kept[key]) for key, value in state.items())
    again = PCVOS(SMALL).eval()
    again.load_state_dict(kept)
    frame = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        found, expected = (network.encode_key(frame).thin for network in (load_network(path, "cpu"), again))
    torch.testing.assert_close(found, expected, atol=1e-4 * expected.abs().max().item(), rtol=0)
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["pcvos"]) == {"preset": "small"}
        assert file.get_tensor("decoder.pred.weight").dtype == torch.float16


def test_small_weights_without_metadata_are_known_by_their_keys(small: PCVOS, tmp_path: Path):
    """As the training run keeps them."""
    path = tmp_path / "ema.safetensors"
    save_file({k: v.contiguous() for k, v in small.state_dict().items()}, path)
    found = load_network(path, "cpu")
    assert found.config == SMALL
    assert torch.equal(found.decoder.pred.weight, small.decoder.pred.weight)


# what does not


def test_missing_file_is_named(tmp_path: Path):
    assert "There is no weights file" in refused(tmp_path / "none.safetensors")
    assert "There is no weights file" in refused(tmp_path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin", ""])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02.", b"not weights at all\n" * 50, bytes(100)])
def test_files_of_another_kind_are_refused(tmp_path: Path, suffix: str, content: bytes):
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    assert "not a weights file" in refused(path)


@pytest.mark.parametrize(
    "content", [[torch.ones(2)], torch.ones(2), {"state": {"a": torch.ones(2)}}, {3: torch.ones(2)}, {"epoch": 3}]
)
def test_pytorch_files_that_are_no_state_dict_are_refused(tmp_path: Path, content: object):
    path = tmp_path / "file.pth"
    torch.save(content, path)
    assert "state dict" in refused(path)


@pytest.mark.parametrize("content", [{}, {"fc.weight": torch.ones(2)}])
def test_weights_of_another_network_are_refused(tmp_path: Path, content: dict):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    assert "another network" in refused(path)


@pytest.mark.parametrize("metadata", ['{"preset": "large"}', '{"preset": ["small"]}', "[]", "3", "{", '"small"'])
def test_unknown_metadata_is_refused(tmp_path: Path, metadata: str):
    path = tmp_path / "file.safetensors"
    save_file({"a": torch.ones(2)}, path, {"pcvos": metadata})
    refused(path)


class _Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[Callable, tuple]:
        return open, (str(self.mark), "w")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("how", ["pickle", "zip", "legacy"])
def test_code_in_a_file_is_never_run(tmp_path: Path, suffix: str, how: str):
    mark, path = tmp_path / "mark", tmp_path / f"trap{suffix}"
    content = {"decoder.pred.weight": _Trap(mark)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "zip")
    refused(path)
    assert not mark.exists()


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated", "ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_damaged_files_are_refused_or_hold_the_same_keys(tmp_path: Path, kind: str):
    """Cut short anywhere, or with a few bytes changed: a sentence, never another exception."""
    state = {"key_encoder.conv1.weight": torch.ones(3, 2), "decoder.pred.bias": torch.ones(1)}
    path = tmp_path / ("file.safetensors" if kind == "safetensors" else "file.pth")
    if kind == "safetensors":
        save_file(state, path, {"pcvos": '{"preset": "small"}'})
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    rng = random.Random(0)
    for i in range(150):
        damaged = bytearray(whole)
        if i % 3 == 0:
            damaged = damaged[: rng.randrange(len(whole))]
        else:
            for _ in range(rng.randint(1, 6)):
                damaged[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            read_weights(path)
        except PCVOSError as error:
            one_sentence(error)
        else:
            assert len(damaged) == len(whole)


def test_truncated_weights_of_the_project_are_refused(small: PCVOS, tmp_path: Path):
    path = tmp_path / "cut.safetensors"
    save_network(path, small)
    path.write_bytes(path.read_bytes()[:-1000])
    assert "not a weights file" in refused(path)


def test_loading_states_by_hand_is_strict(small: PCVOS):
    state = dict(small.state_dict())
    state.pop("decoder.pred.bias")
    with pytest.raises(PCVOSError, match=r"decoder\.pred\.bias"):
        load_state(PCVOS(SMALL), state, Path("by-hand"))


# saving


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process grows beyond a megabyte, until the test is over."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("full_disk")
def test_weights_are_saved_as_a_whole_or_not_at_all(small: PCVOS, tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"what was there")
    with pytest.raises(PCVOSError) as caught:
        save_network(path, small)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_a_lack_of_resources(small: PCVOS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(ResourceError, match="disk is full"):
        save_network(tmp_path / "weights.safetensors", small)
    assert list(tmp_path.iterdir()) == []


def test_saving_to_a_missing_folder_is_one_sentence(small: PCVOS, tmp_path: Path):
    with pytest.raises(PCVOSError, match="cannot be written"):
        save_network(tmp_path / "none" / "weights.safetensors", small)


# devices


def test_the_automatic_device_is_there():
    assert torch.zeros(1, device=find_device("auto")) == 0
    assert find_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "", "meta", "cuda:x", "tpu", "cuda:99"])
def test_devices_that_are_not_there_are_one_sentence(name: str):
    with pytest.raises(PCVOSError) as caught:
        find_device(name)
    assert "cpu" in str(caught.value) and caught.value.exit_code == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is there")
def test_cuda_that_is_not_there_is_one_sentence():
    with pytest.raises(PCVOSError, match="no CUDA device"):
        find_device("cuda")
