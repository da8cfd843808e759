"""What a cluster's head says of a sweep's options in its environment, and what a person's own words do to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny import study

from gibbsweep.cli.shell.parse import parse
from gibbsweep.errors import UserError
from gibbsweep.train import Budget
from gibbsweep.tune.folder.driver import resume_command
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.environment import default_wait
from gibbsweep.tune.options.options import SweepOptions, check_options, unrecorded_words
from gibbsweep.tune.setup.create import create

OF_A_GPU_CLUSTER = {
    "GIBBSWEEP_RUNS": "/shared/runs",
    "GIBBSWEEP_GPUS_PER_TRIAL": "1",
    "GIBBSWEEP_WAIT_FOR_NODES": "1",
}


@pytest.fixture(autouse=True)
def of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OF_A_GPU_CLUSTER, "GIBBSWEEP_BUDGET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def on_a_gpu_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OF_A_GPU_CLUSTER.items():
        monkeypatch.setenv(name, value)


def parsed(*words: str) -> SweepOptions:
    return parse(SweepOptions, words, prog="x.py", description="")


def test_without_variables_a_sweep_has_its_own_defaults() -> None:
    for options in (SweepOptions(), parsed()):
        assert (options.runs, options.gpus_per_trial, options.wait_for_nodes) == (Path("runs"), 0.0, False)
    assert not default_wait()
    assert unrecorded_words(parsed()) == []


@pytest.mark.usefixtures("on_a_gpu_cluster")
def test_on_a_gpu_cluster_no_words_are_needed() -> None:
    options = parsed()
    assert (options.runs, options.gpus_per_trial, default_wait()) == (Path("/shared/runs"), 1.0, True)


@pytest.mark.usefixtures("on_a_gpu_cluster")
def test_words_outweigh_variables() -> None:
    options = parsed("--runs", "mine", "--gpus-per-trial", "0.5")
    assert (options.runs, options.gpus_per_trial) == (Path("mine"), 0.5)


@pytest.mark.usefixtures("on_a_gpu_cluster")
@pytest.mark.parametrize("words", [[], ["--gpus-per-trial", "0.5"], ["--wait-for-nodes"], ["--runs", "runs"]])
def test_the_command_that_continues_means_the_same_with_and_without_the_variables(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = parsed(*words)
    command = resume_command("python x.py", SweepDir(options.runs / "s"), unrecorded_words(options)).split()[2:]
    again = [parsed(*command)]
    for name in OF_A_GPU_CLUSTER:
        monkeypatch.delenv(name)
    again.append(parsed(*command))
    for other in again:
        assert other.runs == options.runs
        assert other.gpus_per_trial == options.gpus_per_trial
        assert other.wait_for_nodes == options.wait_for_nodes


GPU = study(budgets={**study().budgets, "gpu": Budget(30, 32, 5)})


@pytest.mark.parametrize(
    ("variables", "words", "budget"),
    [
        ({}, [], "laptop"),
        ({"GIBBSWEEP_GPUS_PER_TRIAL": "1"}, [], "gpu"),
        ({"GIBBSWEEP_GPUS_PER_TRIAL": "1"}, ["--budget", "smoke"], "smoke"),
        ({"GIBBSWEEP_GPUS_PER_TRIAL": "1", "GIBBSWEEP_BUDGET": "long"}, [], "long"),
        ({"GIBBSWEEP_GPUS_PER_TRIAL": "auto"}, [], "laptop"),
        ({}, ["--gpus-per-trial", "0.5"], "gpu"),
    ],
)
def test_trials_that_ask_for_gpus_have_their_budget_wherever_the_driver_runs(
    variables: dict[str, str], words: list[str], budget: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    _, settings = create(GPU, parsed("--runs", str(tmp_path), "--name", "s", *words), has_gpu=False)
    assert settings.budget == budget


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GIBBSWEEP_GPUS_PER_TRIAL", "one", "GIBBSWEEP_GPUS_PER_TRIAL takes a number of GPUs or auto: got 'one'"),
        ("GIBBSWEEP_WAIT_FOR_NODES", "perhaps", "GIBBSWEEP_WAIT_FOR_NODES takes 1 or 0: got 'perhaps'"),
    ],
)
def test_a_variable_that_says_nothing_sensible_is_a_sentence(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=said):
        parsed()
        default_wait()


@pytest.mark.parametrize("option", ["runs", "results", "data_root"])
def test_buckets_are_refused(option: str) -> None:
    with pytest.raises(UserError, match=f"--{option.replace('_', '-')} takes a folder, and s3:/bucket/x begins"):
        check_options(SweepOptions(**{option: Path("s3://bucket/x")}))  # type: ignore[arg-type]
