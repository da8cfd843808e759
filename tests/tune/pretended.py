"""A pretended run of a population: its checkpoint is its own history, and it dies when dice say so."""

from __future__ import annotations

import hashlib
import json
import math
import random
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from tests.tune.plans import LIKELIHOOD

from gibbsweep.folder import Outcome, write_atomically
from gibbsweep.train.checkpoint import FORMAT, Progress, has_checkpoint, read_checkpoint
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun

POPULATION = {"scheduler": "population", "generations": 4, "trials": 6, "seeds": 1}
GOAL = "validation/log_likelihood"
UPDATES = 20


class Died(Exception):
    """The run's process, at some moment."""


class Dice:
    """Moments at which a run dies."""

    def __init__(self, seed: int, chance: float) -> None:
        self._random, self._chance = random.Random(seed), chance

    def may_die(self) -> None:
        if self._random.random() < self._chance:
            raise Died


NEVER = Dice(0, 0.0)


def history(run_dir: Path) -> list[float]:
    """The learning rate of each update that the weights have seen."""
    if not has_checkpoint(run_dir / "checkpoint"):
        return []
    found: list[float] = read_checkpoint(run_dir / "checkpoint")[1]["model/history"].tolist()
    return found


def save_history(run_dir: Path, rates: list[float]) -> None:
    content = save({"model/history": torch.tensor(rates, dtype=torch.float64)})
    name = f"step-{len(rates):08d}.safetensors"
    write_atomically(run_dir / "checkpoint" / name, content)
    state = {"format": FORMAT, "tensors": name, "sha256": hashlib.sha256(content).hexdigest(), "aliases": {}}
    state |= vars(Progress(step=len(rates)))
    write_atomically(run_dir / "checkpoint" / "state.json", json.dumps(state).encode())


def train(plan: Plan, planned: PlannedRun, dice: Dice = NEVER, breaks: float = 0.29) -> None:
    """A pretended run with a checkpoint that is its own history, which its goal depends on: best where the rate falls.
    A rate above ``breaks`` diverges two updates later."""
    run_dir = plan.sweep.trial(planned.name)
    outcome = Outcome.read(run_dir)
    if outcome is None:
        rates = history(run_dir)
        dice.may_die()
        for step in range(len(rates), planned.runs_to):
            now = [s for s in planned.schedule if s.start <= step][-1].values if planned.schedule else planned.values
            rates.append(now["learning_rate"])
        start = len(history(run_dir))
        if planned.kind == "search" and rates[-1] > breaks and planned.runs_to < UPDATES:
            Outcome("diverged", start + 2, {}, device_seconds=1.0, message="too fast", samples=(start + 2) * 32).write(
                run_dir
            )
            dice.may_die()
            plan.close(planned.name, Outcome.read(run_dir) or Outcome("failed", 0))
            return
        save_history(run_dir, rates)
        dice.may_die()
        value = -sum(abs(math.log(rate / (0.2 / (1 + step / 5)))) for step, rate in enumerate(rates))
        if planned.kind == "search" and planned.runs_to < UPDATES:
            plan.report(planned.name, planned.runs_to, {LIKELIHOOD: value})
            dice.may_die()
            Outcome("paused", planned.runs_to, {GOAL: value}, 1.0, samples=planned.runs_to * 32).write(run_dir)
            dice.may_die()
            assert plan.pause(planned.name)
            return
        Outcome("completed", UPDATES, {GOAL: value}, 2.0).write(run_dir)
        dice.may_die()
    plan.close(planned.name, Outcome.read(run_dir) or Outcome("failed", 0))


def run_all(plan: Plan) -> list[PlannedRun]:
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        train(plan, planned)
    return order


def told(plan: Plan) -> Any:
    records = [
        (r.initial_values, r.values, r.copies, r.state, r.reports, sorted(r.lost))
        for r in plan.search_of("rbm").records
    ]
    runs = {run: (o.kind, o.step, o.metrics) for run, o in plan.outcomes.items()}
    return records, runs, {run: history(plan.sweep.trial(run)) for run in runs}
