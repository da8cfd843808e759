"""Gibbsweep: distributed sweeps over energy- and score-based generative models, and baselines to judge them by.

The nouns that a study is written with can be imported from here; nothing is loaded before it is asked for.

    from gibbsweep import Choice, Contender, Float, Goal, Study
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gibbsweep.data import DataNeeds
    from gibbsweep.study import (
        Choice,
        Constraint,
        Contender,
        Float,
        Goal,
        Int,
        Results,
        Row,
        Sizes,
        Space,
        Study,
        Target,
    )
    from gibbsweep.train import Budget

__all__ = [
    "Budget",
    "Choice",
    "Constraint",
    "Contender",
    "DataNeeds",
    "Float",
    "Goal",
    "Int",
    "Results",
    "Row",
    "Sizes",
    "Space",
    "Study",
    "Target",
]

if not TYPE_CHECKING:  # else every name would seem to exist

    def __getattr__(name: str) -> object:
        # Imported late: PyTorch, which they need, takes seconds, and gibbsweep.track for one needs none of it.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        package = {"Budget": "train", "DataNeeds": "data"}.get(name, "study")
        return getattr(import_module(f"gibbsweep.{package}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
