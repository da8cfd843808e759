"""What Ray's autoscaler says of the machines that it adds, in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

NOTHING = "it has nothing pending and no failure on record (`ray status` on the head says more)"
"""What is said of an autoscaler that says nothing, or is not there."""
_LONGEST = 300
"""Signs of a failure's details that are shown."""


def autoscaler_says() -> str:
    """What the autoscaler of the cluster that was joined launches, what starts, and what failed last."""
    import ray
    from ray.autoscaler.v2.sdk import get_cluster_status

    try:
        status = get_cluster_status(str(ray.get_runtime_context().gcs_address))
    except Exception as error:  # noqa: BLE001  # a view of the cluster, which trains without it
        return f"it does not answer ({type(error).__name__})"
    return describe(status)


def describe(status: Any) -> str:
    """``status``, a ClusterStatus of Ray's, in a line."""
    parts = [
        *(
            f"launching {text}"
            for text in _counted((one.ray_node_type_name, one.count) for one in status.pending_launches)
        ),
        *(f"starting {text}" for text in _counted((one.ray_node_type_name, 1) for one in status.pending_nodes)),
        *(f"lost {text}" for text in _counted((one.ray_node_type_name, 1) for one in status.failed_nodes)),
    ]
    failed = sorted(status.failed_launches, key=lambda one: one.failed_ts_s or 0)
    if failed:
        details = " ".join(str(failed[-1].details or "no reason given").split())
        details = details if len(details) <= _LONGEST else f"{details[: _LONGEST - 1]}…"
        parts.append(f"could not launch {failed[-1].ray_node_type_name} ({details})")
    return ", ".join(parts) or NOTHING


def _counted(names: Iterable[tuple[str, int]]) -> list[str]:
    counts: Counter[str] = Counter()
    for name, count in names:
        counts[name] += count
    return [f"{count} {name}" for name, count in counts.items()]
