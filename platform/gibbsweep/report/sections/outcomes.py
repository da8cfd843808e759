"""How the runs ended, and why those that diverged or failed did."""

from __future__ import annotations

import re
from collections import Counter

from gibbsweep.folder import OUTCOME_KINDS
from gibbsweep.report.blocks import Block, Folded, Section, Table, Words
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.run import Run

MOST_NAMED = 200
_SHOWN = 8


def section(evidence: Evidence) -> Section:
    """Counts by row, the reasons, the restarts, and the account of the device-seconds."""
    if not evidence.runs:
        return Section("outcomes", "Outcomes")
    blocks: list[Block] = [_counts(evidence)]
    if evidence.results is not None and evidence.results.accounting is not None:
        blocks.append(Words([f"{evidence.results.accounting}."], style="quiet"))
    for kind, title in (("diverged", "Divergences"), ("failed", "Failures")):
        runs = [run for run in evidence.runs if run.state == kind]
        if runs:
            blocks += _reasons(title, runs)
    restarts = [
        [run.name, f"{restart.step:,}", restart.phase or "–", str(restart)]
        for run in evidence.runs
        if run.outcome is not None
        for restart in run.outcome.restarts
    ]
    if restarts:
        table = Table(["run", "update", "phase", "what happened"], restarts[:MOST_NAMED], numeric=False)
        blocks.append(Folded(f"Restarts after divergences ({len(restarts)})", [table]))
    if not any(run.state in ("diverged", "failed") for run in evidence.runs) and not restarts:
        blocks.append(Words(["No run diverged or failed."], style="quiet"))
    return Section("outcomes", "Outcomes", blocks)


def _counts(evidence: Evidence) -> Table:
    kinds = [*OUTCOME_KINDS, "waiting", "not ended"]
    by_group: dict[str, Counter[str]] = {}
    for run in evidence.runs:
        by_group.setdefault(run.group, Counter())[run.state] += 1
    used = [kind for kind in kinds if any(counts[kind] for counts in by_group.values())]
    groups = [group for group in evidence.groups() if group in by_group]
    rows = [[g, *(str(by_group[g][k] or "–") for k in used), str(by_group[g].total())] for g in groups]
    if len(rows) > 1:
        whole = sum(by_group.values(), Counter())
        rows.append(["all", *(str(whole[kind] or "–") for kind in used), str(whole.total())])
    return Table(["row", *used, "runs"], rows, caption="All runs, of the search and of the retraining.")


def _reasons(title: str, runs: list[Run]) -> list[Block]:
    """The reasons, the most frequent first, where there are many; each run with its own."""
    lines = [
        [
            run.name,
            run.outcome.message or "no reason on record",
            run.group,
            f"{run.outcome.step:,}",
            run.outcome.phase or "–",
        ]
        for run in runs
        if run.outcome is not None
    ]
    table = Table(["run", "reason", "row", "after update", "phase"], lines[:MOST_NAMED], numeric=False)
    if len(lines) > MOST_NAMED:
        table = Table(
            table.header, table.rows, numeric=False, caption=f"The first {MOST_NAMED} of {len(lines)} are listed."
        )
    heading = f"{title} ({len(lines)})"
    if len(lines) <= _SHOWN:
        return [Words([f"{heading}:"]), table]
    # Numbers differ from run to run: reasons that differ in them alone count as one.
    alike = Counter(re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "…", line[1].splitlines()[0]) for line in lines)
    common = Table(["reason", "runs"], [[text, str(count)] for text, count in alike.most_common(10)])
    return [Words([f"{heading}, by reason:"]), common, Folded("Each of them", [table])]
