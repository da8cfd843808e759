"""A convolutional energy of images or voxels trained by persistent contrastive divergence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gibbsweep_models.bases.langevin_system import LangevinSystem
from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.likelihood.annealed_mala import log_likelihood_bracket
from gibbsweep_models.likelihood.temperature import best_inverse_temperature
from gibbsweep_models.nn.energies.conv import ConvEnergy
from gibbsweep_models.nn.layers.activations import Activation
from gibbsweep_models.noise.estimate import estimate_sigma
from gibbsweep_models.noise.masks import check_mask, fill_smoothly, fill_with_mean
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.samplers.mcmc.posterior import MAPDenoising
from gibbsweep_models.types import DataSpec, Phase, SignedUnits


@dataclass(frozen=True)
class ConvEBMConfig(SignedUnits):
    """The energy network and how it is trained (``cd``). ``confinement``: the standard deviation of a Gaussian reference
    around the data's mean, whose energy is added to the network's (a descriptor network); None for none.
    ``sample_steps``: Langevin steps from uniform noise to a sample; ``inpaint_steps``: from a smoothly filled hole to a
    textured one, ``inpaint_temperature`` in units of the training chain's."""

    channels: tuple[int, ...] = (16, 32, 64, 64)
    activation: Activation = "silu"
    spectral_norm: bool = False
    confinement: float | None = None
    cd: LangevinCD = field(default_factory=LangevinCD)
    ema_decay: float = 0.99
    sample_steps: int = 256
    denoising: MAPDenoising = field(default_factory=MAPDenoising)
    inpaint_steps: int = 60
    inpaint_temperature: float = 1.0

    def build(self, spec: DataSpec) -> ConvEBMSystem:
        """The system for images (C, H, W) or voxels (C, X, Y, Z) of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        return ConvEBMSystem(self, spec)


class ConvEBMSystem(LangevinSystem):
    """p(x) ∝ exp(-E(x) / T) on [-1, 1]^D; sampling, chains and training share one Langevin kernel."""

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
        """The mode of the posterior near ``x`` (B, *D); a noise level (B,) that is None is estimated from ``x``."""
        level = estimate_sigma(x) if sigma is None else sigma
        return self.config.denoising(self.energy, x, level, generator=generator)

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """Clamped Langevin: a hole moves by the training chain, the known values stay (B, *D). It starts smoothly filled in
        images, with the known voxels' mean in solids."""
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

    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log-likelihood of ``x`` (N, *D) under exp(-E / T) / Z on the cube, at the T that explains ``x`` best.

        Short chains with decoupled noise sample no known temperature, so T is one fitted number, not colder than the
        training chain's own.
        """
        beta = best_inverse_temperature(self.energy, x, largest=1 / self.sampler.temperature, generator=generator)

        def at_temperature(x: Tensor, cond: Tensor | None = None) -> Tensor:
            return beta * self.energy(x, cond)

        return log_likelihood_bracket(at_temperature, x, n_temperatures=n_temperatures, power=3.0, generator=generator)
