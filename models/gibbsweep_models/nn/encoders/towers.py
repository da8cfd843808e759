"""Two towers, pictures and captions in one space, and energies of a pair of embeddings there."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.convnets import ConvEncoder
from gibbsweep_models.types import DataSpec

PairForm = Literal["cosine", "mlp"]
"""Energy of a pair, see :class:`PairNet`."""


class TextTower(nn.Module):
    """A network from captions (B, L) int64, 0 = padding, to (B, out): the mean of the words' embeddings and of those of
    neighbouring pairs (a convolution of width 2), through one hidden layer."""

    def __init__(self, vocabulary_size: int, width: int, out: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary_size, width)
        self.pairs = nn.Conv1d(width, width, 2, padding=1)
        self.hidden = nn.Linear(2 * width, 2 * width)
        self.readout = nn.Linear(2 * width, out)

    def forward(self, text: Tensor) -> Tensor:
        """The embedding, (B, L) -> (B, out). A caption of padding alone has a mean of zero."""
        present = (text > 0).unsqueeze(2)
        words = self.words(text) * present
        count = present.sum(dim=1).clamp(min=1)
        pairs = F.silu(self.pairs(words.transpose(1, 2))[:, :, 1:]).transpose(1, 2) * present
        mean = torch.cat([words.sum(dim=1), pairs.sum(dim=1)], dim=1) / count
        out: Tensor = self.readout(F.silu(self.hidden(mean)))
        return out


class PairNet(nn.Module):
    """A picture tower, a text tower, and the energy of a pair of their unit vectors f, g, low = matched.

    ``cosine``: -f·g / temperature; ``mlp``: that plus a multilayer perceptron of (f, g, f g). The temperature is
    learned, from ``temperature`` and never below 0.01 (Radford et al., "Learning Transferable Visual Models From
    Natural Language Supervision", 2021, section 2.5).
    """

    def __init__(
        self,
        spec: DataSpec,
        channels: tuple[int, ...],
        width: int,
        embedding: int,
        form: PairForm,
        temperature: float,
    ) -> None:
        super().__init__()
        if spec.vocabulary_size is None:
            raise ValueError(
                "pairs need captions: got a data set without a vocabulary, expected batch['text']; choose one with "
                "captions"
            )
        if form not in ("cosine", "mlp"):
            raise ValueError(f"got form={form!r}, expected 'cosine' or 'mlp'; choose one of these")
        if temperature < 0.01:
            raise ValueError(f"got temperature={temperature}, expected at least 0.01, below which it is not learned")
        self.picture = ConvEncoder(spec.shape, embedding, channels)
        self.text = TextTower(spec.vocabulary_size, width, embedding)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))
        self.mlp = None
        if form == "mlp":
            self.mlp = nn.Sequential(nn.Linear(3 * embedding, 2 * embedding), nn.SiLU())
            # A bias would shift every energy alike, which no density sees.
            self.readout = nn.Linear(2 * embedding, 1, bias=False)

    def embed_picture(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, embedding), of length 1."""
        return F.normalize(self.picture(x).float(), dim=1)

    def embed_text(self, text: Tensor) -> Tensor:
        """(B, L) -> (B, embedding), of length 1."""
        return F.normalize(self.text(text).float(), dim=1)

    def pair_energy(self, picture: Tensor, caption: Tensor) -> Tensor:
        """The energy of embedded pairs: (..., F), (..., F) -> (...); shapes broadcast."""
        with torch.autocast(picture.device.type, enabled=False):
            product = picture * caption
            energy = -product.sum(dim=-1) * self.log_scale.clamp(max=math.log(100.0)).exp()
            if self.mlp is not None:
                pair = torch.cat([picture.expand_as(product), caption.expand_as(product), product], dim=-1)
                energy = energy + self.readout(self.mlp(pair)).squeeze(-1)
        return energy

    def forward(self, x: Tensor, text: Tensor) -> Tensor:
        """E(x, text): (B, C, H, W), (B, L) -> (B,)."""
        return self.pair_energy(self.embed_picture(x), self.embed_text(text))
