"""What ``make cluster-network`` makes, and what ``make cluster`` then finds missing, against an imitation of AWS.

And that Ray's own provider, with it, opens nothing."""

from __future__ import annotations

import importlib.util
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
boto3 = pytest.importorskip("boto3", reason="needs the aws extra: pip install '.[aws]'")
moto = pytest.importorskip("moto", reason="needs moto")

REGION = "us-east-1"
MINE, BEFORE = "198.51.100.7", "203.0.113.9"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "deploy" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules.setdefault(name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


network, before_up = script("aws_network"), script("before_up")


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with moto.mock_aws():
        yield


@pytest.fixture
def ec2() -> Any:
    return boto3.client("ec2", region_name=REGION)


@pytest.fixture
def iam() -> Any:
    return boto3.client("iam", region_name=REGION)


def sources(ec2: Any, name: str = "gibbsweep") -> list[tuple[str, str]]:
    """Who reaches the group: (what, from where)."""
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    found = []
    for rule in group["IpPermissions"]:
        port = str(rule.get("FromPort", "all"))
        found += [(port, one["CidrIp"]) for one in rule.get("IpRanges", [])]
        found += [(port, one["CidrIpv6"]) for one in rule.get("Ipv6Ranges", [])]
        found += [
            (port, "members" if one["GroupId"] == group["GroupId"] else "others") for one in rule["UserIdGroupPairs"]
        ]
    return sorted(found)


def test_the_group_lets_in_its_members_and_ssh_from_this_machine(ec2: Any) -> None:
    network.make_group(ec2, "gibbsweep", BEFORE)
    assert sources(ec2) == [("22", f"{BEFORE}/32"), ("all", "members")]
    for _ in range(2):  # the address has changed; again, nothing
        network.make_group(ec2, "gibbsweep", MINE)
        assert sources(ec2) == [("22", f"{MINE}/32"), ("all", "members")]
    assert before_up.check_group(ec2, "gibbsweep", MINE) == []


def test_what_somebody_opened_is_closed_again(ec2: Any) -> None:
    network.make_group(ec2, "gibbsweep", MINE)
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["gibbsweep"]}])["SecurityGroups"]
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"],
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
            {"IpProtocol": "tcp", "FromPort": 8265, "ToPort": 8265, "IpRanges": [{"CidrIp": f"{BEFORE}/32"}]},
        ],
    )
    (problem,) = before_up.check_group(ec2, "gibbsweep", MINE)
    assert "is open to the world" in problem
    network.make_group(ec2, "gibbsweep", MINE)
    assert sources(ec2) == [("22", f"{MINE}/32"), ("all", "members")]


def test_a_group_that_is_missing_empty_or_another_machine_s_is_said(ec2: Any) -> None:
    assert "there is no security group" in before_up.check_group(ec2, "gibbsweep", MINE)[0]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.create_security_group(VpcId=vpc, GroupName="empty", Description="x")
    assert "Ray would open SSH to the world" in before_up.check_group(ec2, "empty", MINE)[0]
    network.make_group(ec2, "gibbsweep", BEFORE)
    assert (
        f"lets in SSH from {BEFORE}/32 and this machine is {MINE}" in before_up.check_group(ec2, "gibbsweep", MINE)[0]
    )


def test_the_head_has_a_role_of_few_rights(iam: Any) -> None:
    assert "no instance profile" in before_up.check_profile(iam, "gibbsweep-head")[0]
    for _ in range(2):
        network.make_role(iam, "gibbsweep-head")
    assert before_up.check_profile(iam, "gibbsweep-head") == []
    rights = iam.get_role_policy(RoleName="gibbsweep-head", PolicyName="cluster")["PolicyDocument"]["Statement"]
    actions = {action for statement in rights for action in statement["Action"]}
    assert not any(action.startswith(("s3:", "iam:")) or action in ("*", "ec2:*") for action in actions)
    (ending,) = [statement for statement in rights if "ec2:TerminateInstances" in statement["Action"]]
    assert "ec2:ResourceTag/ray-cluster-name" in str(ending["Condition"]), "only machines that a Ray cluster started"
    assert iam.list_attached_role_policies(RoleName="gibbsweep-head")["AttachedPolicies"] == []


def test_rays_provider_opens_nothing_and_makes_no_role(
    ec2: Any, iam: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Ray makes of cluster.yaml: the default VPC's subnets, our group and profile as they are."""
    from ray.autoscaler._private.aws import config as ray_aws
    from ray.autoscaler._private.util import prepare_config, validate_config

    network.make_group(ec2, "gibbsweep", MINE)
    network.make_role(iam, "gibbsweep-head")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    config = prepare_config(yaml.safe_load((ROOT / "cluster.yaml").read_text()))
    validate_config(config)
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))  # Ray makes a key pair, and writes it there
    filled = ray_aws.bootstrap_aws(config)
    assert sources(ec2) == [("22", f"{MINE}/32"), ("all", "members")]
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == roles
    subnets = {subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]}
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["gibbsweep"]}])["SecurityGroups"]
    for node in filled["available_node_types"].values():
        assert set(node["node_config"]["SubnetIds"]) <= subnets
        assert node["node_config"]["SecurityGroupIds"] == [group["GroupId"]]
        assert node["node_config"]["ImageId"].startswith("resolve:ssm:")


def test_the_token_is_its_owner_s_alone(tmp_path: Path) -> None:
    token = tmp_path / ".gibbsweep-token"
    config = {"file_mounts": {"~/.gibbsweep-token": str(token), "~/.gibbsweep-commits": ".git"}}
    assert "is missing: run `make cluster-network`" in before_up.check_token(config)[0]
    network.make_token(token)
    content = token.read_text()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600 and len(content.strip()) == 64
    assert before_up.check_token(config) == []
    token.chmod(0o644)
    assert "can be read by others: chmod 600" in before_up.check_token(config)[0]
    network.make_token(token)
    assert token.read_text() == content and before_up.check_token(config) == []


def test_what_does_not_travel_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    assert "is no checkout" in before_up.check_commit(tmp_path, said.append)[0]
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    assert before_up.check_commit(tmp_path, said.append) == [] and not said
    (tmp_path / "new.py").touch()
    assert before_up.check_commit(tmp_path, said.append) == []
    assert said == ["note: what differs from the commit does not travel: new.py"]
    subprocess.run([*git, "worktree", "add", "--quiet", str(tmp_path / "tree")], check=True)
    assert "is a worktree" in before_up.check_commit(tmp_path / "tree", said.append)[0]


def test_a_quota_of_nothing_is_said() -> None:
    class Quotas:
        value = 0.0

        def get_service_quota(self, **_: str) -> dict[str, Any]:
            return {"Quota": {"Value": self.value}}

    quotas = Quotas()
    assert "is 0 vCPUs and one needs 8" in before_up.check_quota(quotas)[0]
    quotas.value = 8.0
    assert before_up.check_quota(quotas) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing: name a cluster's file"),
        ("{", "is no cluster's file as Ray reads it"),
        ("cluster_name: x", "is no cluster's file as Ray reads it (KeyError"),
    ],
)
@pytest.mark.parametrize("name", ["aws_network", "before_up"])
def test_what_cannot_be_done_is_a_sentence(name: str, content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    if content is not None:
        file.write_text(content)
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / f"{name}.py"), str(file)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / ".gibbsweep-token").exists()


def test_aws_that_refuses_is_a_sentence(ec2: Any, iam: Any) -> None:
    with (
        pytest.raises(SystemExit, match="error: AWS refuses .* look at the credentials"),
        network.one_sentence("x.yaml"),
    ):
        iam.get_instance_profile(InstanceProfileName="none")
