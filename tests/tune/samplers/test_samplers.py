"""Every sampler: a function of the seed and the records, inside the space, branch by branch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from tests.tune.searches import search_for

from gibbsweep.errors import UserError
from gibbsweep.results.dominance import hypervolume
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Choice, Float, Int, Space
from gibbsweep.study.study import Contender
from gibbsweep.train import Outcome
from gibbsweep.tune.journal.ranking import end_losses
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.samplers.sampler import BEST, SamplerName, _cap
from gibbsweep.tune.schedulers.choice import SchedulerConfig, SchedulerName
from gibbsweep.tune.search.search import Search

SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)
GOALS: tuple[Goal, ...] = (Goal("loss", "minimize"), Goal("width", "maximize"), Goal("rate", "minimize"))
SEVERAL = {"cmaes": (1,), "gp": (1, 2)}  # a Gaussian process of three goals takes a second to ask
CASES = [(sampler, n) for sampler in SAMPLERS for n in SEVERAL.get(sampler, (1, 2, 3))]
every_sampler = pytest.mark.parametrize(("sampler", "objectives"), CASES)


@dataclass(frozen=True)
class Config:
    form: str = "mlp"
    width: int = 8
    rate: float = 0.1
    layers: tuple[int, ...] = (4,)
    kernel: int = 3


SPACE: Space = {
    "form": Choice("mlp", "conv", then={"conv": {"kernel": Int(1, 7)}, "mlp": {"layers": Choice((4,), (8, 8))}}),
    "width": Int(4, 64, log=True),
    "rate": Float(1e-3, 1.0, log=True),
}
PLAIN: Space = {"rate": Float(1e-3, 1.0, log=True), "width": Int(4, 64)}


def search(
    sampler: SamplerName,
    storage: BaseStorage | None = None,
    *,
    space: Space = SPACE,
    trials: int = 16,
    seed: int = 0,
    compare: str | None = None,
    objectives: int = 1,
    constraints: tuple[Constraint, ...] = (),
    scheduler: SchedulerName = "halving",
) -> Search:
    contender = Contender(Config(), "baseline", space, compare=compare)  # type: ignore[arg-type]
    return search_for(
        storage or InMemoryStorage(), contender, *GOALS[:objectives], updates=9, trials=trials, seed=seed,
        sampler=sampler, scheduler=SchedulerConfig(scheduler), constraints=constraints,
    )  # fmt: skip


def loss(values: dict[str, Any]) -> float:
    return abs(values["rate"] - 0.05) + 0.01 * values["width"]


def metrics(values: dict[str, Any]) -> dict[str, float]:
    """The width is to be large and the loss, of which it is a part, small."""
    return {"loss": loss(values), "width": float(values["width"]), "rate": values["rate"]}


def step(found: Search) -> dict[str, Any]:
    record = found.ask()
    measured = metrics(record.values)
    found.report(record.number, record.runs_to, measured)
    found.tell(record.number, Outcome("completed", 9, measured))
    return record.values


@every_sampler
def test_values_lie_inside_the_space_and_have_their_branch_alone(sampler: SamplerName, objectives: int) -> None:
    found = search(sampler, objectives=objectives, trials=12 if sampler == "gp" else 16)
    for _ in range(found.trials):
        values = step(found)
        assert values["form"] in ("mlp", "conv")
        assert 4 <= values["width"] <= 64 and isinstance(values["width"], int)
        assert 1e-3 <= values["rate"] <= 1.0
        assert ("kernel" in values) == (values["form"] == "conv")
        assert ("layers" in values) == (values["form"] == "mlp")
        assert 1 <= values.get("kernel", 1) <= 7
        assert tuple(values.get("layers", (4,))) in ((4,), (8, 8))


@every_sampler
def test_the_same_seed_asks_the_same_and_a_killed_search_goes_on_the_same(
    sampler: SamplerName, objectives: int, tmp_path: Path
) -> None:
    """The second search is built anew from its journal before every trial, as after a crash."""
    space = PLAIN if sampler == "cmaes" else SPACE
    trials = 7 if sampler == "gp" else 16
    whole = search(sampler, space=space, objectives=objectives, trials=trials)
    undisturbed = [step(whole) for _ in range(whole.trials)]
    journal = str(tmp_path / "journal")
    resumed = []
    for _ in range(whole.trials):
        storage = JournalStorage(JournalFileBackend(journal))
        resumed.append(step(search(sampler, storage, space=space, objectives=objectives, trials=trials)))
    assert [{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()} for values in resumed] == undisturbed
    if sampler != "grid":
        other = search(sampler, space=space, seed=1, objectives=objectives, trials=trials)
        assert [step(other) for _ in range(other.trials)][1:] != undisturbed[1:]


@every_sampler
def test_compared_options_take_turns_and_the_recipe_comes_first(sampler: SamplerName, objectives: int) -> None:
    found = search(sampler, compare="form", trials=4 if sampler == "gp" else 6, objectives=objectives)
    asked = [step(found) for _ in range(found.trials)]
    assert [values["form"] for values in asked] == ["mlp", "conv"] * (found.trials // 2)
    if sampler != "grid":
        assert (asked[0]["rate"], asked[0]["width"]) == (0.1, 8)
        assert (asked[1]["rate"], asked[1]["width"]) == (0.1, 8)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_a_model_beats_chance(sampler: SamplerName) -> None:
    """Mean loss of the last ten of thirty trials, over three seeds, against the mean of the whole space."""
    values = []
    for seed in range(3):
        found = search(sampler, space=PLAIN, trials=30, seed=seed)
        values += [loss(step(found)) for _ in range(30)][20:]
    chance = [loss(unit_cube.random_point(PLAIN, 0, n, {})) for n in range(300)]
    assert sum(values) / len(values) < 0.75 * sum(chance) / len(chance)


@pytest.mark.parametrize(("sampler", "trials", "seeds"), [("tpe", 30, 3), ("gp", 16, 1)])
def test_a_model_of_two_goals_finds_more_of_their_front_than_chance(
    sampler: SamplerName, trials: int, seeds: int
) -> None:
    """The box that a front dominates, against that of random search. The front is at rate .05, for every width."""
    for seed in range(seeds):
        volumes = []
        for name in (sampler, "random"):
            found = search(name, space=PLAIN, trials=trials, seed=seed, objectives=2, scheduler="none")  # type: ignore[arg-type]
            reached = [metrics(step(found)) for _ in range(trials)]
            volumes.append(hypervolume([(m["loss"], -m["width"]) for m in reached], (1.0, -4.0)))
        assert volumes[0] > volumes[1]


@pytest.mark.parametrize(("sampler", "trials"), [("tpe", 40), ("gp", 15)])
def test_a_model_of_two_goals_keeps_to_a_constraint(sampler: SamplerName, trials: int) -> None:
    """The loss pulls the rate to .05; twice as many suggestions as by chance, a quarter, hold it above .2 all the
    same."""
    held = Constraint("rate", ">=", 0.2)
    found = search(sampler, space=PLAIN, trials=trials, objectives=2, constraints=(held,), scheduler="none")
    rates = [step(found)["rate"] for _ in range(trials)]
    assert sum(rate >= 0.2 for rate in rates[10:]) >= 0.46 * (trials - 10)
    assert all(member.values["rate"] >= 0.2 for member in found.arms[0].members(5))


def test_cmaes_is_refused_for_several_goals() -> None:
    with pytest.raises(UserError, match="cmaes searches for one goal, and there are 2: use --sampler tpe or gp"):
        search("cmaes", objectives=2)


def test_a_long_history_keeps_the_last_trials_and_the_front_of_the_others() -> None:
    records = [
        Record(n, n, {}, {}, {}, 9, "completed", objectives=(float(n % 50), float(-(n % 50)))) for n in range(300)
    ]
    records[3].objectives = -1.0, -60.0  # dominates all
    kept = _cap(records, end_losses(records, (Goal("a", "minimize"), Goal("b", "minimize"))))
    assert [record.number for record in kept[BEST:]] == list(range(75, 300))
    assert [record.number for record in kept[:3]] == [3, 0, 49], "front 0, then the extremes of the next one"
    assert len({record.objectives for record in kept[:BEST]}) == BEST


def test_a_grid_is_every_combination_and_as_fine_as_the_trials_allow() -> None:
    coarse = unit_cube.grid(SPACE, 9, {})
    assert len(coarse) == 3, "two layers, one kernel, one width and rate: 2 values of each would be 16"
    fine = unit_cube.grid(PLAIN, 10, {})
    assert sorted({values["rate"] for values in fine}) == pytest.approx([1e-3, 10**-1.5, 1.0])
    assert sorted({values["width"] for values in fine}) == [4, 34, 64]
    assert len(fine) == 9
    assert search("grid", trials=100, space={"form": Choice("mlp", "conv")}).trials == 2
    with pytest.raises(UserError, match="has 3 points, and there are 2 trials"):
        unit_cube.grid(SPACE, 2, {})


def test_sobol_points_fill_the_cube_evenly() -> None:
    """2^k points of a Sobol sequence have exactly 2^k / 4 in each quarter of every axis."""
    points = [unit_cube.sobol_point({"u": Float(0, 1), "v": Float(0, 1)}, 3, n, {}) for n in range(32)]
    for axis in ("u", "v"):
        counts = [sum(int(4 * point[axis]) == quarter for point in points) for quarter in range(4)]
        assert counts == [8, 8, 8, 8]


def test_whole_numbers_are_drawn_evenly() -> None:
    counts = [0] * 4
    for n in range(4000):
        counts[unit_cube.random_point({"n": Int(0, 3)}, 0, n, {})["n"]] += 1
    assert max(abs(count - 1000) for count in counts) < 4 * (4000 * 0.25 * 0.75) ** 0.5


def test_an_unknown_sampler_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"'tqe'.*tpe\|gp"):
        search("tqe")  # type: ignore[arg-type]
