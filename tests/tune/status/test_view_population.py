"""What a person sees of a population: the driver's view and the folder's are the same, a log says who went on from
whom, and so do a figure and the table."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from tests.tiny import STUDY
from tests.tune.plans import new_plan, resumed_plan
from tests.tune.pretended import POPULATION, train
from tests.tune.status.overviews import driver_view

from gibbsweep.cli.main import main
from gibbsweep.errors import UserError
from gibbsweep.study import Results
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.driver import StopRequest, only_driver
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.options.settings import Settings
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.population.figure import draw_lineages
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.status.from_folder import overview_from_folder
from gibbsweep.tune.status.lines import contender_lines
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.table.rows import rows_of


def test_the_folder_shows_what_the_driver_does(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    write_outline(plan.sweep, outline(plan))
    generations = []
    with only_driver(plan.sweep, "python x.py --resume s"):
        while (planned := plan.next()) is not None:
            plan.sweep.trial(planned.name).mkdir(parents=True, exist_ok=True)
            seen = overview_from_folder(plan.sweep).overview
            assert seen == driver_view(plan, {})
            shown = "\n".join(line.plain for line in contender_lines(seen, width=120))
            generations += [int(digit) for digit in re.findall(r"generation (\d)/4", shown)]
            train(plan, planned, breaks=0.2)
            assert overview_from_folder(plan.sweep).overview == driver_view(plan, {})
    assert generations == sorted(generations) and set(generations) == {1, 2, 3, 4}
    seen = overview_from_folder(plan.sweep).overview
    assert seen.done == seen.runs == plan.total and seen.promoted == 0
    assert seen.copied == len(plan.copies) > 4
    shown = "\n".join(line.plain for line in contender_lines(seen, width=120))
    assert re.search(r" 5 .* gone on +\d copied", shown) is not None and "promoted" not in shown


def test_the_log_says_who_went_on_from_whom_once(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=80)
    gate = Gate(plan, StopRequest(plan.sweep))
    with Progress(gate, console, SweepClock(plan.sweep, 0.0)) as progress:
        while (planned := plan.next()) is not None:
            train(plan, planned, breaks=0.2)
            progress.changed()
    said = [line for line in out.getvalue().splitlines() if "<-" in line]
    assert len(said) == len(plan.copies)
    pattern = r"rbm-\d{4}( \(diverged\))? <- rbm-\d{4} after \d+ updates \(learning_rate [\d.e-]+ -> [\d.e-]+\)"
    assert all(re.fullmatch(pattern, line) for line in said), said
    assert any("(diverged)" in line for line in said)
    assert resumed_plan(tmp_path).copies == []


def test_the_table_and_the_figure_have_the_schedule(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    while (planned := plan.next()) is not None:
        train(plan, planned)
    rows = rows_of(plan)
    (row,) = [r for r in rows if len(r.schedule) > 1][:1] or pytest.fail("no option's best has taken over another")
    steps = [part["from"] for part in row.schedule]
    assert steps[0] == 0 and steps == sorted(steps) and all(set(p["values"]) <= {"learning_rate"} for p in row.schedule)
    results = Results("s", "Why?", "digits", "laptop", "CPU", "c0ffee", {"test/x": "x"}, rows)
    assert Results.from_json(results.to_json()) == results
    (line,) = [line for line in results.to_markdown().splitlines() if line.startswith(f"- {row.label}:")]
    assert re.search(r"; while it trains: learning_rate [\d.]+ to \d+, .* to 20$", line), line
    search = plan.search_of("rbm")
    groups = [(f"k={arm.option}", arm.records, arm.best()) for arm in search.arms]
    figure = draw_lineages(groups, search.records, search.contender.space, ("learning_rate", "centred"), 20)
    assert len(figure.axes) == 4
    (thick,) = [line for line in figure.axes[0].lines if line.get_linewidth() == 2.0]
    assert list(thick.get_xdata()) == [*[p["from"] for p in rows[0].schedule], 20]
    figure.savefig(tmp_path / "f.png")


def test_a_search_does_not_start_from_trials_whose_values_changed(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    while (planned := plan.next()) is not None:
        train(plan, planned)
    options = SweepOptions(runs=tmp_path, name="t", trials=4, from_sweep="s")
    _, settings = create(STUDY, options, has_gpu=False)
    assert isinstance(settings, Settings)
    taken = warm_start.read(tmp_path / "t" / "warm_start.json")["rbm"]
    changed = sum(bool(record.copies) for record in plan.search_of("rbm").records)
    assert taken.dropped == {"its values changed while it trained": changed}
    assert len(taken.trials) == 12 - changed > 0


def test_simulate_knows_populations(capsys: pytest.CaptureFixture[str]) -> None:
    main(["simulate", "--trials", "16", "--seeds", "2", "--sampler", "random", "--scheduler", "population"])
    assert "random, population" in capsys.readouterr().out
    with pytest.raises((UserError, SystemExit)):
        main(["simulate", "--scheduler", "population", "--curves", "runs/x:rbm"])
