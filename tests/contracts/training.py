"""Trainings of the systems under contract, as several suites compare them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.contracts.systems import SYSTEMS

from gibbsweep.train import Budget, Composed, Reporter, train
from gibbsweep_models.types import System

UPDATES = 4
BUDGET = Budget(updates=UPDATES, batch_size=32, report_every=2)


@dataclass(frozen=True)
class Training:
    """A system, trained, and the folder of its run with the checkpoint of its last update."""

    system: System
    run_dir: Path


def train_system(
    name: str, run_dir: Path, budget: Budget = BUDGET, *, seed: int = 0, announce: Reporter | None = None
) -> Training:
    """A training by the one loop on the system's data, from weights of one seed, in float32."""
    case = SYSTEMS[name]
    system = case.build()
    outcome = train(
        system,
        case.dataset().train,
        budget,
        report=Composed(),
        announce=announce,
        run_dir=run_dir,
        seed=seed,
        precision="fp32",
    )
    assert (outcome.kind, outcome.step) == ("completed", budget.updates)
    return Training(system, run_dir)
