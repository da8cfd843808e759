"""Gibbsweep: distributed sweeps over energy- and score-based generative models, and the baselines that they are judged by.

The nouns that a study is written with can be imported from here; nothing is loaded before it is asked for.

    from gibbsweep import Choice, Contender, Float, Goal, Study
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gibbsweep.data import DataNeeds
    from gibbsweep.study import Choice, Constraint, Contender, Float, Goal, Int, Results, Row, Space, Study, Target
    from gibbsweep.train import Budget
else:
    # Not imported here: PyTorch, which they need, takes seconds, and a submodule such as gibbsweep.track needs none of it.
    _STUDY = ("Choice", "Constraint", "Contender", "Float", "Goal", "Int", "Results", "Row", "Space", "Study", "Target")
    _MODULES = {"Budget": "gibbsweep.train", "DataNeeds": "gibbsweep.data", **dict.fromkeys(_STUDY, "gibbsweep.study")}

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES})


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
    "Space",
    "Study",
    "Target",
]
