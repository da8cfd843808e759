"""The score of data in few dimensions, by each kind of score matching, one model a noise level."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gibbsweep_models.draws import mix, randint, seeded
from gibbsweep_models.nn.denoisers.densities import density_of
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.objectives.score_matching.denoising import DenoisingScoreMatching, slope_error
from gibbsweep_models.objectives.score_matching.explicit_implicit import ExplicitScoreMatching, ImplicitScoreMatching
from gibbsweep_models.types import Batch, DataSpec, Loss, Objective, Phase, SignedUnits, System

Matching = Literal["explicit", "implicit", "sliced", "denoising", "exact"]
"""Criteria by which a score is fitted, and ``exact``, the true score without a fit."""

_TOO_UNCERTAIN = 0.1
"""Relative standard error of a slope above which a fit warns."""


@dataclass(frozen=True)
class FittedScoreConfig(SignedUnits):
    """Scores of a toy set at several noise levels, each fitted on ``draws`` examples, blurred once, by ``iterations``
    of L-BFGS.

    >>> system = FittedScoreConfig("exact", sigmas=(0.5, 1.0)).build(DataSpec((1,)))
    >>> system.fit({"x": torch.randn(100, 1)}, generator=seeded(0))
    >>> system.score(torch.zeros(3, 1), 0.5).shape
    torch.Size([3, 1])
    """

    matching: Matching = "denoising"
    """The criterion, or ``exact``: the score of the true density, without a fit."""
    density: str = "normal1d"
    """The toy set whose true density ``explicit`` and ``exact`` know; the other criteria never use it."""
    form: Literal["linear", "mlp"] = "linear"
    """``linear``: a slope and an offset; ``mlp``: a network with ``hidden`` units beside them."""
    sigmas: tuple[float, ...] = (0.01, 0.1, 0.5, 1.0, 2.0)
    """Noise levels, in data units."""
    draws: int = 10_000
    """Examples that a level is fitted on."""
    hidden: tuple[int, ...] = (24, 24)
    """Units of the network's hidden layers."""
    iterations: int = 100
    """Most iterations of L-BFGS."""

    def __post_init__(self) -> None:
        if self.matching not in get_args(Matching) or self.form not in ("linear", "mlp"):
            raise ValueError(
                f"got matching={self.matching!r} and form={self.form!r}, expected one of "
                f"{', '.join(get_args(Matching))}, and "
                "linear or mlp; choose one"
            )
        if not self.sigmas or min(self.sigmas) <= 0 or self.draws < 2 or self.iterations < 1:
            raise ValueError(
                f"got sigmas={self.sigmas}, draws={self.draws}, iterations={self.iterations}; expected positive noise "
                "levels, at least two draws and one iteration; correct the one that is out of range"
            )
        density_of(self.density)

    def build(self, spec: DataSpec) -> FittedScoreSystem:
        """The system for vectors of ``spec.shape``."""
        self.check_units(spec)
        if len(spec.shape) != 1:
            raise ValueError(
                f"a fitted score is defined on vectors (D,): got examples of {spec.shape}; use gauss1d, normal1d or "
                "ring8"
            )
        if self.matching in ("explicit", "exact") and density_of(self.density).means.shape[1:] != spec.shape:
            raise ValueError(
                f"got data of shape {spec.shape} and the density of {self.density!r}, expected its own data; pass "
                f"--data {self.density}"
            )
        return FittedScoreSystem(self, spec)


class LevelScore(nn.Module):
    """s(x) = (u A + b + f(u)) / scale with u = (x - centre) / scale: (B, D) -> (B, D); without f where there are no
    ``hidden`` units. A new one is the score of N(centre, scale²)."""

    centre: Tensor
    """Mean of the blurred data, (D,)."""
    scale: Tensor
    """Standard deviation of the blurred data."""

    def __init__(self, dim: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.slope = nn.Parameter(-torch.eye(dim, dtype=torch.float64))
        self.offset = nn.Parameter(torch.zeros(dim, dtype=torch.float64))
        self.register_buffer("centre", torch.zeros(dim, dtype=torch.float64))
        self.register_buffer("scale", torch.ones((), dtype=torch.float64))
        widths = (dim, *hidden)
        layers: list[nn.Module] = []
        for i, width in enumerate(hidden):
            layers += [nn.Linear(widths[i], width, dtype=torch.float64), nn.Tanh()]
        self.network = nn.Sequential(*layers, nn.Linear(widths[-1], dim, dtype=torch.float64)) if hidden else None

    def reset(self, x: Tensor, sigma: float, generator: torch.Generator) -> None:
        """Start anew for data ``x`` (N, D) blurred by ``sigma``, with weights drawn by ``generator``."""
        self.centre.copy_(x.mean(dim=0))
        self.scale.copy_(torch.sqrt(x.var(correction=0) + sigma**2))
        for layer in self.network or ():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=1 / math.sqrt(layer.in_features), generator=generator)
                nn.init.normal_(layer.bias, std=1.0, generator=generator)
        if self.network is not None:
            last = self.network[-1]
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, D) -> (B, D)."""
        u = (x - self.centre) / self.scale
        out: Tensor = u @ self.slope + self.offset
        return (out if self.network is None else out + self.network(u)) / self.scale


class FittedScoreSystem(System):
    """A model for each of the config's noise levels."""

    losses: Tensor
    """The loss of each level as fitting left it."""

    def __init__(self, config: FittedScoreConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        dim = spec.shape[0]
        hidden = config.hidden if config.form == "mlp" else ()
        exact = config.matching == "exact"
        self.models = nn.ModuleList([] if exact else [LevelScore(dim, hidden) for _ in config.sigmas])
        self.density: GaussianMixture | None = None
        if config.matching in ("explicit", "exact"):
            self.density = density_of(config.density).double()
        self.register_buffer("losses", torch.full((len(config.sigmas),), math.nan, dtype=torch.float64))
        self.dim = dim

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Fit each level by itself, on ``draws`` of ``batch["x"]`` (N, D); no example is drawn twice before all were
        drawn."""
        config, x = self.config, batch["x"].double()
        seed = int(randint(2**31 - 1, (1,), generator=generator))
        self._check_density(x)
        if self._is_exact:
            return
        self._warn(float(x.std(correction=0)))
        for i, (sigma, model) in enumerate(zip(config.sigmas, self.models, strict=True)):
            assert isinstance(model, LevelScore)
            draw = seeded(seed, i, device=x.device)
            order = torch.cat([torch.randperm(len(x), generator=draw) for _ in range(-(-config.draws // len(x)))])
            model.reset(x, sigma, seeded(seed, i, 1, device=x.device))
            examples = {"x": x[order[: config.draws]]}
            self.losses[i] = minimise(
                self.objective(sigma), model, examples, iterations=config.iterations, seed=mix(seed, i, 2)
            )

    def objective(self, sigma: float) -> Objective:
        """The criterion at ``sigma``."""
        match self.config.matching:
            case "explicit":
                return ExplicitScoreMatching(partial(self._true_score, sigma), sigma)
            case "implicit":
                return ImplicitScoreMatching(sigma)
            case "sliced":
                return ImplicitScoreMatching(sigma, n_slices=1)
            case _:
                return DenoisingScoreMatching(sigma, "score")

    @torch.no_grad()
    def score(self, x: Tensor, sigma: float) -> Tensor:
        """The score of data blurred by ``sigma``, one of the config's levels: (B, D) -> (B, D)."""
        if self._is_exact:
            return self._true_score(sigma, x.double()).to(x.dtype)
        score: Tensor = self.models[self._level(sigma)](x.double())
        return score.to(x.dtype)

    def minimum(self, sigma: float, fisher: float) -> tuple[float, float]:
        """The loss of the level, and its minimum: 0, -fisher / 2 and (D / sigma² - fisher) / 2 for the explicit, the
        implicit and the denoising criterion."""
        reached = float(self.losses[self._level(sigma)])
        match self.config.matching:
            case "exact":
                return math.nan, math.nan
            case "explicit":
                return reached, 0.0
            case "denoising":
                return reached, 0.5 * (self.dim / sigma**2 - fisher)
            case _:
                return reached, -0.5 * fisher

    def _true_score(self, sigma: float, x: Tensor) -> Tensor:
        assert self.density is not None
        return self.density.score(x, x.new_full((len(x),), sigma))

    @property
    def _is_exact(self) -> bool:
        return self.config.matching == "exact"

    def _level(self, sigma: float) -> int:
        if sigma not in self.config.sigmas:
            raise ValueError(
                f"got sigma={sigma}, expected one of the fitted levels {self.config.sigmas}; add it to sigmas"
            )
        return self.config.sigmas.index(sigma)

    def _check_density(self, x: Tensor) -> None:
        """Refuse data (N, D) that is plainly not of the density that the config names."""
        if self.density is None:
            return
        theirs = self.density.draw(20_000, generator=seeded(0))
        deviation = theirs.std(dim=0)
        error = 8 * deviation * math.sqrt(1 / len(x) + 1 / len(theirs))
        far = bool(((x.mean(dim=0) - theirs.mean(dim=0)).abs() > error).any())
        if far or bool(((x.std(dim=0, correction=0) / deviation - 1).abs() > 8 / math.sqrt(len(x)) + 0.1).any()):
            raise ValueError(
                f"got data of mean {x.mean(dim=0).tolist()} and deviation {x.std(dim=0, correction=0).tolist()}, "
                f"expected that of {self.config.density!r}, whose score is taken for the true one; train on it, or "
                "pass density="
            )

    def _warn(self, std: float) -> None:
        if self.config.matching == "denoising":
            for sigma in self.config.sigmas:
                error = slope_error(sigma, std, self.config.draws)
                if error > _TOO_UNCERTAIN:
                    warnings.warn(
                        f"denoising score matching at sigma={sigma:g} from {self.config.draws} draws leaves even the "
                        f"slope of the score uncertain by {error:.0%} (std / (sigma sqrt(n))): take more draws or a "
                        "larger sigma",
                        stacklevel=3,
                    )


def minimise(objective: Objective, model: nn.Module, batch: Batch, *, iterations: int, seed: int) -> float:
    """The least value that L-BFGS finds. The noise of ``objective`` is drawn from ``seed`` anew, and so the same, at
    every call."""
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=iterations, history_size=20, line_search_fn="strong_wolfe", tolerance_change=1e-12
    )

    def evaluate() -> Loss:
        with torch.enable_grad():
            return objective(model, batch, generator=seeded(seed, device=batch["x"].device))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = evaluate()
        loss.backward()
        return loss.total

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # PyTorch's LBFGS has no types
    return float(evaluate().total.detach())
