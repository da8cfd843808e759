"""How much of a page a sweep may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The most that the part of one sweep may hold: ``Limits().shared_by(3)``."""

    media_bytes: int = 5_500_000
    """Characters of pictures and sounds, as they stand in the page; 0: none are shown."""
    curve_points: int = 60_000
    """Points of one figure of learning curves. A thousand curves on a screen of a thousand pixels need no more."""

    def shared_by(self, sweeps: int) -> Limits:
        """The limits of each of so many sweeps on one page."""
        return Limits(self.media_bytes // max(1, sweeps), max(5_000, self.curve_points // max(1, sweeps)))
