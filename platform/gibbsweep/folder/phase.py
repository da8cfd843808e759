"""What a run's process does now, in words, for whoever looks at the sweep: the file is there only while it works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gibbsweep.folder.layout import RunFolder


def write_phase(run_dir: Path, words: str) -> None:
    """Say that the run in ``run_dir`` does ``words`` now. A disk that takes no more is no reason to end a run."""
    with contextlib.suppress(OSError):
        RunFolder(run_dir).phase.write_text(words)


def read_phase(run_dir: Path) -> str:
    """What the run in ``run_dir`` does now, in words; "" where nothing says so."""
    try:
        return RunFolder(run_dir).phase.read_text()
    except (OSError, ValueError):
        return ""


@contextlib.contextmanager
def phases(run_dir: Path, first: str) -> Iterator[None]:
    """A context that begins with the phase ``first`` and after which there is none."""
    write_phase(run_dir, first)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            RunFolder(run_dir).phase.unlink(missing_ok=True)
