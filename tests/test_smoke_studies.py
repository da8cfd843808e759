"""Every study from its command line's options to its table, with a few updates a run, through the real Tune path."""

from __future__ import annotations

import importlib.util
import io
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.study.study import Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep

ROOT = Path(__file__).resolve().parents[1]
STUDIES: list[tuple[str, str, tuple[str, ...]]] = [
    ("anomaly_detection", "digits", ("digits",)),
    ("audio", "tones", ("tones",)),
    ("binary_classification", "mnist[4,9]", ("mnist[4,9]", "fashion_mnist")),
    ("cd_k_cifar10", "cifar10_4k", ("cifar10_4k",)),
    ("conditional_guidance", "digits", ("digits",)),
    ("denoising", "mnist5k", ("mnist5k",)),
    ("denoising_score_matching", "digits", ("digits",)),
    ("diffusion_losses", "digits", ("digits",)),
    ("inpainting", "cifar10_4k", ("cifar10_4k",)),
    ("energy_functions", "digits", ("digits",)),
    ("image_generation", "digits", ("digits",)),
    ("multimodal", "captioned_digits", ("captioned_digits",)),
    ("ncsn", "digits", ("digits",)),
    ("noise_schedules", "two_modes", ("two_modes",)),
    ("representation", "digits", ("digits",)),
    ("score_matching_1d", "normal1d", ("normal1d",)),
    ("score_anomaly", "digits", ("digits", "mnist5k")),
    ("score_generation", "digits", ("digits",)),
    ("voxel_generation", "solids", ("solids",)),
    ("voxel_scores", "solids", ("solids",)),
]
"""The script, the data it runs on, and every data set that it reads: where one is absent the test is skipped and says so."""


def study_of(script: str) -> Study:
    spec = importlib.util.spec_from_file_location(f"smoke_{script}", ROOT / "sweeps" / f"{script}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a script's dataclass looks up its annotations
    spec.loader.exec_module(module)
    study: Study = module.STUDY
    return study


@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize(("script", "data", "reads"), STUDIES, ids=[script for script, _, _ in STUDIES])
def test_a_smoke_run_fills_the_table(script: str, data: str, reads: tuple[str, ...], tmp_path: Path) -> None:
    for name in reads:
        try:
            load(name)
        except UserError as missing:
            pytest.skip(str(missing))
    study = study_of(script)
    study = replace(study, views=lambda data, views=study.views: views(data)[:2])  # two views say what ten would
    options = SweepOptions(runs=tmp_path, name="s", budget="smoke", trials=0, seeds=1, data=data)
    results = run_sweep(study, options, console=Console(file=io.StringIO()), command="python x.py")
    assert {row.contender for row in results.rows} == set(study.default or study.contenders)
    for row in results.rows:
        # A study of stability has learning rates that break a run: an outcome, and no failure.
        ended = row.outcomes["completed"] + row.outcomes["diverged"]
        assert ended == len(study.views(data)), f"{row.contender}: {row.outcomes}"
        if not row.outcomes["completed"]:
            continue
        shown = [row.metrics[column].mean for column in study.columns if column in row.metrics]
        assert shown and all(math.isfinite(value) for value in shown), f"{row.contender}: {row.metrics}"
    assert sum(row.outcomes["completed"] > 0 for row in results.rows) > len(results.rows) / 2
    written = {path.name for path in (tmp_path / "s" / "results").iterdir()}
    for name in (".md", ".json", *(f"_{picture}.png" for picture in (*study.pictures, *study.figures))):
        assert f"{results.stem}{name}" in written
    for sound in study.sounds:
        assert any(name.startswith(f"{results.stem}_{sound}_") and name.endswith(".wav") for name in written)
