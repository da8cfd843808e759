"""A cluster on machines of this machine, as a person has it who typed ``ray up``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cluster_proof.machines import Machines

ROOT = Path(__file__).resolve().parents[2]
RAY = str(Path(sys.prefix) / "bin" / "ray")
HEAD = 4
SWEEP = "python sweeps/cd_k.py"
"""What README says, typed on the head."""

AGENTS = (
    " --object-store-memory=100000000 --runtime-env-agent-port=8100 --metrics-export-port=8101"
    " --dashboard-agent-listen-port=8102 --dashboard-agent-grpc-port=8103"
)
"""Options for a small machine: fixed ports, as Ray waits 15 s for its agents to choose some."""


class Cluster:
    """The cluster of ``file`` in a checkout, and what a person types there and on its head."""

    def __init__(
        self, machines: Machines, checkout: Path, home: Path, file: str, variables: Mapping[str, str] | None = None
    ) -> None:
        self.machines, self.checkout, self.home, self.file = machines, checkout, home, file
        self.variables = dict(variables or {})
        self.runs = machines.shared / "runs"
        home.mkdir(exist_ok=True)

    def ray(self, word: str, *options: str, then: Sequence[str] = (), timeout: float = 600) -> str:
        """What ``ray WORD OPTIONS FILE THEN`` prints, typed in the checkout; it must succeed."""
        env = {**os.environ, "HOME": str(self.home), "RAY_USAGE_STATS_ENABLED": "0", **self.variables}
        env["TMPDIR"] = str(self.home)  # where Ray keeps what it found out about a cluster, also one of another day
        for name in ("PYTHONPATH", "RAY_ADDRESS"):
            env.pop(name, None)
        done = subprocess.run(
            [RAY, word, *options, self.file, *then], cwd=self.checkout, env=env, text=True, timeout=timeout,
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def type(self, command: str) -> None:
        """Start ``command`` in the head's checkout, in a terminal that outlives the connection."""
        line = f"cd /shared/gibbsweep && {command} > ~/sweep.log 2>&1; echo rc=$? >> ~/sweep.log"
        self.ray("exec", "--tmux", then=[line])

    def head(self, command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return self.machines.run(HEAD, command, timeout=timeout)

    def log(self) -> str:
        return self.head("cat sweep.log").stdout

    def ended(self) -> bool:
        """Whether what was typed last has ended."""
        return "rc=" in self.log()

    def log_of_doctor(self) -> str:
        """What the doctor says on the head."""
        done = self.head("COLUMNS=120 gibbsweep doctor --address auto", timeout=400)
        assert done.returncode in (0, 1), done.stderr[-3000:]
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout

    def sweep(self) -> Path:
        """The folder of the one sweep."""
        (record,) = self.runs.glob("*/sweep.json")
        return record.parent

    def trials(self, file: str) -> list[Path]:
        return sorted(self.runs.glob(f"*/trials/*/{file}"))

    def training(self, workers: Sequence[int]) -> list[int]:
        """Those of ``workers`` that hold a run's folder."""
        look = "ls -l /proc/[0-9]*/fd 2> /dev/null | grep -q run.lock"
        return [n for n in workers if self.machines.run(n, look).returncode == 0]

    def left(self, numbers: Sequence[int]) -> list[str]:
        """The command lines on the machines ``numbers`` that a cluster's end must end."""
        words = ("raylet", "gcs_server", "mlflow", "ray::", "ray/_private", "deploy/", "gibbsweep.track")
        lines = [line for n in numbers for line in self.machines.processes(n)]
        return [line for line in lines if any(word in line for word in words)]

    def check_folders(self) -> None:
        """Every run has completed, and its record has every report once."""
        outcomes = [json.loads(path.read_text()) for path in self.trials("outcome.json")]
        assert len(outcomes) == len(self.trials("config.json")) == 4 * (2 + 3), "four k, two trials, three seeds"
        assert {outcome["outcome"] for outcome in outcomes} == {"completed"}
        for spool in self.trials("metrics.jsonl"):
            steps = [record["step"] for record in map(json.loads, spool.read_text().splitlines()) if "step" in record]
            assert steps == [20, 40], spool

    def check_mlflow(self) -> None:
        """So has its run in MLflow, of which there is one."""
        script = self.machines.shared / "look.py"
        script.write_text(LOOK_INTO_MLFLOW)
        done = self.head("python /shared/look.py")
        assert done.returncode == 0, done.stderr[-3000:]
        runs = json.loads(done.stdout.splitlines()[-1])
        names = [path.parent.name for path in self.trials("config.json")]
        mine = [run for run in runs if run[0] in names]
        assert sorted(run[0] for run in mine) == sorted(names)
        for name, status, steps in mine:
            assert (status, steps) == ("FINISHED", [20, 40]), name


LOOK_INTO_MLFLOW = """
import json
from mlflow import MlflowClient
client = MlflowClient()
runs = [run for one in client.search_experiments() for run in client.search_runs([one.experiment_id])]
steps = lambda run: [m.step for m in client.get_metric_history(run.info.run_id, "validation/log_likelihood")]
print(json.dumps([[run.info.run_name, run.info.status, steps(run)] for run in runs]))
"""


def checkout(folder: Path) -> Path:
    """A clone of this repository, as a person has it."""
    path = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(path)], check=True)
    return path


def patient(config: dict[str, Any], resources: str = "") -> None:
    """Change the start commands of a cluster's file to what a small, busy machine needs; ``resources``: further words
    for the workers' ``ray start``."""
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        config[name] = [re.sub(r"ray start", f"ray start{AGENTS}", line) for line in config[name]]
    starts: list[str] = config["worker_start_ray_commands"]
    ((index, start),) = [(i, line) for i, line in enumerate(starts) if "ray start" in line]
    variables, _, command = start.partition("/shared/gibbsweep/.venv/bin/ray start")
    # One after the other, and again: a raylet gives up if its agent takes 15 s to start, as on a busy core it does.
    again = f"flock /shared/.starting timeout 180 /shared/gibbsweep/.venv/bin/ray start {resources}{command}"
    stays = "sleep 20; pgrep -x raylet > /dev/null && break; /shared/gibbsweep/.venv/bin/ray stop"
    exports = variables.replace("RAY_AUTH_MODE", "export RAY_AUTH_MODE", 1)
    starts[index] = f"{exports}; for i in 1 2 3 4 5 6; do {again}; {stays}; done"


def wait_for(what: Callable[[], Any], seconds: float, why: Callable[[], str]) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, why()
        time.sleep(1.0)
    return found
