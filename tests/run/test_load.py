"""A run's folder is all that its system is rebuilt from: in another process, when its data set is gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.tiny import MeanConfig

from gibbsweep.data import Metadata, load, write_parquet
from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.load import load_run
from gibbsweep.run.run import run
from gibbsweep.train import Budget
from gibbsweep_models.baselines.classical_denoising import ClassicalDenoiserConfig
from gibbsweep_models.baselines.classical_inpainting import ClassicalInpainterConfig
from gibbsweep_models.baselines.clip import CLIPConfig
from gibbsweep_models.baselines.isolation_forest import IsolationForestConfig
from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.baselines.one_class_svm import OneClassSVMConfig
from gibbsweep_models.baselines.pixels import KMeansConfig, PCAConfig
from gibbsweep_models.nn.noise_networks.configs import UNetConfig
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig
from gibbsweep_models.score.score_model import ScoreModelConfig
from gibbsweep_models.score.stored_score import StoredScoreConfig
from gibbsweep_models.types import DataSpec, SystemConfig

ROOT = Path(__file__).resolve().parents[2]
CONFIGS: dict[str, SystemConfig] = {
    "isolation_forest": IsolationForestConfig(n_trees=10, n_examples=50),
    "one_class_svm": OneClassSVMConfig(n_components=4, n_examples=50),
    "logistic_regression": LogisticRegressionConfig(),
    "pca": PCAConfig(n_components=3, whiten=True),
    "k_means": KMeansConfig(),
    "mean_image": ClassicalInpainterConfig("mean_image"),
    "nl_means": ClassicalDenoiserConfig(patch_size=3, patch_distance=2),
    "examples": StoredScoreConfig(DenoiserSamplerConfig("heun", nfe=3), "examples", n_examples=20, bandwidth=0.1),
    "conditional": ScoreModelConfig(UNetConfig((4, 4)), conditional=True, ema_decay=0.5),
    "clip": CLIPConfig(channels=(4, 8), width=8, embedding=8),
}
SCORE = """
import sys
from pathlib import Path
from safetensors.torch import load_file, save_file
from gibbsweep.run.load import load_run
from tests.run.test_load import scores_of
x = load_file(sys.argv[1])["x"]
save_file({name: scores_of(load_run(Path(sys.argv[2]) / name).system, x) for name in sys.argv[4:]}, sys.argv[3])
"""


def scores_of(system: object, x: torch.Tensor) -> torch.Tensor:
    """What ``system`` makes of examples ``x``, or draws; every system here can do one of these."""
    seeded = torch.Generator().manual_seed
    calls = {
        "anomaly_score": lambda f: f(x, generator=seeded(0)),
        "logits": lambda f: f(x),
        "clusters": lambda f: f(x),
        "features": lambda f: f(x),
        "inpaint": lambda f: f(x, x > 0, generator=seeded(0)),
        "denoise": lambda f: f(x, torch.full((len(x),), 0.5), generator=seeded(0)),
        "sample_classes": lambda f: f(torch.arange(len(x)) % 3, generator=seeded(0)).x,
        "energy": lambda f: f(x, torch.ones(len(x), 4, dtype=torch.int64)),
    }
    name = next(name for name in calls if hasattr(system, name))
    with torch.no_grad():
        found: torch.Tensor = calls[name](getattr(system, name))
    return found.contiguous()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs whose data set is gone, and the test split's examples in a file."""
    folder = tmp_path_factory.mktemp("load")
    generator = np.random.default_rng(0)
    for split, n in (("train", 60), ("test", 6)):
        images = generator.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8)
        labels = np.arange(n) % 3
        # Equal captions would stay together in one split, and with them all examples of a class.
        captions = [f"{('a red kite', 'the red door', 'a kite')[label]} {i}" for i, label in enumerate(labels)]
        (folder / "data" / "told").mkdir(parents=True, exist_ok=True)
        write_parquet(
            folder / "data" / "told" / f"{split}.parquet", images, labels, captions,
            metadata=Metadata(classes=("kite", "door", "toy")),
        )  # fmt: skip
    for name, config in CONFIGS.items():
        outcome = run(
            Assignment(
                name, name, "single", config, 0, "told", Budget(2, 8, 2), folder / name, data_root=folder / "data",
                precision="fp32",
            )
        )  # fmt: skip
        assert outcome.kind == "completed", outcome.message
    test = load("told", root=folder / "data").test
    save_file({"x": test.batch(torch.arange(6))["x"].contiguous()}, folder / "x.safetensors")
    shutil.rmtree(folder / "data")
    return folder


def test_a_fresh_process_gets_the_same_scores_without_the_data_set(stored: Path) -> None:
    """Nothing of it comes from a pickle: the folders hold JSON, tensors and a lock."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    environment = {**os.environ, "PYTHONPATH": paths, "GIBBSWEEP_DATA": str(stored / "nowhere")}
    words = [str(stored / "x.safetensors"), str(stored), str(stored / "scores.safetensors"), *CONFIGS]
    subprocess.run([sys.executable, "-c", SCORE, *words], env=environment, check=True, cwd=ROOT)
    x, found = load_file(stored / "x.safetensors")["x"], load_file(stored / "scores.safetensors")
    for name in CONFIGS:
        system = load_run(stored / name).system
        assert torch.equal(found[name], scores_of(system, x)), name
        assert not system.training
        assert {file.suffix for file in (stored / name).rglob("*") if file.is_file()} <= {
            ".json", ".jsonl", ".safetensors", ".lock", ".png",
        }, name  # fmt: skip


def test_a_loaded_detector_scores_as_the_one_that_was_fitted(stored: Path) -> None:
    """Which is fitted here again, to other images of the same kind: only what was learned makes them equal."""
    x = load_file(stored / "x.safetensors")["x"]
    for name in ("isolation_forest", "one_class_svm"):
        loaded = load_run(stored / name)
        other = CONFIGS[name].build(loaded.spec)
        other.fit({"x": x}, generator=torch.Generator().manual_seed(0))  # type: ignore[attr-defined]
        before = scores_of(other, x)
        other.load_state_dict(loaded.system.state_dict())
        assert torch.equal(scores_of(other, x), scores_of(loaded.system, x))
        assert not torch.equal(before, scores_of(other, x))


def test_a_run_says_what_it_was_built_for(stored: Path) -> None:
    loaded = load_run(stored / "clip" / "checkpoint")
    assert loaded.spec == DataSpec((1, 8, 8), "signed", 3, vocabulary_size=7, text_length=4)
    assert loaded.classes == ("kite", "door", "toy")
    assert loaded.vocabulary is not None and set(loaded.vocabulary.words) == {"a", "red", "the", "kite", "door"}
    assert loaded.config == CONFIGS["clip"]
    assert (loaded.data, loaded.step, load_run(stored / "pca").step) == ("told", 2, 1)
    state = torch.random.get_rng_state()
    load_run(stored / "conditional")
    assert torch.equal(torch.random.get_rng_state(), state), "the caller's randomness is as it was"


def test_what_cannot_be_loaded_is_refused(tmp_path: Path, stored: Path) -> None:
    with pytest.raises(UserError, match="is no run"):
        load_run(tmp_path)
    shutil.copytree(stored / "pca", tmp_path / "old")
    config = RunFolder(tmp_path / "old").config
    record = json.loads(config.read_text())
    del record["spec"]
    config.write_text(json.dumps(record))
    with pytest.raises(UserError, match="earlier version; train it again"):
        load_run(tmp_path / "old")
    shutil.copytree(stored / "conditional", tmp_path / "unfinished")
    shutil.rmtree(tmp_path / "unfinished" / "checkpoint")
    with pytest.raises(UserError, match="cannot be read"):
        load_run(tmp_path / "unfinished")


def test_configurations_of_ones_own_are_loaded_if_they_are_named(tmp_path: Path) -> None:
    run(Assignment("mean", "mean", "single", MeanConfig(), 0, "digits", Budget(2, 8, 2), tmp_path / "mean"))
    with pytest.raises(UserError, match="tests.tiny:MeanConfig is no class of gibbsweep_models"):
        load_run(tmp_path / "mean")
    loaded = load_run(tmp_path / "mean", own=(MeanConfig,))
    x = load("digits", units="binary").train
    assert torch.equal(loaded.system.mean, x.batch(torch.arange(len(x)))["x"].mean(dim=0).clamp(0.01, 0.99))
