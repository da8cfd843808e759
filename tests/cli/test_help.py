"""The help of a study says what it compares and costs, and has every option once, in a group."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_script_options import Options
from tests.cli.test_script_options import build as build_with_options
from tests.scripts import ROOT, module_of
from tests.tiny import STUDY

from gibbsweep.cli import run_study, run_study_of
from gibbsweep.cli.main import COMMANDS
from gibbsweep.cli.shell.help import GROUPS, option_helps, study_help
from gibbsweep.tune.options.options import SweepOptions


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_every_option_is_in_a_group_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_study(STUDY, ["--help"])
    assert ended.value.code == 0
    text = shown(capsys)
    options = [name.split()[0] for name, _ in option_helps(SweepOptions)]
    assert len(options) > 30
    assert {option: len(re.findall(rf"^  {option}\b(?!-)", text, re.MULTILINE)) for option in options} == dict.fromkeys(
        options, 1
    )
    for title in (*GROUPS, "contenders", "budgets, on digits"):
        assert re.search(rf"^{title}$", text, re.MULTILINE), title
    for name in STUDY.contenders:
        assert re.search(rf"^  {name} ", text, re.MULTILINE), name
    assert "20,000 updates a training" in text and "energy, 2 rows (k)" in text


def test_options_of_the_script_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_study_of(build_with_options, Options, ["-h"])
    text = shown(capsys)
    assert "Is easy work?" in text
    assert text.index("--task STR") < text.index("--contenders NAME ...")


def test_a_budget_that_was_measured_has_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    script = ROOT / "sweeps" / "cd_k.py"
    monkeypatch.setattr(sys, "argv", [str(script)])
    study = module_of(script).STUDY
    text = study_help(study, SweepOptions, None, prog="sweeps/cd_k.py", width=200)
    (line,) = (line for line in text.splitlines() if line.startswith("  laptop "))
    assert re.search(r"300 to 1,000 updates a training; it took [\d.]+ to [\d.]+ s, and the sweep \d+ s, on CPU", line)


def test_a_table_of_another_version_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "s" / "results").mkdir(parents=True)
    for text in ("{", "[]", '{"rows": [{}]}'):
        (tmp_path / "runs" / "s" / "results" / "tiny.json").write_text(text)
        assert "it took" not in study_help(STUDY, SweepOptions, None, prog="x.py", width=80)


def test_help_of_commands_loads_no_pytorch() -> None:
    """It takes seconds, and a person who asks for help waits for nothing."""
    program = (
        "import sys\n"
        "from gibbsweep.cli.main import COMMANDS, main\n"
        "for name in COMMANDS:\n"
        "    try:\n"
        "        main([*name.split(), '--help'])\n"
        "    except SystemExit as end:\n"
        "        assert not end.code\n"
        "main(['--help'])\n"
        "assert not {'torch', 'ray', 'optuna', 'mlflow', 'pandas'} & sys.modules.keys(), sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: gibbsweep ") == len(COMMANDS)
