"""What ``gibbsweep doctor`` makes of what was found on the machines: a line for each thing, and what is to be done."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gibbsweep.tune.options.sizes import size_text
from gibbsweep.tune.resources.machine import DASHBOARD_PORT, TRACKING_PORT, Machine

SKEW_S = 5.0
"""Seconds by which clocks may differ: tracked times and idle machines' ends are compared across machines."""
FREE_BYTES, FREE_SHARE = 5 * 10**9, 0.05
"""The least that should be free on a disk. Ray starts no process on one that is 95 % full."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: ``Finding("clock", True, "at most 0.1 s apart")``."""

    subject: str
    """What was looked at."""
    well: bool
    """Whether it is as it should be."""
    found: str
    """What was found."""
    mend: str = ""
    """What a person is to do, where it is not well."""


@dataclass(frozen=True)
class Seen:
    """What was asked of all machines: ``Seen([machine], [0.0], {"x"})``."""

    machines: Sequence[Machine]
    """What was found on each; the first is the one that asks."""
    skews: Sequence[float]
    """Seconds by which the clock of each is at least away from that of the first."""
    files: frozenset[str]
    """Names of the files that the first machine then saw in the shared folder."""
    runs: str
    """The shared folder."""
    joined: bool
    """Whether a cluster was joined."""
    open_without_token: bool | None = None
    """Whether the cluster lets in a program that has no token; None where there is none."""
    tracking: str = ""
    """Where the tracking server or store is."""
    tracking_problem: str = ""
    """Why it cannot be used; empty where it can."""


def findings(seen: Seen) -> list[Finding]:
    """All that was looked at, in an order in which it would be mended."""
    return [
        *_versions(seen),
        *_folder(seen),
        *_clocks(seen),
        *_disks(seen),
        *_token(seen),
        *_tracking(seen),
        *_ports(seen),
    ]


def _versions(seen: Seen) -> Iterator[Finding]:
    first, *others = seen.machines
    missing = [name for name, version in first.versions.items() if version == "missing" and name != "gibbsweep"]
    differing = [
        f"{name} {other.versions.get(name)} on {other.host} and {version} on {first.host}"
        for other in others
        for name, version in first.versions.items()
        if other.versions.get(name) != version
    ]
    text = ", ".join(f"{name} {version[:12]}" for name, version in first.versions.items())
    if missing:
        yield Finding(
            "versions", False, f"{', '.join(missing)} missing", "install Gibbsweep: pip install -c constraints.txt ."
        )
    elif differing:
        mend = "install the same on all machines; `ray up` ships the commit that is checked out"
        yield Finding("versions", False, "; ".join(differing), mend)
    else:
        yield Finding("versions", True, text + (" on all machines" if others else ""))


def _folder(seen: Seen) -> Iterator[Finding]:
    first, *others = seen.machines
    what = "shared folder" if seen.joined else "run folder"
    blind = [machine.host for machine in others if not machine.sees]
    lost = [machine.host for machine in others if machine.wrote and machine.wrote not in seen.files]
    refused = [f"{machine.host} ({machine.problem})" for machine in seen.machines if not machine.wrote]
    if refused:
        mend = f"let this user write there, or name another folder (--runs, GIBBSWEEP_RUNS): {seen.runs}"
        yield Finding(what, False, f"{seen.runs} cannot be written on {', '.join(refused)}", mend)
    elif blind or lost:
        hosts = ", ".join(dict.fromkeys(blind + lost))
        mend = "mount one folder on all machines, and name it with --runs or GIBBSWEEP_RUNS"
        yield Finding(what, False, f"{seen.runs} on {hosts} is another folder than on {first.host}", mend)
    else:
        text = (
            f"{seen.runs} is seen and written by all {len(seen.machines)} machines"
            if others
            else f"{seen.runs} can be written"
        )
        yield Finding(what, True, text)


def _clocks(seen: Seen) -> Iterator[Finding]:
    if len(seen.machines) < 2:
        return
    worst, machine = max(zip(seen.skews, seen.machines, strict=True), key=lambda pair: abs(pair[0]))
    if abs(worst) > SKEW_S:
        mend = "let all machines follow a time server: timedatectl set-ntp true"
        yield Finding("clocks", False, f"that of {machine.host} is {worst:+.0f} s away", mend)
    else:
        yield Finding("clocks", True, f"at most {SKEW_S:g} s apart")


def _disks(seen: Seen) -> Iterator[Finding]:
    full = [
        f"{size_text(free)} of {size_text(total)} for {name} on {machine.host}"
        for machine in seen.machines
        for name, (free, total) in machine.free.items()
        if free < max(FREE_BYTES, FREE_SHARE * total) and free < 0.5 * total
    ]
    if full:
        yield Finding("free disk", False, f"only {'; '.join(full)}", "free some, or give --disk to sweeps")
        return
    first = seen.machines[0]
    yield Finding(
        "free disk", True, ", ".join(f"{size_text(free)} for {name}" for name, (free, _) in first.free.items())
    )


def _token(seen: Seen) -> Iterator[Finding]:
    if seen.open_without_token is None:
        return
    if seen.open_without_token:
        mend = "start every node with RAY_AUTH_MODE=token and the same RAY_AUTH_TOKEN_PATH, as cluster.yaml does"
        yield Finding("token", False, "anyone who reaches the cluster may run programs on it", mend)
    else:
        yield Finding("token", True, "a program without it is refused")


def _tracking(seen: Seen) -> Iterator[Finding]:
    if not seen.tracking:
        return
    if seen.tracking_problem:
        mend = "start it (`make ui`, or deploy/tracking_server.sh on a head), or correct MLFLOW_TRACKING_URI"
        yield Finding("tracking", False, f"{seen.tracking}: {seen.tracking_problem}", mend)
    else:
        yield Finding("tracking", True, seen.tracking)


def _ports(seen: Seen) -> Iterator[Finding]:
    names = {TRACKING_PORT: "MLflow", DASHBOARD_PORT: "Ray's dashboard"}
    open_ones = [
        f"{names[port]} at {address}:{port} on {machine.host}"
        for machine in seen.machines
        for address, port, _ in machine.listening
        if port in names and not ipaddress.ip_address(address.partition("%")[0]).is_loopback
    ]
    public = [
        f"{machine.host} has the public address {', '.join(machine.public)}, where {len(reachable)} ports answer"
        for machine in seen.machines
        if machine.public and (reachable := _reachable(machine))
    ]
    if open_ones:
        mend = "bind it to 127.0.0.1 and reach it through SSH: ray attach FILE -p 5000"
        yield Finding("ports", False, "; ".join(open_ones), mend)
    elif public:
        mend = "let a firewall admit nothing but SSH from outside, or bind Ray to a private address"
        yield Finding("ports", False, "; ".join(public), mend)
    else:
        yield Finding("ports", True, "MLflow and the dashboard on loopback alone, Ray's on private addresses")


def _reachable(machine: Machine) -> list[int]:
    everywhere = {"0.0.0.0", "::", *machine.public}
    return [port for address, port, _ in machine.listening if address in everywhere]
