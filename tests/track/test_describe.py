from __future__ import annotations

import pytest

from gibbsweep.track.mirror.describe import MAX_KEY, MAX_PARAM, parameters, trial_tags, valid_name
from gibbsweep.track.stores.uri import redact


def test_parameters_are_flat_and_keep_both_of_two_equal_names() -> None:
    config = {
        "contender": "rbm",
        "seed": 7,
        "params": {"sampler": {"n_steps": 3, "kind": None}, "hidden": [64, 32], "seed": 1, "tied": True},
        "data": {"name": "digits"},
    }
    assert parameters(config) == {
        "sampler.n_steps": "3",
        "sampler.kind": "null",
        "hidden": "[64, 32]",
        "seed": "1",
        "config.seed": "7",
        "tied": "true",
        "contender": "rbm",
    }
    tags = trial_tags(config, "sweep", "trial", "parent")
    assert tags["gibbsweep.data.name"] == "digits"
    assert tags["gibbsweep.contender"] == "rbm"


def test_long_values_are_cut_with_a_note() -> None:
    value = parameters({"params": {"note": "x" * 10_000}})["note"]
    assert len(value) == MAX_PARAM
    assert value.endswith("(cut: 10000 characters)")


@pytest.mark.parametrize(
    ("name", "valid"),
    [("train/cd/loss", "train/cd/loss"), ("k=3/loss", "k_3/loss"), ("../a//b/", "a/b"), ("", "_")],
)
def test_valid_name(name: str, valid: str) -> None:
    assert valid_name(name) == valid


def test_long_names_stay_different() -> None:
    one, two = valid_name("a" * 400 + "1"), valid_name("a" * 400 + "2")
    assert one != two
    assert len(one) == len(two) == MAX_KEY


def test_redact() -> None:
    assert redact("postgresql://me:s3cret@db:5432/mlflow") == "postgresql://me:***@db:5432/mlflow"
    assert redact("sqlite:////runs/mlflow.db") == "sqlite:////runs/mlflow.db"
