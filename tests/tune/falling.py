"""Curves that fall as they should, and every scheduler over them, for the tests of scheduling."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from gibbsweep.study.space import Float, Space
from gibbsweep.train import Segment
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.simulation.front_curves import FrontCurves
from gibbsweep.tune.simulation.simulate import SearchPolicy

FORMS = (
    SchedulerConfig(),
    SchedulerConfig("median", window=2),
    SchedulerConfig("stopping"),
    SchedulerConfig("halving"),
    SchedulerConfig("halving", eta=2, rungs=3, brackets=3, window=3),
    SchedulerConfig("population", generations=4),
    SchedulerConfig("population", generations=9, window=2),
)


@dataclass(frozen=True)
class Config:
    floor: float = 0.5
    breaks: float = 1.0


@dataclass(frozen=True)
class Falling:
    """1 / step + floor, and NaN from the share ``breaks`` of the updates on."""

    updates: int = 27
    config: Config = Config()
    may_break: bool = True

    @property
    def space(self) -> Space:
        return {"floor": Float(0.0, 1.0), **({"breaks": Float(0.0, 1.2)} if self.may_break else {})}

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return math.nan if step > values.get("breaks", 1.0) * self.updates else 1 / step + values["floor"]

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return self.loss(values, number, step)

    def loss_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        return self.loss(schedule[-1].values, number, step)

    def quality_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        return self.loss_along(schedule, number, step)

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        return 1.0 + values["floor"]


@dataclass(frozen=True)
class Opposed(Falling):
    """Where a floor is low, this one is high: every trial that breaks nothing is on the front."""

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return math.nan if step > values.get("breaks", 1.0) * self.updates else 1 / step + 1 - values["floor"]


@dataclass(frozen=True)
class Flat(Falling):
    """A goal that says nothing: the same for all, ``value`` as long as they train."""

    value: float = 0.5

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return self.value


def policy(form: SchedulerConfig, curves: Any, storage: InMemoryStorage | None = None, **options: Any) -> SearchPolicy:
    chosen = {"trials": 40, "seed": 3, "sampler": "random", "report_every": 3, **options}
    return SearchPolicy.of(curves, scheduler=form, storage=storage, **chosen)


def of_one_or_two(objectives: int, curves: Any, other: Any) -> Any:
    return curves if objectives == 1 else FrontCurves([curves, other], [(0.0, 2.0)] * 2)


every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
each_form_of_its_goals = pytest.mark.parametrize(
    ("form", "objectives"), [(form, n) for form in FORMS for n in (1, 2) if n == 1 or form.name != "population"]
)
