"""What studies of images that measure samples by distances have in common."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gibbsweep import DataNeeds
from gibbsweep.cli.shell.parse import parse
from gibbsweep.errors import UserError
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.study.budget_values import at_budget
from gibbsweep.study.shared import N_SAMPLES, SampleOptions, distance_bars


def test_only_the_data_set_s_own_classifier_needs_labels() -> None:
    assert SampleOptions().needs == DataNeeds(labels=True, dims=3)
    assert SampleOptions("inception").needs == DataNeeds(labels=False, dims=3)


def test_the_option_is_one_of_a_command_line() -> None:
    options = parse(SampleOptions, ["--features", "inception"], prog="study", description="?")
    assert options == SampleOptions("inception")
    with pytest.raises(UserError, match="classifier"):
        parse(SampleOptions, ["--features", "clip"], prog="study", description="?")


def test_its_help_says_what_measures() -> None:
    code = "from gibbsweep.cli.shell.parse import parse; from gibbsweep.study.shared import SampleOptions as S; " + (
        "parse(S, ['--help'], prog='study', description='?')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "What samples are measured with" in done.stdout


def test_more_samples_where_there_is_more_time() -> None:
    counts = [at_budget(N_SAMPLES, budget) for budget in ("smoke", "laptop", "long", "gpu", "paper")]
    assert counts == sorted(counts)
    assert counts[1] == counts[2], "tables of a laptop compare with those of a long training"


def test_a_distance_is_a_bar_under_its_name() -> None:
    row = Row("vae", "baseline", {}, {"test/frechet_distance": Statistic(3.0, 0.1, 3)}, [1], 1, 20.0, {}, {})
    results = Results("s", "?", "digits", "laptop", "cpu", "c", {}, [row])
    axes = distance_bars({"test/frechet_distance": ""})(results).axes[0]
    assert [patch.get_width() for patch in axes.patches] == [3.0]
    assert axes.get_xlabel().startswith("Fréchet distance")
