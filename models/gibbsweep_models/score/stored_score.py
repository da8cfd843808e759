"""A score that nobody trains: of a known mixture, or of the examples themselves, to be sampled in every way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from gibbsweep_models.bases.sampled_denoiser import SampledDenoiser
from gibbsweep_models.nn.denoisers.densities import two_modes
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig
from gibbsweep_models.types import Batch, DataSpec, SignedUnits


@dataclass(frozen=True)
class StoredScoreConfig(SignedUnits):
    """``model``: ``two_modes`` of :func:`~gibbsweep_models.nn.denoisers.densities.two_modes`, or ``examples``, the exact score of at most ``n_examples`` training examples each
    blurred by ``bandwidth``: what a network of no error and no mercy would learn. ``sampling`` needs no training at all."""

    sampling: DenoiserSamplerConfig = field(default_factory=DenoiserSamplerConfig)
    model: Literal["two_modes", "examples"] = "two_modes"
    n_examples: int = 2000
    bandwidth: float = 0.0

    def build(self, spec: DataSpec) -> StoredScoreSystem:
        """The system for data of ``spec.shape``; the two modes are in the plane."""
        self.check_units(spec)
        if self.model == "two_modes" and spec.shape != (2,):
            raise ValueError(
                f"got data of shape {spec.shape} for the two modes, expected (2,); take --data two_modes, or model='examples'"
            )
        return StoredScoreSystem(self, spec)


class StoredScoreSystem(SampledDenoiser):
    """``denoiser``: E[x_0 | x] of the mixture."""

    def __init__(self, config: StoredScoreConfig, spec: DataSpec) -> None:
        modes = config.model == "two_modes"
        super().__init__(
            two_modes() if modes else GaussianMixture(torch.zeros(1, *spec.shape)), config.sampling.build(), spec.shape
        )
        self.config = config

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Keep the examples ``batch["x"]`` (N, *D), where they are the model."""
        if self.config.model == "examples":
            x = batch["x"]
            order = torch.randperm(len(x), generator=generator, device=generator.device)[: self.config.n_examples]
            self.denoiser = GaussianMixture(x[order.to(x.device)], stds=self.config.bandwidth).to(x.device)
