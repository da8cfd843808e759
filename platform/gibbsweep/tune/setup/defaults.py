"""The options that a sweep has where none are given, and the words of a command line for those that differ."""

from __future__ import annotations

from typing import Any

from gibbsweep.study.budget_values import at_budget
from gibbsweep.study.study import Study
from gibbsweep.tune.options.options import DECIDING
from gibbsweep.tune.options.settings import Settings


def defaults_of(study: Study, budget: str, scheduler: str | None = None) -> dict[str, Any]:
    """The deciding options of a sweep of ``study`` at ``budget`` that names none but ``scheduler``."""
    chosen = at_budget(study.scheduler, budget) if scheduler is None else scheduler
    return {
        "contenders": study.default or tuple(study.contenders),
        "trials": at_budget(study.trials, budget),
        "seeds": study.seeds,
        "budget": budget,
        "data": study.data,
        "seed": 0,
        "precision": "auto",
        "sampler": "random" if chosen == "population" else "tpe",  # a population needs no model
        "scheduler": chosen,
        "eta": 3,
        "rungs": None,
        "brackets": 1,
        "window": 1,
        "generations": 8,
        "retries": None,
        "from_sweep": None,
        "no_borrow": False,
    }


def words_of(study: Study, settings: Settings) -> list[str]:
    """The words of a command line that asks for ``settings``: the budget, and what differs from the defaults."""
    usual = defaults_of(study, settings.budget, settings.scheduler)
    usual["scheduler"] = at_budget(study.scheduler, settings.budget)
    words = ["--budget", settings.budget]
    for name in DECIDING:
        value = getattr(settings, name)
        if name == "budget" or value == usual[name] or value is None:
            continue
        option = f"--{name.removesuffix('_sweep').replace('_', '-')}"
        words += [option] if value is True else [option, *map(str, value if isinstance(value, tuple) else (value,))]
    return words
