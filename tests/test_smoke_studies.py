"""Every study runs to its table, by the smoke budget, through the real Tune path on one shared Ray."""

from __future__ import annotations

import importlib.util
import io
import math
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from gibbsweep.data.folders import data_root
from gibbsweep.study.study import Study
from gibbsweep.tune.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep

pytestmark = pytest.mark.usefixtures("ray_session")
SWEEPS = Path(__file__).resolve().parents[1] / "sweeps"


@dataclass(frozen=True)
class SmokeCase:
    """``data``: bundled, or in $GIBBSWEEP_DATA, else the case is skipped. ``metrics``: every row has one of them at least."""

    study: str
    data: str
    metrics: tuple[str, ...]
    contenders: tuple[str, ...] | None = None
    needs_root: bool = False


STUDIES = [
    SmokeCase("denoising", "mnist5k", ("test/psnr_mean", "test/psnr_blind_mean", "test/psnr_25")),
    SmokeCase("inpainting", "cifar10_4k", ("test/psnr_holes",), needs_root=True),
]


def study_of(name: str) -> Study:
    spec = importlib.util.spec_from_file_location(f"smoke_{name}", SWEEPS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    study: Study = module.STUDY
    return study


@pytest.mark.parametrize("case", STUDIES, ids=lambda case: case.study)
def test_a_study_runs_to_its_table(case: SmokeCase, tmp_path: Path) -> None:
    if case.needs_root and not (data_root(os.environ.get("GIBBSWEEP_DATA")) / case.data / "train.parquet").exists():
        pytest.skip(f"{case.data} is not here: set GIBBSWEEP_DATA to the folder that holds it")
    study = study_of(case.study)
    options = SweepOptions(
        name="s", budget="smoke", trials=0, seeds=1, data=case.data, runs=tmp_path, contenders=case.contenders
    )
    results = run_sweep(study, options, console=Console(file=io.StringIO(), width=120), command="python x.py")
    assert {row.contender for row in results.rows} == set(case.contenders or study.default)
    for row in results.rows:
        assert row.outcomes["completed"] == 1, row.contender
        found = [row.metrics[name].mean for name in case.metrics if name in row.metrics]
        assert found and all(math.isfinite(value) for value in found), row.contender
    written = {path.name for path in (tmp_path / "s" / "results").iterdir()}
    assert any(name.endswith(".md") for name in written)
    assert all(any(name.endswith(f"_{figure}.png") for name in written) for figure in study.figures)
    assert all(any(name.endswith(f"_{picture}.png") for name in written) for picture in study.pictures)
