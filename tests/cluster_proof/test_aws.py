"""``ray up cluster.yaml`` by Ray's own AWS provider, then ``python sweeps/cd_k.py``.

GPU machines start from none, one is cut off for a minute in mid-sweep, and they go when they idle: one story, told by
the tests from top to bottom. EC2 is moto's, and its instances are the machines of :mod:`tests.cluster_proof.machines`.
They have no GPU, and one disk: what AWS's own network, drivers, NFS and spot market do is not shown here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster_proof.cluster import HEAD, SWEEP, Cluster, checkout, patient, wait_for
from tests.cluster_proof.machines import Machines, why_not
from tests.patience import ENOUGH_S

boto3 = pytest.importorskip("boto3", reason="needs boto3")
pytest.importorskip("moto.server", reason="needs moto with its server")

FILE = "cluster.yaml"
WORKERS = (5, 6, 7, 8)
"""The addresses that EC2 gives to machines after the head: two at a time, and others for those that are replaced."""
PORT = 5566
AWS = {
    "AWS_ENDPOINT_URL": f"http://10.77.0.1:{PORT}",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_EC2_METADATA_DISABLED": "true",
}
REGION, KEY = "us-east-1", "ray-autoscaler_us-east-1"
# The service that says the address of this machine is on the internet.
FROM_HERE = (
    "import sys; sys.path.insert(0, 'deploy'); import aws_network; aws_network.own_address = lambda: '10.77.0.1'; "
    "import {script}; {script}.main()"
)

pytestmark = [pytest.mark.proof, pytest.mark.skipif(bool(why_not()), reason=why_not() or "it runs")]


def aws_yaml(text: str, image: str) -> str:
    """The file for two machines that go after a minute, with an image that is there, and no addresses but private
    ones."""
    config = yaml.safe_load(text)
    config["max_workers"] = config["available_node_types"]["gpu_worker"]["max_workers"] = 2
    config["idle_timeout_minutes"] = 1
    config["provider"]["use_internal_ips"] = True
    for kind in config["available_node_types"].values():
        kind["node_config"]["ImageId"] = image
    patient(config)
    return yaml.safe_dump(config, sort_keys=False, width=1000)


@pytest.fixture(scope="module")
def ec2(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    log = tmp_path_factory.mktemp("ec2") / "log"
    script = Path(__file__).with_name("ec2.py")
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, str(script), str(PORT), f"{machines.key}.pub"],
            stdout=file,
            stderr=file,
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        )
    try:
        wait_for(lambda: "serving" in log.read_text() or server.poll() is not None, ENOUGH_S, log.read_text)
        assert server.poll() is None, log.read_text()
        yield boto3.client(
            "ec2",
            region_name=REGION,
            endpoint_url=AWS["AWS_ENDPOINT_URL"],
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with Machines(tmp_path_factory.mktemp("proof") / "machines", (HEAD, *WORKERS), AWS) as machines:
        yield machines


@pytest.fixture(scope="module")
def cluster(machines: Machines, ec2: Any, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    folder = tmp_path_factory.mktemp("aws")
    own = Cluster(machines, checkout(folder), folder / "home", FILE, AWS)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    (own.checkout / FILE).write_text(aws_yaml((own.checkout / FILE).read_text(), image))
    (own.home / ".ssh").mkdir(mode=0o700)
    shutil.copy(machines.key, own.home / ".ssh" / f"{KEY}.pem")
    env = {**os.environ, **AWS, "HOME": str(own.home)}
    for script in ("aws_network", "before_up"):  # make cluster-network, make cluster
        code = FROM_HERE.format(script=script)
        subprocess.run([sys.executable, "-c", code, FILE], cwd=own.checkout, env=env, check=True)
    own.ray("up", "-y", "--no-config-cache")
    return own


def running(ec2: Any, kind: str) -> list[str]:
    """The private addresses of the running instances of a type."""
    wanted = [
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
        {"Name": "instance-type", "Values": [kind]},
    ]
    found = [one for r in ec2.describe_instances(Filters=wanted)["Reservations"] for one in r["Instances"]]
    return sorted(one["PrivateIpAddress"] for one in found)


def test_the_head_is_up_and_nothing_was_opened(cluster: Cluster, ec2: Any) -> None:
    assert running(ec2, "m6i.xlarge") == [cluster.machines.address(HEAD)]
    assert running(ec2, "g6.2xlarge") == [], "no GPU machine before there is work"
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["gibbsweep"]}])
    (group,) = groups["SecurityGroups"]
    sources = [one["CidrIp"] for rule in group["IpPermissions"] for one in rule.get("IpRanges", [])]
    assert sources == ["10.77.0.1/32"], "Ray has added no rule of its own"
    used = [g["GroupId"] for r in ec2.describe_instances()["Reservations"] for g in r["Instances"][0]["SecurityGroups"]]
    assert set(used) == {group["GroupId"]}


def test_the_sweep_starts_gpu_machines_and_survives_one_that_is_cut_off(cluster: Cluster, ec2: Any) -> None:
    cluster.type(SWEEP)
    wait_for(lambda: len(running(ec2, "g6.2xlarge")) == 2 or cluster.ended(), ENOUGH_S, cluster.log)
    victims = wait_for(lambda: cluster.training(WORKERS) or cluster.ended(), ENOUGH_S, cluster.log)
    assert victims is not True, cluster.log()
    used = cluster.head("ray status").stdout
    assert re.search(r"[12]\.0/[12]\.0 GPU", used), f"trials have GPUs, for which nobody asked\n{used}"
    cluster.machines.cut(victims[0])
    time.sleep(60)
    cluster.machines.join(victims[0])
    wait_for(cluster.ended, 2 * ENOUGH_S, lambda: f"{cluster.log()}\n{cluster.head('ray status').stdout}")
    assert "rc=0" in cluster.log(), cluster.log()


def test_nothing_is_lost_and_nothing_is_there_twice(cluster: Cluster) -> None:
    cluster.check_folders()
    cluster.check_mlflow()


def test_machines_that_idle_go(cluster: Cluster, ec2: Any) -> None:
    wait_for(
        lambda: not running(ec2, "g6.2xlarge"),
        ENOUGH_S,
        lambda: cluster.head("ray status; tail -50 /tmp/ray/session_latest/logs/monitor.*").stdout[-4000:],
    )
    assert running(ec2, "m6i.xlarge") == [cluster.machines.address(HEAD)]


def test_ray_down_leaves_nothing(cluster: Cluster, ec2: Any) -> None:
    said = cluster.ray("down", "-y", "-v")
    # On a busy machine some of Ray's processes take longer than it waits for them, and are killed: that it says, too.
    assert "Exception" not in said or "within the grace period" in said, said
    assert running(ec2, "m6i.xlarge") == running(ec2, "g6.2xlarge") == []
    wait_for(lambda: not cluster.left((HEAD, *WORKERS)), ENOUGH_S, lambda: "\n".join(cluster.left((HEAD, *WORKERS))))
