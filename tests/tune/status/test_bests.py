"""The best of each compared option, as a person watches it, with what differs from the recipe."""

from __future__ import annotations

from pathlib import Path

from tests.tiny import STUDY
from tests.tune.plans import new_plan
from tests.tune.status.overviews import driver_view

from gibbsweep.folder import Outcome
from gibbsweep.tune.plan.outline import outline, read_outline, write_outline
from gibbsweep.tune.status.lines import contender_lines


def test_each_option_shows_its_best_and_what_it_changes(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, STUDY, trials=3)
    ends: dict[int, list[float]] = {1: [-30.0, -20.0, -25.0], 2: [-15.0, -18.0, -40.0]}
    for _ in range(6):
        run = plan.next()
        assert run is not None
        value = ends[run.values["k"]].pop(0)
        plan.close(run.name, Outcome("completed", 10, {"validation/log_likelihood": value}))
    (contender,) = driver_view(plan, {}).contenders
    assert [(best.option, best.value) for best in contender.bests] == [("k=2", -15.0), ("k=1", -20.0)]
    assert contender.best is not None and contender.best.value == -15.0
    # The first trial of an option is the recipe; of the others, only what differs is shown.
    first, second = contender.bests
    assert first.values == {}
    config = STUDY.contender("rbm").config
    assert second.values and all(getattr(config, path) != value for path, value in second.values.items())
    assert "k" not in second.values
    lines = [line.plain for line in contender_lines(driver_view(plan, {}), width=120)]
    assert "k=2  log_likelihood -15  the recipe as it stands" in lines[1]
    assert "k=1  log_likelihood -20" in lines[2]
    (folded,) = [line.plain for line in contender_lines(driver_view(plan, {}), width=120, height=2)][:1]
    assert "best -15" in folded and "-20" not in folded


def test_an_outline_of_an_older_sweep_is_read(tmp_path: Path) -> None:
    import json

    plan = new_plan(tmp_path, STUDY)
    write_outline(plan.sweep, outline(plan))
    assert read_outline(plan.sweep) == outline(plan)
    record = json.loads(plan.sweep.outline.read_text())
    for one in record.values():
        del one["compared"], one["recipe"]
    plan.sweep.outline.write_text(json.dumps(record))
    assert read_outline(plan.sweep)["rbm"].compared == ()
