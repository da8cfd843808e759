"""How well each row of a table was tuned, for a reader who wants to know what its number is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gibbsweep.results.statistic import Statistic

if TYPE_CHECKING:
    from gibbsweep.results.row import Row

FEWEST_TRIALS = 8
"""A row with fewer trials counts as not tuned, unless its space has no more configurations."""
MOST_NAMED = 8
"""The most rows that a sentence names; the file has the others."""


@dataclass(frozen=True)
class Tuning:
    """What the search of a row found, beside its best configuration. A row in which nothing is searched has none."""

    to_the_end: int = 0
    """The trials that trained to the end."""
    few: bool = False
    """Whether there were fewer than :data:`FEWEST_TRIALS` trials, and configurations that none of them tried."""
    default: bool = False
    """Whether the best is the configuration that the search began with."""
    at_edge: dict[str, Any] = field(default_factory=dict)
    """The best values that lie on the edge of their domain, by path: what lies beyond might be better."""
    spread: dict[str, Statistic] = field(default_factory=dict)
    """Each goal over the trials that trained to the end, by metric."""


def tuning_sentences(rows: Sequence[Row]) -> list[str]:
    """What a reader should know of how ``rows`` were tuned, one sentence for each kind: which had few trials, which
    came back to where they began, and which are best on the edge of their space."""
    tuned = [(row, row.tuning) for row in rows if row.tuning is not None]
    few = [(row, f"({row.trials} trial{'' if row.trials == 1 else 's'})") for row, tuning in tuned if tuning.few]
    default = [(row, "") for row, tuning in tuned if tuning.default and row.trials]
    edges = [
        (row, ", ".join(f"{path} {_short(value)}" for path, value in tuning.at_edge.items()))
        for row, tuning in tuned
        if tuning.at_edge
    ]
    return [
        f"{what}: {_listed(found, len(tuned), len(rows))}."
        for what, found in (
            (f"Not tuned, with fewer than {FEWEST_TRIALS} trials", few),
            ("Not tuned, as the best is what the search began with", default),
            ("Best on the edge of its space, so that a wider one may be better", edges),
        )
        if found
    ]


def _listed(found: Sequence[tuple[Row, str]], tuned: int, rows: int) -> str:
    """The rows with what is said of each; "every row" where it is said of all alike, of ``tuned`` among ``rows``."""
    said = {text for _, text in found}
    if len(found) == tuned > 1 and len(said) == 1:
        return f"every row {'' if tuned == rows else 'that is searched '}{said.pop()}".strip()
    listed = [f"{row.label} {text}".strip() for row, text in found[:MOST_NAMED]]
    more = len(found) - len(listed)
    return "; ".join([*listed, *([f"and {more} more"] if more else [])])


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
