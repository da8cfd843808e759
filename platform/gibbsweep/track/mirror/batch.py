"""What is sent to a run in one request: on a server each request is a round trip, in an SQL store one to three
transactions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

# MLflow's limits (mlflow.utils.validation)
MAX_PARAMS = 100
MAX_METRICS = 1000
MAX_ENTRIES = 1000


@dataclass
class Batch:
    """Parameters, metrics and tags of one run. For example::

        batch = Batch([Param("k", "10")])
        batch.metrics.append(Metric("loss", 0.5, timestamp=1_700_000_000_000, step=1))
        batch.send(client, run_id)

    All of them go together.
    """

    params: list[Param] = field(default_factory=list)
    """Parameters, each of which a run can get once."""
    metrics: list[Metric] = field(default_factory=list)
    """Points of metrics, in order."""
    tags: dict[str, str] = field(default_factory=dict)
    """Tags by name, at most 100."""
    position: tuple[int, float] | None = None
    """Where the reports end that ``metrics`` come from: the byte offset behind the last one in its spool, and its time
    in unix seconds. None: there are none."""

    def send(self, client: MlflowClient, run_id: str) -> None:
        """Sends everything to the run in as few requests as MLflow's limits allow (none if the batch is empty), and
        empties the batch."""
        from mlflow.entities import RunTag

        while self.params or self.metrics or self.tags:
            tags = [RunTag(name, text) for name, text in self.tags.items()]
            params, room = self.params[:MAX_PARAMS], MAX_ENTRIES - min(len(self.params), MAX_PARAMS) - len(tags)
            metrics = self.metrics[: min(room, MAX_METRICS)]
            client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
            self.params, self.metrics, self.tags = self.params[len(params) :], self.metrics[len(metrics) :], {}
