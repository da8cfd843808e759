"""What diverged in a population and went on from another one's checkpoint is counted: each member once, with what it
had cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny import RBM, study
from tests.tune.plans import new_plan, resumed_plan
from tests.tune.pretended import POPULATION, train

from gibbsweep.folder import read_copies
from gibbsweep.results.accounting import Accounting
from gibbsweep.study import Contender, Float, Results, Study
from gibbsweep.train import SpoolReporter
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.population.summary import replaced_members, seconds_replaced
from gibbsweep.tune.table.rows import rows_of

ONE = study(contenders={"rbm": Contender(RBM, "energy", {"learning_rate": Float(0.01, 0.3)})})


def whole_population(runs: Path, the_study: Study = ONE, breaks: float = 0.15) -> Plan:
    members = 12 // len(the_study.contenders["rbm"].options())
    plan = new_plan(runs, the_study, **{**POPULATION, "trials": members})
    while (planned := plan.next()) is not None:
        train(plan, planned, breaks=breaks)
    return plan


def lost_and_replaced(plan: Plan) -> dict[str, list[int]]:
    """From the run folders: the boundaries at which each member was replaced after it had diverged."""
    found = {
        run: [t.step for t in read_copies(plan.sweep.trial(run)) if t.lost_as == "diverged"] for run in plan.outcomes
    }
    return {run: steps for run, steps in found.items() if steps}


@pytest.mark.parametrize("the_study", [ONE, study()], ids=["one option", "two"])
def test_each_member_that_diverged_counts_once(tmp_path: Path, the_study: Study) -> None:
    plan = whole_population(tmp_path, the_study)
    lost = lost_and_replaced(plan)
    assert len(lost) >= 2 and max(map(len, lost.values())) >= 2, "some more than once"
    rows = rows_of(plan)
    assert plan.counts()["diverged"] == sum(row.outcomes["diverged"] for row in rows)
    assert sum(row.replaced for row in rows) == sum(plan.outcomes[run].kind != "diverged" for run in lost) > 0
    for row in rows:
        ended = sum(row.outcomes.values())
        assert row.diverged_share == (row.outcomes["diverged"] + row.replaced) / ended <= 1
    assert rows_of(resumed_plan(tmp_path, the_study)) == rows
    results = Results("tiny", "?", "digits", "laptop", "cpu", "c" * 40, {"validation/log_likelihood": "log p"}, rows)
    assert Results.from_json(results.to_json()).rows == rows
    told = f"Among the diverged are {sum(row.replaced for row in rows)} members of populations that went on from"
    assert told in results.to_markdown()


def test_nobody_is_counted_who_was_replaced_as_one_of_the_worst(tmp_path: Path) -> None:
    plan = whole_population(tmp_path, breaks=1.0)
    assert any(record.copies for record in plan.search_of("rbm").records) and not lost_and_replaced(plan)
    (row,) = rows_of(plan)
    assert (row.replaced, row.diverged_share) == (0, 0.0)
    results = Results("tiny", "?", "digits", "laptop", "cpu", "c" * 40, {}, [row])
    assert "replaced" not in results.to_json() and "Among" not in results.to_markdown()


def test_who_has_not_ended_is_not_counted_yet(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, ONE, **POPULATION)
    for _ in range(16):  # into the second generation
        planned = plan.next()
        assert planned is not None
        train(plan, planned, breaks=0.15)
    assert any(record.lost for record in plan.search_of("rbm").records)
    assert [(row.replaced, row.diverged_share) for row in rows_of(plan)] == [(0, 0.0)]


def test_the_accounting_moves_what_the_divergences_cost_and_loses_nothing(tmp_path: Path) -> None:
    """A pretended member has spent 1 s whenever it pauses or diverges, and 2 s at its end."""
    plan = whole_population(tmp_path)
    search, lost = plan.search_of("rbm"), lost_and_replaced(plan)
    for run in plan.outcomes:
        spool = SpoolReporter(plan.sweep.trial(run))
        for step, seconds in ((3, 0.1), (5, 0.25), (10, 0.5), (15, 0.75)):
            spool(step, {"train/device_seconds": seconds})
        spool.close()
    expected = {}
    for record in replaced_members(search.records):
        run, copies = f"rbm-{record.number:04d}", {copied.step for copied in record.copies}
        began = {5: 0.0, 10: 1.0 if 5 in copies else 0.25, 15: 1.0 if 10 in copies else 0.5}
        expected[run] = sum(1.0 - began[step] for step in lost[run])
    assert seconds_replaced("rbm", search.records, search.rungs, plan.sweep) == expected
    assert sum(expected.values()) > 0
    moved = [(plan.outcomes[run].kind, seconds) for run, seconds in expected.items()]
    before, after = (Accounting.of(plan.outcomes.values(), replaced=found) for found in ((), moved))
    assert after.diverged - before.diverged == pytest.approx(sum(expected.values()))
    assert after.useful + after.diverged == pytest.approx(before.useful + before.diverged)
    assert f"diverged {after.diverged:.1f} s" in str(after)
