"""The classifier of a data set: trained once, whoever asks, and kept whole."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gibbsweep import Budget, Goal, Study
from gibbsweep.data import DataView, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ClassAccuracy, EnergyDrift, GuidanceScales, SampleDistances, VoxelGeneration
from gibbsweep.evaluate.features import classifier
from gibbsweep.evaluate.features.classifier import prepared_classifier
from gibbsweep.study import references


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


def test_a_brief_one_is_another_network_and_the_log_says_how_far_each_is(
    cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(classifier, "BRIEF_UPDATES", 5)
    with caplog.at_level(logging.INFO, logger="gibbsweep.evaluate"):
        short, whole = prepared_classifier(load("digits"), brief=True), prepared_classifier(load("digits"))
    assert (short.updates, whole.updates) == (5, 60) and short.path != whole.path
    steps = [message.partition(", ")[0] for message in caplog.messages if "updates, " in message and ": " in message]
    assert "classifier of digits: 5 of 5 updates" in steps
    assert "classifier of digits: 30 of 60 updates" in steps
    assert prepared_classifier(load("digits"), brief=True) is short


def test_smoke_runs_measure_by_the_brief_network_and_others_by_the_whole() -> None:
    evaluators = (SampleDistances(10), SampleDistances(10, "inception"), VoxelGeneration(10), ClassAccuracy(10))
    study = Study(
        name="s",
        question="?",
        data="digits",
        contenders={"data": references()["training_data"]},
        goal=Goal("validation/frechet_distance", "minimize"),
        budgets={name: Budget(1) for name in ("smoke", "laptop")},
        evaluators=evaluators,
        final_evaluators=(GuidanceScales(), EnergyDrift()),
        columns={},
    )
    brief = study.at("smoke")["data"]
    features = [e.features for e in brief.evaluators]  # type: ignore[attr-defined]
    assert features == ["brief", "inception", "brief", "brief"]
    assert brief.final_evaluators == (replace(GuidanceScales(), features="brief"), EnergyDrift())
    assert study.at("laptop")["data"].evaluators == evaluators


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
