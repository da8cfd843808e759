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

    The first ``pretraining`` updates minimise the squared error with ``pretraining_rate``, the others the likelihood with
    ``learning_rate``. ``latent_*`` are the numbers of the chain on the decoder's manifold, the others those of the chain in
    x, both with step and noise apart, as in the paper. ``l2`` penalises the negatives' squared energies.
    ``energy_gap_bound``: a larger |energy gap| counts as divergence.
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("pretraining_rate", "learning_rate", "latent_step_size", "step_size")

    latent_dim: int = 16
    hidden: tuple[int, ...] = (256, 128)
    activation: Activation = "silu"
    temperature: float = 1.0
    pretraining: int = 500
    pretraining_rate: float = 2e-3
    learning_rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)
    grad_clip: float | None = 1.0
    l2: float = 1.0
    latent_steps: int = 5
    latent_step_size: float = 0.2
    latent_noise: float = 0.05
    n_steps: int = 5
    step_size: float = 10.0
    noise: float = 0.01
    gradient_clip: float | None = 2e-3
    replay_size: int = 2000
    restart_fraction: float = 0.05
    ema_decay: float = 0.99
    energy_gap_bound: float = 50.0

    def build(self, spec: DataSpec) -> NormalizedAutoencoderSystem:
        """The system for examples of ``spec.shape`` in [-1, 1]."""
        self.check_units(spec)
        if self.temperature <= 0 or self.pretraining < 0:
            raise ValueError(
                f"got temperature={self.temperature}, pretraining={self.pretraining}; expected a positive temperature and a "
                "number of updates; correct the one that is out of range"
            )
        return NormalizedAutoencoderSystem(self, spec)


class NormalizedAutoencoderSystem(System):
    """p(x) ∝ exp(-E(x)) on [-1, 1]^D, E(x) the reconstruction error: what it has not learned is unlikely by construction."""

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
        """Offsets from the mean of ``x`` (N, *D)."""
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
        """(B, *D) -> (B, latent_dim)."""
        return self.encode(x)

    @torch.no_grad()
    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, *D) -> (B, *D). It draws nothing."""
        del generator
        return self.decode(self.encode(x))

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) as in training, from codes that are uniform on the sphere: the latent chain, ten times as
        long, then the chain in x (``trace`` sees the second)."""
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
