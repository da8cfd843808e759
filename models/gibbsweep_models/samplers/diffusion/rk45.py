"""An adaptive Runge-Kutta method in which every chain has its own steps, so that it depends on no other chain of its
batch. torchdiffeq and scipy choose one step for a whole batch, whose samples then change with its size and its
shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.types import Trace

_NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
_STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)

Field = Callable[[Tensor, Tensor, Tensor], Tensor]
"""dy/du of chains y (b, *D) at times u (b,), float64; the last argument (b,) holds the numbers of the chains."""


@dataclass(frozen=True)
class Path:
    """The end of an integration."""

    y: Tensor
    """The chains where they arrived, (B, *D)."""
    evaluations: Tensor
    """Evaluations of the field for each chain, (B,), int64."""
    calls: int
    """The largest of them."""


def integrate(
    field: Field,
    y: Tensor,
    start: float,
    stop: float,
    *,
    rtol: float,
    atol: float,
    n_steps: int,
    trace: Trace | None = None,
) -> Path:
    """Dormand and Prince's method of order 5 with an error estimate of order 4 (1980) from ``start`` to ``stop``.

    A chain's step is accepted where the root mean square over its components of error / (atol + rtol |y|) is at most 1,
    and its next step is chosen from that alone, so a chain does not depend on the others of its batch. ``trace`` sees
    the chains after every attempt.
    """
    time = torch.full((len(y),), start, dtype=torch.float64, device=y.device)
    step = torch.full_like(time, (stop - start) / 50.0)
    evaluations = torch.ones(len(y), dtype=torch.int64, device=y.device)
    everyone = torch.arange(len(y), device=y.device)
    slopes = field(y, time, everyone)
    calls = 1
    for attempt in range(1, n_steps + 1):
        active = everyone[time != stop]
        if not len(active):
            return Path(y, evaluations, calls)
        now, at, first = y[active], time[active], slopes[active]
        last = (stop - at).abs() <= step[active].abs() * (1 + 1e-9)
        h = torch.where(last, stop - at, step[active])
        stages = [first]
        proposal = now
        for node, weights in zip(_NODES[1:], _STAGES[1:], strict=True):
            proposal = now + _scaled(h, _combine(weights, stages))
            stages.append(field(proposal, at + node * h, active))
        error = _scaled(h, _combine(_ERROR, stages))
        tolerance = atol + rtol * torch.maximum(now.abs(), proposal.abs())
        miss = (error / tolerance).flatten(1).double().square().mean(dim=1).sqrt()
        if not bool(torch.isfinite(miss).all()):
            raise RuntimeError(
                f"got a slope that is not finite at u={float(at[~torch.isfinite(miss)][0]):.4g}; the model has "
                "diverged: look at its outputs there"
            )
        accepted = miss <= 1
        moved = active[accepted]
        y, slopes, time = y.clone(), slopes.clone(), time.clone()
        y[moved], slopes[moved] = proposal[accepted], stages[-1][accepted]
        time[moved] = torch.where(last, torch.full_like(at, stop), at + h)[accepted]
        step = step.index_copy(0, active, h * (0.9 * miss.clamp_min(1e-10) ** -0.2).clamp(0.2, 5.0))
        evaluations[active] += 6
        calls += 6
        if trace is not None:
            trace(attempt, y)
    if bool((time == stop).all()):
        return Path(y, evaluations, calls)
    raise RuntimeError(
        f"{int((time != stop).sum())} of {len(y)} chains did not arrive in n_steps={n_steps} steps at rtol={rtol}, "
        f"atol={atol}; loosen the tolerances or raise n_steps"
    )


def _combine(weights: tuple[float, ...], stages: list[Tensor]) -> Tensor:
    total = torch.zeros_like(stages[0])
    for weight, stage in zip(weights, stages, strict=True):
        total = torch.add(total, stage, alpha=weight)
    return total


def _scaled(h: Tensor, slope: Tensor) -> Tensor:
    return h.to(slope.dtype).reshape(-1, *(1 for _ in slope.shape[1:])) * slope
