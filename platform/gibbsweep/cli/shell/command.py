"""The command that a person typed, in a form that can be typed again."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def study_command(words: Sequence[str] | None, call: str) -> str:
    """The command that runs this study again, to which words can be added: ``python sweeps/cd_k.py``. Where there is no
    script, or its own words were not used (``words`` were given), it is the Python ``call``: ``run_study(STUDY, [])``,
    as in a notebook."""
    main = sys.modules["__main__"]
    script, spec = getattr(main, "__file__", None), getattr(main, "__spec__", None)
    if words is not None or script is None:
        return call
    if spec is not None:  # python -m package.study
        return shlex.join([interpreter(), "-m", spec.name.removesuffix(".__main__")])
    return shlex.join([interpreter(), sys.argv[0]])


def interpreter() -> str:
    """What to type for the Python of this process: ``python`` where the shell finds the same one, else its path."""
    for name in ("python", "python3"):
        path = shutil.which(name)
        # Not resolved: the python of a virtual environment is a link to another one.
        if path is not None and os.path.abspath(path) == os.path.abspath(sys.executable):
            return name
    here = Path.cwd()
    executable = Path(sys.executable)
    return str(executable.relative_to(here)) if executable.is_relative_to(here) else str(executable)


def ui_command(runs: Path) -> str:
    """The command that shows the sweeps in the folder ``runs``."""
    return shlex.join(["gibbsweep", "ui", *([] if runs == Path("runs") else [str(runs)])])
