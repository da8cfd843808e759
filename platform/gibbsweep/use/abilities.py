"""What a trained system can do, in the words of the commands that ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from gibbsweep_models.capabilities import (
    CanDenoise,
    CanDepict,
    CanInpaint,
    CanSample,
    CanSampleClasses,
    CanSampleGuided,
    HasAnomalyScore,
    HasDensity,
    HasEnergy,
    HasFeatures,
    HasLogits,
)

Score = Literal["anomaly", "energy", "density"]
"""What an example can be scored by; each is high where an example is unlike the training data."""


def _knows_classes(system: Any) -> bool:
    """Whether a system that samples classes was built with some: the class of a system says that it may."""
    known = getattr(system, "samples_classes", getattr(system, "n_classes", True))
    return known is not None and known is not False


def _samples_classes(system: Any) -> bool:
    return isinstance(system, CanSampleClasses) and _knows_classes(system)


def _is_guided(system: Any) -> bool:
    config = getattr(system, "config", None)
    return isinstance(system, CanSampleGuided) and getattr(config, "guidance", True) is not None


_ABILITIES: dict[str, Callable[[Any], bool]] = {
    "sample": lambda system: isinstance(system, CanSample),
    "sample classes": _samples_classes,
    "sample with guidance": _is_guided,
    "draw captions": lambda system: isinstance(system, CanDepict),
    "score anomalies": lambda system: isinstance(system, HasAnomalyScore),
    "state energies": lambda system: isinstance(system, HasEnergy),
    "state densities": lambda system: isinstance(system, HasDensity),
    "denoise": lambda system: isinstance(system, CanDenoise),
    "inpaint": lambda system: isinstance(system, CanInpaint),
    "classify": lambda system: isinstance(system, HasLogits),
    "state features": lambda system: isinstance(system, HasFeatures),
}

_SCORES: dict[Score, type] = {"anomaly": HasAnomalyScore, "energy": HasEnergy, "density": HasDensity}


def abilities(system: object) -> tuple[str, ...]:
    """What ``system`` can do: of ``sample``, ``sample classes``, ``sample with guidance``, ``draw captions``, ``score
    anomalies``, ``state energies``, ``state densities``, ``denoise``, ``inpaint``, ``classify`` and ``state
    features``."""
    return tuple(name for name, able in _ABILITIES.items() if able(system))


def scores_of(system: object) -> tuple[Score, ...]:
    """What ``system`` can score examples by, in the order of preference."""
    return tuple(name for name, capability in _SCORES.items() if isinstance(system, capability))
