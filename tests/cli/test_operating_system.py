"""Native Windows is refused in a sentence, before the modules that it lacks are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gibbsweep.cli.shell.operating_system import refuse_windows

WINDOWS = """
import sys
import gibbsweep.study  # the first import of a study's script
sys.modules["fcntl"] = sys.modules["resource"] = None  # as on Windows, where both cannot be imported
sys.platform = "win32"
import gibbsweep.cli
"""


def test_windows_is_refused_where_a_study_imports_the_command_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WINDOWS],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: Gibbsweep does not run on native Windows")
    assert "WSL" in ended.stderr and len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_linux_and_macos_are_not(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    refuse_windows()
