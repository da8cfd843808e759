"""Regression of a potential's gradient on the way from data to noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.objectives.flow_matching.pairs import optimal_pairs
from gibbsweep_models.objectives.score_matching.explicit_implicit import score_at
from gibbsweep_models.types import Batch, Loss


@dataclass(frozen=True)
class GradientMatching:
    """|g(x_t) - c(t) (n - x_0)|², mean over batch and dimensions, at x_t = (1 - t) x_0 + t n with t uniform in [0, 1],
    of a field g that does not know t: the gradient of an energy, or a map.

    With pairs by optimal transport and c = 1, -g is the velocity of a flow from noise to data, and with an energy it is
    the first phase of Energy Matching (Balcerak et al. 2025). With independent pairs and a ``rest``, c(t) = ``scale``
    min(1, t / ``rest``) falls to 0 at the data, which is then at an equilibrium: Equilibrium Matching (Wang & Du 2025;
    their gamma is 1 - t, and ``scale`` 4 their best). The minimiser is the mean of c(t) (n - x_0) at x_t = x, over t as
    well. Parts: ``field_norm``, the mean root mean square of g.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> loss = GradientMatching()(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    of: Literal["energy", "field"] = "energy"
    """``energy``: the model is an energy, or a system that has one, and g = grad E, differentiated twice; ``field``: it
    maps (B, *D) to g."""
    pairs: Literal["optimal", "independent"] = "optimal"
    """Which noise goes with which example of a batch."""
    scale: float = 1.0
    """Length of the target, in units of n - x_0."""
    rest: float = 0.0
    """Share of the way, next to the data, in which the target falls to 0; 0: it does not."""

    def __post_init__(self) -> None:
        if self.scale <= 0 or not 0 <= self.rest <= 1:
            raise ValueError(
                f"got scale={self.scale} and rest={self.rest}, expected scale > 0 and a share of the way in [0, 1]; "
                "correct the one that is out of range"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: Any) -> Loss:
        """``batch["x"]``: (B, *D)."""
        x = batch["x"]
        noise = randn_like(x, generator=generator)
        if self.pairs == "optimal":
            noise = optimal_pairs(x, noise, generator=generator)
        t = rand((len(x),), generator=generator).to(x.dtype)
        way = noise - x
        place = x + expand_like(t, x) * way
        field = model(place) if self.of == "field" else -score_at(model, place, "energy")
        error = (field - expand_like(self.length(t), x) * way).flatten(1).square().mean(dim=1)
        return Loss(error.mean(), {"field_norm": field.detach().flatten(1).square().mean(dim=1).sqrt().mean()})

    def length(self, t: Tensor) -> Tensor:
        """c of times (B,) from 0 at the data: (B,)."""
        return self.scale * (t / self.rest).clamp(max=1.0) if self.rest > 0 else self.scale + 0 * t
