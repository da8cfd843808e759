"""The types that all other modules share. Shapes: B = batch, D = the shape of one example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from gibbsweep_models.asked import ABILITIES, check_asked
from gibbsweep_models.muon import Muon

Batch = Mapping[str, Tensor]
"""Examples by name. ``"x"``: (B, *D); where a data set has them ``"y"``, ``"text"``, ``"mask"``, ``"x_noisy"``."""

Units = Literal["signed", "binary"]
"""Units of data. ``signed``: real values in [-1, 1]; ``binary``: values in {0, 1}."""

M_contra = TypeVar("M_contra", contravariant=True)


class EnergyFn(Protocol):
    """E(x), low = likely: (B, *D) -> (B,)."""

    def __call__(self, x: Tensor, cond: Tensor | None = None) -> Tensor: ...


class Denoiser(Protocol):
    """E[x_0 | x] at noise level sigma: (B, *D), (B,) -> (B, *D). The score is (D(x; sigma) - x) / sigma²."""

    def __call__(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor: ...


class NoiseSchedule(Protocol):
    """The noise levels that a sampler visits and a denoiser is trained on."""

    def sigmas(self, n_steps: int) -> Tensor:
        """(n_steps + 1,), descending, the last one 0."""
        ...

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """(n,) training noise levels, all positive."""
        ...


class Trace(Protocol):
    """A callback that a sampler calls after every step with the number of steps done (from 1) and the chains (B,
    *D)."""

    def __call__(self, step: int, x: Tensor) -> None: ...


@dataclass(frozen=True)
class Samples:
    """The result of a sampler."""

    x: Tensor
    """The chains, (B, *D)."""
    nfe: int
    """Network evaluations per chain."""
    info: dict[str, Tensor] = field(default_factory=dict)
    """Diagnostics by name (acceptance, ...)."""


class Sampler(Protocol[M_contra]):
    """A frozen dataclass of numbers; the model (an energy, an RBM, a denoiser) arrives at the call."""

    def __call__(
        self,
        model: M_contra,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples: ...


@dataclass(frozen=True)
class Loss:
    """The result of an objective."""

    total: Tensor
    """The scalar to minimise. It can be differentiated, whether or not there are ``gradients``."""
    parts: dict[str, Tensor] = field(default_factory=dict)
    """Named detached scalars to report (``energy_gap``, ...)."""
    gradients: Callable[[], Iterable[tuple[nn.Parameter, Tensor]]] | None = None
    """Gradients of ``total`` by the parameters it depends on, from an objective that has them in closed form; None
    leaves them to autograd."""
    nfe: int | None = None
    """Network evaluations per chain of the samplers that made it, as they state them in :class:`Samples`; None where
    there is no sampler."""

    def backward(self) -> None:
        """Add the gradient of ``total`` to the parameters' ``grad``: what ``total.backward()`` does, without a walk
        through autograd's engine where there is a closed form."""
        if self.gradients is None:
            torch.autograd.backward(self.total)
            return
        for parameter, gradient in self.gradients():
            if parameter.requires_grad:
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient


class Objective(Protocol):
    """A training criterion: a function, or an ``nn.Module`` where it keeps state (a replay buffer, persistent
    chains)."""

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss: ...


@dataclass(frozen=True)
class OptimizerConfig:
    """An optimiser and its learning-rate schedule, in updates.

    >>> optimizer = OptimizerConfig("adamw", 1e-3, weight_decay=0.01, warmup=20).build([nn.Parameter(torch.zeros(3))])
    """

    name: Literal["adam", "adamw", "sgd", "muon"] = "adam"
    """Which optimiser; ``muon`` is :class:`~gibbsweep_models.muon.Muon`, at Adam's learning rates."""
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's averages."""
    momentum: float = 0.0
    """Momentum of stochastic gradient descent."""
    weight_decay: float = 0.0
    """Decoupled with Adam (AdamW) and Muon, L2 with stochastic gradient descent."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls after ``warmup`` updates."""
    warmup: int = 0
    """Updates over which the learning rate rises."""

    def build(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser over ``parameters``. A weight decay with Adam is decoupled (AdamW); with SGD it is L2."""
        if self.name == "sgd":
            return torch.optim.SGD(
                parameters, lr=self.learning_rate, momentum=self.momentum, weight_decay=self.weight_decay
            )
        if self.name == "muon":
            return Muon(parameters, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay)
        return torch.optim.AdamW(parameters, lr=self.learning_rate, betas=self.betas, weight_decay=self.weight_decay)

    def learning_rate_at(self, step: int, updates: int) -> float:
        """The learning rate of update ``step`` (from 0) out of ``updates``."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        progress = min(1.0, (step - self.warmup) / max(1, updates - self.warmup))
        if self.schedule == "linear":
            return self.learning_rate * (1.0 - progress)
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1.0 + float(torch.cos(torch.tensor(torch.pi * progress))))
        return self.learning_rate


OptimizerFactory = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
"""Makes an optimiser of one's own over parameters; its learning rate is its own matter."""


@dataclass
class Phase:
    """One optimisation of an update: which parameters follow which objective. A GAN has two; the loop is the same.

    >>> weights = [nn.Parameter(torch.zeros(3))]
    >>> def loss(model, batch, *, generator): return Loss(weights[0].square().sum())
    >>> Phase("fit", weights, loss, OptimizerConfig("sgd", 0.1)).learning_rate_at(0, 100)
    0.1
    >>> type(Phase("fit", weights, loss, lambda p: torch.optim.RMSprop(p, lr=0.01)).build_optimizer()).__name__
    'RMSprop'

    Raises ValueError or TypeError, when it is made, for what no loop could run.
    """

    name: str
    """Name of the phase in reports."""
    parameters: list[nn.Parameter]
    """The parameters that it changes; any iterable of them."""
    objective: Objective
    """The criterion."""
    optimizer: OptimizerConfig | OptimizerFactory
    """The optimiser, or what makes one: ``lambda p: torch.optim.RMSprop(p, lr=1e-3)``."""
    every: int = 1
    """Runs at updates divisible by it."""
    start: int = 0
    """First update."""
    stop: int | None = None
    """Update before which it ends (None: the end of training). The learning rate's schedule runs over the updates from
    ``start`` to ``stop``, as in pretraining."""
    grad_clip: float | None = None
    """Largest norm of the gradient; None for no bound."""
    bounds: dict[str, float] = field(default_factory=dict)
    """A part whose magnitude exceeds its bound means divergence (an energy gap that runs away), which the loop tells
    apart from a failure."""
    model: Any = None
    """The argument of the objective; None: the system itself."""

    def __post_init__(self) -> None:
        self.parameters = list(self.parameters)
        strange = [type(p).__name__ for p in self.parameters if not isinstance(p, nn.Parameter)]
        if not self.parameters or strange:
            got = f"{strange[0]} among them" if strange else "none"
            raise ValueError(
                f"phase {self.name!r} changes parameters: got {got}, expected nn.Parameters; pass "
                "module.parameters() of a module that has some"
            )
        if not callable(self.objective):
            raise TypeError(
                f"phase {self.name!r} has an objective: got {type(self.objective).__name__}, expected a callable "
                "(model, batch, *, generator) -> Loss; pass the function, or a module with such a forward"
            )
        if not isinstance(self.optimizer, OptimizerConfig) and not callable(self.optimizer):
            raise TypeError(
                f"phase {self.name!r} has an optimiser: got {type(self.optimizer).__name__}, expected an "
                "OptimizerConfig or a function of the parameters; pass lambda p: torch.optim.SGD(p, lr=0.1)"
            )
        if self.every < 1 or self.start < 0 or (self.stop is not None and self.stop < self.start):
            raise ValueError(
                f"phase {self.name!r} got every={self.every}, start={self.start}, stop={self.stop}; expected every >= "
                "1 and 0 <= start <= stop; correct the one that is out of range"
            )

    def build_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser over the parameters. TypeError where a function made something else."""
        if isinstance(self.optimizer, OptimizerConfig):
            return self.optimizer.build(self.parameters)
        made = self.optimizer(self.parameters)
        if not isinstance(made, torch.optim.Optimizer):
            raise TypeError(
                f"the optimiser of phase {self.name!r} is made by a function: got {type(made).__name__} from it, "
                "expected a torch.optim.Optimizer; return one over the parameters that it is given"
            )
        return made

    def runs_at(self, step: int) -> bool:
        """Whether update ``step`` (from 0) includes this phase."""
        return step % self.every == 0 and self.start <= step and (self.stop is None or step < self.stop)

    def learning_rate_at(self, step: int, updates: int) -> float | None:
        """The learning rate of update ``step`` of a run of ``updates``; None for an optimiser that keeps its own."""
        if not isinstance(self.optimizer, OptimizerConfig):
            return None
        stop = updates if self.stop is None else min(self.stop, updates)
        return self.optimizer.learning_rate_at(step - self.start, stop - self.start)


@dataclass(frozen=True)
class DataSpec:
    """The facts about data that a system is built for.

    >>> DataSpec((1, 28, 28), n_classes=10).units
    'signed'
    """

    shape: tuple[int, ...]
    """The shape of one example."""
    units: Units = "signed"
    """Its units."""
    n_classes: int | None = None
    """Number of classes; None without classes."""
    vocabulary_size: int | None = None
    """Number of ids in captions: ``"text"`` is (B, text_length) in [0, vocabulary_size)."""
    text_length: int | None = None
    """Tokens a caption."""
    sampling_rate: int | None = None
    """Samples a second of sounds (1, L)."""


class System(nn.Module):
    """A model with its training phases. Its other abilities are methods, one protocol of
    :mod:`gibbsweep_models.capabilities` each."""

    ema_decay: float = 0.0
    """Decay per update of the averaged weights that are evaluated and sampled; 0 evaluates the weights themselves."""

    def __init_subclass__(cls, **named: Any) -> None:
        """Lets the abilities that a class defines say what is wrong with what they are given."""
        super().__init_subclass__(**named)
        for name in ABILITIES & vars(cls).keys():
            setattr(cls, name, check_asked(vars(cls)[name]))

    def phases(self) -> list[Phase]:
        """The phases of one update, in order. Called once, after the system is on its device; objectives may keep
        state."""
        raise NotImplementedError(f"{type(self).__name__} must define phases()")

    def initialise(self, x: Tensor) -> None:
        """Set what depends on data (offsets, biases) by training examples ``x`` (N, *D), once, before the first
        update."""


class SystemConfig(Protocol):
    """A frozen dataclass of every number of a system. ``units`` says which form of the data the system is defined on.

    A run that diverged may start again with smaller steps: a config, or a dataclass inside it, names its fields that
    are step sizes of training in a ``ClassVar[tuple[str, ...]]`` called ``step_sizes``. Without it they are
    ``learning_rate`` and ``*_learning_rate``.
    """

    @property
    def units(self) -> Units: ...

    def build(self, spec: DataSpec) -> System: ...


class _DefinedOn:
    @property
    def units(self) -> Units:
        raise NotImplementedError(f"{type(self).__name__} must say its units")

    def check_units(self, spec: DataSpec) -> None:
        """Raise ValueError for data in other units."""
        if spec.units != self.units:
            name = type(self).__name__.removesuffix("Config")
            raise ValueError(
                f"{name} is defined on {self.units} units: got {spec.units!r} data; load them with units={self.units!r}"
            )


class SignedUnits(_DefinedOn):
    """The base of configurations of systems that are defined on values in [-1, 1]."""

    @property
    def units(self) -> Units:
        return "signed"


class BinaryUnits(_DefinedOn):
    """The base of configurations of systems that are defined on values in {0, 1}."""

    @property
    def units(self) -> Units:
        return "binary"
