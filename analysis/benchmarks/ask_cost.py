"""The cost of asking for a trial, of its report and of its end: our search against Optuna's own ask, report and tell.

``make bench-ask`` runs it and writes ``analysis/results/ask_cost.{md,json}``. Both sides have the same sampler (TPE,
multivariate, a group for each branch, running trials counted as bad), six parameters, and N trials on record, in memory
and in a journal file. They take turns in one process on one thread. The numbers are medians of wall time, and of
processor time, which other work on the machine does not lengthen.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gibbsweep.train import Budget

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import optuna
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from gibbsweep.run.provenance import device_name, git_commit
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.contender import Contender
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Float
from gibbsweep.train import Outcome
from gibbsweep.tune.journal.parameters import parameters
from gibbsweep.tune.schedulers.choice import SchedulerConfig, SchedulerName
from gibbsweep.tune.search.search import Search

RECORDED, REPEATS, UPDATES = (100, 1_000, 3_000), 7, 27
SPACE = {name: Float(0.0, 1.0) for name in "abcdef"}
RESULTS = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True)
class Config:
    """Six parameters in [0, 1]."""

    a: float = 0.5
    b: float = 0.5
    c: float = 0.5
    d: float = 0.5
    e: float = 0.5
    f: float = 0.5


def loss(values: dict[str, float]) -> float:
    """The squared distance of ``values`` from 0.3."""
    return sum((value - 0.3) ** 2 for value in values.values())


def fill(storage: BaseStorage, n: int) -> None:
    """Write ``n`` completed trials at random points into ``storage``, as a search leaves them."""
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    rungs = (1, 3, 9, UPDATES)
    for point in np.random.default_rng(0).random((n, len(SPACE))):
        values = dict(zip(SPACE, map(float, point), strict=True))
        params, distributions = parameters(SPACE, values)
        template = create_trial(
            state=TrialState.COMPLETE,
            value=loss(values),
            params=params,
            distributions=distributions,
            intermediate_values=dict.fromkeys(rungs, loss(values)),
            user_attrs={"values": values, "runs_to": UPDATES, "outcome": "completed"},
        )
        storage.create_new_trial(study_id, template)


def ours(storage: BaseStorage, n: int, scheduler: SchedulerName = "none") -> Callable[[], dict[str, Callable[[], Any]]]:
    """A function that prepares one turn of our search: its calls by name."""
    contender = Contender(Config(), "baseline", SPACE)  # type: ignore[arg-type]
    budget, goals = Budget(UPDATES, 1, UPDATES), (Goal("loss", "minimize"),)
    search = Search(
        storage,
        ContenderAtBudget("s", contender, contender.config, budget, goals),
        trials=n + REPEATS + 1,
        seed=0,
        scheduler=SchedulerConfig(scheduler),
    )
    assert len(search.records) == n

    def turn() -> dict[str, Callable[[], Any]]:
        number = len(search.records)

        def end() -> None:
            search.tell(number, Outcome("completed", UPDATES, {"loss": loss(search.records[number].values)}))

        return {
            "ask": search.ask,
            "report": lambda: search.report(number, UPDATES, {"loss": loss(search.records[number].values)}),
            "tell": end,
        }

    return turn


def optunas(storage: BaseStorage, n: int) -> Callable[[], dict[str, Callable[[], Any]]]:
    """A function that prepares one turn of Optuna's study: its calls by name."""
    sampler = optuna.samplers.TPESampler(seed=0, multivariate=True, group=True, constant_liar=True)
    study = optuna.load_study(study_name="s", storage=storage, sampler=sampler)
    assert len(study.trials) == n

    def turn() -> dict[str, Callable[[], Any]]:
        asked: list[optuna.Trial] = []

        def ask() -> None:
            asked.append(study.ask())
            for name, domain in SPACE.items():
                asked[0].suggest_float(name, domain.low, domain.high)

        return {
            "ask": ask,
            "report": lambda: asked[0].report(loss(asked[0].params), UPDATES),
            "tell": lambda: study.tell(asked[0], loss(asked[0].params)),
        }

    return turn


def measure() -> list[dict[str, Any]]:
    """A row for each storage, N and side, with the median milliseconds of each call."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = []
    for kind in ("memory", "journal"):
        for n in RECORDED:
            with tempfile.TemporaryDirectory() as folder:
                storages: list[BaseStorage] = [
                    InMemoryStorage()
                    if kind == "memory"
                    else JournalStorage(JournalFileBackend(f"{folder}/{i}.journal"))
                    for i in range(3)
                ]
                for storage in storages:
                    fill(storage, n)
                sides = {
                    "Gibbsweep": ours(storages[0], n),
                    "Gibbsweep, halving": ours(storages[1], n, "halving"),
                    "Optuna": optunas(storages[2], n),
                }
                found: dict[str, dict[str, list[tuple[float, float]]]] = {side: {} for side in sides}
                for i in range(REPEATS + 1):
                    for side, turn in sides.items():
                        for call, act in turn().items():
                            spent = _milliseconds(act)
                            if i:  # the first one makes what later ones keep
                                found[side].setdefault(call, []).append(spent)
            for side, calls in found.items():
                row: dict[str, Any] = {"storage": kind, "trials": n, "side": side}
                for call, times in calls.items():
                    row[f"{call}_ms"] = statistics.median(wall for wall, _ in times)
                    row[f"{call}_cpu_ms"] = statistics.median(cpu for _, cpu in times)
                rows.append(row)
                print(row, flush=True)
    return rows


def _milliseconds(act: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)


def main() -> None:
    rows = measure()
    lines = [
        "| storage | trials on record | side | ask (ms) | of it processor | report (ms) | tell (ms) | "
        + "a trial of which ask is 1 % (s) |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {r['storage']} | {r['trials']} | {r['side']} | {r['ask_ms']:.1f} | {r['ask_cpu_ms']:.1f} | "
            f"{r['report_ms']:.2f} | {r['tell_ms']:.2f} | {r['ask_ms'] / 10:.1f} |"
            for r in rows
        ),
    ]
    head = (
        f"# The cost of asking\n\n{device_name('cpu')}, one thread, load {os.getloadavg()[0]:.1f} at the end, commit "
        f"`{git_commit()[:12]}`. Medians of {REPEATS} turns, all sides in one run, six parameters, the same TPE on "
        "both sides. A model of ours is fitted to the last 225 trials and the best 25 of the others, Optuna's to all. "
        "Our `tell` also records how the trial ended and its seconds.\n"
    )
    print("\n".join(lines))
    (RESULTS / "ask_cost.md").write_text(head + "\n" + "\n".join(lines) + "\n")
    record = {"device": device_name("cpu"), "load": os.getloadavg()[0], "commit": git_commit(), "rows": rows}
    (RESULTS / "ask_cost.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
