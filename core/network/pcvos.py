"""The PCVOS network: the boxes of the paper's Figure 2, joined."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from core.network.choices import DEFAULT, Choices
from core.network.config import PCVOSConfig
from core.network.decoder import Decoder
from core.network.key_encoder import KeyEncoder, KeyProjection
from core.network.refinement import IntraClipRefinement
from core.network.value_encoder import ValueEncoder


@dataclass(frozen=True)
class KeyFeatures:
    """All that is known of B frames without any mask; (B, C, H/s, W/s) with the stride in the name, 16 otherwise.

    Attributes:
        f4, f16: trunk features, which only the value encoder needs.
        key: C_k, for matching. thin: for the decoder. local: C_k', for the refinement (None without one).
        skip8, skip4: the decoder's skip features.
    """

    f4: Tensor
    f16: Tensor
    key: Tensor
    thin: Tensor
    local: Tensor | None
    skip8: Tensor
    skip4: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> "KeyFeatures":
        """A copy with every tensor changed."""
        return KeyFeatures(
            f4=change(self.f4),
            f16=change(self.f16),
            key=change(self.key),
            thin=change(self.thin),
            local=None if self.local is None else change(self.local),
            skip8=change(self.skip8),
            skip4=change(self.skip4),
        )


class PCVOS(nn.Module):
    """Key encoder, value encoder, intra-clip refinement and decoder; matching has no weights (`matching.py`).

    Frames are (B, 3, H, W), RGB normalised as ImageNet's, sides multiples of 16. The names of the parts are those of
    the published checkpoint.

    Attributes:
        weights_fingerprint, passed_over, features_fingerprint: see `load_network`.
        choices: how it was prepared for a CPU (`preparation.prepare`).
    """

    weights_fingerprint: str = ""
    passed_over: str = ""
    features_fingerprint: str = ""
    choices: Choices = DEFAULT

    def __init__(self, config: PCVOSConfig):
        super().__init__()
        self.config = config
        self.key_encoder = KeyEncoder(config)
        dims = self.key_encoder.dims
        self.value_encoder = ValueEncoder(config, dims)
        self.key_proj = KeyProjection(dims[2], config.key_dim)
        self.key_comp: nn.Module = nn.Conv2d(dims[2], config.thin_dim, 3, padding=1)
        if config.refinement:
            self.input_proj = KeyProjection(dims[2], config.local_dim)
            self.refine_transformer = IntraClipRefinement(config)
        self.decoder = Decoder(config, dims)

    def encode_key(self, frames: Tensor) -> KeyFeatures:
        """Everything about frames (B, 3, H, W) that no mask changes."""
        trunk = self.key_encoder(frames)
        skip8, skip4 = self.decoder.skips(trunk.f8, trunk.f4)
        return KeyFeatures(
            f4=trunk.f4,
            f16=trunk.f16,
            key=self.key_proj(trunk.f16),
            thin=self.key_comp(trunk.f16),
            local=self.input_proj(trunk.f16) if self.config.refinement else None,
            skip8=skip8,
            skip4=skip4,
        )

    def encode_value(self, frames: Tensor, f4: Tensor, f16: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """Memory values (K, C_v, H/16, W/16); see `ValueEncoder.forward`."""
        return self.value_encoder(frames, f4, f16, masks, others)

    def refine(self, local: Tensor | None, readout: Tensor) -> Tensor:
        """Readouts (B, C_v, D, h, w) of whole clips, refined with the local keys (B, C_k', D, h, w)."""
        return self.refine_transformer(local, readout) if self.config.refinement else readout

    def decode(self, refined: Tensor, thin: Tensor, skip8: Tensor, skip4: Tensor) -> Tensor:
        """Mask logits (B, 1, H/4, W/4); see `Decoder.forward`."""
        return self.decoder(refined, thin, skip8, skip4)
