"""The classification RBM, trained to classify and to generate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import bernoulli
from gibbsweep_models.nn.energies.class_rbm import ClassRBM
from gibbsweep_models.objectives.cd.contrastive_divergence import ContrastiveDivergence
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.objectives.composed.every_nth import EveryNth
from gibbsweep_models.objectives.composed.weighted_sum import WeightedSum
from gibbsweep_models.samplers.mcmc.class_gibbs import ClassGibbs
from gibbsweep_models.types import BinaryUnits, DataSpec, OptimizerConfig, Phase, Samples, System, Trace


@dataclass(frozen=True)
class ClassRBMConfig(BinaryUnits):
    """Larochelle & Bengio (2008): the hybrid objective -log p(y | x) - ``cd_weight`` log p(x), exact in the first term
    (y is enumerated), by contrastive divergence in the second.

    >>> system = ClassRBMConfig(n_hidden=8, sample_steps=5).build(DataSpec((1, 4, 4), "binary", n_classes=3))
    >>> system.logits(torch.zeros(2, 1, 4, 4)).shape
    torch.Size([2, 3])
    """

    n_hidden: int = 256
    """Hidden units."""
    cd_weight: float = 0.01
    """Weight of the second term; 0 is the discriminative RBM."""
    cd_every: int = 1
    """Chains run for one in so many examples of a batch."""
    k: int = 1
    """Gibbs steps of a negative chain."""
    persistent: bool = True
    """Whether chains go on in a buffer; else they start at the data."""
    replay_size: int = 2000
    """Chains in that buffer."""
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    initial_weight_scale: float = 0.01
    """Standard deviation of the first weights."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""
    sample_steps: int = 1000
    """Gibbs steps from noise to a sample."""
    energy_gap_bound: float = 500.0
    """A larger |energy gap|, in nats, counts as divergence."""

    def build(self, spec: DataSpec) -> ClassRBMSystem:
        """The system for labelled examples of ``spec.shape`` in {0, 1}."""
        self.check_units(spec)
        if spec.n_classes is None:
            raise ValueError("ClassRBM needs classes: got data without labels; choose a labelled data set")
        return ClassRBMSystem(self, spec, spec.n_classes)


class ClassRBMSystem(System):
    """The distribution p(x, y) ∝ exp(-F(x, y)) on {0, 1}^D and K classes."""

    def __init__(self, config: ClassRBMConfig, spec: DataSpec, n_classes: int) -> None:
        super().__init__()
        self.config = config
        self.shape = spec.shape
        self.ema_decay = config.ema_decay
        self.rbm = ClassRBM(
            math.prod(spec.shape), config.n_hidden, n_classes, initial_weight_scale=config.initial_weight_scale
        )

    def phases(self) -> list[Phase]:
        config = self.config
        replay = None
        if config.persistent:
            replay = ReplayBuffer(config.replay_size, self.shape, restart_fraction=0.0, units="binary")
        chains = ContrastiveDivergence(ClassGibbs(config.k), replay)
        objective = WeightedSum(
            {"ce": (1.0, CrossEntropy()), "cd": (config.cd_weight, EveryNth(chains, config.cd_every))}
        )
        return [
            Phase(
                "hybrid",
                list(self.parameters()),
                objective.to(self.rbm.weight.device),
                OptimizerConfig("adam", config.learning_rate, weight_decay=config.weight_decay, schedule="cosine"),
                bounds={"cd_energy_gap": config.energy_gap_bound} if config.cd_weight else {},
                model=self.rbm,
            )
        ]

    def initialise(self, x: Tensor) -> None:
        """Set the visible biases by the mean of ``x`` (N, *D)."""
        self.rbm.initialise(x)

    def logits(self, x: Tensor) -> Tensor:
        """-F(x, y) for each y: (B, *D) -> (B, K)."""
        return self.rbm.logits(x)

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """F(x), or F(x, y) of the classes ``cond`` (B,) int64, in nats: (B, *D) -> (B,)."""
        energy: Tensor = self.rbm(x, cond)
        return energy

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """The hidden units' input from v alone, c + vᵀ W: (B, *D) -> (B, H)."""
        return torch.addmm(self.rbm.hidden_bias, self.rbm.flat(x), self.rbm.weight)

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` binary examples (n, *D): ``sample_steps`` Gibbs steps from fair coin flips. ``info["visible_mean"]`` is
        their mean given the hidden units, for pictures."""
        start = bernoulli(torch.full((n, *self.shape), 0.5, device=self.rbm.weight.device), generator=generator)
        return self.run_chain(start, self.config.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` Gibbs steps from ``x`` (B, *D)."""
        return ClassGibbs(n_steps)(self.rbm, x, generator=generator, trace=trace)
