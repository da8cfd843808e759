"""What a person watches: the driver's view and the folder's are the same, they fit, and looking changes nothing."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
from rich.console import Console
from tests.tune.plans import new_plan, outcome_of, resumed_plan
from tests.tune.segments import run_segment
from tests.tune.status.overviews import driver_view

from gibbsweep.errors import UserError
from gibbsweep.study import Goal
from gibbsweep.train import Outcome, SpoolReporter
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.driver import StopRequest, is_driven, only_driver, request_stop, stop_requested
from gibbsweep.tune.folder.layout import find_sweep
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.plan.outline import Outline, expected_updates, outline, write_outline
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.status.from_folder import overview_from_folder
from gibbsweep.tune.status.lines import contender_lines, total_lines
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.status.overview import LastReport, Overview, overview_of


def files(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("scheduler", ["none", "halving"])
def test_the_folder_shows_what_the_driver_does_and_stays_as_it_is(tmp_path: Path, scheduler: str) -> None:
    """After every step of a sweep; the journal and a spool end in lines that are just being written."""
    plan = new_plan(tmp_path, trials=9, scheduler=scheduler)
    write_outline(plan.sweep, outline(plan))
    last_reports: dict[str, LastReport] = {}
    with only_driver(plan.sweep, "python x.py --resume s"):
        while (planned := plan.next()) is not None:
            run_dir = plan.sweep.trial(planned.name)
            spool = SpoolReporter(run_dir)
            spool(2, {"train/device_seconds": 0.5, "train/restarts": 1.0})
            spool.close()
            last_reports[planned.name] = LastReport(2, 0.5, 1)
            if planned.kind == "search" and planned.number % 3 == 0:
                whole = (run_dir / "metrics.jsonl").read_bytes()
                journal = plan.sweep.journal.read_bytes()
                (run_dir / "metrics.jsonl").write_bytes(whole + b'{"step": 3, "ti')
                plan.sweep.journal.write_bytes(journal + b'{"op_code":6,"wor')
                before = files(tmp_path)
                seen = overview_from_folder(plan.sweep)
                assert files(tmp_path) == before
                plan.sweep.journal.write_bytes(journal)
                assert seen.driven
                assert seen.overview == driver_view(plan, last_reports)
                assert seen.overview.running == 1
                assert seen.overview.restarts >= 1
            run_segment(plan, planned, updates=20)
    seen = overview_from_folder(plan.sweep)
    assert seen.overview == driver_view(plan, last_reports)
    assert (seen.driven, seen.interrupted) == (False, 0)
    assert seen.overview.done == seen.overview.runs == plan.total
    assert seen.overview.seconds_left == 0
    (contender,) = seen.overview.contenders
    if scheduler == "halving":
        assert [level.step for level in contender.levels] == [3, 7, 20]
        assert contender.levels[0].reached == 18
        assert sum(level.stayed for level in contender.levels) == contender.ended["pruned"]
        assert contender.levels[-1].reached == contender.ended["completed"]
    assert contender.best is not None
    assert contender.best.completed


def test_a_killed_sweep_shows_what_is_to_be_continued(tmp_path: Path) -> None:
    plan = new_plan(tmp_path)
    write_outline(plan.sweep, outline(plan))
    plan.next()
    planned = plan.next()
    assert planned is not None
    outcome_of(planned).write(plan.sweep.trial(planned.name))  # the journal has not heard of it
    seen = overview_from_folder(plan.sweep)
    assert (seen.driven, seen.interrupted, seen.overview.done, seen.overview.running) == (False, 1, 1, 0)


def many(n: int, rungs: tuple[int, ...], trials: int) -> Overview:
    outlines, records, outcomes, last_reports = {}, {}, {}, {}
    levels = (*rungs, 1000)
    for c in range(n):
        name = f"contender_of_quite_a_long_name_{c}" if c % 3 else f"c{c}"
        expected = expected_updates(1000, rungs, 3, 1)
        outlines[name] = Outline(
            trials,
            1000,
            rungs,
            expected,
            (Goal("validation/loss", "minimize"),),
            tuple(f"{name}-seed{s}" for s in (1, 2)),
        )
        records[name] = []
        for i in range(trials - c):
            reports = dict.fromkeys(levels[: i % (len(levels) + 1)], (123.4567 + i,))
            values = {"objective.learning_rate": 0.0123456, "depth": 3, "activation": "leaky_relu", "width": 1024}
            record = Record(i, i, values, {}, {}, 1000, reports=reports)
            record.state = ("running", "paused", "completed", "pruned", "diverged", "failed")[i % 6]
            record.objectives = (100.0 + i,) if record.state == "completed" else None
            records[name].append(record)
            if record.ended:
                outcomes[f"{name}-{i:04d}"] = Outcome(record.state, 500, {}, 7200.0)  # type: ignore[arg-type]
            else:
                last_reports[f"{name}-{i:04d}"] = LastReport(300, 3600.0, 2)
        outcomes[f"{name}-seed1"] = Outcome("diverged", 500, {}, 60.0)
    return overview_of(outlines, records, outcomes, last_reports, set(last_reports))


@pytest.mark.parametrize("n", [1, 3, 7, 30])
@pytest.mark.parametrize("rungs", [(), (38, 112, 334)])
def test_it_fits_the_terminal_and_says_what_is_folded(n: int, rungs: tuple[int, ...]) -> None:
    view = many(n, rungs, trials=1000)
    for width in (40, 80, 120, 200):
        head = total_lines(view, 360_000.0, width=width)
        everything = contender_lines(view, width=width)
        assert len([line for line in everything if not line.plain.startswith(" ")]) == n
        for height in (6, 12, 19, 24, 50, 300):
            found = contender_lines(view, width=width, height=height)
            assert len(found) <= height
            assert max(line.cell_len for line in head + found) <= width
            if len(everything) <= height:
                assert [line.plain for line in found] == [line.plain for line in everything]
            else:
                assert "gibbsweep status" in found[-1].plain or width < 80
    if n == 7:
        shown = "\n".join(line.plain for line in contender_lines(view, width=80, height=20))
        for c in range(7):
            assert (f"c{c} " if c % 3 == 0 else "contender_of_q") in shown


def test_the_first_ctrl_c_asks_and_the_second_interrupts(tmp_path: Path) -> None:
    sweep = new_plan(tmp_path).sweep
    before = signal.getsignal(signal.SIGINT)
    with StopRequest(sweep) as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_a_request_reaches_the_driver_and_no_later_one(tmp_path: Path) -> None:
    sweep = new_plan(tmp_path).sweep
    request_stop(sweep)
    with only_driver(sweep, "python x.py"):
        assert is_driven(sweep)
        assert not StopRequest(sweep).requested, "it was meant for a driver that is gone"
        request_stop(sweep)
        assert StopRequest(sweep).requested
    assert not is_driven(sweep)
    assert not stop_requested(sweep)
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "sweep.json").write_text('{"name": "t", "study": "tiny"}')  # of single runs
    for name in ("t", "u"):
        with pytest.raises(UserError, match=rf"there is no sweep {name!r}: .* holds s\."):
            find_sweep(tmp_path, name)


def test_a_run_that_was_stopped_is_resumed(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=0, seeds=1)
    planned = plan.next()
    assert planned is not None
    plan.interrupt(planned.name)
    assert not plan.running
    assert not plan.finished()
    assert resumed_plan(tmp_path).next() == planned


def test_a_kill_between_a_report_and_its_pause_loses_nothing(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=4, scheduler="halving", rungs=2)
    killed = set()
    while not plan.finished():
        planned = plan.next()
        assert planned is not None
        at = planned.name, planned.runs_to
        if planned.kind == "search" and planned.runs_to < 20 and planned.number % 2 and at not in killed:
            plan.report(planned.name, planned.runs_to, outcome_of(planned).metrics)
            plan = resumed_plan(tmp_path)
            killed.add(at)
            continue
        run_segment(plan, planned, updates=20)
    assert len(killed) >= 4
    assert {o.kind for o in plan.outcomes.values()} == {"completed", "pruned"}
    undisturbed = new_plan(tmp_path / "whole", trials=4, scheduler="halving", rungs=2)
    while (planned := undisturbed.next()) is not None:
        run_segment(undisturbed, planned, updates=20)
    assert plan.outcomes == undisturbed.outcomes


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_shows_a_view_and_a_file_a_line_an_ended_run(tmp_path: Path, terminal: bool) -> None:
    plan = new_plan(tmp_path, trials=9, scheduler="halving", seeds=1)
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, height=24, color_system=None)
    stop = StopRequest(plan.sweep)
    with stop, Progress(Gate(plan, stop), console, SweepClock(plan.sweep, 0.0)) as progress:
        while (planned := plan.next()) is not None:
            run_segment(plan, planned, updates=20)
            progress.reported(planned.name, planned.runs_to, {"train/device_seconds": 1.0})
            progress.changed()
        os.kill(os.getpid(), signal.SIGINT)
        progress.show()
    text = out.getvalue()
    assert "stopping: saving the sweep" in text
    if not terminal:
        ended = [line for line in text.splitlines() if line.startswith(tuple(f"{n}/20 " for n in range(1, 21)))]
        assert len(ended) == 20
        assert len(text.splitlines()) == 21
        assert any("promoted" in line and "wait" in line for line in ended)
        return
    last = text.split("\x1b[2K")[-1].splitlines()
    assert last[0].startswith("stopping")
    assert last[1].startswith("20/20 runs")
    assert any(line.lstrip().startswith("20 ") and "completed" in line for line in last)
