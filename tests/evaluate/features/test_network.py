"""Feature networks: units, kinds, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gibbsweep.cli import main
from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import feature_network


def test_binary_units_are_seen_as_the_ends_of_signed_ones(cache: Path) -> None:
    network = feature_network(load("digits"), "classifier")
    x = load("digits", units="binary").validation.batch(torch.arange(10))["x"]
    torch.testing.assert_close(network(x, binary=True), network(2 * x - 1))


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
    assert message.startswith("error: the features 'inception' need")
    assert message.count("\n") == 1


def test_inception_wants_images() -> None:
    with pytest.raises(UserError, match="Inception sees images"):
        feature_network(load("gauss1d"), "inception")
