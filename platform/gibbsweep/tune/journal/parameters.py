"""Search spaces as Optuna has them: domains as distributions, values as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from gibbsweep.study.space import Choice, Domain, Float, Space


def distribution(domain: Domain) -> BaseDistribution:
    """The Optuna distribution of a domain."""
    if isinstance(domain, Choice):
        return CategoricalDistribution(tuple(parameter(option) for option in domain.options))
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log)
    return IntDistribution(domain.low, domain.high, log=domain.log)


def parameter(option: Any) -> Any:
    """The Optuna value of an option. Its storage keeps plain values alone, so a tuple of widths is stored as its
    text."""
    return option if option is None or isinstance(option, bool | int | float | str) else str(option)


def parameters(space: Space, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """The Optuna parameters and distributions of ``values``, including those of the branches that ``values`` takes."""
    params: dict[str, Any] = {}
    distributions: dict[str, BaseDistribution] = {}
    for path, domain in space.items():
        params[path] = parameter(values[path])
        distributions[path] = distribution(domain)
        if isinstance(domain, Choice) and values[path] in domain.then:
            below = parameters(domain.then[values[path]], values)
            params |= below[0]
            distributions |= below[1]
    return params, distributions
