"""Four scores of how unlike its training data a denoiser finds an example."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import randn_like
from gibbsweep_models.likelihood.probability_flow import FlowLikelihood
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.detectors.mixture import Mixture
from gibbsweep_models.nn.detectors.neighbours import Neighbours
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.timed import TimedSchedule
from gibbsweep_models.objectives.score_matching.denoising_loss import weighted_denoising_error
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound
from gibbsweep_models.types import Denoiser

_AT_ONCE = 250
"""Examples that are scored at once."""


class AnomalyScore(nn.Module):
    """A score of examples by a denoiser: (B, *D) -> (B,), high = anomalous."""

    n_examples = 0
    """Training examples that :meth:`fit` must see, of a trained denoiser; 0: it needs no fit."""

    def fit(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> None:
        """Fit training examples ``x`` (``n_examples``, *D)."""

    def forward(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define forward()")


@dataclass(frozen=True)
class DenoisingErrors:
    """The denoising error at ``sigmas``, each over the error that the best linear denoiser of white data would leave,
    and their mean. It takes one draw of noise a level.

    >>> score = DenoisingErrors(sigmas=(0.1, 0.5)).build(GeometricSchedule(0.1, 1.0))
    """

    sigmas: tuple[float, ...] = (0.1, 0.25, 0.6, 1.5)
    """Noise levels, in data units."""

    def __post_init__(self) -> None:
        if not self.sigmas or min(self.sigmas) <= 0:
            raise ValueError(f"got sigmas={self.sigmas}, expected positive noise levels; correct them")

    def build(self, schedule: TimedSchedule) -> AnomalyScore:
        """The score, at levels of its own."""
        del schedule
        return _Errors(self)


class _Errors(AnomalyScore):
    def __init__(self, form: DenoisingErrors) -> None:
        super().__init__()
        self.sigmas = form.sigmas

    def forward(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> Tensor:
        errors = []
        for level in self.sigmas:
            sigma = x.new_full((len(x),), level)
            scale = sigma * denoiser.sigma_data / torch.hypot(sigma, denoiser.sigma_data)
            errors.append(weighted_denoising_error(denoiser, x, randn_like(x, generator=generator), sigma, scale))
        return torch.stack(errors).mean(dim=0)


@dataclass(frozen=True)
class ScoreNorms:
    """Norms |sigma score(x; sigma)| of the example as it is, at ``n_levels`` levels even in their logarithm, and how
    unusual those norms are among the training data's (Mahmood et al., "Multiscale Score Matching for
    Out-of-Distribution Detection", 2021). Their levels on [0, 1] are twice as high on [-1, 1].

    >>> score = ScoreNorms(Neighbours(k=3), n_levels=5, n_examples=100).build(GeometricSchedule(0.1, 1.0))
    """

    detector: Neighbours | Mixture = field(default_factory=Neighbours)
    """The detector of unusual norms, fitted to those of ``n_examples`` training examples."""
    sigma_min: float = 0.02
    """Lowest level, in data units."""
    sigma_max: float = 2.0
    """Highest level, in data units."""
    n_levels: int = 10
    """Levels at which norms are taken."""
    n_examples: int = 2000
    """Training examples that the detector is fitted to."""

    def __post_init__(self) -> None:
        if self.n_levels < 2 or self.n_examples < 2:
            raise ValueError(
                f"got n_levels={self.n_levels} and n_examples={self.n_examples}, expected at least 2 of each; raise "
                "them"
            )

    def build(self, schedule: TimedSchedule) -> AnomalyScore:
        """The score, at levels of its own."""
        del schedule
        return _Norms(self)


class _Norms(AnomalyScore):
    def __init__(self, form: ScoreNorms) -> None:
        super().__init__()
        self.n_examples = form.n_examples
        grid = GeometricSchedule(form.sigma_min, form.sigma_max)
        self.sigmas: list[float] = grid.sigmas(form.n_levels)[:-1].tolist()
        self.detector = form.detector.build(form.n_examples, form.n_levels)

    @torch.no_grad()
    def fit(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> None:
        norms = [score_norms(denoiser, part, self.sigmas) for part in torch.split(x, _AT_ONCE)]
        self.detector.fit(torch.cat(norms), generator=generator)

    def forward(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> Tensor:
        del generator
        unusual: Tensor = self.detector(score_norms(denoiser, x, self.sigmas))
        return unusual


def score_norms(denoiser: Denoiser, x: Tensor, sigmas: list[float]) -> Tensor:
    """Norms |sigma score| = |D - x| / sigma at each of L levels: (B, *D) -> (B, L)."""
    levels = [x.new_full((len(x),), sigma) for sigma in sigmas]
    return torch.stack(
        [((denoiser(x, level) - x) / expand_like(level, x)).flatten(1).norm(dim=1) for level in levels], dim=1
    )


@dataclass(frozen=True)
class BoundOfLikelihood:
    """The variational bound on -ln p, in bits per dimension.

    >>> score = BoundOfLikelihood(n_times=4).build(GeometricSchedule(0.1, 1.0))
    """

    n_times: int = 16
    """Times at which the integral over the levels is evaluated."""

    def build(self, schedule: TimedSchedule) -> AnomalyScore:
        """The bound over the levels of ``schedule``."""
        return _Bound(VariationalBound(schedule), self.n_times)


class _Bound(AnomalyScore):
    def __init__(self, bound: VariationalBound, n_times: int) -> None:
        super().__init__()
        self.bound, self.n_times = bound, n_times

    def forward(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> Tensor:
        terms = self.bound.terms(denoiser, x, n_times=self.n_times, generator=generator)
        return torch.stack(list(terms.values())).sum(dim=0)


@dataclass(frozen=True)
class FlowOfLikelihood:
    """-ln p along the probability flow, exact up to ``tolerance`` and the estimate of a trace. It takes about a hundred
    evaluations of the network and of its derivative.

    >>> score = FlowOfLikelihood(tolerance=0.1).build(GeometricSchedule(0.1, 1.0))
    """

    n_probes: int = 1
    """Random directions that estimate the trace; 0 takes it exactly."""
    tolerance: float = 1e-2
    """Relative and absolute tolerance of the solver."""

    def build(self, schedule: TimedSchedule) -> AnomalyScore:
        """The flow over the levels of ``schedule``."""
        return _Flow(FlowLikelihood(schedule, self.n_probes, self.tolerance, self.tolerance))


class _Flow(AnomalyScore):
    def __init__(self, flow: FlowLikelihood) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, denoiser: EDMPrecondition, x: Tensor, *, generator: torch.Generator) -> Tensor:
        return -self.flow(denoiser, x, generator=generator).log_prob


AnomalyScoreConfig = DenoisingErrors | ScoreNorms | BoundOfLikelihood | FlowOfLikelihood
