"""A run in segments: from some update on it trains under other numbers of its configuration, and draws from another stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gibbsweep.train.streams import Stream
from gibbsweep_models import draws


@dataclass(frozen=True)
class Segment:
    """From update ``start`` on a run trains with the fields ``values`` of its configuration. ``stream``: what it draws from there on
    follows the run's seed mixed with these numbers; the seed itself where there are none."""

    start: int
    values: Mapping[str, Any] = field(default_factory=dict)
    stream: tuple[int, ...] = ()

    def seed(self, seed: int) -> int:
        """That of the data order and of all noise of this segment in a run of ``seed``."""
        return draws.mix(seed, Stream.SEGMENT, *self.stream) if self.stream else seed
