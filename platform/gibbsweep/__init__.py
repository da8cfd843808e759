"""Gibbsweep: distributed sweeps over energy- and score-based generative models, and baselines to judge them by.

The nouns that a study is written with can be imported from here; nothing is loaded before it is asked for.

    from gibbsweep import Choice, Contender, Float, Goal, Study

What was trained is put to use with three functions:

    import gibbsweep as gs

    gs.load_best("runs/cd_k-1", "rbm", k=25).sample(64, seed=0).x
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
    from gibbsweep.use.best import load_best
    from gibbsweep.use.model import load
    from gibbsweep.use.sweep import open_sweep

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
    "load",
    "load_best",
    "open_sweep",
]

_PACKAGES = {
    "Budget": "train",
    "DataNeeds": "data",
    "load": "use.model",
    "load_best": "use.best",
    "open_sweep": "use.sweep",
}
"""The packages of what is none of ``gibbsweep.study``."""

if not TYPE_CHECKING:  # else every name would seem to exist

    def __getattr__(name: str) -> object:
        # Imported late: PyTorch, which they need, takes seconds, and gibbsweep.track for one needs none of it.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"gibbsweep.{_PACKAGES.get(name, 'study')}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
