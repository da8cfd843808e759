"""Denoising score matching at one noise level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from gibbsweep_models.draws import randn_like
from gibbsweep_models.objectives.score_matching.explicit_implicit import Of, score_at, score_norm
from gibbsweep_models.types import Batch, Loss


@dataclass(frozen=True)
class DenoisingScoreMatching:
    """1/2 |s(x + sigma n) + n / sigma|², summed over dimensions, mean over the batch (Vincent 2011, equation 11).

    Its minimiser is the score of the data blurred by ``sigma``; on a Gaussian of variance s² that is -y / (s² + sigma²)
    and the minimum is D/2 (1 / sigma² - 1 / (s² + sigma²)). Parts: ``score_norm``, the mean norm of s.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> objective = DenoisingScoreMatching(sigma=0.1)
    >>> loss = objective(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    sigma: float
    """The noise level, in data units."""
    of: Of = "energy"
    """``energy``: the model is an energy, or a system that has one, and s = -grad E, differentiated twice; ``score``:
    it maps (B, *D) to a score."""
    weighted: bool = False
    """Whether the loss is multiplied by sigma², which keeps it finite as sigma goes to 0; the score that is learned
    stays as uncertain (:func:`slope_error`)."""

    def __post_init__(self) -> None:
        if self.sigma <= 0:
            raise ValueError(
                f"got sigma={self.sigma}, expected a positive noise level; at 0 the target n / sigma is infinite"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        x = batch["x"]
        noise = randn_like(x, generator=generator)
        score = score_at(model, torch.add(x, noise, alpha=self.sigma), self.of)
        # sigma * (s + n / sigma): the weighted loss needs no division by a small sigma.
        residual = torch.add(noise, score, alpha=self.sigma)
        weighted = 0.5 * residual.flatten(1).square().sum(dim=1).mean()
        total = weighted if self.weighted else weighted / self.sigma**2
        return Loss(total, {"score_norm": score_norm(score)})


def slope_error(sigma: float, std: float, n: int) -> float:
    """The standard error of the score's slope that denoising score matching at ``sigma`` finds from ``n`` examples of a
    Gaussian of deviation ``std``, over the slope itself: std / (sigma sqrt(n)).

    Least squares of n / sigma on y: residual variance 1 / sigma² - 1 / (std² + sigma²) over n (std² + sigma²). It has
    no bound as sigma goes to 0, and no weight changes it; one level needs n >> (std / sigma)² examples (draws, in
    training) to be seen.
    """
    if sigma <= 0 or std <= 0 or n < 1:
        raise ValueError(
            f"got sigma={sigma}, std={std}, n={n}; expected positive numbers and at least one example; correct them"
        )
    return std / (sigma * math.sqrt(n))
