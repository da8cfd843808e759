"""Results of a study that nobody ran."""

from __future__ import annotations

import math

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.train import Outcome


def results() -> Results:
    retrained = {
        ("digits", 1): Outcome("completed", 100, {"test/x": 1.0}, 2.0),
        ("digits", 2): Outcome("completed", 100, {"test/x": 4.0}, 4.0),
        ("digits", 3): Outcome("diverged", 17, {"test/x": math.nan}, 1.0),
    }
    search = [Outcome("completed", 50, {}), Outcome("pruned", 10), Outcome("failed", -1)]
    row = Row.of("rbm", "energy", {"k": 3}, {"learning_rate": 0.0123456}, search, retrained)
    empty = Row.of("gan", "baseline", {}, {}, [Outcome("diverged", 1)], {})
    return Results("s", "Why?", "digits", "smoke", "CPU", "c0ffee" * 7, {"test/x": "x"}, [row, empty], 12.3)
