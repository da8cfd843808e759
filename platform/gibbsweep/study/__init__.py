"""Studies without the cluster: questions, search spaces, one run, results. Knows no Ray, Optuna or MLflow.

A name is loaded when it is asked for: what reads a sweep's folder needs goals and domains, and no PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gibbsweep.results.results import Results
    from gibbsweep.results.row import Row
    from gibbsweep.results.targets import Target
    from gibbsweep.study.budget_values import by_budget
    from gibbsweep.study.budgets import equal_seconds, equal_updates
    from gibbsweep.study.constraint import Constraint
    from gibbsweep.study.contender import Contender, Sizes
    from gibbsweep.study.goal import Goal
    from gibbsweep.study.headings import columns
    from gibbsweep.study.reference_rows import REFERENCES, references
    from gibbsweep.study.space import Choice, Float, Int, Space
    from gibbsweep.study.study import Study

__all__ = [
    "REFERENCES",
    "Choice",
    "Constraint",
    "Contender",
    "Float",
    "Goal",
    "Int",
    "Results",
    "Row",
    "Sizes",
    "Space",
    "Study",
    "Target",
    "by_budget",
    "columns",
    "equal_seconds",
    "equal_updates",
    "references",
]

_MODULES = {
    "REFERENCES": "study.reference_rows",
    "Choice": "study.space",
    "Constraint": "study.constraint",
    "Contender": "study.contender",
    "Float": "study.space",
    "Goal": "study.goal",
    "Int": "study.space",
    "Results": "results.results",
    "Row": "results.row",
    "Sizes": "study.contender",
    "Space": "study.space",
    "Study": "study.study",
    "Target": "results.targets",
    "by_budget": "study.budget_values",
    "columns": "study.headings",
    "equal_seconds": "study.budgets",
    "equal_updates": "study.budgets",
    "references": "study.reference_rows",
}
"""The module of each name. No module of this package has the name of one of them, which would hide it."""

if not TYPE_CHECKING:  # else every name would seem to exist

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"gibbsweep.{_MODULES[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
