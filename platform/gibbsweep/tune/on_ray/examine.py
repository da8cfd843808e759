"""Asks every machine of a cluster what ``gibbsweep doctor`` wants to know of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gibbsweep.tune.on_ray import cluster
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.resources.machine import Machine, examine

ANSWER_S = 120.0
"""Seconds that a machine gets to answer."""
_WITHOUT_TOKEN_S = 60.0
_JOIN = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='CRITICAL')"


def examine_cluster(address: str, runs: Path, sign: str) -> tuple[list[tuple[Machine, float]], list[str]]:
    """Join the cluster at ``address`` and look at its machines, this one first: what was found on each, with the
    seconds by which its clock is at least away; and the addresses of those that did not answer. ``runs`` and ``sign``
    as in :func:`~gibbsweep.tune.resources.machine.examine`."""
    cluster.start(SweepOptions(address=address))
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = cluster.this_node()
    found, silent = [(examine(runs, sign), 0.0)], []
    asked: list[tuple[str, float, Any]] = []
    for node in ray.nodes():  # type: ignore[no-untyped-call]
        if not node["Alive"] or node["NodeID"] == here:
            continue
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        options: dict[str, Any] = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": there}
        task = ray.remote(**options)(examine)
        asked.append((str(node["NodeManagerAddress"]), time.time(), task.remote(runs, sign)))
    for where, began, reference in asked:
        try:
            machine: Machine = ray.get(reference, timeout=ANSWER_S)
        except ray.exceptions.RayError as error:
            silent.append(f"{where} ({type(error).__name__})")
            continue
        found.append((machine, _outside(machine.time, began, time.time())))
    return found, silent


def lets_in_without_token() -> bool:
    """Whether the cluster that was joined lets in a program that has no token."""
    import ray

    address = str(ray.get_runtime_context().gcs_address)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_TOKEN")}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _JOIN, address],
            env={**variables, "RAY_AUTH_MODE": "disabled"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_WITHOUT_TOKEN_S,
        )
    except subprocess.TimeoutExpired:  # it tries again and again where it is refused
        return False
    return done.returncode == 0


def _outside(moment: float, earliest: float, latest: float) -> float:
    """How far ``moment`` lies outside the time in which it must have been: with a negative sign if before it."""
    return min(0.0, moment - earliest) + max(0.0, moment - latest)
