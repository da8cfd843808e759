"""The step sizes of a configuration: the numbers that a restart after a divergence halves."""

from __future__ import annotations

import dataclasses
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.study.space import field_at


def step_sizes(config: Any, named: tuple[str, ...] | None = None) -> dict[str, float]:
    """The numbers that a restart after a divergence halves, by dotted path.

    They are the fields ``named``. Without ``named`` they are the positive fields that ``config`` and the dataclasses
    inside it call their ``step_sizes`` (see :class:`gibbsweep_models.types.SystemConfig`). Raise UserError if a named
    field is not a positive float.
    """
    if named is None:
        return {path: value for path, value in _declared(config, "") if _is_step(config, path)}
    for path in named:
        if not _is_step(config, path):
            raise UserError(
                f"a restart halves step sizes, and {path}={field_at(config, path)!r} of {type(config).__name__} is not "
                f"a positive float: name some of {', '.join(step_sizes(config)) or 'its learning rates'}."
            )
    return {path: float(field_at(config, path)) for path in named}


def check_halving(config: Any, named: tuple[str, ...] | None) -> None:
    """Raise UserError if a restart of ``config`` would change nothing."""
    if not step_sizes(config, named):
        raise UserError(
            f"{type(config).__name__} names no step sizes, and a restart with --retries halves them: name their paths "
            "in the contender's halved_on_restart, or leave out --retries."
        )


def _declared(config: Any, prefix: str) -> list[tuple[str, Any]]:
    names = [item.name for item in dataclasses.fields(config)]
    steps = getattr(config, "step_sizes", None)
    if steps is None:
        steps = tuple(name for name in names if name == "learning_rate" or name.endswith("_learning_rate"))
    declared_steps = []
    for name in names:
        value = getattr(config, name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            declared_steps += _declared(value, f"{prefix}{name}.")
        elif name in steps:
            declared_steps.append((f"{prefix}{name}", value))
    return declared_steps


def _is_step(config: Any, path: str) -> bool:
    value = field_at(config, path)
    owner = field_at(config, path.rpartition(".")[0])
    declared = next(str(item.type) for item in dataclasses.fields(owner) if item.name == path.rpartition(".")[2])
    whole = isinstance(value, int) and not isinstance(value, bool) and "float" in declared  # 10 where 10.0 was meant
    return (isinstance(value, float) or whole) and value > 0
