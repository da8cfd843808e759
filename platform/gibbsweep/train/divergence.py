"""Divergence is an outcome: energy-based models run away as a matter of course, and a sweep must tell that from a failure."""

from __future__ import annotations

import math
from collections.abc import Mapping


class Diverged(Exception):
    """Raised before the optimiser step that would have spread the damage; the last checkpoint is still good."""

    def __init__(self, step: int, phase: str, reason: str, parts: Mapping[str, float]) -> None:
        self.step = step
        self.phase = phase
        self.reason = reason
        self.parts = dict(parts)
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.parts.items())
        super().__init__(f"diverged at update {step} in phase {phase}: {reason} ({values})")


def check_divergence(step: int, phase: str, parts: Mapping[str, float], bounds: Mapping[str, float]) -> None:
    """Raise :class:`Diverged` if any of ``parts`` (the loss among them) is not finite or exceeds its bound in magnitude."""
    for name, value in parts.items():
        if not math.isfinite(value):
            raise Diverged(step, phase, f"{name} is {value}", parts)
        if name in bounds and abs(value) > bounds[name]:
            raise Diverged(step, phase, f"|{name}| exceeds its bound of {bounds[name]:g}", parts)
