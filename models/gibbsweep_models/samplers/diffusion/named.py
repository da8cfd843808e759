"""A sampler of a denoiser as a choice: which one, on which levels, for how many evaluations."""

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


@dataclass(frozen=True)
class DenoiserSamplerConfig:
    """``nfe``: evaluations of the denoiser that a sample may cost at most, which the steps follow from (the adaptive flow's follow from
    ``tolerance``). Levels from ``sigma_max`` to ``sigma_min`` as ``schedule`` spaces them.

    ``levels`` and ``step_size`` (relative to sigma²): of annealed Langevin dynamics, and the absolute step of plain Langevin
    dynamics, which runs at ``sigma_min`` from uniform starts within ``sigma_max``. ``corrector_steps`` and ``snr``: of
    predictor-corrector, whose steps are taken by sigma, so that data of two components can be sampled. ``s_churn``: Heun's.
    ``eta``: of ancestral sampling. ``denoise``: the last step to D, where there is a choice.
    """

    name: DenoiserSamplerName = "heun"
    nfe: int = 100
    schedule: ScheduleName = "geometric"
    sigma_min: float = 0.02
    sigma_max: float = 20.0
    rho: float = 7.0
    levels: int = 10
    step_size: float = 0.1
    corrector_steps: int = 1
    snr: float = 0.16
    s_churn: float = 0.0
    eta: float = 1.0
    denoise: bool = True
    tolerance: float = 1e-3

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
