"""A whole sweep of the tiny study in this process."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from tests.tiny import STUDY

from gibbsweep.study import Results
from gibbsweep.study.study import Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.sweep import run_sweep


def sweep(runs: Path, study: Study = STUDY, **options: object) -> tuple[Results, str]:
    text = io.StringIO()
    options = {"name": "s", "budget": "smoke", **options}
    console = Console(file=text, width=120)
    results = run_sweep(study, SweepOptions(runs=runs, **options), console=console, command="python x.py")  # type: ignore[arg-type]
    return results, text.getvalue()
