"""A results folder that cannot be written loses no table."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tests.tiny import study

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.train import Outcome
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.table.write import write_results


def test_the_run_folder_has_the_table_and_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")  # a folder in it cannot be made, by root neither
    outcome = Outcome("completed", 100, {"test/log_likelihood": -9.0}, 2.0)
    row = Row.of("rbm", "energy", {}, {}, [], {("digits", 1): outcome})
    results = Results("tiny", "Why?", "digits", "smoke", "CPU", "c0ffee", {"test/log_likelihood": "log p"}, [row])
    plan = SimpleNamespace(searches=list, finals=[])
    settings = SimpleNamespace(budget="smoke")
    sweep = SweepDir(tmp_path / "runs" / "s")
    for folder, sentence in (
        (tmp_path / "copy", ""),
        (tmp_path / "file" / "copy", "was not written (Not a directory): it is in"),
    ):
        options = SweepOptions(results=folder)
        said = write_results(study(), results, plan, sweep, options, settings)  # type: ignore[arg-type]
        assert (sentence in said) if sentence else not said
        assert (sweep.results / "tiny.json").exists()
    assert (tmp_path / "copy" / "tiny.json").exists()
