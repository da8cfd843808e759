"""``ray up cluster.local.yaml``, then ``python sweeps/cd_k.py``: three machines with a real sshd each, and everything
that can be killed is killed in mid-sweep. One story, told by the tests from top to bottom (``make test-cluster``)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster_proof.machines import Machines, why_not

ROOT = Path(__file__).resolve().parents[2]
RAY = str(Path(sys.prefix) / "bin" / "ray")
HEAD, WORKERS = 4, (5, 6)
FILE = "cluster.local.yaml"
SWEEP = "python sweeps/cd_k.py"

pytestmark = [pytest.mark.proof, pytest.mark.skipif(bool(why_not()), reason=why_not() or "it runs")]

AGENTS = (
    " --object-store-memory=100000000 --runtime-env-agent-port=8100 --metrics-export-port=8101"
    " --dashboard-agent-listen-port=8102 --dashboard-agent-grpc-port=8103"
)
"""Options for a small machine: fixed ports, as Ray waits 15 s for its agents to choose some."""


class Cluster:
    """The cluster as a person has it: a checkout, a home folder, the commands of cluster.local.yaml's first lines."""

    def __init__(self, machines: Machines, folder: Path) -> None:
        self.machines, self.checkout, self.home = machines, folder / "checkout", folder / "home"
        self.runs = machines.shared / "runs"

    def ray(self, *words: str, timeout: float = 600) -> str:
        """What ``ray WORDS`` prints, typed in the checkout; it must succeed."""
        env = {**os.environ, "HOME": str(self.home), "RAY_USAGE_STATS_ENABLED": "0"}
        for name in ("PYTHONPATH", "RAY_ADDRESS"):
            env.pop(name, None)
        done = subprocess.run(
            [RAY, *words], cwd=self.checkout, env=env, text=True, timeout=timeout, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def head(self, command: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return self.machines.run(HEAD, command, timeout=timeout)

    def log(self) -> str:
        return self.head("cat sweep.log").stdout

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


def wait_for(what: Callable[[], Any], seconds: float, why: Callable[[], str]) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, why()
        time.sleep(1.0)
    return found


def local_yaml(text: str, key: Path) -> str:
    """The file with its four marked lines changed, and what a small, busy machine needs."""
    config = yaml.safe_load(text)
    config["provider"] |= {"head_ip": f"10.77.0.{HEAD}", "worker_ips": [f"10.77.0.{n}" for n in (*WORKERS, 254)]}
    config["max_workers"] = len(WORKERS) + 1
    config["auth"] = {"ssh_user": "ubuntu", "ssh_private_key": str(key)}
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        config[name] = [re.sub(r"ray start", f"ray start{AGENTS}", line) for line in config[name]]
    starts: list[str] = config["worker_start_ray_commands"]
    ((index, start),) = [(i, line) for i, line in enumerate(starts) if "ray start" in line]
    variables, _, command = start.partition("/shared/gibbsweep/.venv/bin/ray start")
    # One after the other, and again: a raylet gives up if its agent takes 15 s to start, as on a busy core it does.
    again = f"flock /shared/.starting timeout 180 /shared/gibbsweep/.venv/bin/ray start --num-cpus=2{command}"
    stays = "sleep 20; pgrep -x raylet > /dev/null && break; /shared/gibbsweep/.venv/bin/ray stop"
    exports = variables.replace("RAY_AUTH_MODE", "export RAY_AUTH_MODE", 1)
    starts[index] = f"{exports}; for i in 1 2 3 4 5 6; do {again}; {stays}; done"
    return yaml.safe_dump(config, sort_keys=False, width=1000)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("proof")
    with Machines(folder / "machines", (HEAD, *WORKERS)) as machines:
        own = Cluster(machines, folder)
        own.home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(own.checkout)], check=True)
        (own.checkout / FILE).write_text(local_yaml((own.checkout / FILE).read_text(), machines.key))
        env = {**os.environ, "HOME": str(own.home)}
        for script in ("aws_network.py", "before_up.py"):  # make cluster-network, make cluster
            subprocess.run([sys.executable, f"deploy/{script}", FILE], cwd=own.checkout, env=env, check=True)
        own.ray("up", "-y", "--no-config-cache", FILE)
        yield own


def test_both_machines_join(cluster: Cluster) -> None:
    wait_for(
        lambda: all(any("raylet" in line for line in cluster.machines.processes(n)) for n in WORKERS),
        300,
        lambda: cluster.head("ray status; tail -50 /tmp/ray/session_latest/logs/monitor.*").stdout[-4000:],
    )


def test_a_request_without_the_token_is_refused(cluster: Cluster) -> None:
    code = f"import ray; ray.init(address='10.77.0.{HEAD}:6379'); print('joined', ray.nodes())"
    (worker, _) = WORKERS
    refused = cluster.machines.run(worker, f'RAY_AUTH_MODE=disabled timeout 100 python -c "{code}"', timeout=150)
    assert refused.returncode != 0 and "joined" not in refused.stdout
    text = (refused.stdout + refused.stderr).lower()
    assert "token" in text or "unauthenticated" in text, text[-2000:]
    wrong = cluster.machines.run(
        worker, f'RAY_AUTH_TOKEN_PATH= RAY_AUTH_TOKEN={"0" * 64} timeout 100 python -c "{code}"', timeout=150
    )
    assert wrong.returncode != 0 and "joined" not in wrong.stdout


def test_what_people_look_at_listens_on_loopback(cluster: Cluster) -> None:
    wait_for(
        lambda: cluster.head("curl --silent --fail http://127.0.0.1:5000/health").returncode == 0,
        240,
        lambda: cluster.head("cat tracking_server.log").stdout,
    )
    listening = cluster.head("ss -Hltn | awk '{print $4}'").stdout.split()
    assert any(address.endswith(":5000") for address in listening)
    for address in listening:
        host, _, port = address.rpartition(":")
        if port in ("5000", "8265"):
            assert host in ("127.0.0.1", "[::1]"), address
    assert cluster.machines.run(WORKERS[0], f"curl --silent --max-time 5 http://10.77.0.{HEAD}:5000/health").returncode


def test_the_sweep_survives_the_death_of_a_machine_of_the_tracking_server_and_of_its_driver(cluster: Cluster) -> None:
    line = f"cd /shared/gibbsweep && {SWEEP} > ~/sweep.log 2>&1; echo rc=$? >> ~/sweep.log"
    cluster.ray("exec", "--tmux", FILE, line)

    def training() -> list[int]:
        """The workers that hold a run's folder."""
        look = "ls -l /proc/[0-9]*/fd 2> /dev/null | grep -q run.lock"
        return [n for n in WORKERS if cluster.machines.run(n, look).returncode == 0]

    def ended() -> bool:
        return "rc=" in cluster.log()

    victims = wait_for(lambda: training() or ended(), 300, cluster.log)
    assert victims is not True, cluster.log()
    cluster.machines.run(victims[0], "kill -9 $(pgrep -x raylet)")
    killed = cluster.head(
        "kill -9 $(ss -Hltnp 'sport = :5000' | grep -o 'pid=[0-9]*' | head -1 | cut -d= -f2); echo $?"
    )
    assert killed.stdout.strip() == "0", "the tracking server"
    count = len(cluster.trials("outcome.json"))
    wait_for(lambda: len(cluster.trials("outcome.json")) > count + 1 or ended(), 400, cluster.log)
    assert not ended(), cluster.log()
    cluster.head(f"kill -9 $(pgrep -f '^python {SWEEP.split()[1]}')")
    wait_for(ended, 60, cluster.log)
    assert "rc=137" in cluster.log()
    wait_for(
        lambda: cluster.head("curl --silent --fail http://127.0.0.1:5000/health").returncode == 0,
        240,
        lambda: cluster.head("cat tracking_server.log").stdout,
    )
    again = line.replace(SWEEP, f"{SWEEP} --resume {cluster.sweep().name}")
    cluster.ray("exec", "--tmux", FILE, again)
    wait_for(lambda: ended() and "rc=137" not in cluster.log(), 600, cluster.log)
    assert "rc=0" in cluster.log(), cluster.log()


def test_nothing_is_lost_and_nothing_is_there_twice_in_the_folders(cluster: Cluster) -> None:
    outcomes = [json.loads(path.read_text()) for path in cluster.trials("outcome.json")]
    assert len(outcomes) == len(cluster.trials("config.json")) == 4 * (2 + 3), "four k, two trials, three seeds"
    assert {outcome["outcome"] for outcome in outcomes} == {"completed"}
    for spool in cluster.trials("metrics.jsonl"):
        steps = [record["step"] for record in map(json.loads, spool.read_text().splitlines()) if "step" in record]
        assert steps == [20, 40], spool


def test_nothing_is_lost_and_nothing_is_there_twice_in_mlflow(cluster: Cluster) -> None:
    script = cluster.machines.shared / "look.py"
    script.write_text(
        "import json; from mlflow import MlflowClient; client = MlflowClient()\n"
        "runs = [r for e in client.search_experiments() for r in client.search_runs([e.experiment_id])]\n"
        "print(json.dumps([[r.info.run_name, r.info.status, [m.step for m in client.get_metric_history(r.info.run_id, "
        "'validation/log_likelihood')]] for r in runs]))\n"
    )
    done = cluster.head("python /shared/look.py")
    assert done.returncode == 0, done.stderr[-3000:]
    runs = json.loads(done.stdout.splitlines()[-1])
    names = [path.parent.name for path in cluster.trials("config.json")]
    mine = [run for run in runs if run[0] in names]
    assert sorted(run[0] for run in mine) == sorted(names)
    for name, status, steps in mine:
        assert (status, steps) == ("FINISHED", [20, 40]), name


def test_the_doctor_finds_the_cluster_well(cluster: Cluster) -> None:
    """After the sweep, of whose machines one is dead."""
    said = cluster.log_of_doctor()
    print(said)
    lines = {line.split()[1]: line for line in said.splitlines() if line.startswith(("ok", "mend"))}
    for subject in ("versions", "shared", "clocks", "token", "tracking", "ports"):
        assert lines[subject].startswith("ok"), said
    assert "a program without it is refused" in lines["token"]
    assert "machine-4" in said and "machine-5" in said or "machine-6" in said


def test_ray_down_leaves_nothing(cluster: Cluster) -> None:
    said = cluster.ray("down", "-y", FILE)
    assert "Exception occurred" not in said

    def left() -> list[str]:
        words = ("raylet", "gcs_server", "mlflow", "ray::", "ray/_private", "deploy/", "gibbsweep.track")
        lines = [line for n in (HEAD, *WORKERS) for line in cluster.machines.processes(n)]
        return [line for line in lines if any(word in line for word in words)]

    wait_for(lambda: not left(), 240, lambda: "\n".join(left()))
