"""Numbers in JSON, which has no NaN and no infinities: those travel as "NaN", "Infinity" and "-Infinity"."""

from __future__ import annotations

import math
from collections.abc import Mapping

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def json_number(value: float) -> float | str:
    """``value`` as JSON can hold it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def parse_number(value: object) -> float:
    """The inverse of :func:`json_number`. Raises ValueError for anything else than a number."""
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"got {value!r}, expected a number")


def json_metrics(metrics: Mapping[str, float]) -> dict[str, float | str]:
    """``metrics`` as JSON can hold them."""
    return {name: json_number(value) for name, value in metrics.items()}


def parse_metrics(metrics: object) -> dict[str, float]:
    """The inverse of :func:`json_metrics`. Raises ValueError or TypeError for anything else than numbers by name."""
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics is {metrics!r}, expected an object")
    parsed = {}
    for name, value in metrics.items():
        try:
            parsed[name] = parse_number(value)
        except ValueError as error:
            raise ValueError(f"metric {name!r} is {value!r}, expected a number") from error
    return parsed
