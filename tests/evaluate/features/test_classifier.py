"""The feature networks: trained once for a data set, whoever asks, and named."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
from tests.evaluate.examples import Examples

from gibbsweep.cli import main
from gibbsweep.data import DataView, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import LongRun, ReplayDistances, SampleDistances, evaluate_all, feature_network
from gibbsweep.evaluate.features import classifier
from gibbsweep.evaluate.features.classifier import prepared_classifier
from gibbsweep.train import Budget
from gibbsweep_models.draws import rand, randn_like, seeded
from gibbsweep_models.types import Samples, System, Trace


class DataItself(System):
    """Samples are training examples: as good as a generator can be, and better than it may."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.x = x

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        places = torch.randperm(len(self.x), generator=generator)[:n]
        return Samples(self.x[places], nfe=1)

    def replayed(self, n: int, *, generator: torch.Generator) -> torch.Tensor:
        return 2 * rand((n, *self.x.shape[1:]), generator=generator) - 1


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and trainings of a second."""
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(tmp_path))
    monkeypatch.setattr(classifier, "_budget", lambda dataset: Budget(60, 64, 30))
    classifier._prepared.cache_clear()
    return tmp_path / "classifiers"


def test_it_is_trained_once_however_many_ask(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    train = classifier.train
    monkeypatch.setattr(classifier, "train", lambda *args, **words: trained.append(1) or train(*args, **words))
    dataset = load("digits")
    # As processes do, which share no memory: each thread goes past the cache of its process.
    threads = [
        threading.Thread(target=classifier._prepared.__wrapped__, args=(DataView("digits"), None, cache.parent))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 1
    prepared = classifier._prepared(DataView("digits"), None, cache.parent)
    assert len(trained) == 1
    assert prepared.accuracy > 0.8
    assert prepared.validation_rows == len(dataset.validation)
    assert sorted(p.suffix for p in cache.iterdir()) == [".json", ".lock", ".safetensors"]


def test_training_leaves_the_global_generator_and_the_caller_s_mode_alone(cache: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.no_grad():
        prepared = prepared_classifier(load("digits"))
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.rand(3), expected)
    assert not prepared.system.training
    assert not any(p.requires_grad for p in prepared.system.parameters())


def test_two_trainings_give_one_network(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared_classifier(load("digits"))
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(tmp_path / "other"))
    second = prepared_classifier(load("digits", units="binary", seed=3, validation=0.5))
    assert first.path != second.path
    assert first.path.name == second.path.name
    for (name, a), (_, b) in zip(first.system.state_dict().items(), second.system.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


def test_a_part_of_a_set_is_measured_by_the_whole_set_s_network(cache: Path) -> None:
    whole = prepared_classifier(load("digits"))
    assert prepared_classifier(load("digits[4,9]")) is whole
    assert prepared_classifier(load("digits[-3,:100]")) is whole
    larger = prepared_classifier(load("digits[4]@12"))
    assert larger.system.network.shape == (1, 12, 12)
    assert larger.data == "digits@12"


def test_a_damaged_file_is_refused(cache: Path) -> None:
    path = prepared_classifier(load("digits")).path
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    classifier._prepared.cache_clear()
    with pytest.raises(UserError, match="delete it, and it is trained again"):
        prepared_classifier(load("digits"))


def test_data_without_labels_are_refused() -> None:
    with pytest.raises(UserError, match="'gauss1d' has no labels"):
        prepared_classifier(load("gauss1d"))


def test_binary_units_are_seen_as_the_ends_of_signed_ones(cache: Path) -> None:
    network = feature_network(load("digits"), "classifier")
    x = load("digits", units="binary").validation.batch(torch.arange(10))["x"]
    torch.testing.assert_close(network(x, binary=True), network(2 * x - 1))


@pytest.mark.parametrize("units", ["signed", "binary"])
def test_data_are_close_to_data_and_noise_is_far(cache: Path, units: str) -> None:
    dataset = load("digits", units=units)  # type: ignore[arg-type]
    system = DataItself(dataset.train.batch(slice(None))["x"])
    evaluators = (SampleDistances(n=120, batch_size=50), ReplayDistances(n=120))
    metrics = evaluate_all(evaluators, system, dataset.validation, prefix="validation", seed=0, step=1).metrics
    assert metrics["validation/distance_n"] == 120
    assert metrics["validation/frechet_distance"] < 0.1 * metrics["validation/frechet_distance_buffer"]
    assert abs(metrics["validation/kernel_distance"]) < 0.1 * metrics["validation/kernel_distance_buffer"]
    assert metrics["validation/precision"] > 0.7
    assert metrics["validation/coverage"] > 0.7
    assert metrics["validation/coverage_buffer"] < 0.5 * metrics["validation/coverage"]
    assert metrics["validation/class_inception_score"] > metrics["validation/class_inception_score_buffer"]


def test_a_small_split_gives_the_number_of_samples(cache: Path) -> None:
    dataset = load("digits", limit=40)
    system = DataItself(dataset.train.batch(slice(None))["x"])
    metrics = evaluate_all((SampleDistances(n=2000),), system, dataset.validation, prefix="v", seed=0, step=1).metrics
    assert metrics["v/distance_n"] == 40


def test_prepare_states_what_it_made(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluate", "prepare", "--data", "digits"])
    line, path = capsys.readouterr().out.split("\n")[:2]
    record = json.loads(Path(path).read_text())
    assert line.startswith(f"digits classifier: 128 features, accuracy {record['accuracy']:.4f}")


def test_inception_without_its_weights_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "prepare", "--data", "mnist5k", "--features", "inception"])
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: --features inception needs")
    assert message.count("\n") == 1


def test_inception_wants_images() -> None:
    with pytest.raises(UserError, match="Inception sees images"):
        feature_network(load("gauss1d"), "inception")


def test_what_stands_alone_cannot_be_measured() -> None:
    with pytest.raises(AttributeError):
        SampleDistances(n=2)(
            DataItself(torch.zeros(3, 1, 8, 8)), Examples(torch.zeros(3, 1, 8, 8)), generator=seeded(0)
        )  # type: ignore[arg-type]


class Chain(DataItself):
    """Samples are training examples, and every step of the chain adds noise: the longer, the worse."""

    def energy(self, x: torch.Tensor, cond: torch.Tensor | None = None) -> torch.Tensor:
        return x.flatten(1).square().sum(1)

    def run_chain(
        self, x: torch.Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None
    ) -> Samples:
        return Samples(x + n_steps**0.5 * 0.1 * randn_like(x, generator=generator), nfe=n_steps)


def test_a_long_run_is_measured_against_its_start(cache: Path) -> None:
    dataset = load("digits")
    system = Chain(dataset.train.batch(slice(None))["x"])
    evaluation = evaluate_all((LongRun(100, 60),), system, dataset.validation, prefix="v", seed=0, step=1)
    metrics = evaluation.metrics
    assert metrics["v/long_run_n"] == 60
    # 100 steps of variance .01 on 64 pixels.
    deviation = system.energy(dataset.validation.batch(torch.arange(60))["x"]).std()
    assert metrics["v/long_run_energy_drift"] == pytest.approx(float(64 / deviation), rel=0.3)
    assert metrics["v/long_run_kernel_distance_drift"] > 0
    assert metrics["v/long_run_frechet_distance_drift"] > 0
    still = evaluate_all((LongRun(1, 60),), system, dataset.validation, prefix="v", seed=0, step=1)
    assert still.metrics["v/long_run_kernel_distance_drift"] < 0.2 * metrics["v/long_run_kernel_distance_drift"]
    assert evaluation.images["v/long_run"].shape[1] > evaluation.images["v/long_run"].shape[0] * 0.5
