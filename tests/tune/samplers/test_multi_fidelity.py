"""Search by expected ends: early reports mislead, and the model that has seen a few ends is not misled; also not by a
crash."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from tests.tune.searches import search_for

from gibbsweep.study.contender import Contender
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Choice, Float, Space
from gibbsweep.train import Outcome
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers.multi_fidelity import HYPERPARAMETERS
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.schedulers.rungs import Rung
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.simulation.curves import SyntheticCurves
from gibbsweep.tune.simulation.simulate import SearchPolicy, simulate

UPDATES = 27
SPACE: Space = {"rate": Float(0.0, 1.0), "width": Choice(8, 16, 32)}


@dataclass(frozen=True)
class Config:
    rate: float = 0.9
    width: int = 32


def loss(values: dict[str, Any], step: int) -> float:
    """After 9 updates the largest rate is best, at the end .25."""
    ahead = (values["rate"] - 0.25) ** 2
    return 1 / step + (1 - values["rate"] if step < UPDATES else ahead) + 0.001 * values["width"]


def search(
    storage: BaseStorage | None = None,
    sampler: SamplerName = "gp",
    compare: str | None = None,
    earlier: Sequence[Record] = (),
) -> Search:
    contender = Contender(Config(), "baseline", SPACE, compare=compare)  # type: ignore[arg-type]
    return search_for(
        storage or InMemoryStorage(), contender, Goal("loss", "minimize"), updates=UPDATES, trials=40, seed=3,
        sampler=sampler, scheduler=SchedulerConfig("halving", rungs=1), earlier=earlier,
    )  # fmt: skip


def step(found: Search) -> tuple[int, int]:
    """One worker's next segment: which trial, and from how many updates on."""
    record = found.promote() or found.ask()
    start = record.updates_done
    value = loss(record.values, record.runs_to)
    assert found.report(record.number, record.runs_to, {"loss": value}) == "go"
    if record.runs_to < UPDATES:
        found.pause(record.number)
    else:
        found.tell(record.number, Outcome("completed", UPDATES, {"loss": value}))
    return record.number, start


def test_what_is_promotable_is_ranked_by_expected_ends() -> None:
    rung = Rung(3)
    for number, value in enumerate((0.1, 0.2, 0.3, 0.4, 0.5, 0.6)):
        rung.add(number, (value,))
    assert rung.promotable() == 0
    ends = [0.9, 0.8, 0.1, 0.7, 0.6, 0.2]
    assert rung.promotable(ends) == 2
    rung.remove(2)
    assert rung.promotable(ends) == 5
    rung.remove(5)
    assert rung.promotable(ends) is None, "two of six have gone on"


def test_who_looks_bad_early_is_promoted_once_the_model_knows_better() -> None:
    found = search()
    promoted = [found.records[number].values["rate"] for number, start in (step(found) for _ in range(48)) if start]
    assert promoted[0] > 0.6, "the first one by its report"
    assert max(promoted[-4:]) < 0.5, "the last ones by their end"
    asked = [record.values["rate"] for record in found.records[-8:]]
    assert sum(abs(rate - 0.25) < 0.15 for rate in asked) >= 5
    misled = search(sampler="random")
    by_report = [misled.records[number].values["rate"] for number, start in (step(misled) for _ in range(48)) if start]
    assert min(by_report) > 0.5


@pytest.mark.parametrize("compare", [None, "width"])
def test_a_search_that_is_killed_before_every_segment_decides_the_same(compare: str | None, tmp_path: Path) -> None:
    whole = search(compare=compare)
    undisturbed = [step(whole) for _ in range(40)]
    journal = str(tmp_path / "journal")
    again = [
        step(search(JournalStorage(JournalFileBackend(journal)), compare=compare)) for _ in range(len(undisturbed))
    ]
    assert again == undisturbed
    resumed = search(JournalStorage(JournalFileBackend(journal)), compare=compare)
    assert [r.values for r in resumed.records] == [r.values for r in whole.records]
    fits = [record.number for record in resumed.records if HYPERPARAMETERS in record.attrs]
    assert fits == [record.number for record in whole.records if HYPERPARAMETERS in record.attrs]
    assert fits and any(number not in fits for number in range(17, len(whole.records))), "not every trial costs a fit"


def test_every_compared_option_gets_its_share_and_its_own_best() -> None:
    found = search(compare="width")
    for _ in range(60):
        step(found)
    assert [arm.option for arm in found.arms] == [8, 16, 32]
    for arm in found.arms:
        assert all(record.values["width"] == arm.option for record in arm.records)
        best = arm.best()
        assert best is not None and abs(best.values["rate"] - 0.25) < 0.1


def test_none_that_waits_is_hopeless_where_a_model_may_think_better_of_it() -> None:
    found, plain = search(), search(sampler="random")
    for one in (found, plain):
        for _ in range(60):
            if len(one.records) == one.trials:
                break
            step(one)
    assert found.hopeless() == [] and plain.hopeless()


def test_a_region_that_diverges_is_left() -> None:
    """Rates above one half come to nothing, whatever they promise."""
    found = search()
    for _ in range(40):
        record = found.promote() or found.ask()
        value = loss(record.values, record.runs_to) if record.values["rate"] <= 0.5 else math.nan
        if found.report(record.number, record.runs_to, {"loss": value}) == "diverge":
            found.tell(record.number, Outcome("diverged", record.runs_to))
        elif record.runs_to < UPDATES:
            found.pause(record.number)
        else:
            found.tell(record.number, Outcome("completed", UPDATES, {"loss": value}))
    assert sum(record.state == "diverged" for record in found.records[-10:]) <= 2


def test_it_finds_on_crossing_curves_what_random_halving_does_not_in_the_same_time() -> None:
    """Virtual seconds of eight workers; the median over seeds of the best end."""
    best: dict[str, list[float]] = {}
    for seed in range(3):
        for sampler in ("gp", "random"):
            curves = SyntheticCurves(seed=seed)
            policy = SearchPolicy.of(
                curves, trials=400, seed=seed, sampler=sampler, scheduler=SchedulerConfig("halving", rungs=2)
            )  # fmt: skip
            found = simulate(policy, curves, workers=8, overhead=1.0, until=400)
            best.setdefault(sampler, []).append(found.best[-1][1])
    assert sorted(best["gp"])[1] < sorted(best["random"])[1]


def test_ends_are_expected_anew_after_every_report_and_only_then() -> None:
    found = search()
    for _ in range(16):
        step(found)
    model = found._sampler._of_ends
    assert model is not None
    before = model.expected_ends(found.goals[0], found.records)
    assert before is not None and model.expected_ends(found.goals[0], found.records) is before
    waiting = next(record for record in found.records if record.state == "paused")
    found.report(waiting.number, UPDATES - 1, {"loss": 9.0})
    after = model.expected_ends(found.goals[0], found.records)
    assert after is not None and after[waiting.number] > before[waiting.number]


def test_what_an_earlier_sweep_has_learned_ranks_the_first_that_wait() -> None:
    before = search()
    for _ in range(40):
        step(before)
    found = search(earlier=before.records)
    first = found.ask()
    assert first.values["rate"] == Config().rate and HYPERPARAMETERS in first.attrs
    ends = found._sampler.expected_ends(found.goals, found.records)
    assert ends is not None and len(ends) == 1
    assert abs(found.ask().values["rate"] - 0.25) < 0.2, "the second one is suggested, not drawn"
