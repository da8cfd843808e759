"""The variational bound of a denoiser, in bits per dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like, stratified
from gibbsweep_models.likelihood.probability_flow import dequantised
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.objectives.generation.reconstruction import gaussian_log_prob
from gibbsweep_models.types import Batch, Denoiser, Loss


def prior_kl(x: Tensor, sigma: float, prior_std: float) -> Tensor:
    """KL(N(x, sigma² I) || N(0, prior_std² I)) in nats per example: (B, *D) -> (B,). DDPM's L_T, with sigma² = 1 /
    alpha_bar - 1 and prior_std² = 1 / alpha_bar."""
    ratio = (sigma / prior_std) ** 2
    square = x.flatten(1).square().sum(dim=1) / prior_std**2
    return 0.5 * (square + (ratio - 1.0 - math.log(ratio)) * x[0].numel())


@dataclass(frozen=True)
class VariationalBound:
    """-ln p(x) <= prior + diffusion + reconstruction, per example and dimension, in bits (Kingma et al., "Variational
    Diffusion Models", 2021), one draw of a level and two of noise per example.

    ``diffusion``: the integral over ln(sigma) of |D - x|² / sigma² from the lowest to the highest level of
    ``schedule``. It depends on the two ends alone, so ln(sigma) itself is the time, whatever the schedule's is: the
    variance is least there (their figure 4b). The times of a batch are stratified (their section 4.2), and
    :func:`~gibbsweep_models.draws.stratified` puts neighbours at neighbouring times. ``prior``: :func:`prior_kl`.
    ``reconstruction``: of x from its lowest level, with N(D, sigma_min²) as decoder.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> bound = VariationalBound(GeometricSchedule(0.01, 10.0))
    >>> sorted(bound.terms(GaussianMixture(torch.zeros(1, 2), stds=1.0), torch.zeros(4, 2), generator=seeded(0)))
    ['diffusion', 'prior', 'reconstruction']
    """

    schedule: TimedSchedule = field(default_factory=lambda: GeometricSchedule(0.005, 50.0))
    """Its lowest and its highest level, in data units, and its ``prior_std`` count."""
    bins: int | None = None
    """The reconstruction over so many even values in [-1, 1], which is the cost of data that is bytes (256); None: as a
    density."""
    dequantise: int | None = None
    """Spread data on so many values uniformly over their bins first, whose density bounds that cost at a tenth of the
    work of ``bins``, for training; None: not."""

    def __post_init__(self) -> None:
        if self.bins is not None and self.bins < 2:
            raise ValueError(f"got bins={self.bins}, expected at least 2 values, or None for a density; bytes have 256")
        if self.bins is not None and self.dequantise is not None:
            raise ValueError(
                f"got bins={self.bins} and dequantise={self.dequantise}, expected one of them: values are counted or "
                "spread; pass bins=None"
            )
        if not isinstance(self.schedule, TimedSchedule):
            raise TypeError(
                f"got a schedule {type(self.schedule).__name__}, expected a TimedSchedule: the bound integrates "
                "between its ends"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D). ``model``: a system with a ``denoiser``, or the denoiser."""
        x = batch["x"]
        if self.dequantise is not None:
            x = dequantised(x, self.dequantise, generator=generator)
        terms = self.terms(getattr(model, "denoiser", model), x, batch.get("cond"), generator=generator)
        parts = {name: value.mean() for name, value in terms.items()}
        total = torch.stack(list(parts.values())).sum()
        return Loss(total, {name: value.detach() for name, value in parts.items()})

    def terms(
        self,
        denoiser: Denoiser,
        x: Tensor,
        cond: Tensor | None = None,
        *,
        generator: torch.Generator,
        n_times: int | None = None,
    ) -> dict[str, Tensor]:
        """``prior``, ``diffusion`` and ``reconstruction`` of every example, in bits per dimension: (B, *D) -> (B,)
        each.

        ``n_times``: the middles of so many equal parts of ln(sigma), the same for every example, in place of one drawn
        for each: for examples that are compared, whose levels would differ more than they do.
        """
        low, high = self.schedule.sigma_range
        bits = 1.0 / (x[0].numel() * math.log(2.0))
        return {
            "prior": bits * prior_kl(x, high, self.schedule.prior_std),
            "diffusion": bits * self._diffusion(denoiser, x, cond, GeometricSchedule(low, high), generator, n_times),
            "reconstruction": bits * self._reconstruction(denoiser, x, cond, low, generator),
        }

    def _diffusion(
        self,
        denoiser: Denoiser,
        x: Tensor,
        cond: Tensor | None,
        levels: GeometricSchedule,
        generator: torch.Generator,
        n_times: int | None,
    ) -> Tensor:
        if n_times is None:
            return _rate(denoiser, x, cond, levels, stratified(len(x), generator=generator), generator)
        if n_times < 1:
            raise ValueError(f"got n_times={n_times}, expected at least 1 time, or None for one that is drawn")
        total = x.new_zeros(len(x))
        for i in range(n_times):
            t = torch.full((len(x),), (i + 0.5) / n_times, device=x.device)
            total += _rate(denoiser, x, cond, levels, t, generator)
        return total / n_times

    def _reconstruction(
        self, denoiser: Denoiser, x: Tensor, cond: Tensor | None, sigma: float, generator: torch.Generator
    ) -> Tensor:
        noisy = torch.add(x, randn_like(x, generator=generator), alpha=sigma)
        centre = denoiser(noisy, x.new_full((len(x),), sigma), cond)
        if self.bins is None:
            return -gaussian_log_prob(centre, torch.full_like(centre, 2 * math.log(sigma)), x)
        values = torch.linspace(-1.0, 1.0, self.bins, dtype=x.dtype, device=x.device)
        logits = -0.5 * ((values - centre[..., None]) / sigma).square()
        nearest = ((x + 1.0) * (0.5 * (self.bins - 1))).round().long().clamp(0, self.bins - 1)
        if not torch.allclose(values[nearest], x, atol=0.1 / self.bins):
            raise ValueError(
                f"got data that is not on the {self.bins} even values of [-1, 1]; pass bins=None for a density, or the "
                "number of values that the data has"
            )
        chosen = logits.gather(-1, nearest[..., None])[..., 0]
        return (torch.logsumexp(logits, dim=-1) - chosen).flatten(1).sum(dim=1)


def _rate(
    denoiser: Denoiser,
    x: Tensor,
    cond: Tensor | None,
    levels: GeometricSchedule,
    t: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """The integrand of the diffusion term at times ``t`` (B,) of ``levels``: (B, *D) -> (B,)."""
    sigma = levels.sigma(t)
    noisy = x + expand_like(sigma, x) * randn_like(x, generator=generator)
    error = (denoiser(noisy, sigma.to(x.dtype), cond) - x) / expand_like(sigma, x)
    return levels.log_rate(t) * error.flatten(1).square().sum(dim=1)
