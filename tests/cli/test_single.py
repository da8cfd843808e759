"""``gibbsweep train``: alone, under Ray with two workers, and into MLflow afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gibbsweep.cli import main
from gibbsweep.cli.model import single
from gibbsweep.folder import RunFolder
from gibbsweep.track import sweep_runs
from gibbsweep.train import Outcome
from gibbsweep.train.out_of_memory import OutOfMemory

ROOT = Path(__file__).resolve().parents[2]


def test_runs_made_without_ray_are_sent_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    common = ["--budget", "smoke", "--no-ray", "--runs", str(tmp_path)]
    main(["train", "tests/tiny.py:rbm", "--name", "one", "--set", "k=2", *common, "--set", "learning_rate=0.05"])
    main(["train", "tests/tiny.py:rbm", "--name", "two", *common])
    main(["track", "sync", str(tmp_path / "train-tiny")])
    assert "2 runs" in capsys.readouterr().out
    runs = sweep_runs(f"sqlite:///{tmp_path}/mlflow.db", "train-tiny").set_index("trial")
    assert runs.loc["one", "params.k"] == 2
    assert runs.loc["two", "params.k"] == 1
    assert list(runs.outcome) == ["completed", "completed"]


def test_retries_are_an_option_of_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contender whose loss is NaN from the sixth update that it makes on: from a checkpoint of five, ten are
    enough."""
    monkeypatch.chdir(ROOT)
    words = ["train", "tests/tiny.py:breaking", "--budget", "smoke", "--no-ray", "--runs", str(tmp_path)]
    main([*words, "--name", "again", "--retries", "1"])
    outcome = Outcome.read(tmp_path / "train-tiny" / "trials" / "again")
    assert outcome is not None
    assert (outcome.kind, outcome.step, outcome.metrics["stability"]) == ("completed", 10, 0.5)
    text = capsys.readouterr().out
    assert "restart 1 of 1: diverged at update 5 in phase" in text
    assert "it goes on from the checkpoint of update 5 with learning_rate=" in text
    assert "completed after 1 restart at update 10" in text
    main([*words, "--name", "once"])
    assert "diverged at update 5" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*words, "--name", "never", "--retries", "-1"])


def test_two_workers(
    tmp_path: Path, ray_session: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = [
        "train",
        "tests/tiny.py:rbm",
        "--budget",
        "smoke",
        "--runs",
        str(tmp_path),
        "--name",
        "pair",
        "--workers",
        "2",
    ]
    main(words)
    assert "completed at update 10" in capsys.readouterr().out
    outcome = Outcome.read(tmp_path / "train-tiny" / "trials" / "pair")
    assert outcome is not None
    assert "test/log_likelihood" in outcome.metrics
    main(words)
    assert "completed at update 10" in capsys.readouterr().out, "a finished run is not trained again"


def _train(target: str, *words: str, runs: Path) -> None:
    main(["train", target, "--budget", "smoke", "--no-ray", "--runs", str(runs), "--name", "one", *words])


@pytest.mark.parametrize(
    ("target", "words", "named"),
    [
        ("tests/tiny.py:breaking", (), "contender: rbm -> breaking"),
        ("tests/tiny.py:rbm", ("--seed", "1"), "seed: 0 -> 1"),
        ("tests/tiny.py:rbm", ("--set", "n_hidden=7"), "n_hidden: 6 -> 7"),
        ("tests/tiny.py:rbm", ("--budget", "laptop"), "budget.updates: 10 -> "),
        ("tests/tiny.py:rbm", ("--retries", "2"), "budget.retries: 0 -> 2"),
        ("tests/tiny.py:rbm", ("--data", "digits[0,1]"), "data.name: "),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_name_is_of_one_run(
    target: str,
    words: tuple[str, ...],
    named: str,
    finished: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another run of the same name is refused, finished or not, before anything is written."""
    monkeypatch.chdir(ROOT)
    _train("tests/tiny.py:rbm", runs=tmp_path)
    folder = RunFolder(tmp_path / "train-tiny" / "trials" / "one")
    if not finished:
        folder.outcome.unlink()
    before = _contents(folder.path)
    with pytest.raises(SystemExit) as ended:
        _train(target, *words, runs=tmp_path)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err.replace("\n", " ")
    assert _contents(folder.path) == before
    _train("tests/tiny.py:rbm", runs=tmp_path)
    assert "completed at update 10" in capsys.readouterr().out


def test_runs_of_one_second_have_folders_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    clock = SimpleNamespace(strftime=lambda form: "20261130-212545", time=lambda: 0.0)
    monkeypatch.setattr(single, "time", clock)
    words = ["train", "tests/tiny.py:mean", "--budget", "smoke", "--no-ray", "--runs", str(tmp_path)]
    for seed in (1, 2, 3):
        main([*words, "--seed", str(seed)])
    trials = tmp_path / "train-tiny" / "trials"
    names = [f"mean-20261130-212545{end}" for end in ("", "-2", "-3")]
    assert sorted(folder.name for folder in trials.iterdir()) == names
    seeds = [json.loads(RunFolder(trials / name).config.read_text())["seed"] for name in names]
    assert seeds == [1, 2, 3]
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith(str(trials))] == [
        str(trials / name) for name in names
    ]


def test_workers_without_memory_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ray's memory monitor ends them; the checkpoint stays."""
    monkeypatch.chdir(ROOT)

    def fit(*_: object, **__: object) -> Outcome:
        raise OutOfMemory("host", "1 worker(s) were killed due to the node running low on memory")

    monkeypatch.setattr("gibbsweep.tune.on_ray.trial.fit", fit)
    with pytest.raises(SystemExit) as ended:
        main(["train", "tests/tiny.py:rbm", "--budget", "smoke", "--runs", str(tmp_path), "--name", "one"])
    assert ended.value.code == 2
    text = capsys.readouterr().err.replace("\n", " ")
    assert "ran out of host memory (1 worker(s)" in text and "--name one" in text and "Traceback" not in text


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["a/b", 'it\'s "a" $x', "[bold]x", ".hidden", "-x"])
def test_a_run_has_a_folder_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ["train", "tests/tiny.py:rbm", "--budget", "smoke", "--no-ray", "--runs", str(tmp_path), f"--name={name}"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert not list(tmp_path.iterdir())


_STUDY = """
from dataclasses import dataclass

from gibbsweep.cli import run_study
from gibbsweep.evaluate import LogLikelihood
from gibbsweep.study import Contender, Goal, Study
from gibbsweep.train import Budget
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from beside import HIDDEN


@dataclass(frozen=True)
class MyConfig(RBMConfig):
    def build(self, spec):
        from imported_late import SEEN
        assert SEEN == HIDDEN
        return RBMSystem(self, spec)


CONFIG = MyConfig(n_hidden=HIDDEN, sample_steps=2, annealing_chains=2, equilibration=2)
STUDY = Study(
    name="mine",
    question="Does it import?",
    data="digits",
    contenders={"rbm": Contender(CONFIG, kind="energy")},
    budgets={"smoke": Budget(4, report_every=4)},
    evaluators=(LogLikelihood(),),
    final_evaluators=(LogLikelihood(),),
    columns={"test/log_likelihood": "log p"},
    goal=Goal("validation/log_likelihood", "maximize"),
)
"""


def _script(folder: Path, last: str) -> str:
    """A study script that imports modules beside it, whose ``last`` lines run it; its path."""
    (folder / "beside.py").write_text("HIDDEN = 3")
    (folder / "imported_late.py").write_text("SEEN = 3")
    (folder / "mine.py").write_text(f"{_STUDY}\n{last}")
    return str(folder / "mine.py")


@pytest.mark.cluster
def test_modules_beside_a_script_are_imported(tmp_path: Path) -> None:
    """By the process itself and by Ray's workers, from any working folder."""
    script = _script(tmp_path, 'if __name__ == "__main__":\n    run_study(STUDY)')
    (tmp_path / "elsewhere").mkdir()
    for name, words in (("alone", ("--no-ray",)), ("pair", ("--workers", "2"))):
        command = [sys.executable, "-P", "-c", "from gibbsweep.cli import main; main()", "train", f"{script}:rbm"]
        ended = subprocess.run(
            [*command, "--budget", "smoke", "--name", name, *words],
            cwd=tmp_path / "elsewhere",
            env={**os.environ, "RAY_ADDRESS": "local"},  # not the cluster of other tests, which may have one CPU
            capture_output=True,
            text=True,
            check=False,
        )
        assert "completed at update 4" in ended.stdout, ended.stderr


def test_a_script_that_runs_when_imported_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["train", f"{_script(tmp_path, 'run_study(STUDY)')}:rbm", "--runs", str(tmp_path / "runs")])
    assert ended.value.code == 2
    assert 'if __name__ == "__main__"' in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
