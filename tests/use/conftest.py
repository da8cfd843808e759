"""Trained runs, each made when a test first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.use.trained import tiny_sweep, train_kind, write_told

from gibbsweep.results.results import Results


@pytest.fixture(scope="session")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The trained run of a kind, by its name."""
    folder = tmp_path_factory.mktemp("kinds")
    write_told(folder / "data")
    return cache(lambda name: train_kind(folder, name))


@pytest.fixture(scope="session")
def data_root(kinds: Callable[[str], Path]) -> Path:
    """The folder of the data sets that the runs were trained on."""
    return kinds("rbm").parents[3] / "data"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """A sweep that is over: its folder and its table."""
    path, results = tiny_sweep(tmp_path_factory.mktemp("finished"), contenders=("rbm", "mean"))
    assert results is not None
    return path, results


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that stopped before its first retraining: its folder."""
    return tiny_sweep(tmp_path_factory.mktemp("stopped"), stop_after=4)[0]
