"""``gibbsweep train``: alone, under Ray with two workers, and into MLflow afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from gibbsweep.cli import main
from gibbsweep.track import sweep_runs
from gibbsweep.train import Outcome

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
