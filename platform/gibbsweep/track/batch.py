"""What goes to a run at once: on a server each request is a round trip, in an SQL store a transaction or three."""

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
    """Parameters, metrics and tags (at most 100) of one run. ``position``: how far they go in its spool, as the byte
    offset behind its
    last report and the unix seconds of that."""

    params: list[Param] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    position: tuple[int, float] | None = None

    def send(self, client: MlflowClient, run_id: str) -> None:
        """In as few requests as MLflow's limits allow, none if there is nothing; it is empty afterwards."""
        from mlflow.entities import RunTag

        while self.params or self.metrics or self.tags:
            tags = [RunTag(name, text) for name, text in self.tags.items()]
            params, room = self.params[:MAX_PARAMS], MAX_ENTRIES - min(len(self.params), MAX_PARAMS) - len(tags)
            metrics = self.metrics[: min(room, MAX_METRICS)]
            client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
            self.params, self.metrics, self.tags = self.params[len(params) :], self.metrics[len(metrics) :], {}
