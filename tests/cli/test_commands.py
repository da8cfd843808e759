"""Every command that a sweep prints can be pasted: its words, read by a shell, parse to the options that were given.
Names, paths and questions are shown as they are."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.tiny import study

from gibbsweep.cli import main
from gibbsweep.cli.shell.command import interpreter, study_command, ui_command
from gibbsweep.cli.shell.parse import parse
from gibbsweep.cli.sweeps.status import StatusOptions, StopOptions
from gibbsweep.cli.sweeps.track import SyncOptions
from gibbsweep.cli.sweeps.ui import UiOptions
from gibbsweep.errors import UserError
from gibbsweep.tune.folder.driver import Driver, add_words, look_command, only_driver, resume_command, stop_command
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions, check_options, unrecorded_words
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.sweep import sync_command

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["s", "a b", 'it\'s "a" $x', "[bold]x[red]", "$(touch hacked)"]


def words_in_shell(command: str, cwd: Path) -> list[str]:
    """The words that a shell makes of ``command``, behind its program."""
    program = f"{shlex.quote(sys.executable)} -c 'import json, sys; print(json.dumps(sys.argv[1:]))'"
    first, _, rest = command.partition(" ")
    assert first in ("python", "gibbsweep")
    done = subprocess.run(
        ["sh", "-c", f"{program} {rest}"], capture_output=True, text=True, check=True, cwd=cwd, timeout=60
    )
    words: list[str] = json.loads(done.stdout)
    return words


@pytest.mark.parametrize("name", NAMES)
def test_the_command_to_continue_repeats_what_is_not_on_record(name: str, tmp_path: Path) -> None:
    options = SweepOptions(
        name=name,
        trials=3,
        runs=tmp_path / "exp [v2]",
        data_root=Path("/srv/my data"),
        tracking_uri="http://host:5000/a b",
        address="local",
        cpus=2,
        gpus_per_trial=0.5,
        workers_per_trial=2,
        results=Path("re sults"),
        publish=True,
        disk="20GB",
        niceness=3,
        wait_for_nodes=True,
    )
    sweep = SweepDir(options.runs / name)
    script, *words = words_in_shell(resume_command("python 'my study.py'", sweep, unrecorded_words(options)), tmp_path)
    assert script == "my study.py"
    parsed = parse(SweepOptions, words, prog="x", description="")
    unrecorded = ("name", "resume", "trials")
    assert {k: v for k, v in vars(parsed).items() if k not in unrecorded} == {
        k: v for k, v in vars(options).items() if k not in unrecorded
    }
    assert (parsed.resume, parsed.trials) == (name, None)
    for command, kind in ((stop_command(sweep), StopOptions), (look_command(sweep), StatusOptions)):
        _, *words = words_in_shell(command, tmp_path)
        looked: Any = parse(kind, words, prog="x", description="")
        assert (looked.sweep, looked.runs) == (name, options.runs)
    _, *words = words_in_shell(sync_command(sweep, options), tmp_path)
    assert words[0] == "sync"
    sent = parse(SyncOptions, words[1:], prog="x", description="")
    assert (sent.sweep, sent.tracking_uri) == (sweep.path, options.tracking_uri)
    assert not (tmp_path / "hacked").exists()


def test_the_usual_sweep_has_a_short_command() -> None:
    assert resume_command("python x.py", SweepDir(Path("runs/s"))) == "python x.py --resume s"
    assert stop_command(SweepDir(Path("runs/s"))) == "gibbsweep stop s"


def test_no_password_is_printed() -> None:
    assert unrecorded_words(SweepOptions(tracking_uri="postgresql://u:secret@h/db")) == [
        "--tracking-uri",
        "postgresql://u:***@h/db",
    ]


def test_a_later_option_of_a_command_counts() -> None:
    """The advice of a full quota is added to a command that may have --disk already."""
    words = shlex.split(add_words("--disk 1GB", ["--disk", "2GB"]))
    assert parse(SweepOptions, words, prog="x", description="").disk == "2GB"


def test_a_notebook_is_told_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # as in a kernel: it has no file
    command = study_command(None, "run_study(STUDY, [])")
    text = resume_command(command, SweepDir(Path("runs/it's")), ["--cpus", "2"])
    assert text == 'run_study(STUDY, ["--resume", "it\'s", "--cpus", "2"])'
    calls: list[list[str]] = []
    eval(text, {"run_study": lambda study, words: calls.append(words), "STUDY": None})
    assert calls == [["--resume", "it's", "--cpus", "2"]]
    assert add_words(text, ["--disk", "1GB"]).endswith('"--cpus", "2", "--disk", "1GB"])')


def test_a_script_is_named_with_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "my study.py"
    script.write_text("from gibbsweep.cli.shell.command import study_command\nprint(study_command(None, ''))\n")
    done = subprocess.run(
        [sys.executable, script, "--x"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,  # in a folder above the interpreter the name is shorter
        env={**os.environ, "PATH": ""},
    )
    assert shlex.split(done.stdout) == [sys.executable, str(script)]
    again = subprocess.run(["sh", "-c", done.stdout], capture_output=True, text=True, check=True)
    assert again.stdout


def test_the_interpreter_is_python_only_where_the_shell_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert interpreter() in ("python", "python3")
    (tmp_path / "python").write_text("#!/bin/sh\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert interpreter() == sys.executable
    monkeypatch.chdir(Path(sys.executable).parents[1])
    assert interpreter() == f"bin/{Path(sys.executable).name}"  # shorter, and still a path: no search for a name


@pytest.mark.parametrize("name", ["r", "exp [v2]", 'it\'s "a" $x'])
def test_the_ui_gets_the_folder(name: str, tmp_path: Path) -> None:
    assert ui_command(Path("runs")) == "gibbsweep ui"
    words = words_in_shell(ui_command(tmp_path / name), tmp_path)
    assert words[0] == "ui"
    assert parse(UiOptions, words[1:], prog="gibbsweep ui", description="").runs == tmp_path / name


@pytest.mark.parametrize("name", ["r", "exp [v2]", 'it\'s "a" x'])
def test_make_ui_is_that_command(name: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gibbsweep").write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    (tmp_path / "bin" / "gibbsweep").chmod(0o755)
    (tmp_path / ".base").write_text("")
    done = subprocess.run(
        ["make", "-C", str(ROOT), "ui", f"RUNS={tmp_path / name}", f"VENV={tmp_path}", "-o", f"{tmp_path}/.base"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-2 if "Leaving" in done.stdout else -1] == str(tmp_path / name)


def test_from_another_folder_the_command_goes_back_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b").mkdir()
    monkeypatch.chdir(tmp_path / "a b")
    sweep = SweepDir(tmp_path / "runs" / "s")
    sweep.path.mkdir(parents=True)
    with only_driver(sweep, "pwd"):
        driver = Driver.read(sweep)
    assert driver is not None and driver.command_from_here == "pwd"
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(["sh", "-c", driver.command_from_here], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "a b")


def test_a_name_that_looks_like_an_option_is_refused() -> None:
    with pytest.raises(UserError, match="use letters"):
        check_options(SweepOptions(name="-x"))


def test_markup_is_shown_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tmp_path / "exp [v2]"
    options = SweepOptions(name="[bold]x[red]", runs=runs, budget="smoke", trials=2)
    asked = study(question="Is [/x] text?")
    sweep, settings = create(asked, options, has_gpu=False)
    write_outline(sweep, outline(Plan(asked, settings, sweep)))
    with only_driver(sweep, resume_command("python x.py", sweep)):
        pass
    main(["status", "[bold]x[red]", "--runs", str(runs)])
    shown = capsys.readouterr().out
    assert "[bold]x[red]  Is [/x] text?" in shown
    assert f"{runs}/[bold]x[red]" in shown
    assert f"--resume '[bold]x[red]' --runs '{runs}'" in shown
