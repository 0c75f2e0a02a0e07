"""Convolutions in their Winograd form against torch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.network import PCVOS, winograd
from core.network.winograd import WinogradConv2d


@settings(max_examples=40)
@given(st.integers(1, 3), st.integers(1, 9), st.integers(2, 9), st.integers(1, 21), st.integers(1, 21), st.booleans())
def test_it_computes_the_same(batch: int, in_dim: int, out_dim: int, height: int, width: int, channels_last: bool):
    torch.manual_seed(height * 100 + width)
    conv = nn.Conv2d(in_dim, out_dim, 3, padding=1).requires_grad_(False)
    x = torch.randn(batch, in_dim, height, width)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    expected, found = conv(x), WinogradConv2d(conv)(x)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=2e-5 * max(1.0, expected.abs().max().item()), rtol=0)


def test_wide_convolutions_in_many_strips(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    conv = nn.Conv2d(256, 128, 3, padding=1).requires_grad_(False)
    x = 3 * torch.randn(2, 256, 30, 45).relu()
    monkeypatch.setattr(winograd, "STRIP_BYTES", 36 * 4 * 256 * 12 * 2 * 3)  # three rows of tiles at a time
    expected, found = conv(x), WinogradConv2d(conv)(x)
    torch.testing.assert_close(found, expected, atol=3e-5 * expected.abs().max().item(), rtol=0)


def test_half_precision_comes_out_single():
    conv = nn.Conv2d(8, 4, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 8, 9, 9)
    with torch.autocast("cpu", torch.bfloat16):
        found = WinogradConv2d(conv)(x.bfloat16())
    torch.testing.assert_close(found, conv(x.bfloat16().float()), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("module", "fits"),
    [
        (nn.Conv2d(128, 64, 3, padding=1), True),
        (nn.Conv2d(64, 128, 3, padding=1), False),
        (nn.Conv2d(128, 1, 3, padding=1), False),
        (nn.Conv2d(128, 64, 3), False),
        (nn.Conv2d(128, 64, 3, 2, 1), False),
        (nn.Conv2d(128, 64, 3, padding=1, bias=False), False),
        (nn.Conv2d(128, 64, 3, padding=1, groups=2), False),
        (nn.Conv2d(128, 64, 3, padding=2, dilation=2), False),
        (nn.Conv2d(128, 64, 1), False),
        (nn.Linear(128, 64), False),
    ],
)
def test_what_it_stands_in_for(module: nn.Module, fits: bool):
    assert WinogradConv2d.fits(module) == fits


def test_a_prepared_network_uses_it_where_every_frame_goes(paper_network: PCVOS):
    """Not in the value encoder, which runs once a clip."""
    used = {name for name, module in paper_network.named_modules() if isinstance(module, WinogradConv2d)}
    assert {"key_comp", "decoder.compress.conv1", "decoder.up_8_4.out_conv.conv2"} <= used
    assert not any(name.startswith("value_encoder") for name in used)


def test_the_plain_convolution_comes_back():
    conv = nn.Conv2d(130, 7, 3, padding=1).requires_grad_(False)
    plain = WinogradConv2d(conv).plain()
    torch.testing.assert_close(plain.weight, conv.weight, atol=1e-6, rtol=1e-5)
    assert torch.equal(plain.bias, conv.bias)
