"""The two presets: their size, their cost, and that preparing for inference changes nothing."""

import dataclasses

import pytest
import torch
from stand_in_weights import read_keys
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from core.network import PAPER, PCVOS, PRESETS, SMALL, PCVOSConfig, matching, refinement
from core.propagation import PropagationSettings
from core.propagation.clip_inference import ClipInference
from core.propagation.memory import History
from core.propagation.prediction import Track


def count_parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def gigaflops_per_frame(config: PCVOSConfig, dense_readout: bool = False) -> float:
    """The engine's work per 480p frame (854 x 480, padded): one object, clips of 5, 5 memory frames, one frame of each
    clip encoded into memory; a multiplication and an addition are two. The readout of the best 20 is a gather, which
    the counter does not see; `dense_readout`: as the published loop has it, a product with all of memory. Without the
    temporary memory of progressive matching."""
    cells, interval, memory_frames, top_k = 30 * 54, 5, 5, 20
    _forget_constants()
    with FakeTensorMode(), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        engine = ClipInference(PCVOS(config).eval(), PropagationSettings(interval=interval, progressive=0, top_k=top_k))
        features = engine.features(torch.empty(interval, 3, 480, 864))
        engine.values(features[-1], torch.empty(1, 480, 864))
        memory = [torch.empty(memory_frames * cells, width) for width in (config.key_dim, config.value_dim)]
        engine.predict(features, [History((Track(1),), memory[0], (memory[1],))])
    _forget_constants()  # those that were made are fake
    read = memory_frames * cells if dense_readout else top_k
    return counter.get_total_flops() / interval / 1e9 + 2 * read * config.value_dim * cells / 1e9


def _forget_constants() -> None:
    for made in (matching.grid_of, refinement.shift_mask, refinement.cells_of_windows):
        made.cache_clear()


def test_paper_preset_has_the_published_parts():
    network = PCVOS(PAPER)
    assert count_parameters(network) == 62_182_522
    parts = {
        "key_encoder": 8_543_296,
        "value_encoder": 21_701_635,
        "key_proj": 589_888,
        "key_comp": 4_719_104,
        "input_proj": 2_359_552,
        "refine_transformer": 5_388_790,
        "decoder": 18_880_257,
    }
    assert {name: count_parameters(child) for name, child in network.named_children()} == parts


def test_paper_preset_has_the_published_keys_shapes_and_types():
    rows = read_keys()
    assert len(rows) == 445
    own = PCVOS(PAPER).state_dict()
    assert {key: (tuple(v.shape), str(v.dtype)) for key, v in own.items()} == {
        key: (shape, f"torch.{dtype.removeprefix('torch.')}") for key, shape, dtype in rows
    }


def test_small_preset_is_small():
    assert count_parameters(PCVOS(SMALL)) <= 10_000_000
    assert gigaflops_per_frame(SMALL) <= 45


def test_paper_preset_costs_what_the_published_network_does():
    assert gigaflops_per_frame(PAPER, dense_readout=True) == pytest.approx(331, rel=0.01)


def test_presets_are_frozen_and_known_by_name():
    assert {"paper": PAPER, "small": SMALL} == PRESETS
    with pytest.raises(dataclasses.FrozenInstanceError):
        SMALL.key_dim = 32


def test_preparing_folds_every_batch_norm(plain_paper_network: PCVOS, paper_network: PCVOS):
    """That it computes the same numbers is what the parity tests show, on both."""
    kinds = {type(m) for m in paper_network.modules()}
    assert torch.nn.BatchNorm2d in {type(m) for m in plain_paper_network.modules()}
    assert torch.nn.BatchNorm2d not in kinds
    weight = paper_network.value_encoder.fuser.block1.conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not any(p.requires_grad for p in paper_network.parameters())
