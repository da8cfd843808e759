"""A score model of solids: the score of a smooth field, and samples that are filled and empty voxels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gibbsweep_models.bases.denoiser_system import DenoiserTraining
from gibbsweep_models.nn.denoisers.parametrisation import NetworkDenoiser, Prediction
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.nn.transforms.solid_field import SolidField
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.objectives.composed.transformed import Transformed
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss, Weight
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.in_parts import sample_in_parts
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.trained_levels import check_levels
from gibbsweep_models.types import DataSpec, Phase, Samples, System, Trace

VoxelSampler = Heun | AnnealedLangevin | Ancestral | Euler | PredictorCorrector
"""Samplers of a field."""


@dataclass(frozen=True)
class VoxelScoreConfig(DenoiserTraining):
    """EDM (Karras et al. 2022) on the occupancy of solids, blurred by a Gaussian, around its mean. Noise levels are in
    units of the field, whose range is [0, 1].

    >>> system = VoxelScoreConfig(UNetConfig((4,), patch=2), sampler=Heun(2)).build(DataSpec((1, 8, 8, 8)))
    >>> system.initialise(torch.rand(20, 1, 8, 8, 8).round() * 2 - 1)
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 8, 8, 8])
    """

    network: UNetConfig = field(default_factory=lambda: UNetConfig((32, 64), patch=2))
    """The network."""
    blur: float = 0.7
    """Standard deviation of the blur, in voxels; 0: none."""
    sharpen: int = 2
    """Sharpening steps of sampled fields, see :class:`~gibbsweep_models.nn.transforms.solid_field.SolidField`, which
    makes solids of them."""
    schedule: EDMSchedule = field(default_factory=EDMSchedule)
    """Noise levels of training, from a lognormal."""
    predicts: Prediction = "edm"
    """What the network's output means."""
    weight: Weight = "edm"
    """Weight of its error at each level."""
    sampler: VoxelSampler = field(default_factory=Heun)
    """The sampler, which has levels of its own."""
    batch_size: int = 250
    """Solids sampled at once."""

    def build(self, spec: DataSpec) -> VoxelScoreSystem:
        """The system for voxels (1, N, N, N) of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        check_levels(self.sampler, self.schedule, skips=self.predicts != "x0")
        return VoxelScoreSystem(self, spec)


class VoxelScoreSystem(System):
    """A denoiser ``denoiser``, D(z; sigma), of the field z = ``field``(x)."""

    def __init__(self, config: VoxelScoreConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.ema_decay = config.ema_decay
        self.field = SolidField(spec.shape, config.blur, config.sharpen)
        self.denoiser = NetworkDenoiser(config.network.build(spec.shape), config.predicts, config.first_sigma_data)

    def initialise(self, x: Tensor) -> None:
        """Measure the mean field, the level and, unless the config gives it, ``sigma_data`` on ``x`` (N, 1, *S)."""
        self.field.measure(x)
        if self.config.sigma_data is None:
            self.denoiser.sigma_data.fill_(self.field(x).std(correction=0))

    def phases(self) -> list[Phase]:
        objective = Transformed(DenoisingLoss(self.config.schedule, weight=self.config.weight), self.field.forward)
        return [self.config.phase("denoiser", self, objective)]

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` solids (n, 1, *S) from noise, filled 1 and empty -1. A ``trace`` sees fields, shifted so that the level
        is 0."""
        return self._sampled(self.config.sampler, n, generator, trace)

    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        """``n`` solids (n, 1, *S) in ``n_steps`` steps of the config's sampler."""
        return self._sampled(replace(self.config.sampler, n_steps=n_steps), n, generator, None)

    def _sampled(self, sampler: VoxelSampler, n: int, generator: torch.Generator, trace: Trace | None) -> Samples:
        def around_level(step: int, x: Tensor) -> None:
            assert trace is not None
            trace(step, x + self.field.mean - self.field.level)

        made = sample_in_parts(
            sampler,
            self.denoiser,
            n,
            self.shape,
            generator=generator,
            batch_size=self.config.batch_size,
            trace=None if trace is None else around_level,
        )
        return Samples(self.field.solid(made.x), made.nfe, made.info)
