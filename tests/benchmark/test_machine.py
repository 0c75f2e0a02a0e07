"""The measurement of a machine, the choice that it leads to, and where that is kept."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from stand_in_network import stand_in_network

from core import demo
from core.benchmark import machine, timing
from core.benchmark.cases import random_network
from core.benchmark.machine import choices_for, known_choices, recall
from core.benchmark.timing import measure
from core.marking.marker import Marker
from core.marking.marks import Marks
from core.media import open_media
from core.network import PAPER, PCVOS, SMALL, load_network
from core.network.choices import DEFAULT, Choices
from core.network.marking_weights import load_marking
from core.network.preparation import in_type, prepare
from core.network.winograd import WinogradConv2d
from core.progress import Cancelled, Progress


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Measuring is on, of a tiny frame, and keeps what it finds here."""
    monkeypatch.setenv(machine.SWITCH, "on")
    monkeypatch.setattr(timing, "SIZE", (32, 48))
    monkeypatch.setattr(machine, "cache_file", lambda: tmp_path / "cache" / "machine.json")
    return tmp_path / "cache" / "machine.json"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[PCVOS]:
    """The networks that were measured."""
    measured: list[PCVOS] = []
    monkeypatch.setattr(
        machine, "measure", lambda network, progress: measured.append(network) or measure(network, progress)
    )
    return measured


@pytest.fixture(scope="module")
def shipped() -> PCVOS:
    return load_network(None, "cpu")


def _prefer(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """A machine on which these ways are ten times faster than the others."""
    clock = {"now": 0.0}
    real = timing.time_ways

    def timed(what, ways, margin, progress, _):
        def slow(name):
            def run() -> None:
                ways[name]()
                clock["now"] += 0.1 if name in names else 1.0

            return run

        return real(what, {name: slow(name) for name in ways}, margin, progress)

    monkeypatch.setattr(timing, "time_ways", timed)
    monkeypatch.setattr(timing, "CLOCK", lambda: clock["now"])


def test_the_published_network_is_measured_too(cache: Path):
    """It has no marking network."""
    assert measure(random_network(PAPER)).choices.marking == DEFAULT.marking


def test_it_is_measured_once_and_kept(cache: Path, counted: list[PCVOS]):
    network = stand_in_network(SMALL)
    first = choices_for(network)
    assert len(counted) == 1 and cache.is_file()
    assert choices_for(network) == known_choices(network) == first and len(counted) == 1


@pytest.mark.parametrize("change", ["processor", "torch", "weights"])
def test_a_change_of_what_it_depends_on_measures_anew(
    change: str, cache: Path, counted: list[PCVOS], monkeypatch: pytest.MonkeyPatch
):
    network = stand_in_network(SMALL)
    choices_for(network)
    if change == "processor":
        monkeypatch.setattr(machine, "processor", lambda: "another one, 64 cores")
    elif change == "torch":
        monkeypatch.setattr(torch, "__version__", "99.0")
    else:
        network.weights_fingerprint = "others"
    assert known_choices(network) == DEFAULT
    choices_for(network)
    assert len(counted) == 2
    assert len(json.loads(cache.read_bytes())) == 2, "what was measured before stays"


def test_a_folder_that_cannot_be_written_measures_each_time(
    cache: Path, counted: list[PCVOS], capfd: pytest.CaptureFixture[str]
):
    cache.parent.write_bytes(b"a file where the folder should be")
    network = stand_in_network(SMALL)
    choices_for(network), choices_for(network)
    assert len(counted) == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"x": 1', b"\xff\xfe"])
def test_a_damaged_cache_is_measured_over(content: bytes, cache: Path, counted: list[PCVOS]):
    cache.parent.mkdir()
    cache.write_bytes(content)
    network = stand_in_network(SMALL)
    choices_for(network)
    assert len(counted) == 1 and recall(network) is not None


def test_an_entry_of_another_version_is_measured_over(cache: Path, counted: list[PCVOS]):
    network = stand_in_network(SMALL)
    choices_for(network)
    kept = json.loads(cache.read_bytes())
    for entry in kept.values():
        entry["choices"]["precision"] = "int4"
    cache.write_text(json.dumps(kept))
    choices_for(network)
    assert len(counted) == 2


def test_it_can_be_switched_off(cache: Path, counted: list[PCVOS], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(machine.SWITCH, "off")
    assert choices_for(stand_in_network(SMALL)) == DEFAULT
    assert not counted and not cache.exists()


def test_it_can_be_cancelled(cache: Path):
    with pytest.raises(Cancelled):
        choices_for(stand_in_network(SMALL), Progress(is_cancelled=lambda: True))
    assert not cache.exists()


@pytest.mark.parametrize("fastest", ["Winograd", "direct"])
def test_the_fastest_convolution_of_each_shape_is_taken(fastest: str, cache: Path, monkeypatch: pytest.MonkeyPatch):
    _prefer(monkeypatch, fastest, "channels-last")
    found = measure(stand_in_network(SMALL))
    assert bool(found.choices.winograd) == (fastest == "Winograd")
    network = prepare(stand_in_network(SMALL), choices=found.choices)
    used = {name for name, module in network.named_modules() if isinstance(module, WinogradConv2d)}
    assert used == found.choices.winograd
    if fastest == "Winograd":
        assert used == {n for n, m in prepare(stand_in_network(SMALL)).named_modules() if isinstance(m, WinogradConv2d)}


@pytest.mark.parametrize(("agrees", "precision"), [(0.9971, "bf16"), (0.9969, "fp32")])
def test_bfloat16_is_taken_where_it_is_faster_and_agrees(
    agrees: float, precision: str, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    _prefer(monkeypatch, "bf16", "Winograd", "channels-last")
    monkeypatch.setattr(timing, "agreement", lambda *_: agrees)
    assert measure(stand_in_network(SMALL)).choices.precision == precision


@pytest.mark.parametrize(("agrees", "way"), [(0.9971, "bf16"), (0.9969, "winograd")])
def test_marks_are_made_in_bfloat16_where_that_is_faster_and_means_the_same(
    agrees: float, way: str, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    _prefer(monkeypatch, "bf16", "Winograd", "channels-last")
    for name in ("agreement", "marking_agreement"):
        monkeypatch.setattr(timing, name, lambda *_: agrees)
    choices = choices_for(network := stand_in_network(SMALL))
    assert choices.marking == "winograd", "no marking weights belong to this network: none can agree"
    network.features_fingerprint = load_marking().features
    network.weights_fingerprint = "of which marking weights know"
    choices = choices_for(network)
    assert choices.marking == way and known_choices(network) == choices
    kept = Marker(prepare(network, choices=choices), load_marking()).marking
    assert next(kept.parameters()).dtype == (torch.bfloat16 if way == "bf16" else torch.float32)


def test_new_marking_weights_are_measured(
    cache: Path, counted: list[PCVOS], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    network = stand_in_network(SMALL)
    choices_for(network)
    (tmp_path / "marking").write_bytes(b"others")
    monkeypatch.setattr(machine, "DEFAULT_MARKING_WEIGHTS", tmp_path / "marking")
    assert known_choices(network) == DEFAULT


def test_a_mark_in_bfloat16_is_the_same_but_for_edges(shipped: PCVOS):
    """Emulated where the CPU has none: slowly, hence one click on a small frame."""
    marking = load_marking()
    with open_media(demo.CLIP) as media:
        image = cv2.resize(media.read(demo.MASK_FRAME), (320, 180), interpolation=cv2.INTER_AREA)
    marks = Marks.clicks([(110, 80)])
    one, other = (Marker(shipped, marking, way).mask(image, marks).label for way in ("direct", "bf16"))
    assert np.count_nonzero(one & other) / np.count_nonzero(one | other) > 0.99


def test_bfloat16_is_not_tried_where_one_convolution_is_slower_in_it(cache: Path, monkeypatch: pytest.MonkeyPatch):
    _prefer(monkeypatch, "fp32", "Winograd", "channels-last")
    monkeypatch.setattr(timing, "in_type", lambda *_: pytest.fail("a frame in bfloat16"))
    assert measure(stand_in_network(SMALL)).choices.precision == "fp32"


def test_the_layout_is_that_of_the_faster_frame_and_draws_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch, small_network: PCVOS
):
    _prefer(monkeypatch, "channels-first", "direct")
    choices = measure(stand_in_network(SMALL)).choices
    assert not choices.channels_last
    network = prepare(stand_in_network(SMALL), choices=choices)
    image = torch.randn(1, 3, 48, 64)
    with torch.inference_mode():
        found, expected = network.encode_key(image), small_network.encode_key(image)
    assert found.f16.is_contiguous()
    torch.testing.assert_close(found.key, expected.key, atol=1e-4, rtol=1e-4)


def test_in_bfloat16_the_shipped_network_draws_the_same_and_makes_keys_in_float32():
    """Emulated where the CPU has none: slowly, hence the small frames."""
    network = load_network(None, "cpu")
    assert not any(isinstance(m, WinogradConv2d) for m in in_type(network, torch.bfloat16).modules())
    with torch.inference_mode():
        features = in_type(network, torch.bfloat16).encode_key(torch.randn(1, 3, 32, 48).bfloat16())
    assert features.key.dtype == torch.float32 and features.thin.dtype == torch.bfloat16
    assert timing.agreement(network, resolution=128, frames=2) >= 0.98


def test_auto_is_what_was_chosen(small_network: PCVOS):
    from core.media.arrays import ArraySource
    from core.propagation import PropagationSettings, Propagator

    network = prepare(stand_in_network(SMALL), choices=Choices(precision="bf16"))
    media = ArraySource(np.zeros((2, 32, 48, 3), np.uint8))
    dtype = {p: Propagator(network, media, PropagationSettings(precision=p)).engine.dtype for p in ("auto", "fp32")}
    assert dtype == {"auto": torch.bfloat16, "fp32": torch.float32}
    assert Propagator(small_network, media).engine.dtype == torch.float32
