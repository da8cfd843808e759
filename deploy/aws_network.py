"""``make cluster-network``: what ``cluster.yaml`` needs on AWS before its first ``ray up``, made or found as it is.

    python deploy/aws_network.py cluster.yaml

- the token file that every Ray of the cluster asks for, for its owner alone;
- a security group in the default VPC whose members reach one another, and which lets in SSH from this machine's address
  alone. Ray leaves a group that has rules as it is, and opens SSH to the world in one that has none;
- a role for the head, which may start and end machines and read the name of the image, in place of Ray's own, which may
  do anything with EC2 and S3. Its rights are those that Ray's documentation names;
- AWS's own role for spot machines, which an account lacks before its first one.

A machine whose address has changed runs it again: SSH is then open from the new address, and no longer from others.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TOKEN = Path("~/.gibbsweep-token")
ADDRESS_SERVICE = "https://checkip.amazonaws.com"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["ec2:Describe*", "ec2:RunInstances", "ec2:CreateTags", "ec2:DeleteTags", "ssm:GetParameters"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": ["ec2:TerminateInstances", "ec2:StopInstances", "ec2:StartInstances"],
            "Resource": "*",
            "Condition": {"StringLike": {"ec2:ResourceTag/ray-cluster-name": "*"}},
        },
    ],
}


def make_token(path: Path) -> str:
    """Make the token file, or leave the one that is there, readable for its owner alone. Returns what was done."""
    path = path.expanduser()
    if path.exists():
        path.chmod(0o600)
        return f"token: {path} is there"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return f"token: made {path}"


def own_address() -> str:
    """The address under which AWS sees this machine."""
    with urllib.request.urlopen(ADDRESS_SERVICE, timeout=10) as answer:
        return str(answer.read().decode().strip())


def make_group(ec2: Any, name: str, address: str) -> str:
    """Make the security group ``name`` in the default VPC, or set its rules: its members, and SSH from ``address``.
    Returns what was done."""
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise SystemExit("error: this account has no default VPC in the region: make one (aws ec2 create-default-vpc).")
    vpc = vpcs[0]["VpcId"]
    of_name = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
    groups = ec2.describe_security_groups(Filters=of_name)["SecurityGroups"]
    if groups:
        group, rules = groups[0]["GroupId"], groups[0]["IpPermissions"]
    else:
        group = ec2.create_security_group(VpcId=vpc, GroupName=name, Description="Gibbsweep: members and one SSH")[
            "GroupId"
        ]
        rules = []
    wanted: list[dict[str, Any]] = [
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": f"{address}/32"}]},
    ]
    # The new rules come first: a group without rules, even for a moment, is one that Ray would open.
    for rule in wanted:
        if not any(_grants(rule, there) for there in rules):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    for there in rules:
        for part in _parts(there):
            if not any(_grants(part, rule) for rule in wanted):
                ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[part])
    return f"security group: {name} ({group}) lets in its members, and SSH from {address}"


def make_role(iam: Any, name: str) -> str:
    """Make the role and instance profile ``name`` of the head, or set its rights. Returns what was done."""
    _unless_there(iam, lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)))
    iam.put_role_policy(RoleName=name, PolicyName="cluster", PolicyDocument=json.dumps(RIGHTS))
    _unless_there(iam, lambda: iam.create_instance_profile(InstanceProfileName=name))
    roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    if not roles:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return f"role: {name} may start and end machines of Ray clusters"


def make_spot_role(iam: Any) -> str:
    """Make AWS's own role for spot machines where the account has none. Returns what was done."""
    try:
        iam.create_service_linked_role(AWSServiceName="spot.amazonaws.com")
    except iam.exceptions.InvalidInputException:  # it is there
        return "spot: the account's role for spot machines is there"
    return "spot: made the account's role for spot machines"


def _unless_there(iam: Any, make: Any) -> None:
    try:
        make()
    except iam.exceptions.EntityAlreadyExistsException:
        pass


def _parts(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """``rule`` as rules of one source each."""
    head: dict[str, Any] = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    kinds = ("UserIdGroupPairs", "IpRanges", "Ipv6Ranges", "PrefixListIds")
    return [{**head, kind: [source]} for kind in kinds for source in rule.get(kind, [])]


def _grants(rule: dict[str, Any], there: dict[str, Any]) -> bool:
    """Whether ``there`` has the one source of ``rule``, for the same ports."""
    same = all(rule.get(name) == there.get(name) for name in ("IpProtocol", "FromPort", "ToPort"))
    groups = {pair["GroupId"] for pair in there.get("UserIdGroupPairs", [])}
    ranges = {one["CidrIp"] for one in there.get("IpRanges", [])}
    wanted_groups = {pair["GroupId"] for pair in rule.get("UserIdGroupPairs", [])}
    wanted_ranges = {one["CidrIp"] for one in rule.get("IpRanges", [])}
    others = rule.get("Ipv6Ranges") or rule.get("PrefixListIds")
    return same and not others and wanted_groups <= groups and wanted_ranges <= ranges


@contextlib.contextmanager
def one_sentence(name: str) -> Iterator[None]:
    """A context in which what the file ``name``, the network or AWS refuse ends the program in a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise SystemExit(f"error: {error.filename} is missing: name a cluster's file, such as cluster.yaml.") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise SystemExit(f"error: {name} is no cluster's file as Ray reads it ({_line(error)}).") from None
    except urllib.error.URLError as error:
        raise SystemExit(f"error: {ADDRESS_SERVICE} does not answer ({error.reason}): look at the network.") from None
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):
            raise
        raise SystemExit(
            f"error: AWS refuses ({_line(error)}): look at the credentials (aws configure, or AWS_PROFILE) and their "
            "rights."
        ) from None


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def main() -> None:
    """Make all of it, and say so."""
    with one_sentence(sys.argv[1] if len(sys.argv) > 1 else "cluster.yaml"):
        _make_all()


def _make_all() -> None:
    config = yaml.safe_load(Path(sys.argv[1] if len(sys.argv) > 1 else "cluster.yaml").read_text())
    provider = config["provider"]
    print(make_token(TOKEN))
    if provider["type"] != "aws":
        print(f"a network of {provider['type']} is not made here: see the first lines of the file")
        return
    try:
        import boto3
    except ModuleNotFoundError:
        raise SystemExit("error: boto3 is not installed: python -m pip install -c constraints.txt '.[aws]'") from None
    head = config["available_node_types"][config["head_node_type"]]["node_config"]
    region = provider["region"]
    print(make_group(boto3.client("ec2", region_name=region), provider["security_group"]["GroupName"], own_address()))
    iam = boto3.client("iam", region_name=region)
    print(make_role(iam, head["IamInstanceProfile"]["Name"]))
    print(make_spot_role(iam))


if __name__ == "__main__":
    main()
