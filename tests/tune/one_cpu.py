"""A cluster of one CPU, for tests that need none."""

from __future__ import annotations

from gibbsweep.tune.on_ray.retries import Retries
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.devices import Sharing
from gibbsweep.tune.resources.shares import Node, Request


def one_cpu(plan: Plan) -> tuple[Sharing, Retries]:
    requests = dict.fromkeys(plan.decided.contenders, Request())
    sharing = Sharing(requests, 1, lambda: [Node(1.0)], trials_folder=plan.sweep.path / "trials")
    return sharing, Retries(plan.sweep, sharing, print, lambda why, advice: print(why, advice))
