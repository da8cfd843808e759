"""What a large sweep, and a sweep of several machines, ask of the driver, the tracking server and a person's patience.

``make bench-cluster`` takes half an hour and writes ``analysis/results/cluster.{md,json}``.

* **Nodes**: trials that sleep, two at a time on each of 1, 2 and 3 raylets of this machine: trials an hour, as a ratio
  to that many times those of one.
* **Writers**: 200 run folders that report once a second for five minutes, and MLflow's server over HTTP: which share
  of the reports it has once the sweep has closed, and how long an update of a small convolution takes meanwhile,
  beside the writers alone and beside the tracking process, too.
* **Driver**: a sweep of 4,000 trials that do nothing, through Ray: KiB of memory and open files for each trial after
  the first thousand, Ray's own included.
* **Status**: ``gibbsweep status`` on 10,000 trials.
* **Simulator**: 10,000 trials on 500 simulated workers.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_worker_niceness", "0")

import idle
import psutil
from engine import measure, ours, row
from rich.console import Console

from gibbsweep.track import Tracker, default_tracking_uri, migrate
from gibbsweep.track.stores.store import connect
from gibbsweep.train import Outcome, SpoolReporter
from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.sweep import run_sweep

RESULTS = Path(__file__).resolve().parents[1] / "results"
BIN = Path(sys.executable).parent


def nodes(trials: int = 24) -> list[dict[str, Any]]:
    """Rows of trials an hour on 1, 2 and 3 raylets, each of which takes two trials at a time."""
    import ray
    from ray.cluster_utils import Cluster

    rates: dict[int, float] = {}
    for n in (1, 2, 3):
        machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        for _ in range(n - 1):
            machines.add_node(num_cpus=2)
        try:
            cluster.start(SweepOptions(address=machines.address))
            with tempfile.TemporaryDirectory() as folder:
                _, seconds = ours(Path(folder), "s", budget="laptop", trials=trials * n, contenders=("sleeper",))
            rates[n] = 3600 * trials * n / seconds
            print(n, round(rates[n]), flush=True)
        finally:
            ray.shutdown()
            machines.shutdown()  # type: ignore[no-untyped-call]
    return [row(f"trials an hour on {n} raylets / {n} times those on one", rates[n], n * rates[1], "") for n in rates]


def writers(n: int = 200, seconds: float = 300.0) -> list[dict[str, Any]]:
    """Rows of the reports that reach a tracking server, and of an update beside them."""
    with tempfile.TemporaryDirectory() as name, tracking_server(Path(name)) as uri:
        runs = Path(name, "runs", "load")
        runs.mkdir(parents=True)
        (runs / "sweep.json").write_text(json.dumps({"name": "load", "study": "load", "data": "digits"}))
        reporters = []
        for i in range(n):
            folder = runs / "trials" / f"writer-{i:04d}"
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps({"contender": "writer", "seed": i, "params": {}}))
            reporters.append(SpoolReporter(folder))
        alone = seconds_of_an_update(20.0)
        written = write(reporters, 30.0, first=1)
        beside_writers = written.update_seconds
        tracker = Tracker(runs, tracking_uri=uri, experiment="load", system_metrics=False).start()
        tracked = write(reporters, seconds, first=written.steps + 1)
        for reporter, folder in zip(reporters, sorted((runs / "trials").iterdir()), strict=True):
            reporter(written.steps + tracked.steps + 1, {"loss": 0.0})
            Outcome("completed", written.steps + tracked.steps + 1, {}, seconds).write(folder)
        began = time.perf_counter()
        report = tracker.close(timeout_s=3600.0)
        closing = time.perf_counter() - began
        client = connect(uri)
        (experiment,) = (one for one in client.search_experiments() if one.name == "load")
        found = [run for run in client.search_runs([experiment.experiment_id], max_results=1_000)]
        stored = sum(
            len(client.get_metric_history(run.info.run_id, "loss"))
            for run in found
            if run.info.run_name.startswith("writer")
        )
    expected = n * (written.steps + tracked.steps + 1)
    print(report, f"closed in {closing:.0f} s", flush=True)
    return [
        row(f"reports of {n} writers that the server has / that were written", stored, expected, ">= 1"),
        row("milliseconds of an update beside the writers / alone", 1e3 * beside_writers, 1e3 * alone, ""),
        row(
            "the same beside the tracking process, too / beside the writers",
            1e3 * tracked.update_seconds,
            1e3 * beside_writers,
            "<= 1.01",
        ),
        row("seconds until the server has everything / of writing", closing, seconds, ""),
    ]


class Written:
    """What the writers did: how many steps each, and how long an update took meanwhile."""

    def __init__(self, steps: int, update_seconds: float) -> None:
        self.steps, self.update_seconds = steps, update_seconds


def write(reporters: list[SpoolReporter], seconds: float, first: int) -> Written:
    """Report once a second with every writer, in threads of this process, while another process trains."""
    stop, steps = threading.Event(), [0] * len(reporters)

    def work(index: int) -> None:
        while not stop.wait(1.0):
            reporters[index](first + steps[index], {"loss": float(steps[index]), "accuracy": 0.5, "norm": 1.0})
            steps[index] += 1

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(reporters))]
    for thread in threads:
        thread.start()
    update = seconds_of_an_update(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    least = min(steps)
    for index, done in enumerate(steps):  # all have the same number in the end
        for step in range(done, max(steps)):
            reporters[index](first + step, {"loss": float(step), "accuracy": 0.5, "norm": 1.0})
    assert least > 0
    return Written(max(steps), update)


UPDATE = """
import statistics, sys, time, torch
torch.set_num_threads(1)
x, w = torch.randn(16, 16, 28, 28), torch.randn(16, 16, 3, 3, requires_grad=True)
times, end = [], time.perf_counter() + float(sys.argv[1])
while time.perf_counter() < end:
    start = time.perf_counter()
    for _ in range(10):
        torch.nn.functional.conv2d(x, w).square().mean().backward()
    times.append((time.perf_counter() - start) / 10)
print(statistics.median(times))
"""


def seconds_of_an_update(seconds: float) -> float:
    """The median seconds of an update of a small convolution, in a process that trains for so long."""
    done = subprocess.run([sys.executable, "-c", UPDATE, str(seconds)], capture_output=True, text=True, check=True)
    return float(done.stdout)


@contextlib.contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """The address of an MLflow server over HTTP, with its own store."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    store = default_tracking_uri(folder)
    migrate(store)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in (*psutil.Process(server.pid).children(recursive=True), psutil.Process(server.pid)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        server.wait()


def driver(first: int = 1_000, trials: int = 4_000) -> list[dict[str, Any]]:
    """Rows of the driver's memory and open files after ``first`` and after all ``trials`` of one sweep."""
    cluster.start(SweepOptions(address="local", cpus=2))
    own, marks = psutil.Process(), dict[int, tuple[float, int]]()
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder:

        def watch() -> None:
            while not stop.wait(0.5):
                done = sum(1 for _ in Path(folder).glob("s/trials/*/outcome.json"))
                for mark in (first, trials):
                    if done >= mark and mark not in marks:
                        marks[mark] = (own.memory_info().rss / 1024, own.num_fds())

        thread = threading.Thread(target=watch)
        thread.start()
        asked = SweepOptions(
            runs=Path(folder), name="s", sampler="random", seeds=0, trials=trials, budget="smoke", contenders=("idle",)
        )
        run_sweep(idle.STUDY, asked, console=Console(file=io.StringIO()), command="python idle.py")
        marks.setdefault(trials, (own.memory_info().rss / 1024, own.num_fds()))
        stop.set()
        thread.join()
    (few, few_files), (many, many_files) = marks[first], marks[trials]
    return [
        row(f"KiB of the driver after {trials:,} trials / after {first:,}", many, few, ""),
        row("KiB of each trial between / 1", (many - few) / (trials - first), 1.0, ""),
        row(f"open files after {trials:,} trials / after {first:,}", many_files, few_files, ""),
    ]


def status(trials: int = 10_000, repeats: int = 3) -> list[dict[str, Any]]:
    """A row of the seconds of ``gibbsweep status`` on a sweep of so many trials, half of them done."""
    with tempfile.TemporaryDirectory() as folder:
        asked = SweepOptions(
            runs=Path(folder), name="s", sampler="random", trials=trials, seeds=0, budget="laptop",
            contenders=("sleeper",), scheduler="none",
        )  # fmt: skip
        sweep, settings = create(idle.STUDY, asked, has_gpu=False)
        plan = Plan(idle.STUDY, settings, sweep)
        write_outline(sweep, outline(plan))
        goal = plan.search_of("sleeper").goals[0].metric
        for i in range(trials):
            planned = plan.next()
            assert planned is not None
            path = sweep.trial(planned.name)
            metrics = {goal: (planned.values["value"] - 0.3) ** 2}
            SpoolReporter(path)(planned.runs_to, metrics)
            if i % 2 == 0:
                outcome = Outcome("completed", planned.runs_to, metrics, 60.0)
                outcome.write(path)
                plan.close(planned.name, outcome)
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            subprocess.run([str(BIN / "gibbsweep"), "status", "s", "--runs", folder], check=True, capture_output=True)
            times.append(time.perf_counter() - began)
    return [row(f"seconds of gibbsweep status on {trials:,} trials / 5", statistics.median(times), 5.0, "<= 1")]


def simulator(trials: int = 10_000, workers: int = 500) -> list[dict[str, Any]]:
    """A row of the seconds in which a sweep by random search and halving is simulated."""
    words = ["simulate", "--trials", str(trials), "--workers", str(workers), "--seeds", "1", "--sampler", "random"]
    began = time.perf_counter()
    subprocess.run([str(BIN / "gibbsweep"), *words], check=True, capture_output=True)
    seconds = time.perf_counter() - began
    return [row(f"seconds to simulate {trials:,} trials on {workers} workers / 1", seconds, 1.0, "")]


PARTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "nodes": nodes,
    "writers": writers,
    "driver": driver,
    "status": status,
    "simulator": simulator,
}


if __name__ == "__main__":
    measure(PARTS, "cluster", "What many machines and many trials ask for", str(__doc__))
