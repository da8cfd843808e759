"""Denoising score matching at one noise level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch

from gibbsweep_models.draws import randn_like
from gibbsweep_models.nn.gradients import ScoreFn, energy_of, score_of
from gibbsweep_models.types import Batch, Loss


@dataclass(frozen=True)
class DenoisingScoreMatching:
    """1/2 |s(x + sigma n) + n / sigma|², summed over dimensions, mean over the batch (Vincent 2011, equation 11).

    Its minimiser is the score of the data blurred by ``sigma``; on a Gaussian of variance s² that is -y / (s² + sigma²)
    and the minimum is D/2 (1 / sigma² - 1 / (s² + sigma²)). ``model`` is an energy, or a system that has one
    (``of="energy"``: s = -grad E, differentiated twice), or maps (B, *D) to a score (``of="score"``). ``weighted``
    multiplies by sigma², which keeps the loss finite as sigma goes to 0. Parts: ``score_norm``, the mean norm of s.
    """

    sigma: float
    of: Literal["energy", "score"] = "energy"
    weighted: bool = False

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise ValueError(
                f"got sigma={self.sigma}, expected a positive noise level; at 0 the target n / sigma is infinite"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        x = batch["x"]
        noise = randn_like(x, generator=generator)
        score_fn: ScoreFn = score_of(energy_of(model), create_graph=True) if self.of == "energy" else model
        score = score_fn(torch.add(x, noise, alpha=self.sigma))
        if score.shape != x.shape:
            raise ValueError(
                f"a score maps (B, *D) to (B, *D): got {tuple(score.shape)} for x {tuple(x.shape)}; return one value "
                "per input"
            )
        # sigma * (s + n / sigma): the weighted loss needs no division by a small sigma.
        residual = torch.add(noise, score, alpha=self.sigma)
        weighted = 0.5 * residual.flatten(1).square().sum(dim=1).mean()
        total = weighted if self.weighted else weighted / self.sigma**2
        return Loss(total, {"score_norm": torch.linalg.vector_norm(score.detach().flatten(1), dim=1).mean()})
