"""What the pages show of sweeps: their studies run at smoke, and examples that read ``runs/SWEEP`` have one to read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.docs.pages import PAGES, blocks, name_of, needs_a_sweep
from tests.docs.running import run_page
from tests.tiny import study as tiny_study

from gibbsweep.study import Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep

pytestmark = pytest.mark.usefixtures("ray_of_one_cpu")

WITH_FILES = [page for page in PAGES if any(block.title for block in blocks(page, "python"))]


def sweep(study: Study, folder: Path, name: str) -> Path:
    """A sweep of ``study`` at smoke in ``folder``/runs."""
    options = SweepOptions(runs=folder / "runs", name=name, budget="smoke", trials=1, seeds=1)
    results = run_sweep(study, options, console=Console(file=io.StringIO()), command="python x.py")
    assert all(row.outcomes["completed"] for row in results.rows)
    return folder / "runs" / name


@pytest.mark.parametrize("page", WITH_FILES, ids=name_of)
def test_the_studies_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file, study in run_page(page, tmp_path, monkeypatch).items():
        assert (sweep(study, tmp_path, file.removesuffix(".py")) / "results" / f"{study.name}.md").exists()


@pytest.mark.parametrize("page", [page for page in PAGES if needs_a_sweep(page)], ids=name_of)
def test_examples_of_a_sweep_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``runs/SWEEP`` is a sweep of RBMs and ``RUN`` one of its retrained runs."""
    trials = sweep(tiny_study(), tmp_path, "SWEEP") / "trials"
    (run,) = [path for path in sorted(trials.iterdir()) if (path / "checkpoint").exists()][-1:]
    (trials / "RUN").symlink_to(run.name)
    run_page(page, tmp_path, monkeypatch)
