"""The cost of the sweep engine.

``make bench-engine`` takes twenty minutes and writes ``analysis/results/engine.{md,json}``.

* **A trial that does nothing**, against plain Ray Tune with re-used actors: N of them, one CPU each on two CPUs, both
  sides in turn on the same local Ray, medians of the repeats. Ours validates and reports, writes its run folder and its
  journal, and tracks to MLflow in SQLite. Plain Tune reports, with its CSV, JSON and TensorBoard files (its default)
  and without. The rows are whole sweeps of 100 and of 1,000, start and end included, and the cost of each further trial
  between them; for ours also until the last trial has ended, while MLflow is still written.
* **The first report**: from typing the command to the first report on record, a process each.
* **Efficiency**: useful device-seconds over devices x wall seconds, the start included. The trials take a minute and
  sleep instead of training, so that only the engine takes time.
* **Tracking**: CPU-seconds of the process beside the driver for a trial that does nothing, and for one of ten seconds
  that reports ten times, as a share of ten seconds.
* **Growth**: the driver's own cost of a trial (asking, its report, its end, with journal and outcome on disk) among N,
  without Ray.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Trials give way to whatever else the machine does by default: here nothing may wait for anything.
os.environ.setdefault("RAY_worker_niceness", "0")

import idle
import plain_tune
from growth import cost_of_a_trial
from rich.console import Console
from tracking import cpu_seconds_of_a_trial

from gibbsweep.folder import read_spool
from gibbsweep.results.results import Results
from gibbsweep.run.provenance import device_name, git_commit
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
LOGGERS = "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"
FEW, MANY, REPEATS = 100, 1_000, 3


def ours(runs: Path, name: str, **options: Any) -> tuple[Results, float]:
    """Run a sweep on the Ray that is running; return its table and its wall seconds."""
    asked = SweepOptions(runs=runs, name=name, sampler="random", seeds=0, **options)
    start = time.perf_counter()
    results = run_sweep(idle.STUDY, asked, console=Console(file=io.StringIO()), command="python idle.py")
    return results, time.perf_counter() - start


def plain(folder: Path, n: int, *, loggers: bool) -> float:
    """The wall seconds of ``n`` trials of plain Tune, with or without its loggers' files."""
    before = os.environ.pop(LOGGERS, None)
    if not loggers:
        os.environ[LOGGERS] = "1"
    try:
        times = plain_tune.run(n, folder)
    finally:
        os.environ.pop(LOGGERS, None)
        if before is not None:
            os.environ[LOGGERS] = before
    return float(times["ended"] - times["started"])


def noop() -> list[dict[str, Any]]:
    """Rows with the seconds of trials that do nothing. Two trials come first, which start the processes."""
    cluster.start(SweepOptions(address="local", cpus=2))
    times: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(REPEATS + 1):
            for n in (FEW, MANY) if repeat else (2,):
                here = Path(folder, f"{repeat}-{n}")
                started = time.time()
                spent = {
                    "ours": ours(here, "s", budget="smoke", trials=n)[1],
                    "ended": max(path.stat().st_mtime for path in here.glob("s/trials/*/outcome.json")) - started,
                    "plain": plain(here / "plain", n, loggers=True),
                    "bare": plain(here / "bare", n, loggers=False),
                }
                for name, seconds in spent.items():
                    times.setdefault((name, n), []).append(seconds)
                print(n, {name: round(seconds, 1) for name, seconds in spent.items()}, flush=True)
    medians = {key: statistics.median(values) for key, values in times.items()}
    whole = {name: medians[name, FEW] / FEW for name in ("ours", "plain", "bare")}
    more = {
        name: (medians[name, MANY] - medians[name, FEW]) / (MANY - FEW) for name in ("ours", "ended", "plain", "bare")
    }
    idle_trial = "seconds of a trial that does nothing"
    return [
        row(f"{idle_trial}, {FEW} of them, tracked / plain Tune", whole["ours"], whole["plain"], "<= 1.2"),
        row("the same / plain Tune without its files", whole["ours"], whole["bare"], ""),
        row(
            f"{idle_trial}, {MANY:,} of them, tracked / plain Tune",
            medians["ours", MANY] / MANY,
            medians["plain", MANY] / MANY,
            "<= 1.2",
        ),
        row(f"{idle_trial}, each after {FEW}, tracked / plain Tune", more["ours"], more["plain"], "<= 1.2"),
        row("the same until it has ended / plain Tune", more["ended"], more["plain"], ""),
    ]


def first_report() -> list[dict[str, Any]]:
    """A row with the seconds from the command to the first report."""
    our_seconds, plain_seconds = [], []
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            started = time.time()
            words = ["--budget", "smoke", "--trials", "2", "--runs", folder, "--name", "s", "--address", "local"]
            subprocess.run(
                [sys.executable, str(HERE / "idle.py"), *words], check=True, capture_output=True, env=environment
            )
            first = min(_first(path) for path in Path(folder, "s", "trials").glob("*/metrics.jsonl"))
            our_seconds.append(first - started)
        with tempfile.TemporaryDirectory() as folder:
            started = time.time()
            subprocess.run(
                [sys.executable, str(HERE / "plain_tune.py"), "2", folder],
                check=True,
                capture_output=True,
                env=environment,
            )
            plain_seconds.append(json.loads(Path(folder, "times.json").read_text())["reports"][0] - started)
    medians = statistics.median(our_seconds), statistics.median(plain_seconds)
    return [row("seconds to the first report / plain Tune", *medians, "")]


def _first(path: Path) -> float:
    """The time of the first report in a spool."""
    return read_spool(path)[0].time


def efficiency(trials: int = 12) -> list[dict[str, Any]]:
    """A row with the efficiency of trials of sixty seconds, two at a time."""
    cluster.start(SweepOptions(address="local", cpus=2))
    with tempfile.TemporaryDirectory() as folder:
        results, _ = ours(Path(folder), "s", budget="laptop", trials=trials, contenders=("sleeper",))
    spent = results.accounting
    assert spent is not None and spent.available is not None
    what = f"efficiency of {trials} trials of {spent.useful / trials:.0f} s on {spent.devices} devices (device-seconds)"
    return [{**row(what, spent.useful, spent.available, ">= 0.95")}]


def tracked() -> list[dict[str, Any]]:
    """Rows with the CPU-seconds of the tracking process for a trial. The reference is ten seconds, a trial's time."""
    idle_s, training_s = cpu_seconds_of_a_trial(0.0, 1, 1), cpu_seconds_of_a_trial(10.0, 10, 10)
    return [
        row("CPU-seconds of tracking a trial that does nothing / 10 s", idle_s, 10.0, ""),
        row("CPU-seconds of tracking a trial of 10 s with 10 reports / 10 s", training_s, 10.0, "<= 0.01"),
    ]


def growth() -> list[dict[str, Any]]:
    """Rows with the driver's milliseconds for a trial among N, against among 100."""
    costs = {n: cost_of_a_trial(n) for n in (100, 1_000, 10_000)}
    return [
        row(f"driver's milliseconds of a trial among {n:,} / among 100", 1e3 * costs[n], 1e3 * costs[100], "")
        for n in costs
    ]


def row(what: str, ours_value: float, reference: float, goal: str) -> dict[str, Any]:
    """A row of the table; ``ratio`` is ours / reference."""
    return {"what": what, "ours": ours_value, "reference": reference, "ratio": ours_value / reference, "goal": goal}


PARTS = {"noop": noop, "first_report": first_report, "efficiency": efficiency, "tracked": tracked, "growth": growth}


def table(parts: Mapping[str, Mapping[str, Any]], order: Iterable[str]) -> str:
    """The rows of all parts as Markdown."""
    head = "| what | ours | reference | ratio | goal | commit |\n|---|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {r['what']} | {r['ours']:.3g} | {r['reference']:.3g} | {r['ratio']:.3g} | {r['goal']} "
        f"| `{parts[name]['commit'][:12]}` |"
        for name in order
        if name in parts
        for r in parts[name]["rows"]
    )


def measure(parts: Mapping[str, Callable[[], list[dict[str, Any]]]], stem: str, title: str, description: str) -> None:
    """Measure the ``parts`` that the command line names, and write those of all times to ``results/STEM.{md,json}``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(parts), nargs="+", default=list(parts), help="measure these parts again")
    path = RESULTS / f"{stem}.json"
    record = json.loads(path.read_text()) if path.exists() else {"parts": {}}
    for name in parser.parse_args().only:
        measured = {"device": device_name("cpu"), "commit": git_commit(), "rows": parts[name]()}
        record["parts"][name] = measured
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(table({name: measured}, parts), flush=True)
    devices = ", ".join(sorted({part["device"] for part in record["parts"].values()}))
    head = f"# {title}\n\n{devices}; both sides of a row in one run, medians.\n"
    (RESULTS / f"{stem}.md").write_text(f"{head}\n{table(record['parts'], parts)}\n")


if __name__ == "__main__":
    measure(PARTS, "engine", "What the engine costs", str(__doc__))
