"""A short training on digits."""

from __future__ import annotations

from pathlib import Path

from gibbsweep.data import load
from gibbsweep.train import Budget, Composed, train
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.types import System, SystemConfig


def fit(run_dir: Path, config: SystemConfig | None = None, updates: int = 4) -> System:
    config = config or RBMConfig(n_hidden=8, persistent=True)
    data = load("digits", units=config.units)
    system = config.build(data.spec)
    budget = Budget(updates, batch_size=16, report_every=2)
    train(system, data.train, budget, report=Composed(), run_dir=run_dir, seed=0, precision="fp32")
    return system
