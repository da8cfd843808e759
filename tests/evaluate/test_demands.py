"""What an evaluator asks of its split is asked before a run: everything that it would refuse in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import RBM, study

from gibbsweep.cli import main
from gibbsweep.data import Dataset, Metadata, load, write_parquet
from gibbsweep.errors import UserError
from gibbsweep.evaluate import (
    AnomalyDetection,
    BitsPerDim,
    ChainGrid,
    ClassAccuracy,
    ClassDistances,
    Classification,
    Clustering,
    Denoising,
    FeatureMap,
    GuidanceScales,
    Inpainting,
    LastStep,
    LinearProbe,
    ModeBalance,
    NearestNeighbours,
    PicturesFromText,
    ReplayDistances,
    Retrieval,
    SampleDistances,
    SampleGrid,
    ScoreError,
    ScoreFields,
    SoundSamples,
    SyntheticAccuracy,
    SyntheticAnomalies,
    VoxelGeneration,
)
from gibbsweep.evaluate.contract import ChecksSplit
from gibbsweep.study import Contender
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.setup.create import create
from gibbsweep_models.noise import CentreMask

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets that lack something: ``bare`` images have no labels, ``oblong`` ones no square shape, ``small`` ones no
    room for a window, ``few`` are few; ``two`` channels cannot be drawn; ``same`` have one caption."""
    root, generator = tmp_path_factory.mktemp("data"), np.random.default_rng(0)

    def write(name: str, n: int, shape: tuple[int, ...], *, labels: bool = True, text: list[str] | None = None) -> None:
        (root / name).mkdir()
        for split in ("train", "test"):
            write_parquet(
                root / name / f"{split}.parquet",
                generator.integers(0, 256, (n, *shape), dtype=np.uint8),
                np.arange(n) % 2 if labels else None,
                text,
                metadata=Metadata(classes=("a", "b") if labels else ()),
            )

    write("bare", 40, (1, 8, 8), labels=False)
    write("oblong", 40, (1, 9, 10))
    write("small", 40, (1, 4, 4))
    write("few", 6, (1, 8, 8))
    write("same", 20, (1, 8, 8), text=["a kite"] * 20)
    return root


@pytest.mark.parametrize(
    ("evaluator", "data", "sentence"),
    [
        (AnomalyDetection(), "digits", "0 anomalies among"),
        (AnomalyDetection(), "bare", "0 anomalies among"),
        (SyntheticAnomalies(), "oblong", "need square images"),
        (SyntheticAnomalies(made_as="corrupted"), "oblong", "divisible by 4"),
        (SyntheticAnomalies(), "two_modes", r"made of images \(N, C, H, W\)"),
        (Inpainting(masks=(CentreMask(16),)), "digits", "CentreMask.*16"),
        (Inpainting(masks=(CentreMask(2),)), "small", "at least 7 x 7"),
        (Denoising(), "small", "at least 7 x 7"),
        (Denoising(), "two_modes", "structural similarity is defined on images"),
        (SampleGrid(), "two_modes", "a picture needs images"),
        (ChainGrid(), "two_modes", "a picture needs images"),
        (Classification(), "bare", "Classification needs labels, and 'bare' has none"),
        (LinearProbe(), "bare", "LinearProbe needs labels"),
        (LinearProbe(), "digits[3]", "needs examples of two classes"),
        (NearestNeighbours(), "few", "NearestNeighbours needs 20 examples at least"),
        (NearestNeighbours(), "bare", "needs labels"),
        (Clustering(limit=5), "digits", "Clustering needs 10 examples at least, and measures 5"),
        (FeatureMap(), "few", "FeatureMap needs 31 examples"),
        (Retrieval(), "digits", "Retrieval needs captions, and 'digits' has none"),
        (Retrieval(), "same", "are all the same"),
        (PicturesFromText(), "same", "are all the same"),
        (ClassAccuracy(), "bare", "needs labels"),
        (ClassDistances(), "bare", "needs labels"),
        (SyntheticAccuracy(), "bare", "needs labels"),
        (GuidanceScales(), "bare", "needs labels"),
        (GuidanceScales(), "few", "needs 6 examples at least, and measures 1 of the 1 in the validation split"),
        (SampleDistances(n=5), "digits", "SampleDistances needs 6 examples at least, and measures 5"),
        (ReplayDistances(n=5), "digits", "needs 6 examples"),
        (LastStep(n=5), "digits", "needs 6 examples"),
        (ScoreError(), "digits", "the true score of 'digits'"),
        (ScoreFields(), "tones", "draws images and points in the plane"),
        (BitsPerDim(), "two_modes", "are of bytes"),
        (ModeBalance(), "digits", "needs labelled vectors"),
        (SoundSamples(), "digits", "holds no sounds"),
        (VoxelGeneration(), "digits", r"voxels are \(1, X, Y, Z\)"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_a_split_that_cannot_be_measured_is_refused_with_a_sentence(
    evaluator: Any, data: str, sentence: str, root: Path
) -> None:
    assert isinstance(evaluator, ChecksSplit)
    with pytest.raises(UserError, match=sentence):
        evaluator.check_split(load(data, root=root).test)


def test_what_can_be_measured_is_not_refused() -> None:
    digits: Dataset = load("digits")
    for evaluator in (
        SyntheticAnomalies(), SyntheticAnomalies(made_as="corrupted"), Denoising(), SampleGrid(), ChainGrid(),
        Inpainting(masks=(CentreMask(4),)), Classification(), LinearProbe(), NearestNeighbours(), Clustering(),
        FeatureMap(), ClassAccuracy(), ClassDistances(), GuidanceScales(), SampleDistances(), ReplayDistances(),
        LastStep(), ScoreFields(), BitsPerDim(),
    ):  # fmt: skip
        evaluator.check_split(digits.test)
    AnomalyDetection().check_split(load("digits[-3]").test)
    ModeBalance().check_split(load("two_modes").test)
    ScoreError().check_split(load("normal1d").test)
    ScoreFields().check_split(load("ring8").test)
    Retrieval().check_split(load("captioned_digits").test)
    PicturesFromText().check_split(load("captioned_digits").test)


def test_a_sweep_asks_before_it_has_a_folder_and_its_runs_before_they_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evaluator is of the test split alone, which is measured last."""
    evaluators = (SampleDistances(n=5),)
    refused = study(contenders={"rbm": Contender(RBM, final_evaluators=evaluators)})
    options = SweepOptions(runs=tmp_path / "runs", budget="smoke", trials=0)
    with pytest.raises(UserError, match="SampleDistances needs 6 examples"):
        create(refused, options, has_gpu=False)
    (tmp_path / "asks.py").write_text(
        "from gibbsweep.evaluate import SampleDistances\n"
        "from gibbsweep.study import Contender\n"
        "from tests.tiny import RBM, study\n"
        "STUDY = study(contenders={'rbm': Contender(RBM, final_evaluators=(SampleDistances(n=5),))})\n"
    )
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        words = ["--budget", "smoke", "--no-ray", "--runs", str(tmp_path / "runs")]
        main(["train", f"{tmp_path / 'asks.py'}:rbm", *words])
    assert ended.value.code == 2
    assert "SampleDistances needs 6 examples" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
