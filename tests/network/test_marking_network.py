"""The marking network and its weights file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import PCVOSError
from core.network.checkpoint import DEFAULT_WEIGHTS, load_network, load_state, read_weights
from core.network.marking import PLANES, MarkingNetwork
from core.network.marking_weights import (
    DEFAULT_MARKING_WEIGHTS,
    features_fingerprint,
    initial_marking_network,
    load_marking,
    read_marking,
    save_marking,
)
from core.network.pcvos import PCVOS


@pytest.fixture(scope="module")
def trained() -> PCVOS:
    config, state = read_weights(DEFAULT_WEIGHTS)
    network = PCVOS(config)
    load_state(network, state, DEFAULT_WEIGHTS)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def marking(trained: PCVOS) -> MarkingNetwork:
    return initial_marking_network(trained)


def test_it_is_small(marking: MarkingNetwork, tmp_path: Path):
    assert sum(parameter.numel() for parameter in marking.parameters()) <= 4_500_000
    save_marking(tmp_path / "m.safetensors", marking)
    assert (tmp_path / "m.safetensors").stat().st_size <= 9 * 2**20
    assert DEFAULT_MARKING_WEIGHTS.stat().st_size <= 9 * 2**20


def test_many_objects_on_one_frame_are_as_each_by_itself(trained: PCVOS, marking: MarkingNetwork):
    torch.manual_seed(0)
    features = trained.encode_key(torch.randn(1, 3, 64, 96))
    planes = torch.rand(3, len(PLANES), 64, 96)
    with torch.no_grad():
        together = marking(features, planes)
        alone = torch.cat([marking(features, one) for one in planes.split(1)])
    assert together.shape == (3, 1, 16, 24)
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_weights_come_back_as_they_were_saved(trained: PCVOS, marking: MarkingNetwork, tmp_path: Path):
    path = tmp_path / "m.safetensors"
    save_marking(path, marking)
    again = read_marking(path)
    assert again.features == marking.features == features_fingerprint(trained) != ""
    for name, value in marking.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value.half().float())
    features = trained.encode_key(torch.randn(1, 3, 64, 64))
    planes = torch.rand(1, len(PLANES), 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(load_marking(path)(features, planes), again(features, planes), atol=2e-3, rtol=1e-3)


def test_a_prepared_network_knows_its_features(trained: PCVOS):
    assert load_network(device="cpu").features_fingerprint == features_fingerprint(trained)
    other = PCVOS(trained.config)
    other.load_state_dict(trained.state_dict())
    with torch.no_grad():
        other.key_encoder.conv1.weight[0, 0, 0, 0] += 1
    assert features_fingerprint(other) != features_fingerprint(trained)
    other.load_state_dict(trained.state_dict())
    with torch.no_grad():
        other.value_encoder.mask_stem.weight += 1
    assert features_fingerprint(other) == features_fingerprint(trained), "marking does not see values"


def test_files_that_are_no_marking_weights(marking: MarkingNetwork, tmp_path: Path):
    save_marking(tmp_path / "good.safetensors", marking)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((tmp_path / "good.safetensors").read_bytes()[:5000])
    (tmp_path / "text.safetensors").write_text("no weights")
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    lacking = MarkingNetwork()
    del lacking.pred
    save_marking(tmp_path / "lacking.safetensors", lacking)
    for path, words in (
        (tmp_path / "none.safetensors", "There are no marking weights"),
        (damaged, "not a weights file"),
        (tmp_path / "text.safetensors", "not a weights file"),
        (tmp_path / "other.safetensors", "weights of another network"),
        (DEFAULT_WEIGHTS, "weights of another network"),
        (tmp_path / "lacking.safetensors", "does not fit the marking network"),
    ):
        with pytest.raises(PCVOSError, match=words) as caught:
            load_marking(path)
        assert str(path) in str(caught.value) and "--" not in str(caught.value)
        assert caught.value.code == "marking weights"
