"""Outlier sets: what is measured, which files are read when, and which comparisons are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.evaluate.anomalies.scorers import INK

from gibbsweep.data import Metadata, load, write_parquet
from gibbsweep.data.inspection.resize_path import ResizePath, check_resizing, resize_path
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Outliers, OutlierSets, ScoreNormCurves, check_other_data, described
from gibbsweep_models.draws import seeded


def test_each_set_and_the_mean_are_measured() -> None:
    test = load("digits").test
    found = OutlierSets(limit=60)(INK, test, generator=seeded(0))
    for measure in ("auroc", "auprc", "fpr95"):
        each = [found.metrics[f"{measure}_{name}"] for name in ("mnist5k", "noise")]
        assert found.metrics[measure] == pytest.approx(sum(each) / 2)
    assert found.metrics["resize_normal"] == 1.0 and found.metrics["resize_mnist5k"] == pytest.approx(8 / 28)
    picture = found.images["anomaly_scores"]
    assert picture.ndim == 3 and picture.std() > 0
    assert "score_norms" in ScoreNormCurves(n=20, n_levels=3)(INK, test, generator=seeded(0)).images


def test_noise_has_the_moments_of_the_normal_examples_and_is_bytes() -> None:
    split = load("digits").validation
    x = split.batch(slice(None))["x"]
    made = Outliers(("noise", "uniform")).examples(split, x, 2000, generator=seeded(0))
    for noise in made.values():
        assert noise.shape == (2000, 1, 8, 8)
        steps = (noise + 1) * 127.5
        torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-3)
        assert -1 <= float(noise.min()) and float(noise.max()) <= 1
    assert float(made["uniform"].std()) == pytest.approx(3**-0.5, abs=0.01)
    narrow = 0.2 * x - 0.1  # far from the ends, where clipping changes the moments
    noise = Outliers(("noise",)).examples(split, narrow, 2000, generator=seeded(0))["noise"]
    assert float(noise.mean()) == pytest.approx(float(narrow.mean()), abs=0.01)
    assert float(noise.std()) == pytest.approx(float(narrow.std()), abs=0.01)


def test_tuning_reads_no_test_file_of_an_outlier_set() -> None:
    """The validation split is held against the training file, the test split against the test file."""
    data, outliers = load("digits"), Outliers(("mnist5k@8",))
    x = data.validation.batch(slice(0, 5))["x"]
    shown = outliers.examples(data.validation, x, 30, generator=seeded(0))["mnist5k"]
    train, test = (load("mnist5k@8", validation=0.0) for _ in range(2))
    assert torch.isin(shown[:5].sum((1, 2, 3)), train.train.batch(slice(None))["x"].sum((1, 2, 3))).all()
    shown = outliers.examples(data.test, x, len(test.test), generator=seeded(0))["mnist5k"]
    assert torch.equal(shown, test.test.batch(slice(None))["x"])


def test_mixed_resizing_is_refused_and_names_both_paths() -> None:
    as_stored, up, down = ResizePath("a", 32, 32), ResizePath("b@32", 28, 32), ResizePath("c@32", 64, 32)
    check_resizing(as_stored, [as_stored, down])
    check_resizing(up, [up])
    for normal, other in ((down, up), (up, down), (as_stored, up), (up, as_stored)):
        with pytest.raises(UserError, match="how they were resized") as refused:
            check_resizing(normal, [as_stored if normal is not up else up, other])
        assert normal.steps in str(refused.value) and other.steps in str(refused.value)
    nearest = ResizePath("d@32", 64, 32, filter="nearest")
    with pytest.raises(UserError, match="different filters"):
        check_resizing(down, [nearest])


def test_what_was_done_to_each_set_is_said() -> None:
    path = resize_path("mnist5k@8")
    assert (path.direction, path.stored, path.shown) == ("down", 28, 8)
    said = described([OutlierSets(), OutlierSets(limit=5)], load("digits"))
    assert said[0].startswith("`digits`: 8x8 as stored; source: ")
    assert said[1].startswith("`mnist5k@8`: 28x28, resized down to 8x8 (bilinear, antialiased); source: ")
    assert len(said) == 2
    with pytest.raises(UserError, match="square images"):
        resize_path("ring8")


def test_outliers_are_checked_before_anything_runs(tmp_path: Path) -> None:
    for normal, outliers, says in (
        ("digits@16", ("mnist5k@16",), "how they were resized"),
        ("digits", ("mnist5k",), "one shape"),
        ("digits", ("noise", "noise"), "different sets"),
        ("mnist5k@16", ("digits@16",), "how they were resized"),
    ):
        with pytest.raises(UserError, match=says):
            check_other_data(OutlierSets(Outliers(outliers)), load(normal))
    check_other_data(OutlierSets(), load("digits"))
    images = np.zeros((40, 1, 8, 8), np.uint8)
    images[:, :, ::2] = np.arange(40, dtype=np.uint8)[:, None, None, None]
    for split in ("train", "test"):
        write_parquet(tmp_path / "own" / f"{split}.parquet", images, metadata=Metadata())
    with pytest.raises(UserError, match="no outlier sets are customary"):
        check_other_data(OutlierSets(), load("own", root=tmp_path))
    (tmp_path / "own" / "train.parquet").unlink()
    digits = load("digits", root=tmp_path)
    check_other_data(OutlierSets(Outliers(("own",))), digits)  # a test file alone is enough
    assert Outliers(("noise", "svhn?", "own?")).names_for(digits) == ("noise", "own")
