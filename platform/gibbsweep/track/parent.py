"""A sweep's own run in MLflow, which the runs of its trials are below, and what has been sent to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass
class Sent:
    """Running totals of what has been sent."""

    metrics: int = 0
    images: int = 0
    artifacts: int = 0


@dataclass
class SweepRun:
    """The parent run, and the trial runs that the store has below it."""

    client: MlflowClient
    experiment_id: str
    run_id: str
    name: str
    children: dict[str, str] = field(default_factory=dict)
    """Run key -> run id."""
    deleted: set[str] = field(default_factory=set)
    """Run keys of the trials whose run the user deleted: they stay deleted."""
