"""``gibbsweep list`` shows what a folder of runs holds, also what is only half there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from tests.results.pretended import results
from tests.tune.plans import finish, new_plan

from gibbsweep.cli import main
from gibbsweep.cli.sweeps.listing import age_text, listed_lines, sections, size_text
from gibbsweep.folder import Outcome, only_process, write_json
from gibbsweep.tune.folder.driver import only_driver
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.status.listing import Listed, listed

STARTED = 1_800_000_000.0


def single_run(runs: Path, name: str, outcome: Outcome | None) -> Path:
    folder = runs / "train-tiny"
    write_json(folder / "sweep.json", {"name": "train-tiny", "study": "tiny", "data": "digits"})
    run = folder / "trials" / name
    write_json(run / "config.json", {"data": {"name": "digits"}, "budget": {"updates": 20}})
    if outcome is not None:
        outcome.write(run)
    return run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A sweep with one trial done, four single runs, and folders that are no sweep's any more."""
    plan = new_plan(tmp_path, budget="laptop", trials=2)
    write_outline(plan.sweep, outline(plan))
    planned = plan.next()
    assert planned is not None
    finish(plan, planned, Outcome("completed", 20, {"validation/log_likelihood": -25.5}))
    metrics = {"peak/validation/log_likelihood": -3.0, "validation/log_likelihood": -4.0, "test/log_likelihood": -5.0}
    single_run(tmp_path, "done", Outcome("completed", 20, metrics))
    single_run(tmp_path, "broke", Outcome("diverged", 7))
    single_run(tmp_path, "cut", None)
    (tmp_path / "train-tiny" / "trials" / "never").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "sweep.json").write_text('{"na')
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "of mine.txt").write_text("no sweep")
    (tmp_path / "mlartifacts").mkdir()
    return tmp_path


def test_every_folder_is_listed_as_what_it_is(runs: Path) -> None:
    found = {one.name: one for one in listed(runs)}
    assert {name: (one.kind, one.state) for name, one in found.items()} == {
        "s": ("sweep", "stopped"),
        "train-tiny:done": ("run", "finished"),
        "train-tiny:broke": ("run", "diverged"),
        "train-tiny:cut": ("run", "stopped"),
        "train-tiny:never": ("folder", "broken"),
        "empty": ("folder", "broken"),
        "torn": ("folder", "broken"),
    }
    sweep, run = found["s"], found["train-tiny:done"]
    assert (sweep.study, sweep.data, sweep.budget, sweep.runs) == ("tiny", "digits", "laptop", (1, 8))
    assert (sweep.metric, sweep.best) == ("log p", -25.5)
    assert (run.study, run.data, run.budget, run.metric, run.best) == ("tiny", "digits", "20", "log p", -5.0)
    files = [path for path in (runs / "s").rglob("*") if path.is_file()]
    assert sweep.size == sum(path.stat().st_size for path in files)
    assert "is not JSON" in found["torn"].why and "cut short" in found["empty"].why


def test_what_a_process_works_on_is_running(runs: Path) -> None:
    with only_driver(new_plan(runs / "other").sweep, "python x.py"), only_process(runs / "train-tiny/trials/cut"):
        assert [one.state for one in listed(runs / "other")] == ["running"]
        assert {one.name: one.state for one in listed(runs)}["train-tiny:cut"] == "running"


def test_a_finished_sweep_shows_the_best_row_of_its_table(runs: Path) -> None:
    table = runs / "s" / "results" / "tiny.json"
    results().write(table.parent)
    record = json.loads((table.parent / "s.json").read_text())
    (table.parent / "s.json").write_text(json.dumps({**record, "goals": {"validation/x": "minimize"}}))
    (one,) = [one for one in listed(runs) if one.kind == "sweep"]
    assert (one.state, one.metric, one.best) == ("finished", "x", 2.5)
    (table.parent / "s.json").write_text("{")
    (one,) = [one for one in listed(runs) if one.kind == "sweep"]
    assert one.state == "broken" and "cannot be read" in one.why


def test_the_newest_come_first_and_json_says_all(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i, one in enumerate(sorted(listed(runs), key=lambda one: one.name)):
        record = one.path / ("sweep.json" if one.kind == "sweep" else "config.json")
        if one.kind == "sweep":
            write_json(record, {**json.loads(record.read_text()), "created": STARTED + i})
        else:
            os.utime(record if one.kind == "run" else one.path, (STARTED + i, STARTED + i))
    main(["list", str(runs), "--json"])
    entries: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == sorted((entry["name"] for entry in entries), reverse=True)
    assert entries[-2]["name"] == "s" and entries[-2]["runs"] == [1, 8]


def test_the_terminal_shows_everything_in_eighty_columns(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    main(["list", str(runs)])
    text = capsys.readouterr().out
    for words in ("stopped 1/8", "log p -25.50", "diverged", "single runs, named train-tiny:RUN", "remove it with"):
        assert words in text
    assert text.rstrip().endswith(
        f"1 sweep, 3 runs, 3 folders, {size_text(sum(o.size for o in listed(runs)))}, in {runs}"
    )
    main(["list", str(runs / "notes")])
    assert "holds neither sweeps nor runs yet" in capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_and_no_name_is_cut(width: int) -> None:
    name = "cd_k_cifar10-20261124-101500"
    one = Listed(name, Path("runs") / name, "sweep", "stopped", STARTED, "cd_k_cifar10", "cifar10_4k", "laptop",
                 (3, 120), -1234.5, "log p", 123_456_789)  # fmt: skip
    ((_, rows),) = sections([one, one], STARTED + 100)
    lines = [line.plain for line in listed_lines(rows, width=width)]
    assert sum(name in line for line in lines) == 2
    assert all(cell_len(line) <= max(width, 64) for line in lines)
    assert ("study" in lines[0]) is (width == 120)


def test_a_folder_that_is_none_is_a_sentence(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, sentence in ((runs / "nowhere", "cannot be listed (No such file"), (runs / "s", "is itself a sweep")):
        with pytest.raises(SystemExit) as ended:
            main(["list", str(folder)])
        assert ended.value.code == 2
        assert sentence in capsys.readouterr().err


def test_sizes_and_ages_are_short() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 12_345, 999_600, 3e9)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12 kB",
        "1.0 MB",
        "3.0 GB",
    ]
    assert [age_text(s) for s in (-1, 119, 120, 7199, 7200, 172_799, 172_800)] == [
        "0 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
        "47 h",
        "2 d",
    ]
