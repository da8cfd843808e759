"""Studies without the cluster: questions, search spaces, one run, results. Knows no Ray, Optuna or MLflow."""

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.targets import Target
from gibbsweep.study.budget_values import by_budget
from gibbsweep.study.budgets import equal_seconds, equal_updates
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.contender import Contender, Sizes
from gibbsweep.study.goal import Goal
from gibbsweep.study.headings import columns
from gibbsweep.study.references import REFERENCES, references
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
