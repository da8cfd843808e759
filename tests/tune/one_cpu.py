"""A cluster of one CPU, for tests that need none."""

from __future__ import annotations

from gibbsweep.tune.on_ray.retries import Retries
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.shares import Node, Request
from gibbsweep.tune.resources.shortage import Shortages


def one_cpu(plan: Plan) -> tuple[Devices, Retries]:
    requests = dict.fromkeys(plan.settings.contenders, Request())
    devices = Devices(requests, 1, lambda: [Node(1.0)], trials_folder=plan.sweep.path / "trials")
    shortages = Shortages(devices.nodes, "", say=print, halt=print)
    return devices, Retries(plan.sweep, devices, shortages, say=print, halt=print)
