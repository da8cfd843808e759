"""The question, and its answer in sentences drawn from the numbers."""

from __future__ import annotations

import math

from gibbsweep.report.blocks import Block, Command, Folded, Section, Table, Words
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.ranking import best_first, quality
from gibbsweep.results.difference import difference
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.tune.folder.driver import Driver

FEWEST_COMPARED = 2


def section(evidence: Evidence) -> Section:
    """The sentences, what the study itself finds, and the judged targets."""
    blocks: list[Block] = [Words(answer_sentences(evidence), style="lead")]
    results = evidence.results
    if evidence.state != "finished":
        blocks.append(Words([_progress(evidence)], style="warning"))
        if evidence.state == "not finished" and (driver := _driver(evidence)) is not None:
            blocks.append(Command(driver.command_from_here))
    if results is not None:
        if results.findings:
            blocks.append(Words(results.findings, listed=True))
        if results.verdicts:
            blocks.append(_verdicts(results))
        if results.note:
            blocks.append(Words([results.note], style="quiet"))
        cautions = [*results.violations(), *results.tuning()]
        if cautions:
            blocks.append(Folded("What to know of how the rows were tuned", [Words(cautions, listed=True)]))
    if evidence.problems:
        shown = [f"{problem[0].upper()}{problem[1:]}" for problem in evidence.problems]
        blocks.append(Folded(f"What could not be read ({len(shown)})", [Words(shown, listed=True, style="warning")]))
    return Section("answer", "Answer", blocks)


def answer_sentences(evidence: Evidence) -> list[str]:
    """The best row, how far it is ahead and whether seeds can tell, what it costs, and how well the rows were tuned. Of
    a finished sweep they are the sentences of its table."""
    if evidence.results is not None and (said := evidence.results.answers()):
        return said
    measure = quality(evidence)
    if measure is None:
        return ["The record of this sweep names no goal, so that nothing can be ranked."]
    ranked = best_first(evidence, measure)
    if not ranked:
        return _by_trials(evidence)
    best, at_best = ranked[0], ranked[0].metrics[measure.metric]
    sentences = [f"{best.label} is best in {measure.heading}: {at_best}{_seeds(at_best)}."]
    others = [row for row in ranked[1:] if row.group != best.group]
    if others:
        second, at_second = others[0], others[0].metrics[measure.metric]
        sentences.append(f"Next is {second.label} with {at_second}; {_strength(at_best, at_second)}.")
        trained = (row for row in ranked if row.device_seconds > 0 and row.updates > 1)
        cheapest = min(trained, key=lambda r: r.device_seconds, default=None)
        if cheapest is not None and cheapest is not best and best.device_seconds > 0:
            times = best.device_seconds / cheapest.device_seconds
            sentences.append(f"It takes {times:.1f} times the device-seconds of {cheapest.label}, the cheapest row.")
    baseline = next((row for row in ranked if row.kind == "baseline"), None)
    if baseline is not None and best.kind != "baseline":
        sentences.append(f"The best baseline, {baseline.label}, reaches {baseline.metrics[measure.metric]}.")
    return [*sentences, *_effort(ranked)]


def _by_trials(evidence: Evidence) -> list[str]:
    """Before any retraining has ended: the best trial of all."""
    goal = evidence.first_goal()
    assert goal is not None  # quality() knows one
    ended = [(run, value) for run in evidence.searched() if (value := run.value(goal)) is not None]
    ended = [(run, value) for run, value in ended if not math.isnan(value)]
    if not ended:
        return ["No run has ended with a value of the goal yet."]
    best, value = min(ended, key=lambda pair: goal.loss(pair[1]))
    return [
        f"So far {best.name} ({best.group}) is the best of {len(ended)} trials, with {goal.metric} {value:.4g}.",
        "Nothing has been retrained with other seeds yet, so this ranks trials, not rows.",
    ]


def _seeds(statistic: Statistic) -> str:
    return f" over {statistic.n} seeds" if statistic.n > 1 else " with one seed"


def _strength(best: Statistic, second: Statistic) -> str:
    gap = difference(best, second)
    ahead = f"the difference is {abs(gap.value):.3g}"
    if gap.noise is None:
        return f"{ahead}, by one seed, which says little"
    if gap.clear:
        return f"{ahead}, more than two standard errors ({gap.noise:.3g})"
    return f"{ahead}, within two standard errors ({gap.noise:.3g}): these seeds cannot tell the two apart"


def _effort(rows: list[Row]) -> list[str]:
    trials = sorted({row.trials for row in rows if row.trials})
    if not trials:
        return []
    if len(trials) > 1:
        return [f"The rows had {trials[0]} to {trials[-1]} trials each."]
    noun = "trial" if trials == [1] else "trials"
    return [f"{'Each row' if len(rows) >= FEWEST_COMPARED else 'It'} had {trials[0]} {noun}."]


def _progress(evidence: Evidence) -> str:
    ended = sum(run.outcome is not None for run in evidence.runs)
    planned = sum(outline.trials + len(outline.retrainings) for outline in evidence.outlines.values())
    of = f" of {planned}" if planned else ""
    if evidence.state == "running":
        return f"The sweep is running: {ended}{of} runs have ended. What is shown is what is known so far."
    return f"The sweep is not finished and nothing drives it: {ended}{of} runs have ended. This continues it:"


def _driver(evidence: Evidence) -> Driver | None:
    try:
        return Driver.read(evidence.sweep)
    except (OSError, ValueError, TypeError):
        return None


def _verdicts(results: Results) -> Table:
    rows = [[v.claim, f"{v.got:.4g}", f"{v.relation} {v.bound:.4g}", v.margin, v.answer] for v in results.verdicts]
    return Table(
        ["to beat", "got", "needed", "two errors", "beaten"],
        rows,
        caption="“level”: within two standard errors of the difference, over the seeds of both sides.",
    )
