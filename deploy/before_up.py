"""``make cluster``: looks at what ``ray up`` would find, and says in a line each what is missing.

Exit code 1 if something is. It changes nothing.

    python deploy/before_up.py cluster.yaml
"""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from aws_network import one_sentence, own_address

SPOT_QUOTA = "L-3819A6DF"
"""AWS's code of "All G and VT Spot Instance Requests", in vCPUs."""
VCPUS = 8
"""Those of one GPU machine."""
WORLD = ("0.0.0.0/0", "::/0")


def check_token(config: dict[str, Any]) -> list[str]:
    """What is wrong with the token file."""
    missing = []
    for local in config["file_mounts"].values():
        path = Path(local).expanduser()
        if "token" not in path.name:
            continue
        if not path.exists():
            missing.append(f"{path} is missing: run `make cluster-network`, which makes it")
        elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            missing.append(f"{path} can be read by others: chmod 600 {path}")
    return missing


def check_commit(folder: Path, say: Callable[[str], None]) -> list[str]:
    """What is wrong with the checkout in ``folder``, whose commit is what runs; ``say`` warns of what does not
    travel."""
    git = folder / ".git"
    if git.is_file():
        return [f"{folder} is a worktree, whose .git is a file: run it from the main checkout, or from a clone"]
    if not git.is_dir():
        return [f"{folder} is no checkout: the cluster gets its code from .git"]
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    changed = [line[3:] for line in status.stdout.splitlines()]
    if changed:
        names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        say(f"note: what differs from the commit does not travel: {names}")
    return []


def check_group(ec2: Any, name: str, own_address: str) -> list[str]:
    """What is wrong with the security group ``name``: it is missing, empty, or open to the world."""
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    if not groups:
        return [f"there is no security group {name!r}: run `make cluster-network`"]
    problems = []
    for group in groups:
        rules = group["IpPermissions"]
        sources = [one["CidrIp"] for rule in rules for one in rule.get("IpRanges", [])]
        sources += [one["CidrIpv6"] for rule in rules for one in rule.get("Ipv6Ranges", [])]
        if not rules:
            problems.append(f"{name!r} has no rule, and Ray would open SSH to the world: run `make cluster-network`")
        if any(source in WORLD for source in sources):
            problems.append(f"{name!r} is open to the world ({', '.join(sources)}): run `make cluster-network`")
        elif rules and f"{own_address}/32" not in sources:
            problems.append(
                f"{name!r} lets in SSH from {', '.join(sources) or 'nowhere'} and this machine is {own_address}: run "
                "`make cluster-network`"
            )
    return problems


def check_profile(iam: Any, name: str) -> list[str]:
    """What is wrong with the head's instance profile."""
    try:
        roles = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    except iam.exceptions.NoSuchEntityException:
        roles = []
    return [] if roles else [f"there is no instance profile {name!r}, or it has no role: run `make cluster-network`"]


def check_quota(quotas: Any) -> list[str]:
    """What is wrong with the quota of spot GPU machines."""
    value = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=SPOT_QUOTA)["Quota"]["Value"]
    if value >= VCPUS:
        return []
    where = f"Service Quotas > Amazon EC2 > All G and VT Spot Instance Requests ({SPOT_QUOTA})"
    return [f"the quota of spot GPU machines is {value:g} vCPUs and one needs {VCPUS}: ask for more at {where}"]


def check_aws(config: dict[str, Any], say: Callable[[str], None]) -> list[str]:
    """What is wrong with the account."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        return ["boto3 is not installed: python -m pip install --constraint constraints.txt '.[aws]'"]
    region, provider = config["provider"]["region"], config["provider"]
    head = config["available_node_types"][config["head_node_type"]]["node_config"]
    try:
        boto3.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return [f"AWS does not know this machine ({error}): give it credentials (aws configure, or AWS_PROFILE)"]
    ec2, iam = boto3.client("ec2", region_name=region), boto3.client("iam", region_name=region)
    problems = check_group(ec2, provider["security_group"]["GroupName"], own_address())
    problems += check_profile(iam, head["IamInstanceProfile"]["Name"])
    try:
        problems += check_quota(boto3.client("service-quotas", region_name=region))
    except ClientError as error:  # these credentials may not ask
        say(f"note: the quota of spot GPU machines could not be read ({error})")
    return problems


def main() -> None:
    """Print what is wrong, and exit with 1 if something is."""
    with one_sentence(sys.argv[1] if len(sys.argv) > 1 else "cluster.yaml"):
        _look()


def _look() -> None:
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "cluster.yaml")
    config = yaml.safe_load(file.read_text())
    problems = check_token(config) + check_commit(file.resolve().parent, print)
    if config["provider"]["type"] == "aws":
        problems += check_aws(config, print)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    raise SystemExit(1 if problems else 0)


if __name__ == "__main__":
    main()
