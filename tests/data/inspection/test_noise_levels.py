"""Noise levels measured on data, against direct computation and the anchors on MNIST."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gibbsweep.cli.data import InfoOptions, show_info
from gibbsweep.data import load, noise_scales
from gibbsweep.errors import UserError
from gibbsweep_models.noise.distance import max_distance
from gibbsweep_models.noise.ladder import NCSNLadder


def test_distances_and_deviation_are_exact(make_set: Callable[..., Any]) -> None:
    make_set("mine", n=200, shape=(3, 4, 4))
    x = load("mine", validation=0.0).train.batch(slice(None))["x"].flatten(1)
    scales = noise_scales("mine")
    distances = torch.pdist(x.double())
    assert scales.max_distance == pytest.approx(float(distances.max()), rel=1e-5)
    assert max_distance(x, chunk=37) == pytest.approx(
        scales.max_distance, rel=1e-6
    )  # blocks that do not divide the rows
    assert scales.median_distance == pytest.approx(float(distances.median()), rel=1e-5)
    assert scales.sigma_data == pytest.approx(float(x.std(correction=0)), rel=1e-5)
    assert (scales.n, scales.total, scales.n_median, scales.dim) == (200, 200, 200, 48)
    part = noise_scales("mine", limit=50)
    assert part.n == 50 and part.max_distance <= scales.max_distance
    ladder = NCSNLadder.of_data(scales.max_distance, 48, 0.02)
    assert scales.n_levels == ladder.n_levels


@pytest.mark.real_data
def test_the_rules_on_mnist(real_root: Callable[[str], Path]) -> None:
    """[0, 1]: the largest of 60,000 16.876 (of 10,000 about 16.2), the median 10.23; gamma 1.0820, about 95 levels, eps
    1.11e-5."""
    scales = noise_scales("mnist", real_root("mnist"), limit=4000)
    assert 15.5 < scales.max_distance / 2 <= 16.877
    assert scales.median_distance / 2 == pytest.approx(10.23, rel=0.01)
    assert scales.gamma == pytest.approx(1.0820, abs=1e-4)
    assert scales.n_levels is not None and abs(scales.n_levels - 95) <= 1
    assert scales.eps is not None and scales.eps / 4 == pytest.approx(1.11e-5, rel=0.02)
    assert (scales.n, scales.total) == (4000, 60_000)


def test_vectors_have_no_shells(capsys: pytest.CaptureFixture[str]) -> None:
    scales = noise_scales("ring8")
    assert scales.gamma is scales.n_levels is scales.eps is None
    assert scales.p_mean == pytest.approx(-1.2 + math.log(scales.sigma_data / 0.5))
    show_info(InfoOptions("ring8", noise=True))
    assert "nothing below five dimensions" in capsys.readouterr().out


def test_the_command_prints_them_with_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    show_info(InfoOptions("digits", noise=True, limit=500))
    said = capsys.readouterr().out
    assert "500 of 1,437 training examples" in said and "a lower bound" in said
    for name in (
        "sigma_data",
        "max distance",
        "median distance",
        "gamma",
        "levels L",
        "epsilon",
        "step_size",
        "p_mean",
    ):
        assert name in said


def test_refusals(make_set: Callable[..., Any]) -> None:
    make_set("mine", n=20)
    for numbers in ({"sigma_min": 0.0}, {"steps_per_level": 0}, {"limit": 1}):
        with pytest.raises(UserError, match="expected positive"):
            noise_scales("mine", **numbers)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="choose it with --sigma-min"):
        noise_scales("mine", sigma_min=1e4)
