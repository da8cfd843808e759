"""The reconstruction error of an autoencoder as a normalised energy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep_models.draws import randn
from gibbsweep_models.nn.encoders.mlp_autoencoder import SphericalAutoencoder, on_sphere
from gibbsweep_models.nn.gradients import refuse_condition
from gibbsweep_models.nn.layers.activations import Activation
from gibbsweep_models.objectives.cd.on_manifold_cd import OnManifoldCD
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.objectives.generation.reconstruction import Reconstruction
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace


@dataclass(frozen=True)
class NormalizedAutoencoderConfig(SignedUnits):
    """Yoon, Noh & Park, "Autoencoding Under Normalization Constraints" (2021): E(x) = |x - decode(encode(x))|² / (D T).
    The chain on the decoder's manifold (``latent_*``) and the chain in x both have step and noise apart, as in the
    paper.

    >>> system = NormalizedAutoencoderConfig(latent_dim=3, hidden=(16,)).build(DataSpec((1, 4, 4)))
    >>> system.energy(torch.zeros(2, 1, 4, 4)).shape
    torch.Size([2])
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("pretraining_rate", "learning_rate", "latent_step_size", "step_size")

    latent_dim: int = 16
    """Dimensions of the codes, which lie on a sphere."""
    hidden: tuple[int, ...] = (256, 128)
    """Units of the encoder's hidden layers; the decoder mirrors them."""
    activation: Activation = "silu"
    """Activation behind each hidden layer."""
    temperature: float = 1.0
    """T."""
    pretraining: int = 500
    """First updates, which minimise the squared error; the others follow the likelihood."""
    pretraining_rate: float = 2e-3
    """Learning rate of the first updates."""
    learning_rate: float = 1e-4
    """Learning rate of the others."""
    betas: tuple[float, float] = (0.5, 0.999)
    grad_clip: float | None = 1.0
    """Largest norm of the gradient, after the first updates; None for no bound."""
    l2: float = 1.0
    """Weight of the negatives' squared energies."""
    latent_steps: int = 5
    """Steps of the chain on the manifold."""
    latent_step_size: float = 0.2
    """Their step size."""
    latent_noise: float = 0.05
    """Standard deviation of their noise."""
    n_steps: int = 5
    """Steps of the chain in x."""
    step_size: float = 10.0
    """Their step size."""
    noise: float = 0.01
    """Standard deviation of their noise."""
    gradient_clip: float | None = 2e-3
    """Largest component of the energy's gradient in the chain in x; None for no bound."""
    replay_size: int = 2000
    """Codes in the buffer of the chain on the manifold."""
    restart_fraction: float = 0.05
    """Share of the codes that restart at an update."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    energy_gap_bound: float = 50.0
    """A larger |energy gap| counts as divergence."""

    def build(self, spec: DataSpec) -> NormalizedAutoencoderSystem:
        """The system for examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if self.temperature <= 0 or self.pretraining < 0:
            raise ValueError(
                f"got temperature={self.temperature}, pretraining={self.pretraining}; expected a positive temperature "
                "and a number of updates; correct the one that is out of range"
            )
        return NormalizedAutoencoderSystem(self, spec)


class NormalizedAutoencoderSystem(System):
    """The density p(x) ∝ exp(-E(x)) on [-1, 1]^D with the reconstruction error as E(x), so that examples which the
    autoencoder has not learned are unlikely by construction."""

    def __init__(self, config: NormalizedAutoencoderConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        self.autoencoder = SphericalAutoencoder(spec.shape, config.latent_dim, config.hidden, config.activation)
        self.latent_sampler = Langevin.decoupled(config.latent_steps, config.latent_step_size, config.latent_noise)
        self.sampler = Langevin.decoupled(
            config.n_steps, config.step_size, config.noise, gradient_clip=config.gradient_clip, clamp=(-1.0, 1.0)
        )

    def initialise(self, x: Tensor) -> None:
        """Set the offsets by the mean of ``x`` (N, *D)."""
        self.autoencoder.initialise(x)

    def phases(self) -> list[Phase]:
        config = self.config
        parameters = list(self.parameters())
        replay = ReplayBuffer(config.replay_size, (config.latent_dim,), config.restart_fraction)
        objective = OnManifoldCD(self.latent_sampler, self.sampler, replay, config.l2).to(parameters[0].device)
        pretrain = OptimizerConfig("adam", config.pretraining_rate, schedule="cosine")
        return [
            Phase("pretraining", parameters, Reconstruction(), pretrain, stop=config.pretraining),
            Phase(
                "energy",
                parameters,
                objective,
                OptimizerConfig("adam", config.learning_rate, config.betas),
                start=config.pretraining,
                grad_clip=config.grad_clip,
                bounds={"energy_gap": config.energy_gap_bound},
            ),
        ]

    def encode(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, latent_dim), of unit length."""
        return self.autoencoder.encode(x)

    def decode(self, z: Tensor) -> Tensor:
        """(B, latent_dim) -> (B, *D) in [-1, 1]."""
        return self.autoencoder.decode(z)

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The mean squared error of the reconstruction over the temperature: (B, *D) -> (B,)."""
        refuse_condition(cond, self)
        residual = (x - self.decode(self.encode(x))).flatten(1)
        return residual.square().mean(dim=1) / self.config.temperature

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The energy: (B, *D) -> (B,)."""
        del generator
        return self.energy(x)

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """The codes: (B, *D) -> (B, latent_dim)."""
        return self.encode(x)

    @torch.no_grad()
    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The reconstructions: (B, *D) -> (B, *D). It draws nothing."""
        del generator
        return self.decode(self.encode(x))

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) as in training, from codes that are uniform on the sphere: the latent chain, ten times
        as long, then the chain in x (``trace`` sees the second)."""
        z = on_sphere(randn((n, self.config.latent_dim), generator=generator))

        def on_manifold(x: Tensor, cond: Tensor | None = None) -> Tensor:
            return self.energy(self.decode(x), cond)  # x of this energy are codes

        long = replace(self.latent_sampler, n_steps=10 * self.config.latent_steps)
        latent = long(on_manifold, z, generator=generator, project=on_sphere)
        with torch.no_grad():
            start = self.decode(latent.x)
        samples = self.sampler(self.energy, start, generator=generator, trace=trace)
        return Samples(samples.x, latent.nfe + samples.nfe, samples.info)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the chain in x from ``x`` (B, *D)."""
        return replace(self.sampler, n_steps=n_steps)(self.energy, x, generator=generator, trace=trace)
