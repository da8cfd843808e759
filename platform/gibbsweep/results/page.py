"""The page of a study's results: the answer, the table, what to know of the numbers, and how to repeat them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gibbsweep.results.answer import measured_goals
from gibbsweep.results.row import Row

if TYPE_CHECKING:
    from gibbsweep.results.results import Results


def page(results: Results) -> str:
    """``results`` as Markdown: the question, its answer in two sentences, the table, findings and verdicts. The spread
    of the numbers and the best configurations are folded away."""
    lines = [
        f"# {results.study}",
        "",
        results.question,
        "",
        *_answer_lines(results),
        *([results.note, ""] if results.note else []),
        *_table(results.header(), results.cells()),
        *_folded("What the columns are, and where the numbers come from", [_caption(results)]),
        *_bullets([*results.violations(), *results.tuning()]),
        *_bullets(results.findings),
        *_verdict_lines(results),
        *_folded("How far a number spreads over seeds, and over trials", _spread_lines(results)),
        *_folded("Best configurations", _configuration_lines(results)),
        *([f"{results.accounting}.", ""] if results.accounting else []),
        *(["Repeat it:", "", "```sh", results.command, "```", ""] if results.command else []),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _answer_lines(results: Results) -> list[str]:
    """The answer in a sentence for each goal, and one that says what the sentence rests on."""
    sentences = results.answers()
    if not sentences:
        return []
    if results.budget == "smoke":
        rests_on = "A smoke budget shows that everything works: its numbers answer nothing."
    else:
        on_test = all(metric.startswith("test/") for metric, _ in measured_goals(results))
        split = "once, on the test split" if on_test else "on the validation split, which the search has seen"
        rests_on = (
            f"Measured on `{results.data}` at budget `{results.budget}`, {split}; what lies within two standard errors "
            "over the seeds counts as level."
        )
    return [f"**{' '.join(sentences)}** {rests_on}", ""]


def _caption(results: Results) -> str:
    replaced = sum(row.replaced for row in results.rows)
    return (
        f"Data `{results.data}`{f' ({results.source})' if results.source else ''}, budget `{results.budget}`, "
        f"{results.device}, commit `{results.commit[:12]}`, {results.wall_seconds:.0f} s in all. Numbers are the mean "
        "± standard deviation over the seeds of the best configuration's retraining, on the test split; `trials` are "
        "those of the row's search (in brackets: trained to the end), `diverged` is the share of all runs, `seconds` "
        "the device-seconds of one retraining's updates."
        + (
            f" Among the diverged are {replaced} members of populations that went on from another one's checkpoint."
            if replaced
            else ""
        )
        + (" `restarts` counts those after a divergence, in all runs of the row." if results.restarted else "")
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *cells, ""]


def _bullets(sentences: Sequence[str]) -> list[str]:
    return [*(f"- {sentence}" for sentence in sentences), ""] if sentences else []


def _folded(title: str, lines: Sequence[str]) -> list[str]:
    """``lines`` that a reader opens with a click on ``title``; nothing without lines."""
    if not lines:
        return []
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _verdict_lines(results: Results) -> list[str]:
    if not results.verdicts:
        return []
    rows = [[v.claim, f"{v.got:.4g}", f"{v.relation} {v.bound:.4g}", v.margin, v.answer] for v in results.verdicts]
    explained = "`level`: within two standard errors of the difference, over the seeds of both sides (the ±)."
    return [*_table(["to beat", "got", "needed", "two errors", "beaten"], rows), explained, ""]


def _spread_lines(results: Results) -> list[str]:
    """A table of each goal over the seeds of the best configuration and over the trials of the search."""
    rows = []
    for row in results.rows:
        for metric, trials in (row.tuning.spread if row.tuning is not None else {}).items():
            rows.append([row.label, metric, f"{row.metrics.get(metric, '–')}", f"{trials}", f"{trials.n}"])
    return _table(["row", "goal", "over seeds", "over trials to the end", "of these"], rows)[:-1] if rows else []


def _configuration_lines(results: Results) -> list[str]:
    configurations = dict(_configuration(row) for row in results.rows)
    schedules = {
        row.label: describe_schedule(row.schedule, row.updates) for row in results.rows if len(row.schedule) > 1
    }
    return [
        f"- {label}: {', '.join(f'{k}={_short(v)}' for k, v in c.items())}"
        + (f"; while it trains: {schedules[label]}" if label in schedules else "")
        for label, c in configurations.items()
    ]


def _configuration(row: Row) -> tuple[str, dict[str, Any]]:
    """The name under which a row's configuration is printed, and the configuration.

    Where nothing was searched, the rows of a contender differ only in what they compare: they share one line.
    """
    if row.trials:
        return row.label, row.best_config
    return row.contender, {k: v for k, v in row.best_config.items() if k not in row.compared}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def describe_schedule(schedule: Sequence[Mapping[str, Any]], updates: int) -> str:
    """One line for a schedule in the form of :func:`gibbsweep.run.schedule.schedule_as_json`.

    It has every path that changes, with its value until each change.
    """
    paths = dict.fromkeys(path for part in schedule[1:] for path in part["values"])
    lines = []
    for path in paths:
        steps = [(part["from"], part["values"][path]) for part in schedule if path in part["values"]]
        ends = [*(start for start, _ in steps[1:]), updates]
        parts = [f"{_short(value)} to {end}" for (_, value), end in zip(steps, ends, strict=True)]
        lines.append(f"{path} {', '.join(parts)}")
    return "; ".join(lines)
