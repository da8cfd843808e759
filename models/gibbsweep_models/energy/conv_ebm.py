"""A convolutional energy of images or voxels trained by persistent contrastive divergence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.nn.energies.conv import ConvEnergy
from gibbsweep_models.nn.layers.activations import Activation
from gibbsweep_models.noise.estimate import estimate_sigma
from gibbsweep_models.noise.masks import check_mask, fill_smoothly, fill_with_mean
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.samplers.mcmc.posterior import MAPDenoising
from gibbsweep_models.types import DataSpec, Phase, SignedUnits


@dataclass(frozen=True)
class ConvEBMConfig(SignedUnits):
    """A convolutional energy and its training.

    >>> system = ConvEBMConfig(channels=(4, 8), sample_steps=5).build(DataSpec((1, 8, 8)))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 8, 8])
    """

    channels: tuple[int, ...] = (16, 32, 64, 64)
    """Channels of each convolution."""
    activation: Activation = "silu"
    """Activation behind each layer."""
    spectral_norm: bool = False
    """Whether every layer's Lipschitz constant but the read-out's is bounded."""
    confinement: float | None = None
    """Standard deviation of a Gaussian reference around the data's mean, whose energy is added to the network's (a
    descriptor network); None for none."""
    cd: LangevinCD = field(default_factory=LangevinCD)
    """The chains and the numbers of training."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 256
    """Langevin steps from uniform noise to a sample."""
    denoising: MAPDenoising = field(default_factory=MAPDenoising)
    """How noisy images are denoised under the energy."""
    inpaint_steps: int = 60
    """Langevin steps from a smoothly filled hole to a textured one."""
    inpaint_temperature: float = 1.0
    """Temperature of those steps, in units of the training chain's."""

    @classmethod
    def descriptor(cls, channels: tuple[int, ...]) -> Self:
        """The descriptor network of voxels of Xie et al., "Learning Descriptor Networks for 3D Shape Synthesis and
        Analysis" (2018).

        In the units of [-1, 1] the paper's chain (reference 0.5, step 0.1 on voxels in [0, 1]) is x - 0.02 grad E +
        0.2 n around a
        reference of 1; it drops the noise after 100 of 3,000 epochs. Here 8 steps of 0.05 go as far as 20 of 0.02.
        """
        cd = LangevinCD(
            n_steps=8,
            step_size=0.05,
            noise=0.02,
            gradient_clip=None,
            l2=0.0,
            learning_rate=1e-3,
            schedule="cosine",
            betas=(0.5, 0.999),
            grad_clip=None,
            energy_gap_bound=1e5,
        )
        return cls(channels=channels, confinement=1.0, cd=cd, sample_steps=100)

    def build(self, spec: DataSpec) -> ConvEBMSystem:
        """The system for images (C, H, W) or voxels (C, X, Y, Z) of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        return ConvEBMSystem(self, spec)


class ConvEBMSystem(LangevinSystem):
    """The density p(x) ∝ exp(-E(x) / T) on [-1, 1]^D; sampling, chains and training share one Langevin kernel."""

    def __init__(self, config: ConvEBMConfig, spec: DataSpec) -> None:
        super().__init__(config.cd, spec, ema_decay=config.ema_decay, sample_steps=config.sample_steps)
        self.config = config
        self.network = ConvEnergy(
            spec.shape, config.channels, config.activation, config.spectral_norm, config.confinement
        )
        self.replay = config.cd.replay(spec.shape)

    def initialise(self, x: Tensor) -> None:
        """Centre the reference, where there is one, on the mean of ``x`` (N, *D) over examples and places."""
        if self.config.confinement is not None:
            self.network.centre.copy_(x.mean())

    def phases(self) -> list[Phase]:
        return [self.config.cd.phase(self.network.parameters(), self.shape, self.replay)]

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        energy: Tensor = self.network(x, cond)
        return energy

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The energy: (B, *D) -> (B,)."""
        del generator
        return self.energy(x)

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """The mode of the posterior near ``x`` (B, *D). A noise level (B,) that is None is estimated from ``x``."""
        level = estimate_sigma(x) if sigma is None else sigma
        return self.config.denoising(self.energy, x, level, generator=generator)

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """Clamped Langevin: a hole moves by the training chain, the known values stay (B, *D). It starts smoothly
        filled in images, with the known voxels' mean in solids."""
        fill = fill_smoothly if x.ndim == 4 else fill_with_mean
        start = fill(x, check_mask(known))

        def project(state: Tensor) -> Tensor:
            return torch.where(known, x, state)

        temperature = self.sampler.temperature * self.config.inpaint_temperature
        chain = replace(self.sampler, n_steps=self.config.inpaint_steps, temperature=temperature)
        return chain(self.energy, start, generator=generator, project=project).x

    def replayed(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Up to ``n`` different chains (n, *D) of the replay buffer."""
        if self.replay is None:
            raise ValueError(
                "chains that start at data leave no samples: train with persistent=True, or draw from noise"
            )
        return self.replay.sample(n, generator=generator)
