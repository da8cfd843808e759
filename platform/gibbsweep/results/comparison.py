"""Rows of one or several tables side by side: how far each is from another, and whether seeds can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gibbsweep.errors import UserError
from gibbsweep.results.answer import Direction, heading_of, measured_goals, short_names
from gibbsweep.results.difference import Difference, difference
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.results.targets import Verdict


@dataclass(frozen=True)
class Entry:
    """A row of a table: ``Entry("cd_k-1", results, results.rows[0])``."""

    source: str
    """What the table is called: the name of its sweep."""
    results: Results
    """The table."""
    row: Row
    """The row."""


@dataclass(frozen=True)
class Compared:
    """An entry against the first of its group."""

    entry: Entry
    """The row."""
    number: Statistic | None
    """Its number; None where it was not measured."""
    difference: Difference | None
    """Its number minus that of the first; None for the first itself, and where one has no number."""
    verdict: str
    """Whether it is better than the first: ``yes``, ``no`` or ``level`` by the rule of
    :attr:`gibbsweep.results.targets.Verdict.answer`. ``higher``, ``lower`` or ``level`` where no goal says what is
    better; "" for the first."""


@dataclass(frozen=True)
class Comparison:
    """Groups of rows, each row against the first of its group: :func:`compare`."""

    metric: str
    """What is compared."""
    heading: str
    """What tables call it."""
    direction: Direction | None
    """Whether more of it is better; None where no goal says it."""
    groups: tuple[tuple[Compared, ...], ...]
    """The rows: those of one label in several tables, or all in one group."""

    @property
    def entries(self) -> list[Entry]:
        """All rows, in order."""
        return [compared.entry for group in self.groups for compared in group]


def compare(entries: Sequence[Entry], metric: str | None = None, *, whole: bool = True) -> Comparison:
    """``entries`` by ``metric``, by default the goal of their studies on the test split. ``whole``: the entries are
    whole tables, so that rows of one label are compared with one another. Raises UserError where no number is common
    to all."""
    found, direction = _metric(entries, metric)
    sources = list(dict.fromkeys(entry.source for entry in entries))
    labels = [{entry.row.label for entry in entries if entry.source == source} for source in sources]
    common = set.intersection(*labels) if labels else set()
    if whole and len(sources) > 1 and common:
        order = list(dict.fromkeys(entry.row.label for entry in entries))
        groups = [[entry for entry in entries if entry.row.label == label] for label in order]
    else:
        groups = [list(entries)]
    return Comparison(
        found,
        heading_of(entries[0].results, found),
        direction,
        tuple(tuple(_against(group[0], entry, found, direction) for entry in group) for group in groups),
    )


def _metric(entries: Sequence[Entry], asked: str | None) -> tuple[str, Direction | None]:
    """What to compare, and whether more of it is better."""
    if not entries:
        raise UserError("there is no row to compare: name sweeps whose tables have some.")
    goals = dict(measured_goals(entries[0].results))
    tables = list({id(entry.results): entry.results for entry in entries}.values())
    measured = [{name for row in results.rows for name in row.metrics} for results in tables]
    candidates = [asked] if asked is not None else [*goals, *entries[0].results.columns]
    for metric in candidates:
        if all(metric in names for names in measured):
            return metric, goals.get(metric)
    common = sorted(name for name in set.intersection(*measured) if name.startswith("test/"))
    advice = f"name one of {', '.join(common)} with --metric" if common else "compare sweeps of one study"
    what = "have no goal and no column in common" if asked is None else f"have not all a number of {asked}"
    raise UserError(f"{', '.join(dict.fromkeys(entry.source for entry in entries))} {what}: {advice}.")


def _against(first: Entry, entry: Entry, metric: str, direction: Direction | None) -> Compared:
    reference, number = first.row.metrics.get(metric), entry.row.metrics.get(metric)
    if entry is first or reference is None or number is None:
        return Compared(entry, number, None, "" if entry is first else "not measured")
    gap = difference(number, reference)
    relation: Literal[">", "<"] = "<" if direction == "minimize" else ">"
    error = None if gap.noise is None else gap.noise / 2
    answer = Verdict("", number.mean, relation, reference.mean, error).answer
    if direction is None:
        answer = answer.replace("yes", "higher").replace("no", "lower") if answer != "not measured" else answer
    return Compared(entry, number, gap, answer)


def warnings(entries: Sequence[Entry]) -> list[str]:
    """What makes numbers of ``entries`` differ beside what is compared, a sentence each."""
    said = []
    for what, meaning in (
        ("data", "numbers on other data do not compare"),
        ("budget", "whoever trained longer had more, so that this is no comparison at equal compute"),
    ):
        values = {entry.source: str(getattr(entry.results, what)) for entry in entries}
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{source} {value}" for source, value in values.items())
            said.append(f"the {'data differ' if what == 'data' else 'budgets differ'} ({listed}): {meaning}.")
    smoke = sorted({entry.source for entry in entries if entry.results.budget == "smoke"})
    if smoke:
        said.append(f"{', '.join(smoke)} trained for a smoke budget, which shows that all works and answers nothing.")
    single = [
        entry for entry in entries if any(s.n == 1 for s in entry.row.metrics.values()) and len(entry.row.seeds) == 1
    ]
    if single:
        said.append("of rows with one seed nobody knows how sure a difference is.")
    return said


def differing(comparison: Comparison) -> list[tuple[str, list[tuple[str, Any]]]]:
    """The configurations that differ, by path: what each row has, by its name. A path is named with its row's label
    where there are several groups. Compared paths are left out, as the rows' names say them."""
    found = []
    for group in comparison.groups:
        configs = [compared.entry.row.best_config for compared in group]
        several = len(comparison.groups) > 1
        for path in dict.fromkeys(path for config in configs for path in config):
            values = [config.get(path, "–") for config in configs]
            named = [compared.entry for compared in group]
            if all(value == values[0] for value in values) or all(path in entry.row.compared for entry in named):
                continue
            names = [entry.source if several else name_of(entry, comparison.entries) for entry in named]
            where = f" ({group[0].entry.row.label})" if several else ""
            found.append((f"{path}{where}", list(zip(names, values, strict=True))))
    return found


def name_of(entry: Entry, entries: Sequence[Entry]) -> str:
    """What tells ``entry`` from all ``entries``: its row's label, its table's name, or both."""
    if len({one.source for one in entries}) == 1:
        return short_names([one.row for one in entries])[entry.row.label]
    if len({one.source for one in entries}) == len(entries) and len({one.row.label for one in entries}) == 1:
        return entry.source
    return f"{entry.source} {short_names([one.row for one in entries])[entry.row.label]}"
