"""``ray up cluster.local.yaml``, then ``python sweeps/cd_k.py``: three machines with a real sshd each, and everything
that can be killed is killed in mid-sweep. One story, told by the tests from top to bottom (``make test-cluster``)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.cluster_proof.cluster import HEAD, SWEEP, Cluster, checkout, patient, wait_for
from tests.cluster_proof.machines import Machines, why_not
from tests.patience import ENOUGH_S

WORKERS = (5, 6)
FILE = "cluster.local.yaml"

pytestmark = [pytest.mark.proof, pytest.mark.skipif(bool(why_not()), reason=why_not() or "it runs")]


def local_yaml(text: str, key: Path) -> str:
    """The file with its four marked lines changed, and what a small, busy machine needs."""
    config = yaml.safe_load(text)
    config["provider"] |= {"head_ip": f"10.77.0.{HEAD}", "worker_ips": [f"10.77.0.{n}" for n in (*WORKERS, 254)]}
    config["max_workers"] = len(WORKERS) + 1
    config["auth"] = {"ssh_user": "ubuntu", "ssh_private_key": str(key)}
    patient(config, "--num-cpus=2")
    return yaml.safe_dump(config, sort_keys=False, width=1000)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("proof")
    with Machines(folder / "machines", (HEAD, *WORKERS)) as machines:
        own = Cluster(machines, checkout(folder), folder / "home", FILE)
        (own.checkout / FILE).write_text(local_yaml((own.checkout / FILE).read_text(), machines.key))
        env = {**os.environ, "HOME": str(own.home)}
        for script in ("aws_network.py", "before_up.py"):  # make cluster-network, make cluster
            subprocess.run([sys.executable, f"deploy/{script}", FILE], cwd=own.checkout, env=env, check=True)
        own.ray("up", "-y", "--no-config-cache")
        yield own


def test_both_machines_join(cluster: Cluster) -> None:
    wait_for(
        lambda: all(any("raylet" in line for line in cluster.machines.processes(n)) for n in WORKERS),
        ENOUGH_S,
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
        ENOUGH_S,
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
    cluster.type(SWEEP)

    victims = wait_for(lambda: cluster.training(WORKERS) or cluster.ended(), ENOUGH_S, cluster.log)
    assert victims is not True, cluster.log()
    cluster.machines.run(victims[0], "kill -9 $(pgrep -x raylet)")
    killed = cluster.head(
        "kill -9 $(ss -Hltnp 'sport = :5000' | grep -o 'pid=[0-9]*' | head -1 | cut -d= -f2); echo $?"
    )
    assert killed.stdout.strip() == "0", "the tracking server"
    count = len(cluster.trials("outcome.json"))
    wait_for(lambda: len(cluster.trials("outcome.json")) > count + 1 or cluster.ended(), ENOUGH_S, cluster.log)
    assert not cluster.ended(), cluster.log()
    cluster.head(f"kill -9 $(pgrep -f '^python {SWEEP.split()[1]}')")
    wait_for(cluster.ended, ENOUGH_S, cluster.log)
    assert "rc=137" in cluster.log()
    wait_for(
        lambda: cluster.head("curl --silent --fail http://127.0.0.1:5000/health").returncode == 0,
        ENOUGH_S,
        lambda: cluster.head("cat tracking_server.log").stdout,
    )
    cluster.type(f"{SWEEP} --resume {cluster.sweep().name}")
    wait_for(lambda: cluster.ended() and "rc=137" not in cluster.log(), ENOUGH_S, cluster.log)
    assert "rc=0" in cluster.log(), cluster.log()


def test_nothing_is_lost_and_nothing_is_there_twice(cluster: Cluster) -> None:
    cluster.check_folders()
    cluster.check_mlflow()


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
    said = cluster.ray("down", "-y")
    assert "Exception occurred" not in said

    wait_for(lambda: not cluster.left((HEAD, *WORKERS)), ENOUGH_S, lambda: "\n".join(cluster.left((HEAD, *WORKERS))))
