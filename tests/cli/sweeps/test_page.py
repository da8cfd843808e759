"""The page on sweeps: its commands parse, and the comparison that it shows is the one that is printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gibbsweep.cli import main
from gibbsweep.cli.main import COMMANDS
from gibbsweep.cli.shell.parse import parse
from gibbsweep.tune.options.options import SweepOptions, check_options

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "how-to" / "sweeps.md").read_text()
LINES = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]


@pytest.mark.parametrize("line", dict.fromkeys(LINES))
def test_commands_parse(line: str) -> None:
    program, *words = shlex.split(line)
    if program == "python":
        assert (ROOT / words[0]).is_file()
        check_options(parse(SweepOptions, words[1:], prog="x", description=""))
    else:
        assert program == "gibbsweep"
        parse(COMMANDS[words[0]][0], words[1:], prog="x", description="")


def test_the_comparison_is_what_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    main(shlex.split(next(line for line in LINES if "compare analysis" in line))[1:])
    shown = re.findall(r"^```text\n(log p.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)[0]
    assert capsys.readouterr().out.startswith(shown)
