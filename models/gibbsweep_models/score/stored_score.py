"""A score without training: of a known mixture, or of the examples themselves, to be sampled in every way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from gibbsweep_models.bases.sampled_denoiser import SampledDenoiser
from gibbsweep_models.nn.any_shape import take_any_shape
from gibbsweep_models.nn.denoisers.densities import two_modes
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig
from gibbsweep_models.types import Batch, DataSpec, SignedUnits


@dataclass(frozen=True)
class StoredScoreConfig(SignedUnits):
    """A score that needs no training, and a way to sample from it.

    >>> system = StoredScoreConfig(DenoiserSamplerConfig("heun", nfe=9)).build(DataSpec((2,)))
    >>> system.sample(3, generator=seeded(0)).x.shape
    torch.Size([3, 2])
    """

    sampling: DenoiserSamplerConfig = field(default_factory=DenoiserSamplerConfig)
    """The sampler."""
    model: Literal["two_modes", "examples"] = "two_modes"
    """``two_modes``: :func:`~gibbsweep_models.nn.denoisers.densities.two_modes`; ``examples``: the exact score of the
    training examples, each blurred by ``bandwidth``, as a network without any error would learn it."""
    n_examples: int = 2000
    """Most training examples that are kept."""
    bandwidth: float = 0.0
    """Standard deviation of the blur, in data units."""

    def build(self, spec: DataSpec) -> StoredScoreSystem:
        """The system for data of ``spec.shape``; the two modes are in the plane."""
        self.check_units(spec)
        if self.model == "two_modes" and spec.shape != (2,):
            raise ValueError(
                f"got data of shape {spec.shape} for the two modes, expected (2,); take --data two_modes, or "
                "model='examples'"
            )
        return StoredScoreSystem(self, spec)


class StoredScoreSystem(SampledDenoiser):
    """A system whose ``denoiser`` is E[x_0 | x] of the mixture."""

    def __init__(self, config: StoredScoreConfig, spec: DataSpec) -> None:
        modes = config.model == "two_modes"
        super().__init__(
            two_modes() if modes else GaussianMixture(torch.zeros(1, *spec.shape)), config.sampling.build(), spec.shape
        )
        self.config = config
        if not modes:
            take_any_shape(self.denoiser, "means", "log_weights", "stds")

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Keep the examples ``batch["x"]`` (N, *D), where they are the model."""
        if self.config.model == "examples":
            x = batch["x"]
            order = torch.randperm(len(x), generator=generator, device=generator.device)[: self.config.n_examples]
            self.denoiser = GaussianMixture(x[order.to(x.device)], stds=self.config.bandwidth).to(x.device)
            take_any_shape(self.denoiser, "means", "log_weights", "stds")
