"""``gibbsweep compare``: rows of sweeps side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from rich.text import Text
from tyro.conf import Positional, arg

from gibbsweep.cli.sweeps.columns import Cells, lines_of
from gibbsweep.cli.sweeps.tables import entries_named
from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault
from gibbsweep.results.answer import digits_of, short_names
from gibbsweep.results.comparison import Compared, Comparison, Entry, compare, differing, warnings
from gibbsweep.tune.folder.layout import SweepDir

_STYLES = {"yes": "green", "no": "red", "level": "yellow"}
_TABLE = ("study", "data", "budget", "device", "commit")
_RECORD = ("trials", "seeds", "seed", "sampler", "scheduler", "eta", "rungs", "precision", "from_sweep", "no_borrow")


@dataclass(frozen=True)
class CompareOptions:
    """The options of ``gibbsweep compare``."""

    tables: Positional[Annotated[tuple[str, ...], arg(metavar="SWEEP[:ROW]")]]
    """Sweeps, or single rows of them: a-1 b-2, or a-1:k=10 b-2:k=25. A results file (.json) is a table, too."""
    metric: OrDefault[str] = None
    """What to compare, for example test/energy_gap (default: the goal of the study, on the test split)."""
    runs: Path = Path("runs")
    """Folder of all sweeps."""


def compare_tables(options: CompareOptions) -> None:
    """Compare rows of sweeps: mean ± sd, n, cost, a verdict by two standard errors, and the settings that differ."""
    from rich.console import Console

    if not options.tables:
        raise UserError(
            "nothing to compare was named: name two sweeps, or rows of them, gibbsweep compare A:ROW B:ROW."
        )
    entries: list[Entry] = []
    sweeps: dict[str, SweepDir] = {}
    unfinished: list[UserError] = []
    whole = True
    for name in dict.fromkeys(options.tables):
        try:
            found, sweep, all_rows = entries_named(name, options.runs)
        except UserError as error:
            unfinished.append(error)
            continue
        entries, whole = [*entries, *found], whole and all_rows
        if sweep is not None:
            sweeps[sweep.name] = sweep
    if unfinished and len(entries) < 2:
        raise unfinished[0]
    comparison = compare(entries, options.metric, whole=whole)
    console = Console()
    for line in comparison_lines(comparison, width=console.width):
        console.print(line, no_wrap=True, crop=False, overflow="ignore")
    console.print()
    for left_out in unfinished:
        console.print(f"left out: {left_out}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    for sentence in warnings(entries):
        console.print(f"careful: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    settings = [*_settings(entries, sweeps), *_measured_otherwise(sweeps)]
    configurations = [f"{path}: {_values(values)}" for path, values in differing(comparison)]
    for title, lines in (("settings that differ", settings), ("best configurations differ in", configurations)):
        if lines:
            console.print(Text(title, "bold"))
            for text in lines:
                console.print(f"  {text}", markup=False, highlight=False)
    for source, results in {entry.source: entry.results for entry in entries}.items():
        for answer in results.answers() if whole and options.metric is None else ():
            console.print(Text.assemble((f"{source}: ", "bold"), answer), highlight=False)


def comparison_lines(comparison: Comparison, *, width: int) -> list[Text]:
    """The table of ``comparison`` for a terminal of ``width`` columns, below a line that says how to read it."""
    entries = comparison.entries
    several = len(comparison.groups) > 1
    names, sources = short_names([entry.row for entry in entries]), {entry.source for entry in entries}
    better = {"maximize": "higher is better", "minimize": "lower is better", None: "no goal says what is better"}
    against = "against the first of each group" if several else "against the first"
    question = "better?" if comparison.direction is not None else "than first"
    columns = ["row", *(["sweep"] if len(sources) > 1 else []), comparison.heading, "n", "trials", "sec.", "difference"]
    rows: list[Cells] = [[(text, "bold") for text in (*columns, question)]]
    for group in comparison.groups:
        for i, compared in enumerate(group):
            name = names[compared.entry.row.label] if i == 0 or not several else ""
            rows.append(_cells(compared, name, len(sources) > 1))
    lines = lines_of(rows, width=width, numbers=6)
    head = Text(f"{comparison.heading}, {better[comparison.direction]}; {against}, ± two standard errors", "dim")
    return [head, *lines]


def _cells(compared: Compared, name: str, with_source: bool) -> Cells:
    row, number, gap = compared.entry.row, compared.number, compared.difference
    change = ""
    if gap is not None and number is not None:
        change = digits_of(number, gap.value)
        change += "" if gap.noise is None else f" ± {digits_of(number, gap.noise, '')}"
    return [
        (name, ""),
        *([(compared.entry.source, "")] if with_source else []),
        ("–" if number is None else f"{number}", ""),
        ("–" if number is None else f"{number.n}", ""),
        (f"{row.trials or '–'}", ""),
        (f"{row.device_seconds:.1f}", ""),
        (change, ""),
        (compared.verdict, _STYLES.get(compared.verdict.partition(" ")[0], "")),
    ]


def _settings(entries: Sequence[Entry], sweeps: dict[str, SweepDir]) -> list[str]:
    """The settings in which the sweeps differ, a line each."""
    tables = {entry.source: entry.results for entry in entries}
    options: dict[str, dict[str, Any]] = {}
    for source, results in tables.items():
        of_table = {name: getattr(results, name) for name in _TABLE} | {"commit": results.commit[:12]}
        recorded = sweeps[source].record()["options"] if source in sweeps else {}
        options[source] = of_table | {name: recorded[name] for name in _RECORD if name in recorded}
    lines = []
    for name in dict.fromkeys(name for of_source in options.values() for name in of_source):
        values = [(source, of_source[name]) for source, of_source in options.items() if name in of_source]
        if len({str(value) for _, value in values}) > 1:
            lines.append(f"{name.removesuffix('_sweep').replace('_', ' ')}: {_values(values)}")
    return lines


def _measured_otherwise(sweeps: dict[str, SweepDir]) -> list[str]:
    """A line for each contender whose evaluators on the test split are not the same in all sweeps that have it."""
    by_contender: dict[str, dict[str, list[str]]] = {}
    for source, sweep in sweeps.items():
        for contender, parts in sweep.record().get("fingerprint", {}).items():
            by_contender.setdefault(contender, {})[source] = parts.get("final_evaluators", [])
    return [
        f"how {contender} is measured: {_values([(s, ', '.join(e)) for s, e in evaluators.items()])}"
        for contender, evaluators in by_contender.items()
        if len({tuple(e) for e in evaluators.values()}) > 1
    ]


def _values(values: Sequence[tuple[str, Any]]) -> str:
    return "; ".join(f"{name} {_short(value)}" for name, value in values)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
