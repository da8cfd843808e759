"""The answer of a finished table in a sentence: which row is best, by how much, at what cost, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from gibbsweep.results.difference import difference
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic

if TYPE_CHECKING:
    from gibbsweep.results.results import Results

REFERENCES = ("training_data", "noise")
"""Contenders that are measured like every other and train nothing: no answer names them."""
MOST_NAMED = 3
"""The most rows that a sentence names; the table has the others."""

Direction = Literal["maximize", "minimize"]


def answers(results: Results) -> list[str]:
    """The answer of ``results``, a sentence for each goal of its study; empty where the file does not say the goals.

    For example, of a study that compares the steps of a chain::

        k=25 is best in log p (-110.61 ± 0.35): +1.49 over k=10, the next, at 2.1 times the device-seconds and +17.26
        over k=1 at 7.6 times the device-seconds; 12 trials a row, 3 seeds.
    """
    return [_sentence(results, metric, direction) for metric, direction in measured_goals(results)]


def measured_goals(results: Results) -> list[tuple[str, Direction]]:
    """The goals of the study as its table has them: on the test split, where a row was measured so, else on the
    validation split. Each with its direction."""
    found: list[tuple[str, Direction]] = []
    for metric, direction in results.goals.items():
        on_test = f"test/{metric.removeprefix('validation/')}"
        measured = on_test if any(on_test in row.metrics for row in results.rows) else metric
        found.append((measured, "maximize" if direction == "maximize" else "minimize"))
    return found


def heading_of(results: Results, metric: str) -> str:
    """What the table of ``results`` calls ``metric``."""
    return results.columns.get(metric, metric.removeprefix("test/").replace("/", " ").replace("_", " "))


def ranked(rows: Sequence[Row], metric: str, direction: Direction) -> list[Row]:
    """The ``rows`` that have a number of ``metric``, best first, without the :data:`REFERENCES`."""
    sign = -1 if direction == "maximize" else 1
    measured = [row for row in rows if metric in row.metrics and row.contender not in REFERENCES]
    finite = [row for row in measured if math.isfinite(row.metrics[metric].mean)]
    return sorted(finite, key=lambda row: sign * row.metrics[metric].mean)


def short_names(rows: Sequence[Row]) -> dict[str, str]:
    """What each of ``rows`` is called by its label: ``k=25`` where all are of one contender, else the label."""
    alone = len({row.contender for row in rows}) == 1
    return {row.label: row.label.removeprefix(f"{row.contender} ") if alone else row.label for row in rows}


def level_with(best: Row, rows: Sequence[Row], metric: str) -> list[Row]:
    """Those of ``rows`` from which seeds cannot tell ``best``: within two standard errors of the difference."""
    gaps = [(row, difference(best.metrics[metric], row.metrics[metric])) for row in rows]
    return [row for row, gap in gaps if gap.noise is not None and not gap.clear]


def _sentence(results: Results, metric: str, direction: Direction) -> str:
    heading, rows = heading_of(results, metric), ranked(results.rows, metric, direction)
    if not rows:
        return f"No row has a number of {heading}: none of its retrainings completed."
    names, (best, *others) = short_names(rows), rows
    number, tail = f"{best.metrics[metric]}", _strength(rows, metric)
    if not others:
        return f"{names[best.label]} reaches {heading} {number}, and nothing is compared with it; {tail}."
    level = level_with(best, others, metric)
    if len(level) == len(others):
        everything = "Both rows" if len(rows) == 2 else f"All {len(rows)} rows"
        return (
            f"{everything} are level in {heading}: {names[best.label]} has {number}, and none is behind it by more "
            f"than two standard errors; {tail}."
        )
    behind = [row for row in others if row not in level]
    cheapest, phrases = min(behind, key=lambda row: row.device_seconds), []
    if level:
        phrases.append(f"level with {_listed([names[row.label] for row in level])} within two standard errors")
        head = f"{names[best.label]} leads in {heading} ({number})"
    else:
        phrases.append(_lead(best, behind[0], metric, direction, names, ", the next," if len(behind) > 1 else ""))
        head = f"{names[best.label]} is best in {heading} ({number})"
    if level or cheapest is not behind[0]:
        phrases.append(_lead(best, cheapest, metric, direction, names))
    return f"{head}: {' and '.join(phrases)}; {tail}."


def _lead(best: Row, other: Row, metric: str, direction: Direction, names: dict[str, str], remark: str = "") -> str:
    """How far ``best`` is ahead of ``other``, about which there is a ``remark``, and at which cost."""
    gap = best.metrics[metric].mean - other.metrics[metric].mean
    if direction == "maximize":
        words = f"{digits_of(best.metrics[metric], gap)} over {names[other.label]}{remark}"
    else:
        words = f"{digits_of(best.metrics[metric], -gap, '')} under {names[other.label]}{remark}"
    if not (best.device_seconds and other.device_seconds) or max(best.updates, other.updates) <= 1:
        return words.rstrip(",")  # nothing trains, and what the one update took is the machine's noise
    return f"{words} at {_times(best.device_seconds / other.device_seconds)} device-seconds"


def _times(ratio: float) -> str:
    if 0.95 <= ratio < 1.05:
        return "equal"
    return (
        f"{ratio:.0f} times the"
        if ratio >= 99.5
        else f"{ratio:.1f} times the"
        if ratio >= 0.95
        else f"{ratio:.2g} times the"
    )


def _strength(rows: Sequence[Row], metric: str) -> str:
    """What the answer rests on: the trials of each row, and its seeds."""
    trials = sorted({row.trials for row in rows if row.trials})
    seeds = sorted({row.metrics[metric].n for row in rows})
    searched = f"{_range(trials, 'trial')} a row, " if trials else ""
    unsure = ", which cannot say how sure that is" if seeds[-1] == 1 else ""
    return f"{searched}{_range(seeds, 'seed')}{unsure}{'' if trials else ', nothing searched'}"


def _range(counts: Sequence[int], what: str) -> str:
    few, most = counts[0], counts[-1]
    return f"{most if few == most else f'{few} to {most}'} {what}{'' if most == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    shown, more = list(names[:MOST_NAMED]), len(names) - MOST_NAMED
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def digits_of(like: Statistic, value: float, sign: str = "+") -> str:
    """A difference with the digits that tables give to numbers ``like`` the one that it is of; ``sign``: ``+`` shows
    one, "" does not."""
    if 0 < abs(like.mean) < 1e-3 or not math.isfinite(like.mean):
        return f"{value:{sign}.1e}"
    return f"{value:{sign}.{0 if abs(like.mean) >= 1000 else 2 if abs(like.mean) >= 1 else 3}f}"


def short_number(value: float) -> str:
    """A number as tables show it."""
    return str(Statistic(value, 0.0, 1))
