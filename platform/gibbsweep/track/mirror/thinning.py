"""Which reports of a long run go to MLflow: its pages and its database suffer from too many points. The run's folder
keeps all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_POINTS = 2_000
"""The most points of a metric that a run gets, beside those of its end."""


@dataclass(frozen=True)
class Thinning:
    """Keeps one report in so many, evenly spread over the updates, the same ones however often it is asked::

    Thinning.of(config).keeps(record.step)
    """

    every: int = 1
    """Updates between two reports."""
    stride: int = 1
    """One report in so many is kept."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Thinning:
        """The thinning for a run with this configuration; all are kept where it does not say how often it reports."""
        budget = config.get("budget")
        if not isinstance(budget, Mapping):
            return cls()
        updates, every = budget.get("updates"), budget.get("report_every")
        if not isinstance(updates, int) or not isinstance(every, int) or every < 1:
            return cls()
        # Reports beside the regular ones (``also_at``) come on top.
        extra = budget.get("also_at")
        reports = updates // every + (len(extra) if isinstance(extra, list) else 0)
        return cls(every, -(-reports // MOST_POINTS) or 1)

    def keeps(self, step: int) -> bool:
        """Whether the report after ``step`` updates is sent. The first one is."""
        return self.stride == 1 or step <= self.every or -(-step // self.every) % self.stride == 0
