"""Every sampler: a function of the seed and the records, inside the space, branch by branch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Float, Int, Space
from gibbsweep.study.study import Contender, Goal
from gibbsweep.train import Outcome
from gibbsweep.tune import unit_cube
from gibbsweep.tune.sampler import SamplerName
from gibbsweep.tune.scheduler import SchedulerForm
from gibbsweep.tune.search import Search

SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)


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
) -> Search:
    contender = Contender(Config(), "baseline", space, compare=compare)  # type: ignore[arg-type]
    return Search(
        storage or InMemoryStorage(), "s", contender, Goal("loss", "minimize"), updates=9, trials=trials, seed=seed,
        sampler=sampler, scheduler=SchedulerForm("halving"),
    )  # fmt: skip


def loss(values: dict[str, Any]) -> float:
    return abs(values["rate"] - 0.05) + 0.01 * values["width"]


def step(found: Search) -> dict[str, Any]:
    record = found.ask()
    found.report(record.number, record.runs_to, loss(record.values))
    found.tell(record.number, Outcome("completed", 9, {"loss": loss(record.values)}))
    return record.values


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_values_lie_inside_the_space_and_have_their_branch_alone(sampler: SamplerName) -> None:
    found = search(sampler)
    for _ in range(found.trials):
        values = step(found)
        assert values["form"] in ("mlp", "conv")
        assert 4 <= values["width"] <= 64 and isinstance(values["width"], int)
        assert 1e-3 <= values["rate"] <= 1.0
        assert ("kernel" in values) == (values["form"] == "conv")
        assert ("layers" in values) == (values["form"] == "mlp")
        assert 1 <= values.get("kernel", 1) <= 7
        assert tuple(values.get("layers", (4,))) in ((4,), (8, 8))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_asks_the_same_and_a_killed_search_goes_on_the_same(sampler: SamplerName, tmp_path: Path) -> None:
    """The second search is built anew from its journal before every trial, as after a crash."""
    space = PLAIN if sampler == "cmaes" else SPACE
    whole = search(sampler, space=space)
    undisturbed = [step(whole) for _ in range(whole.trials)]
    journal = str(tmp_path / "journal")
    resumed = []
    for _ in range(whole.trials):
        resumed.append(step(search(sampler, JournalStorage(JournalFileBackend(journal)), space=space)))
    assert [{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()} for values in resumed] == undisturbed
    if sampler != "grid":
        other = search(sampler, space=space, seed=1)
        assert [step(other) for _ in range(other.trials)][1:] != undisturbed[1:]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_compared_options_take_turns_and_the_recipe_comes_first(sampler: SamplerName) -> None:
    found = search(sampler, compare="form", trials=12)
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


def test_a_grid_is_every_combination_and_as_fine_as_the_trials_allow() -> None:
    coarse = unit_cube.grid(SPACE, 9, {})
    assert len(coarse) == 3, "two layers, one kernel, one width and rate: 2 values of each would be 16"
    fine = unit_cube.grid(PLAIN, 10, {})
    assert sorted({values["rate"] for values in fine}) == pytest.approx([1e-3, 10**-1.5, 1.0])
    assert sorted({values["width"] for values in fine}) == [4, 34, 64]
    assert len(fine) == 9
    assert search("grid", trials=100, space={"form": Choice("mlp", "conv")}).trials == 2
    with pytest.raises(UserError, match="has 3 points, and 2 trials"):
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
