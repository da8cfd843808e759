"""Every study from its command line's options to its table, with a few updates a run: each in this process, one of each
kind of data also through Ray and the tracking process."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.in_process import sweep_here
from tests.scripts import ROOT, module_of

from gibbsweep.data import CATALOGUE, Dataset
from gibbsweep.data.loading.view import view_of
from gibbsweep.evaluate.features import classifier
from gibbsweep.results.results import Results
from gibbsweep.study.study import Study
from gibbsweep.train import Budget
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep
from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig

STUDIES: dict[str, tuple[str, ...]] = {
    "anomaly_detection": ("digits",),
    "audio": ("tones",),
    "binary_classification": ("mnist[4,9]", "fashion_mnist"),
    "cd_k_cifar10": ("cifar10_4k",),
    "conditional_guidance": ("digits",),
    "denoising": ("mnist5k@14",),
    "denoising_score_matching": ("digits",),
    "diffusion_losses": ("digits",),
    "inpainting": ("cifar10_4k",),
    "energy_functions": ("digits",),
    "image_generation": ("digits",),
    "multimodal": ("captioned_digits",),
    "ncsn": ("digits",),
    "noise_schedules": ("two_modes",),
    "representation": ("digits",),
    "score_matching_1d": ("normal1d",),
    "score_anomaly": ("digits", "mnist5k"),
    "score_generation": ("digits",),
    "score_predictions": ("digits",),
    "voxel_generation": ("solids",),
    "voxel_scores": ("solids",),
}
"""The data that each script runs on, and then every other set that it reads."""

THROUGH_RAY = ("image_generation", "noise_schedules")
"""The scripts that are swept as a user sweeps them: what Ray adds is the same for all, and takes 20 s to start and end.
The notebook's test sweeps ``cd_k`` so."""

BUNDLED = {entry.name for entry in CATALOGUE if entry.how == "bundled"}


def fetched_by(script: str) -> list[str]:
    """The sets that a script reads and that must be fetched: stand-ins take their place where they are not the
    point."""
    return sorted({view_of(data).name for data in STUDIES[script]} - BUNDLED)


@pytest.fixture(scope="module", autouse=True)
def brief_feature_networks() -> Iterator[None]:
    """The networks that samples are measured with are trained for a few updates: that they measure well is tested
    elsewhere."""
    train = classifier._train

    def train_briefly(dataset: Dataset, config: FeatureClassifierConfig, budget: Budget, path: Path) -> None:
        train(dataset, config, replace(budget, updates=20, report_every=20), path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "_train", train_briefly)
        yield


def test_every_study_has_a_smoke_run() -> None:
    """The notebook's test runs ``cd_k``."""
    assert {path.stem for path in (ROOT / "sweeps").glob("*.py")} == {*STUDIES, "cd_k"}


@pytest.mark.cluster  # not of a cluster, but as long
@pytest.mark.usefixtures("stand_ins")
@pytest.mark.parametrize("script", STUDIES)
def test_a_smoke_run_fills_the_table(script: str, tmp_path: Path) -> None:
    check_smoke_run(script, tmp_path, in_process)


@pytest.mark.usefixtures("ray_of_one_cpu", "stand_ins")
@pytest.mark.parametrize("script", THROUGH_RAY)
def test_a_smoke_run_through_ray_fills_the_table(script: str, tmp_path: Path) -> None:
    check_smoke_run(script, tmp_path, through_ray)


@pytest.mark.real_data
@pytest.mark.parametrize("script", [script for script in STUDIES if fetched_by(script)])
def test_a_smoke_run_on_the_real_sets_fills_the_table(
    script: str, tmp_path: Path, real_set: Callable[[str], Path]
) -> None:
    (root,) = {real_set(name) for name in fetched_by(script)}
    check_smoke_run(script, tmp_path, in_process, data_root=root)


def in_process(study: Study, options: SweepOptions) -> Results:
    """The table of a sweep in this process, whose runs are sent by value, as Ray sends them."""
    import ray.cloudpickle as by_value

    _, results = sweep_here(study, options, sent=lambda run: by_value.loads(by_value.dumps(run)))
    assert results is not None
    return results


def through_ray(study: Study, options: SweepOptions) -> Results:
    return run_sweep(study, options, console=Console(file=io.StringIO()), command="python x.py")


def check_smoke_run(script: str, runs: Path, sweep: Callable[[Study, SweepOptions], Results], **where: Path) -> None:
    data = STUDIES[script][0]
    study: Study = module_of(ROOT / "sweeps" / f"{script}.py").STUDY
    study = replace(study, views=lambda data, views=study.views: views(data)[:2])  # two views say what ten would
    options = SweepOptions(runs=runs, name="s", budget="smoke", trials=0, seeds=1, data=data, **where)
    results = sweep(study, options)
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
    written = {path.name for path in (runs / "s" / "results").iterdir()}
    for name in (".md", ".json", *(f"_{picture}.png" for picture in (*study.pictures, *study.figures))):
        assert f"{results.stem}{name}" in written
    for sound in study.sounds:
        assert any(name.startswith(f"{results.stem}_{sound}_") and name.endswith(".wav") for name in written)
