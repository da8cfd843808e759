"""The probability-flow ODE, solved to a tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.timed import levels
from gibbsweep_models.samplers.diffusion.flow import FromNoise, check_steps, denoised_by
from gibbsweep_models.samplers.diffusion.rk45 import integrate
from gibbsweep_models.types import Denoiser, NoiseSchedule, Samples, Trace


def ends(schedule: NoiseSchedule) -> tuple[float, float]:
    """The highest and the lowest level above 0."""
    high, low, _ = levels(schedule, 2)
    return high, low


@dataclass(frozen=True)
class ProbabilityFlow(FromNoise):
    """dx / d ln(sigma) = x - D(x; sigma) from the highest to the lowest level of ``schedule`` by an adaptive method of
    order five (Song et al. 2021, section 4.3; they integrate over t, which is the same curve), then, with ``denoise``,
    a last step to D.

    Every chain has its own steps; ``nfe`` is that of the slowest. ``info``: ``evaluations``, the mean over the chains.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler = ProbabilityFlow(rtol=1e-3, atol=1e-3)
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(GaussianMixture(torch.zeros(1, 2), stds=1.0), x, generator=seeded(1)).x.shape
    torch.Size([5, 2])
    """

    n_steps: int = 1000
    """Most attempts of a chain."""
    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    """Noise levels, of which the highest and the lowest above 0 count."""
    rtol: float = 1e-5
    """Relative tolerance."""
    atol: float = 1e-5
    """Absolute tolerance."""
    denoise: bool = True
    """Whether a last step goes to D at the lowest level."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)
        check_tolerances(self.rtol, self.atol)

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
        """Carry ``x`` (B, *D) from the highest noise level to clean samples of the same type."""
        del generator

        def slope(y: Tensor, log_sigma: Tensor, chains: Tensor) -> Tensor:
            return y - denoised_by(model, y, log_sigma.exp().to(y.dtype), None if cond is None else cond[chains])

        attempts = 0

        def count(step: int, x: Tensor) -> None:
            nonlocal attempts
            attempts = step
            if trace is not None:
                trace(step, x)

        high, low = ends(self.schedule)
        path = integrate(
            slope,
            x.detach(),
            math.log(high),
            math.log(low),
            rtol=self.rtol,
            atol=self.atol,
            n_steps=self.n_steps,
            trace=count,
        )
        x, nfe = path.y, path.calls
        evaluations = path.evaluations.float().mean()
        if self.denoise:
            x, nfe, evaluations = denoised_by(model, x, low, cond), nfe + 1, evaluations + 1
            if trace is not None:
                trace(attempts + 1, x)
        return Samples(x, nfe=nfe, info={"evaluations": evaluations})


def check_tolerances(rtol: float, atol: float) -> None:
    if rtol <= 0 or atol <= 0:
        raise ValueError(f"got rtol={rtol} and atol={atol}, expected positive tolerances; 1e-5 serves for samples")
