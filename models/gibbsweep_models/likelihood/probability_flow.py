"""The exact likelihood of a denoiser, through its probability flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.nn.gradients import jacobian_trace, trace_estimate
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.noise.vp import VPSchedule
from gibbsweep_models.samplers.diffusion.flow import check_steps, denoised_by
from gibbsweep_models.samplers.diffusion.probability_flow import check_tolerances, ends
from gibbsweep_models.samplers.diffusion.rk45 import integrate
from gibbsweep_models.types import Denoiser


@dataclass(frozen=True)
class FlowDensity:
    """The density of a batch along the probability flow."""

    log_prob: Tensor
    """ln p, (B,), in nats."""
    latent: Tensor
    """Where the flow carried each example at the highest level, (B, *D)."""
    nfe: int
    """Network evaluations of the slowest example."""


@dataclass(frozen=True)
class FlowLikelihood:
    """ln p(x) = ln N(x(sigma_max); 0, prior_std²) + the integral over ln(sigma) of div(x - D), along the flow that
    starts at x at the lowest level of ``schedule`` (Song et al. 2021, equation 39): the density of data blurred by that
    level.

    It is exact up to the tolerances but for two things: the end is not quite the prior (raise the highest level, not
    the tolerances), and the trace of D's Jacobian is estimated.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> flow = FlowLikelihood(n_probes=0, rtol=1e-3, atol=1e-3)
    >>> flow(GaussianMixture(torch.zeros(1, 2), stds=1.0), torch.zeros(3, 2), generator=seeded(0)).log_prob.shape
    torch.Size([3])
    """

    schedule: TimedSchedule = field(default_factory=lambda: VPSchedule(t_min=1e-5))
    """Levels that the flow runs over, from the lowest to the highest."""
    n_probes: int = 1
    """Random directions of +-1, one set along the whole path of an example, that estimate the trace without bias
    (Hutchinson); 0 takes it exactly, by one differentiation a component."""
    rtol: float = 1e-5
    """Relative tolerance of the solver."""
    atol: float = 1e-5
    """Absolute tolerance of the solver."""
    n_steps: int = 1000
    """Most steps of the solver."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)
        check_tolerances(self.rtol, self.atol)
        if self.n_probes < 0:
            raise ValueError(f"got n_probes={self.n_probes}, expected a number of directions, or 0 for the exact trace")

    def __call__(
        self, model: Denoiser, x: Tensor, *, cond: Tensor | None = None, generator: torch.Generator
    ) -> FlowDensity:
        """The density of ``x`` (B, *D), differentiated through the denoiser in the float type of ``x``; no parameter
        gradient is written."""
        shape, dim = x.shape[1:], x[0].numel()
        probes = [randn_like(x, generator=generator).sign() for _ in range(self.n_probes)]

        def slope(state: Tensor, log_sigma: Tensor, chains: Tensor) -> Tensor:
            sigma = log_sigma.exp().to(x.dtype)
            with torch.enable_grad():
                y = state[:, :dim].reshape(-1, *shape).detach().requires_grad_(True)
                denoised = denoised_by(model, y, sigma, None if cond is None else cond[chains])
                trace = _trace(denoised, y, [probe[chains] for probe in probes])
            return torch.cat([(y - denoised).detach().flatten(1), (dim - trace.detach())[:, None]], dim=1)

        high, low = ends(self.schedule)
        state = torch.cat([x.detach().flatten(1), x.new_zeros(len(x), 1)], dim=1)
        path = integrate(
            slope, state, math.log(low), math.log(high), rtol=self.rtol, atol=self.atol, n_steps=self.n_steps
        )
        latent, gained = path.y[:, :dim], path.y[:, dim]
        prior_std = self.schedule.prior_std
        prior = -0.5 * (latent / prior_std).square().sum(dim=1) - dim * (
            math.log(prior_std) + 0.5 * math.log(2 * math.pi)
        )
        return FlowDensity(prior + gained, latent.reshape(-1, *shape), path.calls)


def _trace(denoised: Tensor, y: Tensor, probes: Sequence[Tensor]) -> Tensor:
    if not probes:
        return jacobian_trace(denoised, y)
    return torch.stack([trace_estimate(denoised, y, probe) for probe in probes]).mean(dim=0)


def bits_per_dim(log_prob: Tensor, dim: int, bin_width: float = 1.0) -> Tensor:
    """-log2 p / ``dim`` from nats (B,), of the probability of a bin of ``bin_width`` along each of ``dim`` axes: 2 /
    255 for bytes on [-1, 1] that were :func:`dequantised`; 1 leaves a density."""
    if dim < 1 or bin_width <= 0:
        raise ValueError(f"got dim={dim} and bin_width={bin_width}, expected positive ones; pass the data's dimension")
    return -log_prob / (dim * math.log(2.0)) - math.log2(bin_width)


def dequantised(x: Tensor, bins: int = 256, *, generator: torch.Generator) -> Tensor:
    """``x`` (B, *D) on ``bins`` even values of [-1, 1], each spread uniformly over its bin: the mean bits of the result
    bound those of ``x`` from above (Theis et al. 2016)."""
    if bins < 2:
        raise ValueError(f"got bins={bins}, expected at least 2 values; bytes have 256")
    return x + (rand(x.shape, generator=generator, dtype=x.dtype).to(x) - 0.5) * (2.0 / (bins - 1))
