"""Every mistake ends at once with one sentence and exit code 2, and nothing recorded is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny import STUDY

from gibbsweep.cli import main, run_study
from gibbsweep.data import DataNeeds, load

ROOT = Path(__file__).resolve().parents[2]


def ends_with(words: list[str], capsys: pytest.CaptureFixture[str], *, study: bool) -> str:
    with pytest.raises(SystemExit) as stopped:
        if study:
            run_study(STUDY, words)
        else:
            main(words)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ")
    assert "\n" not in error
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trails", "3"], "did you mean --trials"),
        (["--trials", "many"], "trials"),
        (["--trials", "-1"], "--trials must be at least 0"),
        (["--seeds", "-2"], "--seeds must be at least 0"),
        (["--budget", "huge"], "no budget 'huge'"),
        (["--contenders", "rmb"], "no contender 'rmb'"),
        (["--data", "minst"], "mnist"),
        (["--resume", "never-was"], "no sweep 'never-was'"),
        (["--name", "a/b"], "name of a folder"),
        (["--name", "a", "--resume", "a"], "both given"),
        (["--precision", "fp8"], "--precision': use one of auto, bf16, fp32 (see"),
        (["--trials", "None"], "--trials"),
        (["--gpus-per-trial", "-1"], "must not be negative"),
        (["--gpus-per-trial", "0.3"], "would fragment the GPUs"),
    ],
)
def test_a_study_refuses(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in ends_with([*words, "--runs", str(tmp_path)], capsys, study=True)
    assert list(tmp_path.iterdir()) == []


def test_data_without_what_the_study_needs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needing = replace(STUDY, needs=DataNeeds(labels=True, dims=3))
    with pytest.raises(SystemExit) as stopped:
        run_study(needing, ["--data", "gauss1d", "--contenders", "mean", "--runs", str(tmp_path)])
    assert stopped.value.code == 2
    assert "'gauss1d' has no labels, and the study 'tiny' needs them: choose one of" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trian"], "did you mean 'train'"),
        (["data"], "data list"),
        (["data", "info", "nothing-like-it"], "nothing-like-it"),
        (["status", "--run", "runs", "s"], "did you mean --runs"),
        (["status"], "error: SWEEP is missing: Name of the sweep (see gibbsweep status --help)."),
        (["train", "x", "--seed", "y"], "Error parsing --seed"),
        (["train", "no/such/file.py:rbm"], "no study script"),
        (["train", "sweeps/cd_k.py"], "names no contender"),
        (["train", "sweeps/cd_k.py:rmb"], "no contender 'rmb'"),
        (["train", "sweeps/cd_k.py:rbm", "--set", "learning_rat=1", "--no-ray"], "did you mean 'learning_rate'"),
        (["train", "sweeps/cd_k.py:rbm", "--set", "k", "--no-ray"], "field=value"),
        (["train", "sweeps/cd_k.py:rbm", "--set", "k=many", "--no-ray"], "k='many' is not a value of RBMConfig.k"),
        (["train", "sweeps/cd_k.py:rbm", "--set", "learning_rate=9", "--no-ray"], "learning_rate=9 lies outside ["),
        (["train", "sweeps/cd_k.py:rbm", "--workers", "2", "--no-ray"], "--no-ray"),
        (["train", "sweeps/cd_k.py:rbm", "--workers", "0"], "--workers must be at least 1"),
        (["track", "sync", "/nowhere/at/all"], "not a sweep's folder"),
    ],
)
def test_gibbsweep_refuses(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert said in ends_with(words, capsys, study=False)


def test_missing_data_names_the_command_that_fetches_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIBBSWEEP_DATA", str(tmp_path / "empty"))
    said = ends_with(["--data", "mnist", "--runs", str(tmp_path / "runs")], capsys, study=True)
    assert "gibbsweep data fetch mnist" in said
    assert "mnist5k" in said


def test_a_corrupt_data_file_is_named_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "data" / "mine" / "train.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1 and then nothing that Parquet knows")
    words = ["--data", "mine", "--data-root", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    assert "train.parquet" in ends_with(words, capsys, study=True)
    assert file.read_bytes() == b"PAR1 and then nothing that Parquet knows"


def test_an_unwritable_run_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    assert "cannot be written" in ends_with(["--runs", str(tmp_path / "runs")], capsys, study=True)
    assert (tmp_path / "runs").read_text() == "a file where the folder should be"


def test_a_tampered_checkpoint_stops_a_single_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = ["train", "tests/tiny.py:rbm", "--budget", "smoke", "--no-ray", "--name", "one", "--runs", str(tmp_path)]
    main(words)
    assert "completed at update 10" in capsys.readouterr().out
    run_dir = tmp_path / "train-tiny" / "trials" / "one"
    (run_dir / "outcome.json").unlink()
    (tensors,) = (run_dir / "checkpoint").glob("*.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-1])
    spool = (run_dir / "metrics.jsonl").read_bytes()
    assert "cut short or altered" in ends_with(words, capsys, study=False)
    assert (run_dir / "metrics.jsonl").read_bytes() == spool


def test_more_gpus_than_the_cluster_has(ray_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load("digits")
    said = ends_with(["--gpus-per-trial", "3", "--budget", "smoke", "--runs", str(tmp_path)], capsys, study=True)
    assert "asks for 3 GPUs and the cluster has 0" in said
    said = ends_with(["--workers-per-trial", "9", "--budget", "smoke", "--runs", str(tmp_path)], capsys, study=True)
    assert "asks for 9 CPUs and the cluster has 2" in said


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_of_a_group_lists_its_commands(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["data", word])
    text = capsys.readouterr().out
    assert (
        all(command in text for command in ("data list", "data fetch", "data info")) and "gibbsweep train" not in text
    )


def test_help_says_what_an_option_is_that_was_not_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_study(STUDY, ["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert stopped.value.code == 0
    assert "--trials INT" in text and "(default: the study's)" in text
    assert "None" not in text and "--no-verbose" not in text


def test_help_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    text = capsys.readouterr().out
    for command in ("data list", "data fetch", "data info", "train", "track sync"):
        assert f"gibbsweep {command}" in text


def test_single_runs_need_no_ray_optuna_or_mlflow(tmp_path: Path) -> None:
    """The path for a GPU box that has PyTorch alone: the three packages are made impossible to import."""
    script = (
        "import sys\n"
        "for name in ('ray', 'optuna', 'mlflow', 'matplotlib', 'sklearn.decomposition'): sys.modules[name] = None\n"
        "from gibbsweep.cli import main\n"
        f"main(['train', 'tests/tiny.py:rbm', '--budget', 'smoke', '--no-ray', '--runs', {str(tmp_path)!r}])\n"
    )
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "completed at update 10" in done.stdout
