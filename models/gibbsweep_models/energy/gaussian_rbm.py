"""Gaussian-Bernoulli restricted Boltzmann machines of images, dense or convolutional, trained by contrastive
divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.likelihood.ais import linear_temperatures
from gibbsweep_models.likelihood.gaussian_ais import (
    annealed_importance_sampling,
    exact_log_partition,
    reverse_annealed_importance_sampling,
)
from gibbsweep_models.nn.energies.gaussian_rbm import ConvGaussianRBM, GaussianBernoulli, GaussianRBM
from gibbsweep_models.nn.transforms.whitening import SpectralWhitening, Standardise
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.composed.transformed import Transformed
from gibbsweep_models.samplers.mcmc.gaussian_gibbs import GaussianGibbs, GibbsLangevin
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, Samples, SignedUnits, System, Trace

LARGEST_ENUMERATION = 14
"""Most hidden units whose likelihood is exact as well as bracketed: 16 thousand states of all visible units."""


@dataclass(frozen=True)
class Dense:
    """Hidden units that see all of the image."""

    n_hidden: int = 128
    """Number of hidden units."""


@dataclass(frozen=True)
class Convolutional:
    """Hidden maps whose units see a square of pixels each."""

    n_maps: int = 32
    """Number of maps."""
    kernel_size: int = 8
    """Side of the square, in pixels."""
    stride: int = 4
    """Pixels from one square to the next."""
    zero_mean: bool = True
    """Whether a map's weights have the mean 0 in every channel, so that no hidden unit moves the mean colour."""


@dataclass(frozen=True)
class GaussianRBMConfig(SignedUnits):
    """Liao, Kornblith, Ren, Fleet & Hinton, "Gaussian-Bernoulli RBMs Without Tears" (2022); with
    ``hidden=Convolutional()`` Lee et al. (2009), without pooling.

    >>> system = GaussianRBMConfig(Dense(8), sample_steps=5).build(DataSpec((1, 4, 4)))
    >>> system.initialise(torch.rand(20, 1, 4, 4))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 4, 4])
    """

    step_sizes: ClassVar[tuple[str, ...]] = ("learning_rate", "inner_step_size")

    hidden: Dense | Convolutional = field(default_factory=Dense)
    """The hidden units."""
    coordinates: Literal["standard", "white"] = "standard"
    """What the machine sees of the data: ``standard``, every component by itself, or ``white``, by spatial
    frequency."""
    floor: float = 0.1
    """Standard deviation in data units that is added to each coordinate's."""
    k: int = 1
    """Steps of a negative chain."""
    chain: Literal["gibbs", "gibbs_langevin"] = "gibbs"
    """``gibbs``: block Gibbs steps; ``gibbs_langevin``: the Gibbs-Langevin steps of the paper."""
    inner_steps: int = 20
    """Langevin steps within a Gibbs-Langevin step."""
    inner_step_size: float = 0.03
    """Their size, in units of the visible variance."""
    adjust: bool = True
    """Whether Gibbs-Langevin steps are accepted or rejected by Metropolis-Hastings."""
    start: Literal["data", "noise"] = "data"
    """Where negative chains begin: at the ``data`` (CD-k) or at ``noise`` (the paper's modified CD, which makes k steps
    from noise a sampler)."""
    learn_variance: bool = True
    """Whether the visible variances are learned."""
    smallest_variance: float = 0.01
    """Lower bound of the visible variances."""
    initial_weight_scale: float = 0.01
    """Standard deviation of the first weights."""
    learning_rate: float = 0.01
    momentum: float = 0.0
    """Momentum of stochastic gradient descent."""
    grad_clip: float | None = 10.0
    """Largest norm of the gradient; the paper's is 10."""
    sample_steps: int = 100
    """Steps from noise to a sample."""
    annealing_chains: int = 64
    """Chains of an annealed estimate of log Z."""
    equilibration: int = 200
    """Gibbs steps before the reverse annealing."""
    energy_gap_bound: float = 10.0
    """A larger |energy gap|, in nats per visible unit, counts as divergence."""

    def sampler(self, n_steps: int) -> GaussianGibbs | GibbsLangevin:
        """``n_steps`` steps of the chain of training, which also samples."""
        if self.chain == "gibbs":
            return GaussianGibbs(n_steps)
        return GibbsLangevin(n_steps, self.inner_steps, self.inner_step_size, self.adjust)

    def machine(self, shape: tuple[int, ...]) -> GaussianBernoulli:
        """The machine for visible units of ``shape``."""
        if isinstance(self.hidden, Dense):
            return GaussianRBM(
                shape,
                self.hidden.n_hidden,
                initial_weight_scale=self.initial_weight_scale,
                smallest_variance=self.smallest_variance,
                learn_variance=self.learn_variance,
            )
        return ConvGaussianRBM(
            shape,
            self.hidden.n_maps,
            self.hidden.kernel_size,
            self.hidden.stride,
            zero_mean=self.hidden.zero_mean,
            initial_weight_scale=self.initial_weight_scale,
            smallest_variance=self.smallest_variance,
            learn_variance=self.learn_variance,
        )

    def build(self, spec: DataSpec) -> GaussianRBMSystem:
        """The system for examples of ``spec.shape`` with real values."""
        self.check_units(spec)
        return GaussianRBMSystem(self, spec)


class GaussianRBMSystem(System):
    """The density p(x) ∝ exp(-F(z(x))) on R^D, z the standardised or white coordinates; one Gibbs kernel trains,
    samples and anneals.

    All inputs and outputs are in data units. Pictures of a sample are its ``info["visible_mean"]``: the machine's noise
    is part of its density, not of the picture.
    """

    def __init__(self, config: GaussianRBMConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        coordinates = Standardise if config.coordinates == "standard" else SpectralWhitening
        self.coordinates = coordinates(spec.shape, config.floor)
        self.machine = config.machine(spec.shape)

    def phases(self) -> list[Phase]:
        config = self.config
        objective = ContrastiveDivergence(config.sampler(config.k), from_noise=config.start == "noise")
        return [
            Phase(
                "cd",
                list(self.machine.parameters()),
                Transformed(objective, self.coordinates.forward),
                OptimizerConfig("sgd", config.learning_rate, momentum=config.momentum),
                grad_clip=config.grad_clip,
                bounds={"energy_gap": config.energy_gap_bound * math.prod(self.shape)},
                model=self.machine,
            )
        ]

    def initialise(self, x: Tensor) -> None:
        """Set the coordinates by the mean and the covariance of ``x`` (N, *D), and the machine's variances."""
        self.coordinates.fit(x)
        self.machine.initialise(self.coordinates(x[:2000]))

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The free energy in nats: (B, *D) -> (B,)."""
        energy: Tensor = self.machine(self.coordinates(x), cond)
        return energy

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D): ``sample_steps`` steps from noise that is standard normal in the machine's
        coordinates."""
        start = draws.randn((n, *self.shape), generator=generator)
        return self._run(start, self.config.sample_steps, generator, trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the training chain from ``x`` (B, *D)."""
        return self._run(self.coordinates(x), n_steps, generator, trace)

    def _run(self, z: Tensor, n_steps: int, generator: torch.Generator, trace: Trace | None) -> Samples:
        back = self.coordinates.inverse
        in_data_units: Trace | None = None if trace is None else (lambda step, z: trace(step, back(z)))
        samples = self.config.sampler(n_steps)(self.machine, z, generator=generator, trace=in_data_units)
        info = {**samples.info, "visible_mean": back(samples.info["visible_mean"])}
        return replace(samples, x=back(samples.x), info=info)

    @torch.no_grad()
    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log density of ``x`` (N, *D) in data units, bracketed by annealing both ways in ``n_temperatures`` equal
        steps.

        The reverse chains start where the forward ones ended, resampled by weight, and take ``equilibration`` Gibbs
        steps. Chains that start at data would remember it for thousands of steps, and bracket nothing. What the forward
        chains missed these miss as well: the width of the bracket says how far both agree, not how far both err.
        """
        config, machine = self.config, self.machine
        z = self.coordinates(x)
        temperatures = linear_temperatures(n_temperatures)
        ais, start = annealed_importance_sampling(
            machine, temperatures, n_chains=config.annealing_chains, generator=generator
        )
        if config.equilibration:
            start = GaussianGibbs(config.equilibration)(machine, start, generator=generator).x
        reverse = reverse_annealed_importance_sampling(machine, temperatures, start, generator=generator)
        energies = torch.cat([machine(part).double() for part in torch.split(z, 500)])
        log_mass = self.coordinates.log_determinant() - float(energies.mean())
        exact = None
        if math.prod(machine.hidden_shape) <= LARGEST_ENUMERATION:
            exact = log_mass - exact_log_partition(machine)
        return Bracket(
            ais=log_mass - ais.value,
            reverse_ais=log_mass - reverse.value,
            exact=exact,
            ais_se=ais.standard_error,
            reverse_ais_se=reverse.standard_error,
        )
