"""Evaluators are called without gradients, as evaluate_all calls them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from gibbsweep.evaluate.features import classifier
from gibbsweep.train import Budget


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and trainings of a second."""
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(tmp_path))
    monkeypatch.setattr(classifier, "_budget", lambda dataset: Budget(60, 64, 30))
    classifier._prepared.cache_clear()
    return tmp_path / "classifiers"
