"""Explicit and implicit score matching: of one density, at no noise level or at one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.nn.gradients import check_energy, energy_of, jacobian_trace, trace_estimate
from gibbsweep_models.types import Batch, Loss

Of = Literal["energy", "score"]
"""The model: an energy (or a system that has one), whose score is -grad E, or a map (B, *D) to a score."""


def score_at(model: Any, x: Tensor, of: Of) -> Tensor:
    """The score of ``model`` at ``x`` (B, *D), with a graph to the parameters, and to ``x`` where that requires a
    gradient."""
    score: Tensor
    if of == "score":
        score = model(x)
    else:
        with torch.enable_grad():
            leaf = x if x.requires_grad else x.detach().requires_grad_(True)
            value = check_energy(energy_of(model)(leaf), leaf)
            (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
        score = -gradient
    if score.shape != x.shape:
        raise ValueError(
            f"a score maps (B, *D) to (B, *D): got {tuple(score.shape)} for x {tuple(x.shape)}; return one value per "
            "input"
        )
    return score


def score_norm(score: Tensor) -> Tensor:
    """The mean norm of a score (B, *D), to report."""
    norms: Tensor = torch.linalg.vector_norm(score.detach().flatten(1), dim=1)
    return norms.mean()


def _blurred(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    return torch.add(x, randn_like(x, generator=generator), alpha=sigma) if sigma > 0 else x


def _check_sigma(sigma: float) -> None:
    if sigma < 0:
        raise ValueError(f"got sigma={sigma}, expected a noise level, or 0 for the data itself; correct it")


@dataclass(frozen=True)
class ExplicitScoreMatching:
    """1/2 |s(y) - t(y)|², y = x + sigma n, summed over dimensions, mean over the batch: what the other criteria
    estimate, where the score of the data is known.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> objective = ExplicitScoreMatching(lambda y: -y, of="energy")
    >>> loss = objective(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    target: Callable[[Tensor], Tensor]
    """t, the score of the data blurred by ``sigma``: (B, *D) -> (B, *D)."""
    sigma: float = 0.0
    """Noise level of y, in data units."""
    of: Of = "score"
    """What the model is."""

    def __post_init__(self) -> None:
        _check_sigma(self.sigma)

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        y = _blurred(batch["x"], self.sigma, generator)
        score = score_at(model, y, self.of)
        error = (score - self.target(y)).flatten(1).square().sum(dim=1)
        return Loss(0.5 * error.mean(), {"score_norm": score_norm(score)})


@dataclass(frozen=True)
class ImplicitScoreMatching:
    """1/2 |s(y)|² + tr grad s(y), y = x + sigma n, mean over the batch (Hyvarinen 2005): explicit score matching up to
    the constant E|t|² / 2, without a known score. Parts: ``score_norm`` and ``trace``.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> objective = ImplicitScoreMatching(n_slices=1, of="energy")
    >>> loss = objective(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    sigma: float = 0.0
    """Noise level of y, in data units."""
    n_slices: int = 0
    """0: the trace exactly, by one differentiation a component. Else it is estimated by so many random directions v
    with components of +-1, v . grad(v . s), with the square kept as it is (Song et al. 2019, "Sliced Score Matching",
    equation 8, the variant of reduced variance)."""
    of: Of = "score"
    """What the model is."""

    def __post_init__(self) -> None:
        _check_sigma(self.sigma)
        if self.n_slices < 0:
            raise ValueError(
                f"got n_slices={self.n_slices}, expected a number of directions, or 0 for the exact trace; correct it"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        y = _blurred(batch["x"], self.sigma, generator).detach().requires_grad_(True)
        score = score_at(model, y, self.of)
        if self.n_slices == 0:
            trace = jacobian_trace(score, y, create_graph=True)
        else:
            probes = [randn_like(y.detach(), generator=generator).sign() for _ in range(self.n_slices)]
            trace = torch.stack([trace_estimate(score, y, probe, create_graph=True) for probe in probes]).mean(dim=0)
        total = (0.5 * score.flatten(1).square().sum(dim=1) + trace).mean()
        return Loss(total, {"score_norm": score_norm(score), "trace": trace.detach().mean()})
