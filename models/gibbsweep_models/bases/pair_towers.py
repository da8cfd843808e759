"""The base of systems with a tower of pictures and a tower of captions."""

from __future__ import annotations

from torch import Tensor

from gibbsweep_models.nn.encoders.towers import PairNet
from gibbsweep_models.types import Batch, System


class PairTowers(System):
    """A system around a :class:`~gibbsweep_models.nn.encoders.towers.PairNet`: the energies and embeddings of pairs."""

    def __init__(self, network: PairNet, shape: tuple[int, ...], ema_decay: float) -> None:
        super().__init__()
        self.network = network
        self.shape = shape
        self.ema_decay = ema_decay

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """E(x, caption): (B, C, H, W), (B, L) int64 -> (B,)."""
        if cond is None:
            raise ValueError(
                "a pair's energy needs the caption: got cond None, expected ids (B, L); pass batch['text']"
            )
        energy: Tensor = self.network(x, cond)
        return energy

    def embed_pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Unit vectors of ``batch["x"]`` (B, C, H, W) and ``batch["text"]`` (B, L): (B, F) each."""
        return self.network.embed_picture(batch["x"]), self.network.embed_text(batch["text"])

    def pair_energy(self, picture: Tensor, caption: Tensor) -> Tensor:
        """The energy of embedded pairs: (..., F), (..., F) -> (...)."""
        return self.network.pair_energy(picture, caption)
