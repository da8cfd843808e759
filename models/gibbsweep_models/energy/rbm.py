"""The restricted Boltzmann machine trained by (persistent) contrastive divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.likelihood.ais import (
    annealed_importance_sampling,
    base_rate_bias,
    linear_temperatures,
    reverse_annealed_importance_sampling,
)
from gibbsweep_models.likelihood.exact import exact_log_partition
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.objectives.cd.rbm_cd import RBMContrastiveDivergence
from gibbsweep_models.samplers.mcmc.gibbs import BlockGibbs
from gibbsweep_models.types import BinaryUnits, DataSpec, OptimizerConfig, Phase, Samples, System, Trace

LARGEST_ENUMERATION = 20
"""Most units on the smaller side whose likelihood is exact as well as bracketed: a million states, seconds."""


@dataclass(frozen=True)
class RBMConfig(BinaryUnits):
    """Hinton, "Training Products of Experts by Minimizing Contrastive Divergence" (2002); Tieleman (2008) for
    ``persistent``; Melchior, Fischer & Wiskott (2016) for ``centred``.

    >>> system = RBMConfig(n_hidden=8, sample_steps=5).build(DataSpec((1, 4, 4), "binary"))
    >>> system.sample(2, generator=seeded(0)).x.shape
    torch.Size([2, 1, 4, 4])
    """

    n_hidden: int = 64
    """Hidden units."""
    k: int = 1
    """Gibbs steps of a negative chain."""
    persistent: bool = False
    """Whether chains go on from update to update; else they start at the data."""
    centred: bool = True
    """Whether the machine has offsets near the means of its units."""
    learning_rate: float = 0.01
    momentum: float = 0.0
    """Momentum of stochastic gradient descent."""
    weight_decay: float = 0.0
    """L2 decay of the weights alone."""
    initial_weight_scale: float = 0.01
    """Standard deviation of the first weights."""
    offset_rate: float = 0.01
    """Sliding factor of a centred machine's offsets."""
    sample_steps: int = 1000
    """Gibbs steps from noise to a sample."""
    annealing_chains: int = 100
    """Chains of an annealed estimate of log Z."""
    equilibration: int = 1000
    """Gibbs steps from the data before the reverse annealing."""
    energy_gap_bound: float = 500.0
    """A larger |energy gap|, in nats, counts as divergence."""

    def build(self, spec: DataSpec) -> RBMSystem:
        """The system for examples of ``spec.shape`` in {0, 1}."""
        self.check_units(spec)
        return RBMSystem(self, spec)


class RBMSystem(System):
    """The distribution p(x) ∝ exp(-F(x)) on {0, 1}^D; training, sampling and annealing share one block Gibbs kernel."""

    def __init__(self, config: RBMConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.rbm = RBM(
            math.prod(spec.shape),
            config.n_hidden,
            centred=config.centred,
            initial_weight_scale=config.initial_weight_scale,
        )

    def phases(self) -> list[Phase]:
        config = self.config
        objective = RBMContrastiveDivergence(
            self.rbm.n_visible,
            k=config.k,
            persistent=config.persistent,
            weight_decay=config.weight_decay,
            offset_rate=config.offset_rate,
        )
        return [
            Phase(
                "cd",
                list(self.rbm.parameters()),
                objective.to(self.rbm.weight.device),
                OptimizerConfig("sgd", config.learning_rate, momentum=config.momentum),
                bounds={"energy_gap": config.energy_gap_bound},
                model=self.rbm,
            )
        ]

    def initialise(self, x: Tensor) -> None:
        """Set the visible biases, and a centred machine's visible offsets, by the mean of ``x`` (N, *D)."""
        self.rbm.initialise(x)

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The free energy in nats: (B, *D) -> (B,)."""
        energy: Tensor = self.rbm(x, cond)
        return energy

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The free energy: (B, *D) -> (B,)."""
        del generator
        return self.energy(x)

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` binary examples (n, *D): ``sample_steps`` Gibbs steps from fair coin flips. ``info["visible_mean"]``
        is their mean given the hidden units, in [0, 1], for pictures."""
        probability = torch.full((n, *self.shape), 0.5, device=self.rbm.weight.device)
        start = draws.bernoulli(probability, generator=generator)
        return self.run_chain(start, self.config.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` block Gibbs steps from ``x`` (B, *D)."""
        return BlockGibbs(n_steps)(self.rbm, x, generator=generator, trace=trace)

    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The mean of v given hidden units drawn given ``x``: (B, *D) -> (B, *D) in [0, 1]."""
        return BlockGibbs(1)(self.rbm, x, generator=generator).info["reconstruction"]

    @torch.no_grad()
    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log-likelihood of ``x`` (N, *D), bracketed by annealing both ways in ``n_temperatures`` equal steps.

        It anneals to and from independent units with the means of ``x``; the reverse chains start at examples of ``x``.
        """
        config = self.config
        x = self.rbm.flat(x)
        base_bias, temperatures = base_rate_bias(x), linear_temperatures(n_temperatures)
        ais = annealed_importance_sampling(
            self.rbm, base_bias, temperatures, n_chains=config.annealing_chains, generator=generator
        )
        start = x[draws.randint(len(x), (config.annealing_chains,), generator=generator)]
        reverse = reverse_annealed_importance_sampling(
            self.rbm, base_bias, temperatures, start, equilibration=config.equilibration, generator=generator
        )
        log_mass = -float(self.rbm(x).double().mean())
        exact = None
        if min(self.rbm.n_visible, self.rbm.n_hidden) <= LARGEST_ENUMERATION:
            exact = log_mass - exact_log_partition(self.rbm)
        return Bracket(
            ais=log_mass - ais.value,
            reverse_ais=log_mass - reverse.value,
            exact=exact,
            ais_se=ais.standard_error,
            reverse_ais_se=reverse.standard_error,
        )
