"""The network a run starts from."""

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file

from core.errors import PCVOSError
from core.network import PCVOS, SMALL
from core.network.imagenet import load_imagenet_trunk, normalise
from core.network.key_encoder import KeyEncoder
from core.training.data import TrainingData
from core.training.initialise import initial_network


@pytest.fixture(scope="module")
def resnet() -> torchvision.models.ResNet:
    """ResNet-18 with random weights, and batch norms that do something."""
    torch.manual_seed(2)
    resnet = torchvision.models.resnet18().eval().requires_grad_(False)
    for module in resnet.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.2)
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return resnet


@pytest.fixture(scope="module")
def weights(resnet: torchvision.models.ResNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of it that a run starts from: conv1 to layer3."""
    path = tmp_path_factory.mktemp("init") / "resnet18.safetensors"
    save_file({k: v for k, v in resnet.state_dict().items() if not k.startswith(("layer4", "fc"))}, path)
    return path


@pytest.fixture(scope="module")
def network(weights: Path, data: TrainingData) -> PCVOS:
    return initial_network(SMALL, weights, data).eval()


def test_the_trunk_computes_what_torchvision_s_does(resnet: torchvision.models.ResNet, network: PCVOS, weights: Path):
    """Batch norms are folded: convolutions with biases give the same features."""
    trunk = KeyEncoder(SMALL)
    load_imagenet_trunk(trunk, weights)
    frames = torch.randn(2, 3, 64, 96)
    stem = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(frames))))
    f4 = resnet.layer1(stem)
    f8 = resnet.layer2(f4)
    expected = (f4, f8, resnet.layer3(f8))
    for encoder in (trunk, network.key_encoder):
        with torch.no_grad():
            found = encoder(frames)
        for name, features in zip(("f4", "f8", "f16"), expected, strict=True):
            scale = features.abs().max().item()
            torch.testing.assert_close(getattr(found, name), features, atol=1e-5 * scale, rtol=0)


def test_the_value_encoder_starts_from_it_too(network: PCVOS):
    key, value = network.key_encoder, network.value_encoder
    assert torch.equal(value.layer2[0].conv1.weight, key.layer2[0].conv1.weight)
    assert torch.equal(value.layer3[0].downsample[0].bias, key.layer3[0].downsample[0].bias)


def test_keys_start_as_matching_of_features(network: PCVOS, data: TrainingData):
    """Principal components in the centre tap, centred, of a scale that makes the softmax neither flat nor sharp."""
    head = network.key_proj.key_proj
    taps = head.weight.abs().sum((0, 1))
    assert taps[1, 1] > 0 and taps.sum() == taps[1, 1]
    components = head.weight[:, :, 1, 1]
    gram = components @ components.t()
    torch.testing.assert_close(gram, gram.diagonal().mean() * torch.eye(64), atol=1e-3 * gram[0, 0].item(), rtol=0)
    keys = []
    with torch.no_grad():
        for photo in (p for group in data.photos.values() for p in group):
            frame = normalise(torch.from_numpy(photo.image[:112, :160]).permute(2, 0, 1)[None])
            keys.append(network.encode_key(frame).key[0].flatten(1))
    keys = torch.cat(keys, 1)
    assert keys.mean(1).norm() < 0.2 * keys.norm(dim=0).mean()
    assert keys.square().sum(0).mean().item() == pytest.approx(64**0.5 / (2 * 0.2), rel=0.3)


def test_the_refinement_starts_as_nothing_but_its_norm(network: PCVOS):
    local, readout = torch.randn(1, 128, 3, 4, 6), torch.randn(1, 192, 3, 4, 6)
    with torch.no_grad():
        refined = network.refine(local, readout)
    expected = torch.nn.functional.layer_norm(readout.movedim(1, -1), (192,)).movedim(-1, 1)
    torch.testing.assert_close(refined, expected)


def test_masks_matter_from_the_start(network: PCVOS):
    frame, nothing = torch.randn(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    features = network.encode_key(frame)
    with torch.no_grad():
        without, with_mask, with_others = (
            network.encode_value(frame, features.f4, features.f16, *masks)
            for masks in ((nothing, nothing), (nothing + 1, nothing), (nothing, nothing + 1))
        )
    assert (with_mask - without).abs().mean() > 0.05 * without.abs().mean()
    assert (with_others - with_mask).abs().mean() > 0.05 * without.abs().mean()


def test_the_same_seed_gives_the_same_network(weights: Path, data: TrainingData, network: PCVOS):
    again = initial_network(SMALL, weights, data).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in network.state_dict().items())


def test_weights_that_do_not_fit_are_one_sentence(weights: Path, tmp_path: Path):
    state = load_file(weights)
    bad = tmp_path / "bad.safetensors"

    def error() -> str:
        with pytest.raises(PCVOSError) as caught:
            load_imagenet_trunk(KeyEncoder(SMALL), bad)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert str(bad) in error()
    bad.write_bytes(b"not weights")
    assert str(bad) in error()
    save_file({k: v for k, v in state.items() if not k.startswith("layer3")}, bad)
    assert "layer3" in error()
    save_file({k: v for k, v in state.items() if "bn1" not in k}, bad)
    assert "bn1" in error()
