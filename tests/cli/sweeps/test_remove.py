"""``gibbsweep rm`` asks first, and refuses what runs and what is no sweep or run."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path

import pytest
from tests.tune.plans import new_plan

from gibbsweep.cli import main
from gibbsweep.folder import only_process, write_json
from gibbsweep.tune.folder.driver import only_driver


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["rm", *words])
    assert ended.value.code == 2
    return capsys.readouterr().err.replace("\n", " ")


def single_run(runs: Path, name: str) -> Path:
    write_json(runs / "train-tiny" / "sweep.json", {"name": "train-tiny", "study": "tiny"})
    write_json(runs / "train-tiny" / "trials" / name / "config.json", {"budget": {"updates": 20}})
    return runs / "train-tiny" / "trials" / name


def test_it_asks_in_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = new_plan(tmp_path).sweep
    assert "say so with --yes" in refused(["s", "--runs", str(tmp_path)], capsys)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    asked = []
    for answer in ("n", "", "y"):
        monkeypatch.setattr(builtins, "input", lambda question, answer=answer: asked.append(question) or answer)
        if answer == "y":
            main(["rm", "s", "--runs", str(tmp_path)])
        else:
            with pytest.raises(SystemExit) as ended:
                main(["rm", "s", "--runs", str(tmp_path)])
            assert ended.value.code == 1
            assert sweep.record_path.exists()
            assert "nothing was removed" in capsys.readouterr().out
    assert not sweep.path.exists()
    assert asked[0].startswith(f"remove {sweep.path} (") and asked[0].endswith("? [y/N] ")


def test_what_runs_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = new_plan(tmp_path).sweep
    with only_driver(sweep, "python x.py"):
        assert "s is running: stop it first with: gibbsweep stop s" in refused([str(sweep.path), "--yes"], capsys)
    run = single_run(tmp_path, "one")
    with only_process(run):
        for name in (str(run), str(tmp_path / "train-tiny")):
            assert "train-tiny:one is running: end it first" in refused([name, "--yes"], capsys)
    assert sweep.record_path.exists() and run.exists()


def test_half_written_folders_and_single_runs_go(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "sweep.json").write_text("{")
    one, two = single_run(tmp_path, "one"), single_run(tmp_path, "two")
    main(["rm", "train-tiny:one", "--yes", "--runs", str(tmp_path)])
    assert two.exists() and not one.exists()
    for name in ("empty", "torn", "train-tiny"):
        main(["rm", name, "--yes", "--runs", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_sweep_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = new_plan(tmp_path).sweep
    (sweep.trials / "rbm-0000").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "of mine.txt").write_text("text")
    (tmp_path / "link").symlink_to(sweep.path)
    before = sorted(tmp_path.rglob("*"))
    for name, sentence in (
        ("notes", "is neither a sweep nor a run"),
        ("nothing", "there is no sweep or run 'nothing'"),
        ("s:rbm-0000", "is a trial of sweep 's', whose table counts it"),
        ("s/trials/rbm-0000", "is a trial of sweep 's', whose table counts it"),
        ("link", "is a link: remove what it points to"),
        (".", "is neither a sweep nor a run"),
    ):
        assert sentence in refused([name, "--yes", "--runs", str(tmp_path)], capsys)
    assert sorted(tmp_path.rglob("*")) == before
