"""``gibbsweep new``: the study that it writes runs, as a script and for one contender."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gibbsweep.cli import main
from gibbsweep.cli.model.single import load_target
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep


def made(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    main(["new", name])
    return folder / f"{name}.py"


def test_the_script_is_short_and_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = made(tmp_path, "my_energy", monkeypatch)
    text = script.read_text()
    assert "starter" not in text and 'name="my_energy"' in text and "python my_energy.py" in text
    code = [line for line in text.splitlines() if line.strip() and not line.startswith(("from", "import"))]
    assert len(code) <= 50
    study, contender = load_target(f"{script}:mine")
    assert (study.name, contender, set(study.contenders)) == ("my_energy", "mine", {"mine", "vae"})


@pytest.mark.usefixtures("ray_of_one_cpu")
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = made(tmp_path, "my_energy", monkeypatch)
    study, _ = load_target(f"{script}:mine")
    from gibbsweep.tune.on_ray import cluster

    cluster.send_by_value(sys.modules[type(study.contenders["mine"].config).__module__])
    options = SweepOptions(runs=tmp_path / "runs", name="s", budget="smoke", trials=1, seeds=1, data="digits")
    results = run_sweep(study, options, console=Console(file=io.StringIO()), command="")
    assert [row.contender for row in results.rows] == ["mine", "vae"]
    assert all(row.outcomes["failed"] == 0 and row.outcomes["completed"] for row in results.rows)
    assert (tmp_path / "runs" / "s" / "results" / "my_energy_digits_samples.png").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my-energy", "no name of a Python file that can be imported"),
        ("class", "no name of a Python file that can be imported"),
        ("torch", "would hide the Python module torch"),
    ],
)
def test_names_that_no_script_can_have(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        made(tmp_path, name, monkeypatch)
    assert ended.value.code == 2 and message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_script_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = made(tmp_path, "mine", monkeypatch)
    script.write_text("mine\n")
    with pytest.raises(SystemExit):
        main(["new", "mine"])
    assert "exists: choose another name" in capsys.readouterr().err
    assert script.read_text() == "mine\n"
