"""The cost of logging for a training step: medians on one thread, both sides in one run.

A report is a line of the spool with twelve numbers. Between two reports every update turns its loss and parts into
floats for the means that the report shows. The reference is the updates themselves: CD-1 of an RBM 784-500 on batches
of 100.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch

from gibbsweep.train import SpoolReporter
from gibbsweep.train.update import update
from gibbsweep_models import draws
from gibbsweep_models.energy.rbm import RBMConfig
from gibbsweep_models.types import DataSpec

UPDATES_PER_REPORT = 100


def measure(repeats: int = 100) -> list[dict[str, str | float]]:
    """Rows of ``what``, ``ours_ms``, ``reference_ms``, ``ratio``, ``goal``."""
    torch.set_num_threads(1)
    x = (torch.rand(100, 784, generator=draws.seeded(0)) < 0.13).float()
    system = RBMConfig(n_hidden=500).build(DataSpec((784,), "binary"))
    phases = system.phases()
    optimizers = [phase.build_optimizer() for phase in phases]
    generator = draws.seeded(0)
    sums: defaultdict[str, list[float]] = defaultdict(list)
    metrics = {f"validation/metric_{i}": 1.5 * i for i in range(12)}

    def step() -> None:
        update(
            system, phases, optimizers, {"x": x}, step=0, updates=1, precision="fp32", generator=generator
        )  # fmt: skip

    def keep() -> None:
        for name, value in metrics.items():
            sums[name].append(value)

    with tempfile.TemporaryDirectory() as folder:
        spool = SpoolReporter(Path(folder))

        def report() -> None:
            spool(spool.last_step + 1, metrics)

        times = {"step": 0.0, "keep": 0.0, "report": 0.0}
        samples: dict[str, list[float]] = {name: [] for name in times}
        for _ in range(repeats):
            for name, task in (("step", step), ("keep", keep), ("report", report)):
                samples[name].append(_milliseconds(task))
        spool.close()
    times = {name: statistics.median(values) for name, values in samples.items()}
    logging = times["keep"] * UPDATES_PER_REPORT + times["report"]
    steps = times["step"] * UPDATES_PER_REPORT
    return [
        {
            "what": f"logging of {UPDATES_PER_REPORT} CD-1 updates and one report / the updates",
            "ours_ms": logging,
            "reference_ms": steps,
            "ratio": logging / steps,
            "goal": "<= 0.01",
        }
    ]


def _milliseconds(task: Callable[[], None]) -> float:
    start = time.perf_counter()
    task()
    return 1e3 * (time.perf_counter() - start)
