"""What of Ray's report on its autoscaler a person reads."""

from __future__ import annotations

from ray.autoscaler.v2.schema import ClusterStatus, LaunchRequest, NodeInfo

from gibbsweep.tune.on_ray.autoscaler import NOTHING, describe


def launch(state: LaunchRequest.Status, at: int, details: str | None = None, count: int = 1) -> LaunchRequest:
    return LaunchRequest("g6.2xlarge", "gpu_worker", count, state, at, failed_ts_s=at, details=details)


def node(instance: str) -> NodeInfo:
    return NodeInfo("g6.2xlarge", "gpu_worker", instance, "10.0.0.1", "RUNNING")


def test_nothing_to_say_is_said() -> None:
    assert describe(ClusterStatus()) == NOTHING


def test_what_comes_is_counted_by_type() -> None:
    status = ClusterStatus(
        pending_launches=[launch(LaunchRequest.Status.PENDING, 1, count=2), launch(LaunchRequest.Status.PENDING, 2)],
        pending_nodes=[node("i-1"), node("i-2")],
        failed_nodes=[node("i-0")],
    )
    assert describe(status) == "launching 3 gpu_worker, starting 2 gpu_worker, lost 1 gpu_worker"


def test_the_last_failure_says_why_in_one_line() -> None:
    failed = LaunchRequest.Status.FAILED
    status = ClusterStatus(
        failed_launches=[
            launch(failed, 20, "VcpuLimitExceeded:\n you have requested more vCPU capacity " + "x" * 1000),
            launch(failed, 10, "an older one"),
        ]
    )
    text = describe(status)
    assert text.startswith("could not launch gpu_worker (VcpuLimitExceeded: you have requested more")
    assert "older" not in text and "\n" not in text and len(text) < 400
