"""The score of a network that was trained before, to be sampled in every way."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

from gibbsweep_models.bases.sampled_denoiser import SampledDenoiser
from gibbsweep_models.nn.weights_file import WeightsFile
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig
from gibbsweep_models.types import Batch, DataSpec, SystemConfig, Units


@dataclass(frozen=True)
class TrainedScoreConfig:
    """``trained``: the configuration of a system with a ``denoiser``, whose weights are those of ``weights``; a run's are found by
    ``gibbsweep.run.stored``. ``sampling`` replaces the sampler that it was trained with: nothing is trained."""

    trained: SystemConfig
    weights: WeightsFile
    sampling: DenoiserSamplerConfig = field(default_factory=DenoiserSamplerConfig)

    @property
    def units(self) -> Units:
        return self.trained.units

    def build(self, spec: DataSpec) -> TrainedScoreSystem:
        """The system for data of ``spec.shape``, which must be that of training."""
        system = self.trained.build(spec)
        denoiser = getattr(system, "denoiser", None)
        if not isinstance(denoiser, nn.Module):
            raise TypeError(
                f"got a trained {type(system).__name__}, expected a system with a denoiser; name another run"
            )
        self.weights.load_into(system)
        return TrainedScoreSystem(denoiser.eval(), self.sampling.build(), spec.shape)


class TrainedScoreSystem(SampledDenoiser):
    """Without a class, where the network knows classes."""

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Nothing is left to fit."""
