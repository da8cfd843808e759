"""A score that nobody trains: of a known mixture, or of the examples themselves, to be sampled in every way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from gibbsweep_models.nn.densities import two_modes
from gibbsweep_models.nn.mixture import GaussianMixture
from gibbsweep_models.samplers.form import SamplerForm
from gibbsweep_models.types import Batch, DataSpec, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class StoredScoreConfig(SignedUnits):
    """``model``: ``two_modes`` of :func:`~gibbsweep_models.nn.densities.two_modes`, or ``examples``, the exact score of at most ``n_examples`` training examples each
    blurred by ``bandwidth``: what a network of no error and no mercy would learn. ``sampling`` needs no training at all."""

    sampling: SamplerForm = field(default_factory=SamplerForm)
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


class StoredScoreSystem(System):
    """``denoiser``: E[x_0 | x] of the mixture."""

    def __init__(self, config: StoredScoreConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.sampler = config.sampling.build()
        self.denoiser = two_modes() if config.model == "two_modes" else GaussianMixture(torch.zeros(1, *spec.shape))

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Keep the examples ``batch["x"]`` (N, *D), where they are the model."""
        if self.config.model == "examples":
            x = batch["x"]
            order = torch.randperm(len(x), generator=generator, device=generator.device)[: self.config.n_examples]
            self.denoiser = GaussianMixture(x[order.to(x.device)], stds=self.config.bandwidth).to(x.device)

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """E[x_0 | x]: (B, *D), (B,) -> (B, *D). It draws nothing."""
        del generator
        if sigma is None:
            raise ValueError("a stored score must be told the noise level: got sigma=None, expected (B,)")
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from noise."""
        start = self.sampler.start((n, *self.shape), generator=generator)
        return self.sampler(self.denoiser, start, generator=generator, trace=trace)
