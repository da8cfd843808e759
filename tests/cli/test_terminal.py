"""The output of the programs on terminals that are not UTF-8, and after its reader has gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gibbsweep.cli.shell.terminal import LastingOutput

ROOT = Path(__file__).resolve().parents[2]
GIBBSWEEP = [sys.executable, "-c", "from gibbsweep.cli.main import main; main()"]
SEVERAL = "from gibbsweep.cli.main import main\nfor words in {}: main(words)"


def environment(**more: str) -> dict[str, str]:
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    return {**os.environ, "PYTHONPATH": paths, **more}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_signs_that_an_encoding_lacks_are_replaced(encoding: str) -> None:
    script = SEVERAL.format([["--help"], ["data", "list"], ["data", "info", "digits"]])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"data info" in done.stdout and b"fashion_mnist" in done.stdout and b"licence" in done.stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen(
        [*GIBBSWEEP, "data", "list"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_standard_error_may_be_the_same_pipe(tmp_path: Path) -> None:
    """``2>&1 | head -1``: libraries write to standard error while a sweep runs."""
    script = f"""
import sys, time
from pathlib import Path
from gibbsweep.cli.shell.terminal import lasting_output
with lasting_output():
    print("first", flush=True)
    time.sleep(1)
    for stream in (sys.stdout, sys.stderr) * 3:
        print("not heard", file=stream, flush=True)
    Path({str(tmp_path / "done")!r}).touch()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"first\n"
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert (tmp_path / "done").exists()


def test_what_nobody_reads_is_dropped() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", buffering=1) as stream:
        output = LastingOutput(stream)
        output.write("heard\n")
        assert os.read(reader, 100) == b"heard\n"
        os.close(reader)
        for _ in range(3):
            print("not heard", file=output, flush=True)
    print("closed", file=output, flush=True)
