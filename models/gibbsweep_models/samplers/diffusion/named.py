"""Samplers of a denoiser by name, for searches over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gibbsweep_models.noise.named import ScheduleName, schedule_between
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.flow import StartingSampler
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin

DenoiserSamplerName = Literal[
    "langevin", "annealed_langevin", "predictor_corrector", "ancestral", "euler", "heun", "probability_flow"
]
"""Names of the samplers of a denoiser."""


@dataclass(frozen=True)
class DenoiserSamplerConfig:
    """A sampler of a denoiser as a choice: which one, on which levels, for how many evaluations.

    >>> sampler = DenoiserSamplerConfig("heun", nfe=20, sigma_max=10.0).build()
    >>> sampler.n_steps
    10
    """

    name: DenoiserSamplerName = "heun"
    """Which sampler."""
    nfe: int = 100
    """Most evaluations of the denoiser that a sample may cost, from which the steps follow (the adaptive flow's follow
    from ``tolerance``)."""
    schedule: ScheduleName = "geometric"
    """Spacing of the levels."""
    sigma_min: float = 0.02
    """Lowest level, in data units; plain Langevin dynamics runs at it."""
    sigma_max: float = 20.0
    """Highest level, in data units; plain Langevin dynamics starts uniformly within it."""
    rho: float = 7.0
    """Spacing of the schedule ``rho``."""
    levels: int = 10
    """Levels of annealed Langevin dynamics."""
    step_size: float = 0.1
    """Step of annealed Langevin dynamics, relative to sigma², and the absolute step of plain Langevin dynamics."""
    corrector_steps: int = 1
    """Corrector steps of predictor-corrector, taken by sigma, so that data of two components can be sampled."""
    snr: float = 0.16
    """Signal-to-noise ratio of those steps."""
    s_churn: float = 0.0
    """Heun's churn."""
    eta: float = 1.0
    """Noise of ancestral sampling."""
    denoise: bool = True
    """Whether the last step goes to D, where there is a choice."""
    tolerance: float = 1e-3
    """Relative and absolute tolerance of the adaptive flow."""

    def __post_init__(self) -> None:
        if self.name not in get_args(DenoiserSamplerName):
            raise ValueError(
                f"got sampler {self.name!r}, expected one of {', '.join(get_args(DenoiserSamplerName))}; choose one"
            )
        self.build()

    def build(self) -> StartingSampler:
        """The sampler, with at most ``nfe`` evaluations."""
        schedule = schedule_between(self.schedule, self.sigma_min, self.sigma_max, self.rho)
        match self.name:
            case "langevin":
                return ScoreLangevin(self.nfe, self.step_size, self.sigma_min, self.sigma_max)
            case "annealed_langevin":
                per_level = (self.nfe - self.denoise) // self.levels
                if per_level < 1:
                    raise ValueError(
                        f"got levels={self.levels} for nfe={self.nfe}, expected at least one step a level; lower levels"
                    )
                return AnnealedLangevin(self.levels, per_level, self.step_size, schedule, self.denoise)
            case "predictor_corrector":
                steps = self.nfe // (self.corrector_steps + 1)
                return PredictorCorrector(
                    steps, self.corrector_steps, self.snr, schedule=schedule, denoise=self.denoise, step="sigma"
                )
            case "ancestral":
                return Ancestral(self.nfe, schedule, self.eta)
            case "euler":
                return Euler(self.nfe, schedule)
            case "heun":
                return Heun((self.nfe + 1) // 2, schedule, self.s_churn)
            case _:
                return ProbabilityFlow(
                    schedule=schedule, rtol=self.tolerance, atol=self.tolerance, denoise=self.denoise
                )
