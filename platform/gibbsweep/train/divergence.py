"""Divergence, which is an outcome: energy-based models run away as a matter of course, and that is no failure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from gibbsweep.train.ema import EMA
from gibbsweep_models.types import Phase


class Diverged(Exception):
    """Raised before the optimiser step that would have spread the damage; the last checkpoint is still good.

    For example::

        raise Diverged(7, "cd", "loss is nan", {"loss": math.nan})
    """

    def __init__(self, step: int, phase: str, reason: str, parts: Mapping[str, float]) -> None:
        self.step = step
        """The update, from 0."""
        self.phase = phase
        """The name of its phase."""
        self.reason = reason
        """What left its bounds."""
        self.parts = dict(parts)
        """The loss and its parts, by name."""
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.parts.items())
        super().__init__(f"diverged at update {step} in phase {phase}: {reason} ({values})")


def check_divergence(step: int, phase: str, parts: Mapping[str, float], bounds: Mapping[str, float]) -> None:
    """Raise :class:`Diverged` if one of ``parts`` (the loss is one) is not finite, or its magnitude exceeds its
    bound."""
    for name, value in parts.items():
        if not math.isfinite(value):
            raise Diverged(step, phase, f"{name} is {value}", parts)
        if name in bounds and abs(value) > bounds[name]:
            raise Diverged(step, phase, f"|{name}| exceeds its bound of {bounds[name]:g}", parts)


def check_weights(step: int, phases: Sequence[Phase], optimizers: Sequence[torch.optim.Optimizer], ema: EMA) -> None:
    """Raise :class:`Diverged` if update ``step`` left a weight, an optimiser's state or an averaged weight not finite.

    No checkpoint may hold such a number. The loss of the next update would tell, too late for the checkpoint before it.
    """
    for phase, optimizer in zip(phases, optimizers, strict=True):
        _check_finite(step, phase.name, "weights", phase.parameters)
        states = [entry for state in optimizer.state.values() for entry in state.values()]
        _check_finite(step, phase.name, "optimizer", [entry for entry in states if isinstance(entry, torch.Tensor)])
    _check_finite(step, "ema", "averages", list(ema.shadow.values()))


@torch.no_grad()
def _check_finite(step: int, phase: str, what: str, tensors: Sequence[torch.Tensor]) -> None:
    if not tensors:
        return
    # A sum is finite only if everything in it is, and reads a tensor once. One that overflows by itself counts nothing.
    sums = torch.stack([tensor.sum(dtype=torch.float64).cpu() for tensor in tensors])
    if bool(sums.isfinite().all()):
        return
    count = sum(int(tensor.numel() - tensor.isfinite().sum()) for tensor in tensors)
    if count:
        raise Diverged(step, phase, f"not all {what} are finite", {f"non_finite_{what}": float(count)})
