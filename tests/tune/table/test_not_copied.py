"""A results folder that cannot be written is refused at the start, and loses no table in the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.tiny import study
from tests.tune.whole.sweeping import sweep

from gibbsweep.errors import UserError
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.train import Outcome
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions, check_options
from gibbsweep.tune.table.write import check_publish, check_results_folder, write_results


def test_the_run_folder_has_the_table_and_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")  # a folder in it cannot be made, by root neither
    plan = SimpleNamespace(searches=list, finals=[])
    settings = SimpleNamespace(budget="smoke")
    folder_of_sweep = SweepDir(tmp_path / "runs" / "s")
    for folder, sentence in (
        (tmp_path / "copy", ""),
        (tmp_path / "file" / "copy", "was not written (Not a directory): it is in"),
    ):
        options = SweepOptions(results=folder)
        said = write_results(study(), _results(), plan, folder_of_sweep, options, settings)  # type: ignore[arg-type]
        assert (sentence in said) if sentence else not said
        assert (folder_of_sweep.results / "tiny.json").exists()
    assert (tmp_path / "copy" / "tiny.json").exists()


def test_a_results_folder_that_cannot_be_written_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "copy" / "deep"):
        with pytest.raises(UserError, match=r"--results .* cannot be written .*Not a directory.*: name a folder"):
            sweep(tmp_path / "runs", results=folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
    check_results_folder(tmp_path / "new" / "deep")
    check_results_folder(tmp_path)
    check_results_folder(None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def _results() -> Results:
    outcome = Outcome("completed", 100, {"test/log_likelihood": -9.0}, 2.0)
    row = Row.of("rbm", "energy", {}, {}, [], {("digits", 1): outcome})
    return Results("tiny", "Why?", "digits", "laptop", "CPU", "c0ffee", {"test/log_likelihood": "log p"}, [row])


@pytest.mark.parametrize(
    ("publish", "budget", "written"), [(False, "laptop", False), (True, "laptop", True), (True, "smoke", False)]
)
def test_the_tracked_results_change_only_when_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, publish: bool, budget: str, written: bool
) -> None:
    (tmp_path / "analysis" / "results").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "sweeps" / "tiny.py")])
    plan, settings = SimpleNamespace(searches=list, finals=[]), SimpleNamespace(budget=budget)
    sweep_dir = SweepDir(tmp_path / "runs" / "s")
    options = SweepOptions(publish=publish)
    assert not write_results(study(), _results(), plan, sweep_dir, options, settings)  # type: ignore[arg-type]
    assert (sweep_dir.results / "tiny.json").exists()
    assert (tmp_path / "analysis" / "results" / "tiny.json").exists() is written


def test_publishing_is_refused_to_a_script_of_no_checkout_and_to_smoke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "mine.py")])
    with pytest.raises(UserError, match="lies in no such folder: name a folder for the copy with --results"):
        check_publish(SweepOptions(publish=True))
    check_publish(SweepOptions())
    with pytest.raises(UserError, match="numbers of a smoke run are none"):
        check_options(SweepOptions(publish=True, budget="smoke"))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_results_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o500)
    with pytest.raises(UserError, match="Permission denied"):
        check_results_folder(tmp_path / "theirs" / "copy")
