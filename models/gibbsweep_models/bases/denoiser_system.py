"""The base of systems that learn to denoise: their training, the measured deviation of their data, and their
denoising."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.gradients import check_shape
from gibbsweep_models.types import DataSpec, Objective, OptimizerConfig, Phase, SignedUnits, System

UNMEASURED = 0.5
"""The deviation of the data before it is measured."""


@dataclass(frozen=True, kw_only=True)
class DenoiserTraining(SignedUnits):
    """The training of a denoiser: base of the configurations."""

    sigma_data: float | None = None
    """Standard deviation of the data; None measures that of the training data."""
    optimizer: Literal["adam", "muon"] = "adam"
    """Which optimiser."""
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 20
    """Updates over which the learning rate rises."""
    decay: Literal["constant", "linear", "cosine"] = "cosine"
    """How the learning rate falls after ``warmup`` updates."""
    grad_clip: float | None = 1.0
    """Largest norm of the gradient; None for no bound."""
    ema_decay: float = 0.98
    """Decay per update of the averaged weights."""

    @property
    def first_sigma_data(self) -> float:
        """The deviation that a system is built with."""
        return UNMEASURED if self.sigma_data is None else self.sigma_data

    def phase(self, name: str, system: nn.Module, objective: Objective) -> Phase:
        """The one phase, over all parameters of ``system``."""
        optimizer = OptimizerConfig(
            self.optimizer, self.learning_rate, self.betas, schedule=self.decay, warmup=self.warmup
        )
        return Phase(name, list(system.parameters()), objective, optimizer, grad_clip=self.grad_clip)


class DenoiserSystem(System):
    """A system whose ``denoiser`` is D(x; sigma), so that its score is (D - x) / sigma²."""

    def __init__(self, training: DenoiserTraining, spec: DataSpec, denoiser: EDMPrecondition) -> None:
        super().__init__()
        self.shape = spec.shape
        self.ema_decay = training.ema_decay
        self.measures = training.sigma_data is None
        self.denoiser = denoiser

    def initialise(self, x: Tensor) -> None:
        """Measure ``sigma_data`` on ``x`` (N, *D) unless the config gives it."""
        if self.measures:
            self.denoiser.sigma_data.fill_(x.std(correction=0))

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """E[x_0 | x]: (B, *D), (B,) or None where blind -> (B, *D). It draws nothing."""
        del generator
        check_shape(x, self.shape)
        if sigma is None:
            blind_at = self.denoiser.blind_at
            if blind_at is None:
                raise ValueError(
                    "this denoiser must be told the noise level: got sigma=None, expected (B,); pass it, or train a "
                    "blind one with blind_at"
                )
            sigma = x.new_full((len(x),), blind_at)
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised
