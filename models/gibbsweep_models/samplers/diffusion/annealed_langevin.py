"""Langevin dynamics from one noise level to the next lower one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.timed import levels
from gibbsweep_models.samplers.diffusion.flow import FromNoise, check_steps, denoised_by
from gibbsweep_models.types import Denoiser, NoiseSchedule, Samples, Trace


@dataclass(frozen=True)
class AnnealedLangevin(FromNoise):
    """x <- x + a score(x; sigma) + sqrt(2 a) n with a = ``step_size`` sigma², ``steps_per_level`` times at each of the
    ``n_steps`` levels of ``schedule`` (Song & Ermon 2019, algorithm 1); sigma² score = D - x.

    A level leaves data that is a point with the variance sigma² / (1 - step_size / 2). The step of a paper is converted
    by :meth:`ncsn` (whose drift is half of it) and :meth:`ncsnv2`.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler, denoiser = AnnealedLangevin(steps_per_level=5), GaussianMixture(torch.zeros(1, 2), stds=1.0)
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(denoiser, x, generator=seeded(1)).x.shape
    torch.Size([5, 2])
    """

    n_steps: int = 10
    """Levels."""
    steps_per_level: int = 100
    """Langevin steps at each level."""
    step_size: float = 0.1
    """Size of a step, relative to sigma²; it must be below 2."""
    schedule: NoiseSchedule = field(default_factory=GeometricSchedule)
    """Noise levels."""
    denoise: bool = True
    """Whether a last step goes to D at the lowest level: without it samples keep the noise of that level."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)
        if self.steps_per_level < 1 or not 0 < self.step_size < 2:
            raise ValueError(
                f"got steps_per_level={self.steps_per_level} and step_size={self.step_size}, expected at least one "
                "step and a step size in (0, 2): chains diverge above; convert a published eps with "
                "AnnealedLangevin.ncsn or .ncsnv2"
            )

    @classmethod
    def ncsn(
        cls, eps: float, schedule: NoiseSchedule, n_steps: int = 10, steps_per_level: int = 100, denoise: bool = False
    ) -> AnnealedLangevin:
        """NCSN's x <- x + a / 2 score + sqrt(a) n, a = ``eps`` sigma² / sigma_min²: half the relative step of its
        number."""
        return cls(n_steps, steps_per_level, 0.5 * eps / _lowest(schedule, n_steps) ** 2, schedule, denoise)

    @classmethod
    def ncsnv2(
        cls, eps: float, schedule: NoiseSchedule, n_steps: int, steps_per_level: int, denoise: bool = True
    ) -> AnnealedLangevin:
        """NCSNv2's x <- x + a score + sqrt(2 a) n, a = ``eps`` sigma² / sigma_min²."""
        return cls(n_steps, steps_per_level, eps / _lowest(schedule, n_steps) ** 2, schedule, denoise)

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
        """Carry ``x`` (B, *D) from the highest noise level to samples of the same type. ``info``: ``score_norm``, the
        mean over steps and chains of sigma |score| / sqrt(dim), which is 1 where chains are at their level."""
        grid = levels(self.schedule, self.n_steps)[:-1]
        diffusion = math.sqrt(2.0 * self.step_size)
        norms: list[Tensor] = []
        step = 0
        for sigma in grid:
            for _ in range(self.steps_per_level):
                pull = denoised_by(model, x, sigma, cond) - x
                norms.append(pull.flatten(1).square().mean(dim=1).sqrt().mean() / sigma)
                x = torch.add(x, pull, alpha=self.step_size)
                x = x.add_(randn_like(x, generator=generator), alpha=diffusion * sigma)
                step += 1
                if trace is not None:
                    trace(step, x)
        if self.denoise:
            x = denoised_by(model, x, grid[-1], cond)
            step += 1
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=step, info={"score_norm": torch.stack(norms).mean()})


def _lowest(schedule: NoiseSchedule, n_steps: int) -> float:
    return levels(schedule, n_steps)[-2]
