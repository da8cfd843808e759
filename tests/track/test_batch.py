"""Whatever goes to a run at once goes whole, in order, and within MLflow's limits."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric, Param, RunTag
from mlflow.utils.validation import MAX_ENTITIES_PER_BATCH, MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

from gibbsweep.track.mirror.batch import MAX_ENTRIES, MAX_PARAMS, Batch


class Requests:
    """A client that keeps what it is asked, and refuses what MLflow would."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[Metric], list[Param], list[RunTag]]] = []

    def log_batch(self, run_id: str, metrics: list[Metric], params: list[Param], tags: list[RunTag]) -> None:
        assert run_id == "run"
        assert len(metrics) <= MAX_METRICS_PER_BATCH
        assert max(len(params), len(tags)) <= MAX_PARAMS_TAGS_PER_BATCH
        assert len(metrics) + len(params) + len(tags) <= MAX_ENTITIES_PER_BATCH
        self.asked.append((metrics, params, tags))


@given(params=st.integers(0, 250), metrics=st.integers(0, 2500), tags=st.integers(0, 9))
def test_a_batch_is_sent_whole_and_within_the_limits(params: int, metrics: int, tags: int) -> None:
    batch = Batch(
        [Param(f"p{i}", "1") for i in range(params)],
        [Metric("m", float(i), 0, i) for i in range(metrics)],
        {f"t{i}": "1" for i in range(tags)},
    )
    client: Any = Requests()
    batch.send(client, "run")
    assert [metric.step for asked, _, _ in client.asked for metric in asked] == list(range(metrics))
    assert [param.key for _, asked, _ in client.asked for param in asked] == [f"p{i}" for i in range(params)]
    assert [tag.key for _, _, asked in client.asked for tag in asked] == [f"t{i}" for i in range(tags)]
    total = params + metrics + tags
    assert len(client.asked) <= max(-(-total // MAX_ENTRIES), -(-params // MAX_PARAMS)) + 1
    assert (batch.params, batch.metrics, batch.tags) == ([], [], {})
    batch.send(client, "run")
    assert bool(client.asked) == bool(total), "nothing is no request"
