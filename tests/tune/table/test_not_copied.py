"""A results folder that cannot be written is refused at the start, and loses no table in the end."""

from __future__ import annotations

import os
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
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.table.write import check_results_folder, write_results


def test_the_run_folder_has_the_table_and_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")  # a folder in it cannot be made, by root neither
    outcome = Outcome("completed", 100, {"test/log_likelihood": -9.0}, 2.0)
    row = Row.of("rbm", "energy", {}, {}, [], {("digits", 1): outcome})
    results = Results("tiny", "Why?", "digits", "smoke", "CPU", "c0ffee", {"test/log_likelihood": "log p"}, [row])
    plan = SimpleNamespace(searches=list, finals=[])
    settings = SimpleNamespace(budget="smoke")
    folder_of_sweep = SweepDir(tmp_path / "runs" / "s")
    for folder, sentence in (
        (tmp_path / "copy", ""),
        (tmp_path / "file" / "copy", "was not written (Not a directory): it is in"),
    ):
        options = SweepOptions(results=folder)
        said = write_results(study(), results, plan, folder_of_sweep, options, settings)  # type: ignore[arg-type]
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


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_results_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o500)
    with pytest.raises(UserError, match="Permission denied"):
        check_results_folder(tmp_path / "theirs" / "copy")
