"""Steps of reverse time, each followed by Langevin steps that correct it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.timed import levels
from gibbsweep_models.samplers.diffusion.ancestral import ancestral_step
from gibbsweep_models.samplers.diffusion.flow import FromNoise, check_steps, denoised_by
from gibbsweep_models.types import Denoiser, NoiseSchedule, Samples, Trace

Predictor = Literal["diffusion", "ancestral", "flow", "none"]
"""Ways to lower the level. ``diffusion``: the reverse SDE discretised as the forward one; ``ancestral``: the posterior
given x_0 = D; ``flow``: Euler's step of the probability flow; ``none``: the level is lowered and the correctors do the
rest."""


@dataclass(frozen=True)
class PredictorCorrector(FromNoise):
    """Steps of reverse time with corrections: at each of ``n_steps`` levels of ``schedule``, ``corrector_steps``
    Langevin steps, then a step of ``predictor`` to the next level (Song et al. 2021, "Score-Based Generative Modeling
    through SDEs", algorithms 2 to 5).

    The corrector is x <- x + a s + sqrt(2 a) n with a = 2 (``snr`` |n| / |s|)². On a Gaussian of many dimensions it
    leaves the variance times 1 + snr². Norms are each chain's own; the published code takes the batch's mean, by which
    samples depend on their neighbours. ``nfe`` counts correctors and predictors.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler = PredictorCorrector(n_steps=10, step="sigma")
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(GaussianMixture(torch.zeros(1, 2), stds=1.0), x, generator=seeded(1)).nfe
    20
    """

    n_steps: int = 100
    """Levels."""
    corrector_steps: int = 1
    """Langevin steps at each level."""
    snr: float = 0.16
    """Ratio of the drift's length to that of the noise, over sqrt(2); it acts like an inverse temperature."""
    predictor: Predictor = "diffusion"
    """The step to the next level."""
    schedule: NoiseSchedule = field(default_factory=lambda: GeometricSchedule(0.01, 50.0))
    """Noise levels."""
    denoise: bool = True
    """Whether the last predictor step, to 0, adds no noise and ends in D."""
    step: Literal["norms", "sigma"] = "norms"
    """``norms``: a as above. ``sigma``: a = 2 (snr sigma)², as their annealed Langevin corrector, for data of one or
    two components, whose score is so often near 0 that the other step has no mean."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)
        if self.predictor not in get_args(Predictor):
            raise ValueError(
                f"got predictor={self.predictor!r}, expected one of {', '.join(get_args(Predictor))}; choose one"
            )
        if self.corrector_steps < 0 or not 0 < self.snr < 1 or (self.predictor == "none" and not self.corrector_steps):
            raise ValueError(
                f"got corrector_steps={self.corrector_steps} and snr={self.snr} with predictor={self.predictor!r}, "
                "expected steps >= 0, an snr in (0, 1), and a step of at least one kind; correct the one that is out "
                "of range"
            )

    @torch.no_grad()
    def __call__(
        self,
        model: Denoiser,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        """Carry ``x`` (B, *D) from the highest noise level to samples of the same type."""
        if self.corrector_steps and self.step == "norms" and x[0].numel() < 3:
            raise ValueError(
                f"got chains of {x[0].numel()} components, expected at least 3 for steps by norms, whose mean is "
                "infinite below; "
                'pass step="sigma"'
            )
        nfe = 0
        for step, (sigma, sigma_next) in enumerate(pairwise(levels(self.schedule, self.n_steps)), start=1):
            for _ in range(self.corrector_steps):
                x = self._correct(x, denoised_by(model, x, sigma, cond), sigma, generator)
                nfe += 1
            if self.predictor != "none" or (sigma_next == 0 and self.denoise):
                x = self._predict(x, denoised_by(model, x, sigma, cond), sigma, sigma_next, generator)
                nfe += 1
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=nfe)

    def _predict(
        self, x: Tensor, denoised: Tensor, sigma: float, sigma_next: float, generator: torch.Generator
    ) -> Tensor:
        if self.predictor in ("ancestral", "flow"):
            eta = 1.0 if self.predictor == "ancestral" else 0.0
            return ancestral_step(x, denoised, sigma, sigma_next, eta, generator=generator)
        lost = 1.0 - (sigma_next / sigma) ** 2
        x = torch.lerp(x, denoised, lost)
        if sigma_next == 0 and self.denoise:
            return x
        return x.add_(randn_like(x, generator=generator), alpha=sigma * math.sqrt(lost))

    def _correct(self, x: Tensor, denoised: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
        noise = randn_like(x, generator=generator)
        score = (denoised - x) / sigma**2
        ratio = self._ratio(noise, score) if self.step == "norms" else x.new_full((len(x),), sigma)
        step = expand_like(2.0 * (self.snr * ratio).square(), x)
        return x + step * score + torch.sqrt(2.0 * step) * noise

    def _ratio(self, noise: Tensor, score: Tensor) -> Tensor:
        """|n| / |s| of each chain (B,)."""
        length = _norm(score)
        if not bool(length.all()):
            raise ValueError(
                "got a score of 0, as an untrained network predicts it, expected one that steps by norms can be "
                "measured in; "
                'train the model first, or pass step="sigma"'
            )
        return _norm(noise) / length


def _norm(x: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1)
    return norm
