"""Each part of the network against the published one, with stand-in weights."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from parity import WHOLE, Reference
from stand_in_weights import unit
from torch import Tensor, nn

from core.benchmark import baseline
from core.network import PAPER, PCVOS
from core.network.aggregation import aggregate
from core.network.choices import DEFAULT
from core.network.decoder import enlarge
from core.network.matching import read_top_k
from core.network.refinement import cells_of_windows, shift_mask, split_windows
from core.propagation import PropagationSettings
from core.propagation.clip_inference import ClipInference
from core.propagation.feature_cache import FrameFeatures
from core.propagation.geometry import Geometry
from core.propagation.memory import History
from core.propagation.prediction import Track

TOLERANCE = 1e-4
CPU = torch.device("cpu")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="thinned"),
        pytest.param(True, id="whole", marks=pytest.mark.skipif(not WHOLE.is_dir(), reason="no reference beside it")),
    ],
)
def whole(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture(scope="module")
def modules(whole: bool) -> Reference:
    return Reference("modules", whole)


@pytest.fixture(scope="module")
def preprocess(whole: bool) -> Reference:
    return Reference("preprocess", whole)


@pytest.fixture(scope="module")
def outputs(plain_paper_network: PCVOS, paper_network: PCVOS) -> dict[str, dict[str, Tensor]]:
    """Every array of `modules`, as the plain and as the prepared network computes it."""
    networks = {"plain": plain_paper_network, "prepared": paper_network}
    with torch.inference_mode():
        return {name: {**_network_outputs(network), **_other_outputs()} for name, network in networks.items()}


def noise(name: str, *shape: int) -> Tensor:
    """An input of the reference."""
    return torch.from_numpy(unit(name, shape).astype(np.float32))


@pytest.mark.parametrize("network", ["plain", "prepared"])
def test_every_module_computes_the_published_numbers(
    network: str, outputs: dict[str, dict[str, Tensor]], modules: Reference
):
    found = {name: value.numpy() for name, value in outputs[network].items()}
    assert set(found) == modules.outputs
    errors = {name: modules.error(name, value) for name, value in found.items()}
    assert {name: error for name, error in errors.items() if not error <= TOLERANCE} == {}


def test_padding_is_split_as_published(modules: Reference):
    for size, expected in zip(modules["pad.sizes"], modules["pad.lrtb"], strict=True):
        assert Geometry(tuple(size.tolist()), None).pad == tuple(expected.tolist()), size


@pytest.mark.parametrize("clip", range(4))
def test_frames_and_masks_are_preprocessed_as_published(clip: int, preprocess: Reference):
    stored = {name: preprocess[f"{clip}.{name}"] for name in ("frame", "label", "res")}
    geometry = Geometry(stored["frame"].shape[1:3], int(stored["res"]))
    left, _, top, _ = geometry.pad
    height, width = geometry.resized
    inside = np.s_[..., top : top + height, left : left + width]

    padded = geometry.frame(stored["frame"][0], CPU).numpy()
    image = padded[inside]
    assert preprocess.error(f"{clip}.image_row7", image[0, :, 7]) <= TOLERANCE
    assert preprocess.error(f"{clip}.image", image[..., ::2, ::2]) <= 2**-11, "half precision rounds by that much"
    onehot = geometry.masks(stored["label"][0], [1, 2], CPU).numpy()
    assert preprocess.agreement(f"{clip}.onehot", onehot[inside][:, None] > 0.5) == 1.0
    padded[inside], onehot[inside] = 0, 0
    assert not padded.any() and not onehot.any(), "the padding is not zero"


@pytest.mark.parametrize("interval", [2, 3, 5])
def test_plain_progressive_matching_is_the_published_one(
    interval: int, modules: Reference, plain_paper_network: PCVOS, monkeypatch: pytest.MonkeyPatch
):
    """The baseline of the benchmark, held by the same numbers as the engine."""
    monkeypatch.setattr(baseline, "PROGRESSIVE_INTERVAL", interval)
    keys, values, queries = _matching_inputs()
    plain = baseline.PlainInference(plain_paper_network, torch.zeros(1, 3, 96, 160), 1, 5)
    bank = baseline.Bank(keys.flatten(2), values.flatten(2))
    found = plain.match(bank, queries[0].transpose(0, 1)).transpose(0, 1)[None]
    assert modules.error(f"mem.pmm_F{interval}", found[:, ::16].numpy()) <= TOLERANCE


def test_the_thinned_copy_is_small_and_of_the_reference():
    """The repository carries this copy; every output of the reference has its part in it."""
    for file in ("modules", "preprocess", "video_a2_L5", "video_c3late_L4_dup"):
        sample = Reference(file, whole=False)
        assert len(sample.outputs) >= 10
        assert all(sample[name].size >= 30 for name in sample.outputs)
        if WHOLE.is_dir():
            assert sample.outputs == Reference(file, whole=True).outputs
    assert json.loads(str(Reference("video_a2_L5", whole=False)["config"]))["L"] == 5


# what is compared


def _network_outputs(network: PCVOS) -> dict[str, Tensor]:
    """All that depends on weights."""
    return {
        **_key_outputs(network),
        **_value_outputs(network),
        **_refinement_outputs(network),
        **_attention_outputs(network),
        **_decoder_outputs(network),
    }


def _key_outputs(network: PCVOS) -> dict[str, Tensor]:
    image = noise("in/image", 2, 3, 96, 160)
    trunk, features = network.key_encoder(image), network.encode_key(image)
    assert torch.equal(features.f16, trunk.f16) and torch.equal(features.f4, trunk.f4)
    f16 = _f16()
    return {
        "key.f16": trunk.f16[:, ::8],
        "key.f8": trunk.f8[:, ::16],
        "key.f4": trunk.f4[:, ::16],
        "key.k16": features.key,
        "key.thin": features.thin[:, ::8],
        "key.local": features.local[:, ::4],
        "proj.k16": network.key_proj(f16),
        "proj.thin": network.key_comp(f16)[:, ::8],
        "proj.local": network.input_proj(f16)[:, ::4],
    }


def _f16() -> Tensor:
    return noise("in/f16", 1, 1024, 6, 10).abs()


def _value_outputs(network: PCVOS) -> dict[str, Tensor]:
    image = noise("in/image", 2, 3, 96, 160)[:1]
    all_masks = noise("in/masks", 3, 1, 96, 160) / 12**0.5 + 0.5
    found = {"cbam": network.value_encoder.fuser.attention(noise("in/cbam", 2, 512, 6, 10))[:, ::8]}
    for name, masks in (("k1", all_masks[:1]), ("k2", all_masks[1:]), ("k3", all_masks)):
        shared = [t.expand(len(masks), -1, -1, -1) for t in (image, _f16())]
        value = network.encode_value(shared[0], None, shared[1], masks, masks.sum(0, keepdim=True) - masks)
        found[f"value.{name}"] = value[:, ::4].unsqueeze(2)
    return found


def _refinement_outputs(network: PCVOS) -> dict[str, Tensor]:
    sizes = ["2x5x8x12", "1x6x8x12", "1x1x8x12", "1x2x8x12", "1x3x6x10", "1x2x5x6", "1x4x7x14", "1x3x14x7", "1x7x15x8"]
    found = {}
    for i, size in enumerate(sizes):
        batch, *sides = (int(n) for n in size.split("x"))
        keys = noise(f"in/icr/k{i}", batch, 256, *sides)
        values = 2 * noise(f"in/icr/v{i}", batch, 512, *sides)
        found[f"icr{i}_{size}"] = network.refine(keys, values)[:, ::16]
        stream = values.permute(0, 2, 3, 4, 1)
        for j, block in enumerate(network.refine_transformer.layers[0].blocks):
            stream = block(keys.permute(0, 2, 3, 4, 1), stream)
            found[f"icr{i}_{size}.block{j}"] = stream.permute(0, 4, 1, 2, 3)[:, ::32]
    return found


def _attention_outputs(network: PCVOS) -> dict[str, Tensor]:
    """Attention on given windows: they are put together to a clip that falls apart into just these."""
    size, window, shift = (6, 14, 14), (2, 7, 7), (1, 3, 3)
    x, v = noise("in/attn/x", 12, 98, 256), noise("in/attn/v", 12, 98, 512)
    attention = network.refine_transformer.layers[0].blocks[1].attn
    found = {"icr.mask_6x14x14": shift_mask(size, window, shift)}
    for name, used in (("masked", shift), ("nomask", (0, 0, 0))):
        _, back = cells_of_windows(1, size, window, used)
        clip = [F.embedding(back, windows.flatten(0, 1)) for windows in (x, v)]
        out = attention(*clip, window, used).roll([-s for s in used], (1, 2, 3))
        found[f"icr.attn_{name}"] = split_windows(out, window)[..., ::32]
    return found


def _decoder_outputs(network: PCVOS) -> dict[str, Tensor]:
    d16, d8, d4 = noise("in/d16", 2, 1024, 6, 10), noise("in/d8", 2, 512, 12, 20), noise("in/d4", 2, 256, 24, 40)
    decoder = network.decoder
    skip8, skip4 = decoder.skips(d8.abs(), d4.abs())
    compressed = decoder.compress(d16)
    up8 = decoder.up_16_8(compressed, skip8)
    logits = network.decode(d16[:, :512], d16[:, 512:], skip8, skip4)
    return {
        "dec.compress": compressed[:, ::16],
        "dec.up8": up8[:, ::16],
        "dec.up4": decoder.up_8_4(up8, skip4)[:, ::32],
        "dec.logit4": logits,
        "dec.logit": enlarge(logits, 4),
    }


def _other_outputs() -> dict[str, Tensor]:
    """Matching and aggregation: they have no weights."""
    aggregated = aggregate(torch.from_numpy(Reference("modules", whole=False)["agg.in"]))
    return {"agg.out": aggregated, **_matching_outputs()}


def _matching_inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Memory keys and values, (1, C, 5, 6, 10), and queries (1, 64, 12, 6, 10)."""
    keys, values = noise("in/mk", 1, 64, 5, 6, 10), noise("in/mv", 1, 512, 5, 6, 10)
    near = keys[:, :, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]]
    return keys, values, 0.6 * noise("in/qk", 1, 64, 12, 6, 10) + 0.7 * near


def _matching_outputs() -> dict[str, Tensor]:
    keys, values, queries = _matching_inputs()
    rows = lambda x: x[0].flatten(1).t().contiguous()  # noqa: E731
    grid = lambda x: x.view(-1, 6, 10, x.shape[1]).permute(3, 0, 1, 2)[None]  # noqa: E731
    first = rows(queries[:, :, 0])
    (weights,) = read_top_k(first, rows(keys), [torch.eye(300)])  # the readout of unit vectors is the affinity
    # Two objects at once, in blocks of a few queries: neither may change anything.
    readouts = read_top_k(rows(queries), rows(keys), [rows(values), -rows(values)], block_bytes=4 * 300 * 7)
    assert torch.equal(readouts[0], -readouts[1])
    found = {
        "mem.affinity": weights.t()[None],
        "mem.parallel": grid(readouts[0])[:, ::8],
        "mem.top7": grid(read_top_k(first, rows(keys), [rows(values)], 7)[0])[:, ::8, 0],
    }
    for interval in (2, 3, 5):
        found[f"mem.pmm_F{interval}"] = _progressive_readout(keys, values, queries, interval)[:, ::16]
    return found


class _ReadoutNetwork(nn.Module):
    """Stands in for a network whose refinement shows the readouts that the engine hands to it."""

    def __init__(self) -> None:
        super().__init__()
        self.config, self.choices = PAPER, DEFAULT
        self.weight = nn.Parameter(torch.zeros(1))
        self.readout: Tensor | None = None

    def refine(self, local: Tensor | None, readout: Tensor) -> Tensor:
        self.readout = readout
        return readout

    def decode(self, refined: Tensor, *_: Tensor) -> Tensor:
        return refined[:, :1]


def _progressive_readout(keys: Tensor, values: Tensor, queries: Tensor, interval: int) -> Tensor:
    """The engine's readout of a clip, (1, C, D, h, w)."""
    rows = lambda x: x.flatten(1).t().contiguous()  # noqa: E731
    network = _ReadoutNetwork()
    engine = ClipInference(network, PropagationSettings(progressive=interval, kernel=0))
    plane = torch.zeros(1, 1, 6, 10)
    features = [
        FrameFeatures(rows(query), plane, None, plane, plane, None, None, None) for query in queries[0].unbind(1)
    ]
    engine.predict(features, [History((Track(1),), rows(keys[0]), (rows(values[0]),))])
    return network.readout
