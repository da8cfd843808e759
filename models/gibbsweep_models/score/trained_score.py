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
    """The denoiser of an earlier run with another sampler. Nothing is trained; ``build`` loads the weights.

    >>> from gibbsweep_models.score.score_model import ScoreModelConfig
    >>> weights = WeightsFile("checkpoint/weights.safetensors", sha256="9f86d08")
    >>> config = TrainedScoreConfig(ScoreModelConfig(), weights, DenoiserSamplerConfig("euler", nfe=20))
    """

    trained: SystemConfig
    """Configuration of a system with a ``denoiser``; a run's is read by ``gibbsweep.run.stored``."""
    weights: WeightsFile
    """Its weights."""
    sampling: DenoiserSamplerConfig = field(default_factory=DenoiserSamplerConfig)
    """The sampler, in place of the one that it was trained with."""

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
    """The trained denoiser and the sampler; where the network knows classes, it gets none."""

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Do nothing: nothing is left to fit."""
