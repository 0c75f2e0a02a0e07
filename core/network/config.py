"""The differences between PCVOS networks: two presets, one code."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PCVOSConfig:
    """The shape of a PCVOS network. Channels unless said otherwise; strides are those of the paper (16, 8, 4).

    Attributes:
        key_trunk: residual network of the key encoder, up to stride 16.
        value_blocks: basic blocks in the value encoder's layer1, layer2, layer3.
        shared_stem: the value encoder starts from the key encoder's stride-4 features and sees the masks through a
            convolution of its own, instead of a full ResNet stem over frame and masks.
        batch_norm: whether the trunks have batch norms (as published) or convolutions with biases.
        key_dim: C_k, the width of memory and query keys (paper Sec. 4.1).
        value_dim: C_v, the width of memory values.
        thin_dim: width of the stride-16 features the decoder sees.
        local_dim: C_k', width of the intra-clip keys.
        refinement: whether the intra-clip refinement is there (off: the network is STCN).
        refine_hidden: hidden width of its feed-forward layers.
        window: its window, in frames, rows and columns of the stride-16 grid.
        decoder_dims: decoder widths up to stride 8 and from stride 8 on.
    """

    name: str
    key_trunk: Literal["resnet18", "resnet50"]
    value_blocks: tuple[int, int, int]
    shared_stem: bool
    batch_norm: bool
    key_dim: int
    value_dim: int
    thin_dim: int
    local_dim: int
    refinement: bool
    refine_hidden: int
    window: tuple[int, int, int]
    decoder_dims: tuple[int, int]


PAPER = PCVOSConfig(
    name="paper",
    key_trunk="resnet50",
    value_blocks=(2, 2, 2),
    shared_stem=False,
    batch_norm=True,
    key_dim=64,
    value_dim=512,
    thin_dim=512,
    local_dim=256,
    refinement=True,
    refine_hidden=2048,
    window=(2, 7, 7),
    decoder_dims=(512, 256),
)
"""The published architecture; loads the published checkpoint under its own key names."""

SMALL = PCVOSConfig(
    name="small",
    key_trunk="resnet18",
    value_blocks=(0, 2, 1),
    shared_stem=True,
    batch_norm=False,
    key_dim=64,
    value_dim=192,
    thin_dim=128,
    local_dim=128,
    refinement=True,
    refine_hidden=384,
    window=(2, 7, 7),
    decoder_dims=(128, 48),
)
"""The paper's boxes, slimmed: what ships, and the default."""

PRESETS = {config.name: config for config in (PAPER, SMALL)}
